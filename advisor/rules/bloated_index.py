"""An index that takes far more room than its entries need.

## What it finds

B-trees of at least twice the size that the same index would have newly built, and at least 32 MB larger. That size is
computed from the catalog: rows, column widths and repeated values (deduplication), pages filled to 90 percent.

## Why it matters

Half-empty pages take memory from the rest, make every scan and vacuum read more, and never shrink by themselves:
VACUUM gives back pages only when they are empty.

## Example

    ix_events_session_id | 1,412 MB | 310 MB when newly built

## Instead

`REINDEX INDEX CONCURRENTLY ix_events_session_id;` (PostgreSQL 12 and later; reads and writes go on). Then look for what
emptied the pages: mass deletes, updates of the indexed column, a VACUUM that old transactions hold up.

## When it is wrong

Random inserts leave pages about two thirds full, which is normal and below the threshold. The size is an estimate
(within a tenth for most types, a quarter for numeric), and rests on the table's last ANALYZE. Indexes on expressions,
partial ones and other access methods are not judged. An index brought over by pg_upgrade from before PostgreSQL 13 has
repeated values one by one: rebuilding it is what makes it small.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.catalog import Index, Table
from advisor.model.finding import Confidence, Finding, Rule, Severity
from advisor.model.index_size import size_on
from advisor.ports import Study
from advisor.rules._indexes import facts, indexed_tables

RULE = Rule.of(__name__, "An index that takes far more room than its entries need", ("postgresql",), ("catalog",))

TIMES = 2.0
"""Random inserts leave B-tree pages 69 % full (ln 2; Yao, "On random 2-3 trees", 1978), which is 1.3 times the size of
a new index at 90 %; the rest is the estimate's own error."""
WORTH_BYTES = 32 * 1024**2
LARGE_BYTES = 1024**3


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding a bloated index."""
    for table in indexed_tables(study.catalog):
        for index in sorted(table.indexes, key=lambda index: index.name):
            if not _judged(index, table):
                continue
            needed = size_on(index, table)
            actual = index.size_bytes or 0
            if needed and actual >= TIMES * needed and actual - needed >= WORTH_BYTES:
                yield _finding(index, table, needed)


def _judged(index: Index, table: Table) -> bool:
    """Whether its size can be computed: a B-tree of columns with statistics, over all rows."""
    names = [*(key.name for key in index.columns), *index.include]
    columns = [table.by_column.get(name) for name in names]
    known = table.rows > 0 and all(column is not None and column.stats is not None for column in columns)
    return index.valid and index.method == "btree" and not index.predicate and known


def _finding(index: Index, table: Table, needed: int) -> Finding:
    actual = index.size_bytes or 0
    return Finding(
        rule=RULE.name,
        severity=Severity.MEDIUM if actual - needed >= LARGE_BYTES else Severity.LOW,
        confidence=Confidence.MEDIUM,
        message=f"{index.name} on {table.name.name} is {actual / needed:.1f} times the size of a new one.",
        tables=(table.name,),
        index=index.name,
        evidence={
            **facts(index),
            "size when newly built (bytes, estimated)": needed,
            "rows in the table": round(table.rows),
        },
    )
