"""Two indexes of the same definition.

## What it finds

Indexes of one table with the same method, keys, operator classes, collations, directions, predicate and INCLUDE
columns. Of the two, the one that backs nothing is named.

## Why it matters

Every write keeps up both, both take memory and disk, and one of them is never needed. As soon as one exists, an update
of its columns cannot be HOT.

## Example

    CREATE INDEX ix_payments_order_id ON payments (order_id);
    CREATE INDEX ix_payments_order ON payments (order_id);

## Instead

`DROP INDEX CONCURRENTLY ix_payments_order;`

## When it is wrong

Never as a definition. While an index is being rebuilt under a new name, both exist for a while on purpose. Indexes that
differ in collation, operator class, predicate or uniqueness are no duplicates and are not reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.catalog import Index, Table
from advisor.model.finding import Confidence, Finding, Rule, Severity
from advisor.ports import Study
from advisor.rules._indexes import comparable, facts, indexed_tables, is_bound

RULE = Rule.of(__name__, "Two indexes of the same definition", ("postgresql",), ("catalog",))

LARGE_BYTES = 64 * 1024**2


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding for each index that repeats another."""
    for table in indexed_tables(study.catalog):
        kept: list[Index] = []
        for index in sorted(table.indexes, key=_first_kept):
            twin = next((other for other in kept if _repeats(index, other)), None)
            if twin is None:
                kept.append(index)
            elif not is_bound(index):
                yield _finding(table, index, twin)


def _first_kept(index: Index) -> tuple[bool, bool, bool, int, str]:
    """Sort key: what is bound, unique, valid or used stays; of two equal ones the name decides."""
    return (not is_bound(index), not index.unique, not index.valid, -(index.scans or 0), index.name)


def _repeats(index: Index, other: Index) -> bool:
    """Whether ``other`` (which sorts first) is all that ``index`` is: it may be unique where ``index`` is not."""
    mine, theirs = comparable(index), comparable(other)
    same = mine.columns == theirs.columns and set(mine.include) == set(theirs.include)
    return same and other.valid and index.valid and theirs.covers(mine)


def _finding(table: Table, index: Index, twin: Index) -> Finding:
    large = (index.size_bytes or 0) >= LARGE_BYTES
    return Finding(
        rule=RULE.name,
        severity=Severity.MEDIUM if large else Severity.LOW,
        confidence=Confidence.HIGH,
        message=f"{index.name} repeats {twin.name}: both index {table.name.name} ({', '.join(index.keys)}).",
        tables=(table.name,),
        index=index.name,
        evidence={**facts(index), "repeats": twin.name},
    )
