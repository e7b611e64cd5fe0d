"""What a reviewer should mind before an index is added: overlaps, versions, sizes, and how far the figures carry."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.impact._writes import write_rates
from advisor.model.capture import Capture
from advisor.model.catalog import Table
from advisor.model.recommendation import AddIndex
from advisor.model.workload import Workload

SMALL_TABLE_BYTES = 10 * 2**20
"""Below this (or 1,000 rows) reading the whole table is usually the right plan."""
_ONE_JOB = (
    "Run it from one job, not from every replica at start: migration tools that queue behind a blocking advisory lock "
    "deadlock with a concurrent build."
)


def overlaps(action: AddIndex, table: Table) -> Iterator[str]:
    """Existing indexes that do some of the new one's work, or are in its way."""
    index = action.index
    for other in table.indexes:
        if other.name == index.name:
            yield f"{other.name}: an index of this name exists already; rename the new one"
        elif not other.valid:
            yield f"{other.name}: INVALID leftover of a failed build, written by every change and never read; drop it"
        elif other.covers(index):
            yield f"{other.name}: covers the new index already"
        elif index.covers(other) and not other.primary and not other.constraint:
            drop = (
                "superfluous once the new one is valid" if other.name in action.replaces else "a prefix of the new one"
            )
            yield f"{other.name}: {drop}"
        elif other.keys[:1] == index.keys[:1] and other.method == index.method:
            yield f"{other.name}: begins with the same column ({', '.join(other.keys)})"


def caveats(action: AddIndex, table: Table, capture: Capture, workload: Workload) -> Iterator[str]:
    """What to mind before building it: the server's version, the table's size, its writes, how to run it."""
    index, version = action.index, capture.server.version_number
    if 140000 <= version < 140004:
        yield (
            f"PostgreSQL {capture.server.version} can corrupt indexes built concurrently (fixed in 14.4): "
            "update the server first."
        )
    if table.rows and (table.rows < 1_000 or (table.size_bytes or 2**40) < SMALL_TABLE_BYTES):
        yield "The table is small: reading all of it may stay the right plan until it grows."
    if len(index.columns) > 3 and not index.unique:
        yield "More than three key columns seldom help; check that the last ones are needed."
    if action.partitions:
        yield (
            "A partitioned table takes no concurrent build: each partition is built by itself and attached; "
            "dropping it later takes ACCESS EXCLUSIVE on the table and all partitions."
        )
    if index.unique:
        keys = ", ".join(column.sql for column in index.columns)
        yield (
            "Duplicates make a unique build fail; look first: "
            f"SELECT {keys}, count(*) FROM {index.table.sql} GROUP BY {keys} HAVING count(*) > 1 LIMIT 10;"
        )
    rates = write_rates(table, capture, workload)
    if (rates.inserts or 0) + (rates.updates or 0) > 10_000_000:
        yield "The table is written more than 100 times a second on average: build in a quiet hour."
    if capture.server.replica:
        yield "The inspected server is a replica: the index must be created on its primary."
    yield _ONE_JOB


def trust(table: Table, capture: Capture) -> Iterator[str]:
    """How fresh the statistics and counters are on which the figures rest."""
    usage = table.usage
    if table.assumed:
        yield f"{table.name}'s size is assumed, and so is everything that follows from it: the source tells none."
    elif usage.last_analyzed_at is None:
        yield f"{table.name} was never analyzed as far as the counters tell; run ANALYZE and scan again."
    else:
        yield f"{table.name} was last analyzed {usage.last_analyzed_at:%Y-%m-%d %H:%M} UTC."
    if usage.modified_since_analyze is not None and table.rows:
        share = usage.modified_since_analyze / table.rows
        worn = ": the statistics are worn, run ANALYZE" if share > 0.2 else ""
        yield f"{usage.modified_since_analyze:,} rows ({share:.0%}) changed since{worn}."
    reset = capture.catalog.stats_reset_at if capture.catalog else None
    if reset is not None:
        yield f"Usage counters reach back to {reset:%Y-%m-%d %H:%M} UTC."
    yield from trust_of_server(capture)


def trust_of_server(capture: Capture) -> Iterator[str]:
    """Whose figures they are."""
    yield "All numbers are those of the inspected server; scale them by the table's rows in production."
