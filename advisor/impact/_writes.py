"""What an index costs each write from then on: WAL per insert and update, and updates that stop being heap-only."""

from __future__ import annotations

import re
from dataclasses import dataclass

from advisor.model.capture import Capture
from advisor.model.catalog import Index, Table
from advisor.model.impact import Estimate, Provenance
from advisor.model.index_size import entry_bytes
from advisor.model.workload import Workload

RECORD_OVERHEAD = 48
"""WAL bytes of one btree insertion beside the tuple. Measured: +68 B with a bigint key of 20 B, +65 B with a timestamp,
+117 B with 33 B of random text, full-page writes off; full-page images and page splits come on top."""
SPREAD = (0.9, 1.8)
"""The range round the figure: monotonic keys below it, random keys with page splits above it."""


@dataclass(frozen=True, slots=True)
class WriteRates:
    """Rows written to one table, per day, and where the figure comes from. ``None``: unknown."""

    inserts: float | None
    updates: float | None
    hot_share: float | None
    basis: str


def write_rates(table: Table, capture: Capture, workload: Workload) -> WriteRates:
    """The table's own counters since their reset, else the statements seen in the window."""
    usage, catalog = table.usage, capture.catalog
    since = catalog.stats_reset_at if catalog else None
    if since and capture.captured_at and usage.inserts is not None:
        days = max((capture.captured_at - since).total_seconds() / 86_400, 1 / 1440)
        hot = usage.hot_updates / usage.updates if usage.updates and usage.hot_updates is not None else None
        basis = f"the table's counters since {since:%Y-%m-%d %H:%M}"
        return WriteRates(usage.inserts / days, (usage.updates or 0) / days, hot, basis)
    inserts = updates = 0.0
    for query in workload.queries:
        if query.shape.written == table.name:
            rows = float(query.stats.rows or query.stats.calls)
            inserts += rows if query.shape.command == "INSERT" else 0.0
            updates += rows if query.shape.command == "UPDATE" else 0.0
    if not workload.queries:
        return WriteRates(None, None, None, "no write was observed")
    return WriteRates(workload.per_day(inserts), workload.per_day(updates), None, "the statements seen in the window")


def columns_read(index: Index, table: Table) -> frozenset[str]:
    """Every column of ``table`` on which the index depends: keys, INCLUDE, expressions and predicate."""
    named = {column.name for column in index.columns if column.name} | set(index.include)
    formulas = " ".join([index.predicate, *(column.expression for column in index.columns)])
    words = set(re.findall(r"\w+", re.sub(r"'(?:[^']|'')*'", "", formulas)))
    return frozenset(named | (words & table.by_column.keys()))


def updates_losing_hot(index: Index, table: Table, workload: Workload) -> tuple[tuple[str, ...], float]:
    """The columns that observed UPDATEs assign and the index reads, and how many such rows a day.

    An UPDATE stays heap-only (HOT) while no index reads a column that it changes (manual, "Heap-Only Tuples");
    afterwards it writes an entry into every index of the table, not only the new one.
    """
    read, seen, rows = columns_read(index, table), set[str](), 0.0
    for query in workload.queries:
        touched = read.intersection(query.shape.assigned)
        if touched and query.shape.written == table.name and query.shape.command == "UPDATE":
            seen |= touched
            rows += float(query.stats.rows or query.stats.calls)
    return tuple(sorted(seen)), workload.per_day(rows)


def insert_bytes(index: Index, table: Table) -> Estimate:
    """WAL bytes that one inserted row costs more."""
    entry = RECORD_OVERHEAD + entry_bytes(index, table)
    return Estimate(
        value=entry,
        unit="bytes/insert",
        low=round(entry * SPREAD[0]),
        high=round(entry * SPREAD[1]),
        basis="measured per row for like keys, scaled by this key's width",
    )


def write_cost(
    index: Index, table: Table, capture: Capture, workload: Workload
) -> tuple[tuple[tuple[str, Estimate], ...], str]:
    """The labelled figures of an added index, and one sentence on heap-only updates for the summary."""
    rates = write_rates(table, capture, workload)
    each = insert_bytes(index, table)
    figures = [("WAL per inserted row", each)]
    columns, losing = updates_losing_hot(index, table, workload)
    entries = len(table.indexes) + 1
    if rates.inserts is not None:
        figures.append(("WAL for inserts", _daily(each, rates.inserts, rates.basis)))
    if columns:
        high = (each.high or each.value) * entries
        per_update = Estimate(each.value * entries, "bytes/update", each.low, high, basis=each.basis)
        figures.append((f"WAL per update of {', '.join(columns)}", per_update))
        figures.append(("WAL for updates", _daily(per_update, losing, "the updates seen in the window")))
        hot = f" (now {rates.hot_share:.0%} of this table's updates are heap-only)" if rates.hot_share else ""
        return tuple(figures), (
            f"about {losing:,.0f} updates a day of {', '.join(columns)} stop being heap-only{hot}: "
            f"each then writes to all {entries} indexes"
        )
    return tuple(figures), "no update seen changes its columns, so heap-only updates stay"


def _daily(each: Estimate, rows_per_day: float, basis: str) -> Estimate:
    return Estimate(
        value=each.value * rows_per_day,
        unit="bytes/day",
        low=(each.low or each.value) * rows_per_day,
        high=(each.high or each.value) * rows_per_day,
        provenance=Provenance.ESTIMATED,
        basis=f"{rows_per_day:,.0f} rows a day by {basis}",
    )
