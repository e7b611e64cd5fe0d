"""What a migration costs on PostgreSQL: locks, waits, size, time, writes, and the way back.

Locks follow the manual (13.3 Explicit Locking; CREATE INDEX, DROP INDEX), waits and leftovers were watched on a
PostgreSQL 15 with three million rows. Every number carries where it comes from.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch

from advisor.impact._build import build_seconds
from advisor.impact._cautions import caveats, overlaps, trust, trust_of_server
from advisor.impact._writes import write_cost
from advisor.model.capture import Capture
from advisor.model.catalog import Catalog, Index, Table
from advisor.model.ddl import create_index, drop_index, qualified
from advisor.model.impact import Estimate, Lock, MigrationImpact, Provenance
from advisor.model.index_size import size_on
from advisor.model.recommendation import Action, AddIndex, Configure, DropIndex, RebuildIndex
from advisor.model.workload import Workload

PRODUCT = "postgresql"

WAL_PER_INDEX_BYTE = 0.9
"""WAL that a build writes per byte of index: 20 of 22, 58 of 64 and 153 of 169 MB in three measured builds."""
PARTIAL_SELECTIVITY = 0.5
"""Assumed share of the rows in a partial index when nothing tells it."""

# Waits of CREATE INDEX CONCURRENTLY (manual, "Building Indexes Concurrently"), each seen happening.
_WAITS = (
    "transactions that have uncommitted writes on {table} when it starts",
    "before it ends, every transaction of this database with an older snapshot, on whatever table: "
    "a long SELECT, pg_dump, REPEATABLE READ or SERIALIZABLE",
    "prepared transactions (pg_prepared_xacts)",
)
_OPEN_TRANSACTIONS = (
    "SELECT pid, usename, state, now() - xact_start AS age, left(query, 80) AS query FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL "
    "AND (backend_xid IS NOT NULL OR backend_xmin IS NOT NULL) ORDER BY xact_start;"
)
_PREPARED = "SELECT * FROM pg_prepared_xacts WHERE database = current_database();"
_PROGRESS = (
    "SELECT phase, current_locker_pid, lockers_done, lockers_total, blocks_done, blocks_total "
    "FROM pg_stat_progress_create_index;"
)
# Settings that only a restart changes (pg_settings.context = 'postmaster'), those an advisor may speak of.
_RESTART = frozenset(
    {
        "autovacuum_max_workers",
        "huge_pages",
        "max_connections",
        "max_worker_processes",
        "shared_buffers",
        "shared_preload_libraries",
        "wal_buffers",
        "wal_level",
    }
)


def migration_impact(
    action: Action, capture: Capture, workload: Workload, size_bytes: int | None = None
) -> MigrationImpact:
    """Say what applying ``action`` locks, waits for, takes (bytes, seconds) and costs each write, and how to undo it.

    ``size_bytes`` is the size a planner gave for the new index; without it the size is computed from the statistics.
    """
    return _impact(action, capture, workload, size_bytes)


@singledispatch
def _impact(action: object, capture: Capture, workload: Workload, size_bytes: int | None) -> MigrationImpact:
    """Code changes (eager loading, a rewritten query) run nothing on the database."""
    return MigrationImpact(
        summary="A change in the application only: nothing runs on the database, nothing is locked.",
        statistics_trust=tuple(trust_of_server(capture)),
        caveats=("Results are fetched in larger pieces: watch the application's memory on its largest pages.",),
        rollback=("Revert the commit.",),
        failure="A wrong rewrite shows in the application's tests, not in the database; compare the results.",
        monitor=("Count the statements of one request before and after (`advisor check` does it in CI).",),
    )


@_impact.register
def _(action: Configure, capture: Capture, workload: Workload, size_bytes: int | None) -> MigrationImpact:
    restart = action.setting in _RESTART
    undo = f"set {action.setting} back to {action.current}" if action.current else f"RESET {action.setting}"
    when = (
        "It takes effect after a restart of the server, which ends every session."
        if restart
        else "It takes effect for new sessions (or after pg_reload_conf()); no lock, no restart."
    )
    where = f" for {action.scope}" if action.scope else ""
    return MigrationImpact(
        summary=f"Sets {action.setting} to {action.value}{where}. {when}",
        statistics_trust=tuple(trust_of_server(capture)),
        caveats=("A setting of the whole server touches every statement, not only those listed here.",)
        if action.scope in ("", "server")
        else (),
        rollback=(f"{undo[0].upper()}{undo[1:]}.",),
        failure="A value that the server refuses changes nothing and says so.",
        monitor=(f"SHOW {action.setting};",),
    )


@_impact.register
def _(action: DropIndex, capture: Capture, workload: Workload, size_bytes: int | None) -> MigrationImpact:
    index = action.index
    table = _table(capture, index)
    partitioned = table.kind == "partitioned table"
    statement = drop_index(index, concurrently=not partitioned)
    freed = index.size_bytes if index.size_bytes is not None else size_bytes
    size = None
    if freed is not None:
        size = Estimate(-float(freed), "bytes", provenance=Provenance.MEASURED, basis="the size of the index on disk")
    # DROP INDEX of a partitioned index cannot be concurrent and locks every partition (manual, DROP INDEX).
    lock = (
        Lock(statement, "ACCESS EXCLUSIVE", f"{index.table} and its partitions", "everything, and it queues", "brief")
        if partitioned
        else Lock(statement, "SHARE UPDATE EXCLUSIVE", str(index.table), "VACUUM, ANALYZE, other DDL", "brief")
    )
    saved, _ = write_cost(index, table, capture, workload)
    return MigrationImpact(
        summary=" ".join(
            [
                f"Frees {_megabytes(freed)}." if freed is not None else "Frees the index's disk space.",
                "Reads and writes go on." if not partitioned else "Everything on the table waits for a moment.",
                "Writes to the table get cheaper.",
                "The way back is a rebuild, not instant.",
            ]
        ),
        locks=(lock,),
        waits_for=tuple(wait.format(table=index.table) for wait in _WAITS[:2]),
        preflight=(
            "SELECT idx_scan, last_idx_scan FROM pg_stat_user_indexes WHERE indexrelid = "
            f"to_regclass({_literal(qualified(index))});"
            if capture.server.version_number >= 160000
            else "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelid = "
            f"to_regclass({_literal(qualified(index))});",
            _OPEN_TRANSACTIONS,
        ),
        size=size,
        write_cost=tuple((f"{label}, saved", estimate) for label, estimate in saved if estimate.unit != "bytes/update"),
        overlaps=(f"{action.covered_by} serves its queries from then on",) if action.covered_by else (),
        statistics_trust=tuple(trust(table, capture)),
        caveats=(
            "Look at idx_scan on every replica and in production too: each server counts only its own use.",
            "A monthly job may need it; the counters reach back only to their last reset.",
        ),
        rollback=(f"{create_index(index, concurrently=not partitioned)};",),
        failure="A cancelled DROP INDEX CONCURRENTLY leaves an INVALID index, still written: run it again.",
        monitor=(f"SELECT to_regclass({_literal(qualified(index))});  -- NULL when it is gone",),
    )


@_impact.register
def _(action: RebuildIndex, capture: Capture, workload: Workload, size_bytes: int | None) -> MigrationImpact:
    index, table = action.index, _table(capture, action.index)
    size = _size(index, table, 1.0, size_bytes)
    freed = (index.size_bytes or 0) - (size.value if size else 0)
    time = build_seconds(index, table, float(table.size_bytes or table.pages * 8192)) if table.rows else None
    statement = f"REINDEX INDEX CONCURRENTLY {qualified(index)}"
    blocks = "VACUUM, ANALYZE, other DDL on it; not reads, not writes"
    return MigrationImpact(
        summary=" ".join(
            [
                f"Frees about {_megabytes(freed)},",
                f"builds in {_span(time)} plus waits for open transactions." if time else "time depends on its size.",
                "Reads and writes go on. It runs outside a transaction, once: there is nothing to commit to a schema.",
            ]
        ),
        locks=(Lock(statement, "SHARE UPDATE EXCLUSIVE", str(index.table), blocks, "the whole build"),),
        waits_for=tuple(wait.format(table=index.table) for wait in _WAITS),
        preflight=(_OPEN_TRANSACTIONS, _PREPARED),
        size=Estimate(-freed, "bytes", provenance=Provenance.ESTIMATED, basis="size on disk less that of a new one"),
        build_time=time,
        wal=_scaled(size, WAL_PER_INDEX_BYTE, "a build writes 0.9 of the index's size as WAL; replicas receive it too"),
        temporary_disk=_scaled(size, 2.0, "the new index beside the old one, and its sort in pgsql_tmp"),
        statistics_trust=tuple(trust(table, capture)),
        rollback=("None is needed: the index is the same, only smaller.",),
        failure=(
            f"A cancelled rebuild leaves an INVALID {index.name}_ccnew, written by every change: "
            "DROP INDEX CONCURRENTLY it and run again."
        ),
        monitor=(_PROGRESS, f"SELECT pg_size_pretty(pg_relation_size({_literal(qualified(index))}));"),
    )


@_impact.register
def _(action: AddIndex, capture: Capture, workload: Workload, size_bytes: int | None) -> MigrationImpact:
    index, table = action.index, _table(capture, action.index)
    share = PARTIAL_SELECTIVITY if index.predicate else 1.0
    size = _size(index, table, share, size_bytes)
    heap = float(table.size_bytes or table.pages * 8192)
    known = table.rows and not table.assumed
    time = build_seconds(index, table, heap, share) if known and index.method == "btree" else None
    writes, hot = write_cost(index, table, capture, workload)
    locks = tuple(_build_locks(action))
    summary = [
        f"Adds about {_megabytes(size.value)}" if size else "Adds an index of unknown size",
        f", builds in {_span(time)} plus waits for open transactions." if time else "; time depends on its size.",
        " Reads and writes go on." if not action.partitions else " Writes go on but for a moment per partition.",
        f" Each insert writes about {writes[0][1].value:,.0f} B more WAL; {hot}.",
        " Rollback is instant and safe." if not action.partitions else " Rollback locks the table for a moment.",
    ]
    return MigrationImpact(
        summary="".join(summary),
        locks=locks,
        waits_for=tuple(wait.format(table=index.table) for wait in _WAITS),
        preflight=(_OPEN_TRANSACTIONS, _PREPARED),
        size=size,
        build_time=time,
        wal=_scaled(size, WAL_PER_INDEX_BYTE, "a build writes 0.9 of the index's size as WAL; replicas receive it too"),
        temporary_disk=_scaled(size, 1.0, "sorting spills at most about the index's size into pgsql_tmp"),
        write_cost=writes,
        overlaps=tuple(overlaps(action, table)),
        statistics_trust=tuple(trust(table, capture)),
        caveats=tuple(caveats(action, table, capture, workload)),
        rollback=(f"{drop_index(index, concurrently=not action.partitions)};",),
        failure=(
            f"A cancelled or failed build leaves {qualified(index)} INVALID: never read, but written by every change. "
            "The exported migrations remove it and start again; a lock_timeout shorter than the waits above causes it."
        ),
        monitor=(
            _PROGRESS,
            f"SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass({_literal(qualified(index))});",
            "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelid = "
            f"to_regclass({_literal(qualified(index))});  -- 0 after two weeks: drop it",
        ),
    )


def _build_locks(action: AddIndex) -> Iterator[Lock]:
    index, target = action.index, str(action.index.table)
    if not action.partitions:
        blocks = "VACUUM, ANALYZE, other DDL on it; not reads, not writes"
        yield Lock(create_index(index), "SHARE UPDATE EXCLUSIVE", target, blocks, "the whole build")
        return
    yield Lock(f"CREATE INDEX … ON ONLY {index.table.sql}", "SHARE", f"{target} alone", "writes", "milliseconds")
    yield Lock(
        "CREATE INDEX CONCURRENTLY on each partition",
        "SHARE UPDATE EXCLUSIVE",
        f"{len(action.partitions)} partitions, one at a time",
        "VACUUM, ANALYZE, other DDL on it; not reads, not writes",
        "the whole build",
    )
    yield Lock(
        "ALTER INDEX … ATTACH PARTITION",
        "ACCESS EXCLUSIVE",
        "the partition's new index",
        "queries on that partition, and it queues",
        "milliseconds",
    )


def _size(index: Index, table: Table, share: float, given: int | None) -> Estimate | None:
    if table.assumed:
        return None
    if given is not None:
        return Estimate(float(given), "bytes", given * 0.9, given * 1.15, basis="the planner's estimate of a new index")
    if not table.rows:
        return None
    computed = size_on(index, table, share)
    if index.predicate:
        basis = "computed from planner statistics; the predicate's share of the rows is assumed"
        return Estimate(float(computed), "bytes", computed * 0.1, computed * 2.0, Provenance.ASSUMED, basis)
    basis = "computed from planner statistics; within 10 % of 28 of 31 kinds of index really built"
    return Estimate(float(computed), "bytes", computed * 0.95, computed * 1.15, basis=basis)


def _scaled(size: Estimate | None, factor: float, basis: str) -> Estimate | None:
    if size is None:
        return None
    low, high = (size.low or size.value) * factor, (size.high or size.value) * factor
    return Estimate(size.value * factor, "bytes", low, high, size.provenance, basis)


def _table(capture: Capture, index: Index) -> Table:
    catalog = capture.catalog or Catalog()
    return catalog.by_name.get(index.table) or Table(index.table, ())


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _megabytes(size: float) -> str:
    if size < 2**20:
        return f"{max(size, 0) / 2**10:.0f} kB"
    return f"{size / 2**20:,.0f} MB" if size >= 10 * 2**20 else f"{size / 2**20:.1f} MB"


def _span(time: Estimate) -> str:
    low, high = time.low or time.value, time.high or time.value
    if high < 5:
        return "a few seconds"
    if high < 90:
        return f"{max(low, 1):.0f}-{high:.0f} s"
    return f"{max(low / 60, 1):.0f}-{high / 60:.0f} min"
