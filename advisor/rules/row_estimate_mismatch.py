"""Plans made for a few rows that met many, or the other way round.

## What it finds

Executed plans (auto_explain with log_analyze, or pasted EXPLAIN ANALYZE) in which the lowest node that is wrong about
its rows is wrong by a factor of 100 and more, in a statement that takes its time.

## Why it matters

The planner takes nested loops for few rows and hashes for many. Off by a hundred, it takes the wrong one, and the
statement is slow though every index is there.

## Example

    Nested Loop  (rows=1) (actual rows=184000)
      ->  Index Scan on orders  (rows=1) (actual rows=46000)
            Index Cond: (country = $1 AND city = $2)

## Instead

ANALYZE first. For columns that depend on one another: `CREATE STATISTICS s (dependencies, mcv) ON country, city FROM
orders; ANALYZE orders;` For skewed columns: `ALTER TABLE orders ALTER city SET STATISTICS 1000;` For expressions, an
index or statistics on the expression.

## When it is wrong

One execution with an unusual value is not the rule. Under a LIMIT a node ends early and returns fewer rows than it
was planned for; such nodes are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.finding import Confidence, Finding, Rule
from advisor.model.plan import Plan, PlanNode
from advisor.model.workload import Query
from advisor.ports import Study
from advisor.rules import _load
from advisor.rules._tables import resolved

RULE = Rule.of(__name__, "Plans made for another number of rows", ("postgresql",), ("plans",))

FACTOR = 100.0
"""Off by this factor, the choice of join is usually wrong; pganalyze's mis-estimate insight takes 100 as well."""
NOTEWORTHY_ROWS = 1_000.0
NOTEWORTHY_MS = 10.0
# Nodes that end their input early: what is below them returns less than planned for good reason.
_ENDS_EARLY = frozenset({"Limit", "Merge Join", "Unique"})


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding a query: the lowest node that is wrong is where the cause lies."""
    for query in study.workload.queries:
        plan = query.plan
        if plan is None or (plan.execution_ms or plan.root.actual_ms or 0.0) < NOTEWORTHY_MS:
            continue
        wrong = next(_lowest_wrong(plan.root, early=False), None)
        if wrong is not None:
            yield _finding(study, query, plan, wrong)


def _lowest_wrong(node: PlanNode, *, early: bool) -> Iterator[PlanNode]:
    below = (early or node.kind in _ENDS_EARLY) and node.kind not in ("Sort", "Hash", "Aggregate", "HashAggregate")
    for child in node.children:
        yield from _lowest_wrong(child, early=below)
    if node.actual_rows is None or node.loops == 0:
        return
    planned, met = max(node.rows, 1.0), max(node.actual_rows, 1.0)
    too_few = met / planned >= FACTOR and node.actual_rows * (node.loops or 1.0) >= NOTEWORTHY_ROWS
    too_many = planned / met >= FACTOR and planned >= NOTEWORTHY_ROWS and not early
    if too_few or too_many:
        yield node


def _finding(study: Study, query: Query, plan: Plan, node: PlanNode) -> Finding:
    table = resolved(study.catalog, node.table)
    name = table.name if table is not None else node.table
    met = node.actual_rows or 0.0
    condition = node.index_condition or node.filter or node.join_condition
    where = f" on {name.name}" if name is not None else ""
    return Finding(
        rule=RULE.name,
        severity=_load.severity(study, query.stats.total_ms),
        confidence=Confidence.MEDIUM,
        message=(
            f"{node.kind}{where} was planned for {_load.number(node.rows)} rows and met {_load.number(met)} a loop."
        ),
        tables=(name,) if name is not None else query.shape.tables,
        shapes=(query.shape.fingerprint,),
        count=query.stats.calls,
        evidence={
            "node": node.kind,
            "rows planned": round(node.rows),
            "rows met": round(met),
            **({"condition": condition} if condition else {}),
            "execution (ms)": round(plan.execution_ms or plan.root.actual_ms or 0.0, 3),
            **_load.evidence(study, [query]),
        },
    )
