"""An index that has the query's columns in an order that makes it read too much.

## What it finds

A query with an equality on one column and a range on another, on a large table, where an index begins with the range
column (or with a column that the query does not ask for) and has the equality column later, and no index begins with
the equality column.

## Why it matters

A btree narrows the search by its leading columns. Behind a range the next columns only filter: all entries of the
range are read, for whatever value of the equality column (manual, 11.3).

## Example

    CREATE INDEX ON inventory_movements (moved_at, product_id);
    SELECT * FROM inventory_movements WHERE product_id = $1 AND moved_at >= $2;

## Instead

Equality first: `CREATE INDEX CONCURRENTLY ON inventory_movements (product_id, moved_at);` Keep the old one while other
queries ask for the range alone.

## When it is wrong

When the range is always narrow (the last minute), few entries are read either way. When the leading column has a
handful of values, PostgreSQL 18 can skip through them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from advisor.model.catalog import Index, Table
from advisor.model.finding import Confidence, Finding, Rule
from advisor.model.shape import Operand, Operator, Predicate
from advisor.model.workload import Query
from advisor.ports import Study
from advisor.rules import _load
from advisor.rules._tables import applies, is_small, key_of, of_table, resolved, selectivity, usable

RULE = Rule.of(__name__, "An index with its columns in the wrong order", ("postgresql",), ("catalog",))

SELECTIVE = 0.05
"""An equality that keeps more rows would not help much as the leading column."""


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding a query and index."""
    for query in study.workload.queries:
        told: set[str] = set()
        for block in query.shape.blocks:
            for name in block.tables:
                table = resolved(study.catalog, name)
                if table is None or is_small(table):
                    continue
                for _, predicates in of_table(block, name):
                    found = _misordered(table, [p for p in predicates if not p.branch])
                    if found is not None and found[0].name not in told:
                        told.add(found[0].name)
                        yield _finding(study, query, table, *found)


def _misordered(table: Table, predicates: Sequence[Predicate]) -> tuple[Index, Predicate] | None:
    """The index whose later column is the selective equality, with that equality."""
    equal = [p for p in predicates if p.operator in (Operator.EQUAL, Operator.IN) and (usable(p) or _joined(p))]
    wanted = {key_of(p): p for p in equal if selectivity(table, [p]) <= SELECTIVE}
    # Any index that begins with an equality already narrows the search.
    if not wanted or any(_begins_with(index, predicates, equal) for index in table.indexes):
        return None
    ranges = {key_of(p) for p in predicates if p.operator is Operator.RANGE}
    for index in sorted(table.indexes, key=lambda index: index.name):
        keys = [key_of(column) for column in index.columns]
        if index.method != "btree" or not index.valid or not applies(index, predicates) or keys[0] not in ranges:
            continue
        for key in keys[1:]:
            if key in wanted:
                return index, wanted[key]
    return None


def _joined(predicate: Predicate) -> bool:
    return predicate.operand is Operand.COLUMN


def _begins_with(index: Index, predicates: Sequence[Predicate], equal: Sequence[Predicate]) -> bool:
    leading = key_of(index.columns[0])
    return index.valid and applies(index, predicates) and any(key_of(p) == leading for p in equal)


def _finding(study: Study, query: Query, table: Table, index: Index, predicate: Predicate) -> Finding:
    planned = query.plan is not None and any(node.index == index.name for node in query.plan.scans())
    return Finding(
        rule=RULE.name,
        severity=_load.severity(study, query.stats.total_ms),
        confidence=Confidence.HIGH if planned else Confidence.MEDIUM,
        message=(
            f"{index.name} on {table.name.name} ({', '.join(index.keys)}) begins with the range and has "
            f"{predicate.key} = … behind it: every entry of the range is read for one {predicate.key}."
        ),
        tables=(table.name,),
        shapes=(query.shape.fingerprint,),
        count=query.stats.calls,
        index=index.name,
        evidence={
            "index": index.name,
            "columns": ", ".join(index.keys),
            "equality": predicate.key,
            "rows with one value, on average": round(table.rows * selectivity(table, [predicate])),
            **_load.evidence(study, [query]),
        },
        location=query.call_sites[0] if query.call_sites else None,
    )
