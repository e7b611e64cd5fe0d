"""A condition on an expression of a column, which the column's index cannot serve.

## What it finds

`lower(email) = $1`, `date(created_at) = $1`, `price * 2 > $1`: an index begins with the bare column, none holds the
expression, the table is large.

## Why it matters

An index holds the column's values, not those of the function: the server computes the function for every row.

## Example

    CREATE UNIQUE INDEX ON customers (email);
    SELECT * FROM customers WHERE lower(email) = $1;

## Instead

An index on the expression, `CREATE INDEX CONCURRENTLY ON customers (lower(email));`, or a condition on the bare column:
`created_at >= $1 AND created_at < $1 + interval '1 day'` instead of `date(created_at) = $1`.

## When it is wrong

When another condition already finds the few rows. Expressions of timestamptz that depend on the time zone cannot be
indexed (they are not immutable): rewrite the condition.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.catalog import Index, Table
from advisor.model.finding import Confidence, Finding, Rule
from advisor.model.plan import Access
from advisor.model.shape import Operand, Predicate
from advisor.model.workload import Query
from advisor.ports import Study
from advisor.rules import _load
from advisor.rules._tables import BTREE_OPERATORS, is_small, key_of, of_table, resolved, serves

RULE = Rule.of(__name__, "A function around an indexed column", ("postgresql",), ("catalog",))


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding a query and expression."""
    for query in study.workload.queries:
        told: set[str] = set()
        for block in query.shape.blocks:
            for name in block.tables:
                table = resolved(study.catalog, name)
                if table is None or is_small(table) or _read_by_index(query, table, study):
                    continue
                for _, predicates in of_table(block, name):
                    for predicate, index in _hidden(table, predicates):
                        if predicate.expression not in told:
                            told.add(predicate.expression)
                            yield _finding(study, query, table, predicate, index)


def _hidden(table: Table, predicates: list[Predicate]) -> Iterator[tuple[Predicate, Index]]:
    """Conditions on an expression beside an index that begins with its bare column."""
    common = [predicate for predicate in predicates if not predicate.branch]
    if any(serves(index, [p for p in common if p.operand is not Operand.COLUMN]) for index in table.indexes):
        return
    for predicate in common:
        if not predicate.expression or predicate.operator not in BTREE_OPERATORS or len(predicate.columns) != 1:
            continue
        if "$" in predicate.expression or "->" in predicate.expression or is_cast(predicate.expression):
            continue
        for index in sorted(table.indexes, key=lambda index: index.name):
            if index.valid and index.method == "btree" and key_of(index.columns[0]) == predicate.columns[0]:
                yield predicate, index
                break


def is_cast(expression: str) -> bool:
    """Whether the expression is a bare cast, which the rule `implicit-cast` tells about."""
    return expression.startswith("CAST(") and expression.endswith(")") and expression.count("(") == 1


def _read_by_index(query: Query, table: Table, study: Study) -> bool:
    if query.plan is None:
        return False
    access = [n.access for n in query.plan.scans() if resolved(study.catalog, n.table) is table]
    return bool(access) and Access.SEQUENTIAL not in access


def _finding(study: Study, query: Query, table: Table, predicate: Predicate, index: Index) -> Finding:
    return Finding(
        rule=RULE.name,
        severity=_load.severity(study, query.stats.total_ms),
        confidence=Confidence.HIGH if query.plan is not None else Confidence.MEDIUM,
        message=(
            f"{table.name.name} is searched by {predicate.expression}; {index.name} holds {predicate.columns[0]} "
            f"itself and cannot be used."
        ),
        tables=(table.name,),
        shapes=(query.shape.fingerprint,),
        count=query.stats.calls,
        index=index.name,
        evidence={
            "condition": predicate.sql,
            "expression": predicate.expression,
            "index": index.name,
            **_load.evidence(study, [query]),
        },
        location=query.call_sites[0] if query.call_sites else None,
    )
