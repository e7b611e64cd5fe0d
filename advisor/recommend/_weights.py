"""From the planner's cost units to milliseconds, and what a write pays for one more index.

Write costs rest on measurements on PostgreSQL 15 (750,000 rows, full page writes off): an INSERT writes 188 bytes of
WAL, plus 68 for a bigint index, 65 for a growing timestamp, 117 for random text; an UPDATE that stays HOT writes
108 bytes, and once an index holds an assigned column every index of the table gets a new entry.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from advisor.model.catalog import Catalog, Index, Table
from advisor.model.workload import Query

SPREAD = 10.0
"""How far a query's own ratio of time to cost may lie from the database's median before it is distrusted."""

INSERT_BYTES, UPDATE_BYTES = 188.0, 108.0
ENTRY_BYTES, SCATTERED_BYTES = 60.0, 24.0
"""WAL of one index entry besides its key, and more when new keys land all over the index."""

WRITE_MS = 0.5
"""Upper bound of the time that writing one row can take: the rest of an UPDATE's time is finding it, or waiting."""
UNKNOWN_WRITE_MS = 0.05
"""Time to write one row where no timing was observed."""


@dataclass(frozen=True)
class Calibration:
    """Milliseconds per planner cost unit: the database's median, and each query's own within :data:`SPREAD` of it.

    ``median`` is ``None`` when no time was observed; costs then count as they are.
    """

    median: float | None
    ratios: Mapping[str, float]

    @classmethod
    def of(cls, queries: Sequence[Query], base: Mapping[str, float], spread: float = SPREAD) -> Calibration:
        """Calibrate on what was observed: mean time over planned cost of every query that has both.

        ``spread``: how far from the median a ratio may lie; infinite where costs rest on assumed sizes.
        """
        observed = {
            query.shape.fingerprint: query.stats.mean_ms / base[query.shape.fingerprint]
            for query in queries
            if query.stats.mean_ms > 0 and 0 < base.get(query.shape.fingerprint, 0) < float("inf")
        }
        if not observed:
            return cls(None, {})
        median = statistics.median(sorted(observed.values()))
        clipped = {key: min(max(ratio, median / spread), median * spread) for key, ratio in observed.items()}
        return cls(median, clipped)

    def ratio(self, fingerprint: str) -> float:
        """Milliseconds per cost unit of one query; 1 when nothing was timed."""
        return self.ratios.get(fingerprint, self.median or 1.0)


def entry_bytes(index: Index, table: Table) -> float:
    """WAL that one new entry of ``index`` writes, in bytes."""
    width = 0.0
    scattered = False
    for name in [*index.keys, *index.include]:
        column = table.by_column.get(name)
        stats = column.stats if column else None
        width += stats.average_width if stats and stats.average_width else 8
    lead = table.by_column.get(index.keys[0])
    if lead is None or lead.stats is None or abs(lead.stats.correlation or 0.0) < 0.5:
        scattered = True
    return ENTRY_BYTES + width + (SCATTERED_BYTES if scattered else 0.0)


def touched_columns(index: Index, table: Table) -> frozenset[str]:
    """Columns whose change writes a new entry: keys, INCLUDE, and whatever an expression or predicate mentions."""
    loose = " ".join([*(column.expression for column in index.columns), index.predicate])
    mentioned = {column.name for column in table.columns if column.name in loose} if loose.strip() else set()
    return frozenset({*(column.name for column in index.columns if column.name), *index.include, *mentioned})


def upkeep_ms(query: Query, index: Index, catalog: Catalog) -> float:
    """Milliseconds that one execution of ``query`` pays more once ``index`` exists; 0 for reads and other tables."""
    if query.shape.written != index.table or (table := catalog.by_name.get(index.table)) is None:
        return 0.0
    rows = max((query.stats.rows or query.stats.calls) / max(query.stats.calls, 1), 1.0)
    row_ms = min(query.stats.mean_ms / rows, WRITE_MS) if query.stats.mean_ms else UNKNOWN_WRITE_MS
    present = [entry_bytes(existing, table) for existing in table.indexes if existing.valid]
    entry = entry_bytes(index, table)
    match query.shape.command:
        case "INSERT" | "MERGE" | "COPY":
            return rows * row_ms * entry / (INSERT_BYTES + sum(present))
        case "UPDATE":
            return rows * row_ms * _update_bytes(query, index, table, entry, sum(present)) / UPDATE_BYTES
        case _:
            return 0.0


def _update_bytes(query: Query, index: Index, table: Table, entry: float, present: float) -> float:
    hot = hot_share(query, table)
    if loses_hot(query, index, table):
        return entry + hot * present
    return (1.0 - hot) * entry


def loses_hot(query: Query, index: Index, table: Table) -> bool:
    """Whether ``query`` assigns a column that ``index`` holds (BRIN does not count from PostgreSQL 16 on)."""
    return index.method != "brin" and bool(touched_columns(index, table) & set(query.shape.assigned))


def hot_share(query: Query, table: Table) -> float:
    """The share of the table's updates that write no index: as counted, else by what existing indexes hold."""
    if any(loses_hot(query, existing, table) for existing in table.indexes):
        return 0.0
    usage = table.usage
    if usage.updates and usage.hot_updates is not None:
        return min(usage.hot_updates / usage.updates, 1.0)
    return 1.0
