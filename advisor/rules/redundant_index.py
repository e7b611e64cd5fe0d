"""An index whose columns begin a longer one.

## What it finds

A btree index whose keys are the first keys of another valid index of the same table, in the same order, direction,
operator class and collation, with the same predicate.

## Why it matters

The longer index answers everything that the shorter one does. Every insert and most updates pay for both.

## Example

    CREATE INDEX ix_orders_customer_id ON orders (customer_id);
    CREATE INDEX ix_orders_customer_id_placed_at ON orders (customer_id, placed_at);

## Instead

`DROP INDEX CONCURRENTLY ix_orders_customer_id;` The recommendation asks the planner first what its queries would cost
without it.

## When it is wrong

When the longer index is much larger (a wide text column): scans of the short one read fewer pages, and B-tree
deduplication may keep the short one tiny. Indexes that back a constraint, are unique, or differ in predicate,
operator class or collation are not reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.catalog import Index, Table
from advisor.model.finding import Confidence, Finding, Rule, Severity
from advisor.ports import Study
from advisor.rules._indexes import comparable, facts, indexed_tables, is_bound

RULE = Rule.of(__name__, "An index whose columns begin a longer one", ("postgresql",), ("catalog",))

LARGE_BYTES = 64 * 1024**2
MUCH_LARGER = 4.0
"""Beyond this ratio of sizes the short index has a use of its own; it is reported with low confidence."""


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding for each index that a longer one covers."""
    for table in indexed_tables(study.catalog):
        for index in sorted(table.indexes, key=lambda index: index.name):
            if not index.valid or index.unique or is_bound(index):
                continue
            longer = [
                other
                for other in sorted(table.indexes, key=lambda other: (len(other.columns), other.name))
                if other.valid
                and len(other.columns) > len(index.columns)
                and comparable(other).covers(comparable(index))
            ]
            if longer:
                yield _finding(table, index, longer[0])


def _finding(table: Table, index: Index, longer: Index) -> Finding:
    ratio = longer.size_bytes / index.size_bytes if longer.size_bytes and index.size_bytes else 1.0
    large = (index.size_bytes or 0) >= LARGE_BYTES
    return Finding(
        rule=RULE.name,
        severity=Severity.MEDIUM if large else Severity.LOW,
        confidence=Confidence.LOW if ratio > MUCH_LARGER else Confidence.HIGH,
        message=(
            f"{index.name} ({', '.join(index.keys)}) is the beginning of {longer.name} ({', '.join(longer.keys)}) "
            f"on {table.name.name}, which serves its queries too."
        ),
        tables=(table.name,),
        index=index.name,
        evidence={**facts(index), "covered by": longer.name, "times as large": round(ratio, 1)},
    )
