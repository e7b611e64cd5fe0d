"""A whole table read for a few of its rows.

## What it finds

A plan that reads a table from its first page to its last and throws most rows away, by a filter or by the join above
it, when the table is not small. Plans come from EXPLAIN (estimates) or from auto_explain and pasted EXPLAIN ANALYZE
(counts).

## Why it matters

The work grows with the table instead of with the answer. It also fills the cache with pages that nobody needs.

## Example

    SELECT * FROM shipments WHERE tracking_number = $1;
    Seq Scan on shipments  (rows=1)
      Filter: (tracking_number = $1)
      Rows Removed by Filter: 1499999

## Instead

An index on the columns of the filter, or of the join: `CREATE INDEX CONCURRENTLY ON shipments (tracking_number);`
Where an index exists and is not used, see what keeps it from being used: a function around the column, another type,
statistics that are out of date.

## When it is wrong

A report that runs once a night may read everything. A scan that keeps more than a fifth of the rows is faster than
an index and is not reported; nor is one that a LIMIT ends early, nor a table under 1,000 rows or a dozen pages. A
generic plan estimates for an average value: with a rare one the same statement may be worth an index all the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.finding import Confidence, EvidenceValue, Finding, Rule
from advisor.model.workload import Query
from advisor.ports import Study
from advisor.rules import _load
from advisor.rules._scans import Scan, sequential_scans
from advisor.rules._tables import is_small, root_of

RULE = Rule.of(__name__, "A whole table read for a few of its rows", ("postgresql",), ("plans", "catalog"))

KEPT_FRACTION = 0.2
"""A scan that keeps more is the right plan: with the default cost settings the planner itself prefers it from 5 % to
20 % on, by the table's correlation (cost_index in costsize.c)."""
MANY_PARTITIONS = 1


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding a query and table; the partitions of a table count as one."""
    for query in study.workload.queries:
        if query.plan is None:
            continue
        by_table: dict[str, list[Scan]] = {}
        for scan in sequential_scans(query.plan, study.catalog):
            by_table.setdefault(str(root_of(study.catalog, scan.table).name), []).append(scan)
        for name in sorted(by_table):
            scans = [scan for scan in by_table[name] if _wasteful(scan)]
            if scans:
                yield _finding(study, query, scans)


def _wasteful(scan: Scan) -> bool:
    return not is_small(scan.table) and scan.fraction <= KEPT_FRACTION and not scan.stopped_early


def _finding(study: Study, query: Query, scans: list[Scan]) -> Finding:
    table = root_of(study.catalog, scans[0].table)
    read, kept = sum(scan.read for scan in scans), sum(scan.kept for scan in scans)
    share = min(sum(scan.share for scan in scans), 1.0)
    measured = all(scan.measured for scan in scans)
    first = scans[0]
    about = "" if measured else "an assumed " if table.assumed else "about "
    by = "the join above it uses" if first.joined else "it keeps"
    return Finding(
        rule=RULE.name,
        severity=_load.severity(study, query.stats.total_ms * share),
        confidence=Confidence.HIGH if measured else Confidence.MEDIUM,
        message=(
            f"Every call reads all of {table.name.name} ({about}{_load.number(read)} rows), of which {by} "
            f"{about}{_load.number(kept)}."
        ),
        tables=(table.name,),
        shapes=(query.shape.fingerprint,),
        count=query.stats.calls,
        evidence={
            "rows read a call": round(read),
            "rows kept a call": round(kept),
            **_conditions(first),
            **({"partitions read": len(scans)} if len(scans) > MANY_PARTITIONS else {}),
            "cost of the scan": round(sum(scan.node.total_cost for scan in scans), 1),
            "cost of the plan": round(query.plan.cost if query.plan else 0.0, 1),
            "rows": "counted" if measured else "assumed" if table.assumed else "estimated by the planner",
            **_load.evidence(study, [query]),
        },
        location=query.call_sites[0] if query.call_sites else None,
    )


def _conditions(scan: Scan) -> dict[str, EvidenceValue]:
    return {"filter": scan.node.filter} if scan.node.filter else {}
