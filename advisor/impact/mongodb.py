"""What a migration costs on MongoDB: locks, members, size, time, writes, and the way back.

By server version (manual, "Index Builds on Populated Collections"; release notes of 4.2, 4.4, 5.0 and 7.1). Sizes an
entry were measured on a server of the 5.0 line (WiredTiger, prefix compression, 50,000 entries).
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.capture import Capture
from advisor.model.catalog import Column, Index, Table
from advisor.model.impact import Estimate, Lock, MigrationImpact, Provenance
from advisor.model.mongosh import collection, create_index, drop_index, hide_index, unhide_index
from advisor.model.recommendation import Action, AddIndex, Configure, DropIndex
from advisor.model.workload import Workload

PRODUCT = "mongodb"

ENTRY_BYTES = {
    "int": 9.7, "long": 9.7, "double": 15.2, "decimal": 18.0, "date": 9.3, "objectId": 8.1, "string": 12.9, "bool": 3.9,
    "null": 3.9, "binData": 22.0,
}  # fmt: skip
"""Bytes of a single-field index an entry, by type (measured; decimal and binData by their width)."""
USUAL_BYTES, FURTHER_FIELD = 12.0, 0.75
"""An unknown type; what a further field adds of its own entry's size, the record id being there once."""
DOCUMENTS_A_SECOND = 50_000.0
"""A build's scan and sort of a collection in memory, by order of magnitude: ten times either way with the hardware."""
MEMORY = "200 MB (maxIndexBuildMemoryUsageMegabytes) for all indexes of one createIndexes"
MAX_INDEXES = 64

V44, V50, V71 = 40_400, 50_000, 70_100


def migration_impact(
    action: Action, capture: Capture, workload: Workload, size_bytes: int | None = None
) -> MigrationImpact:
    """Say what applying ``action`` locks, waits for, takes and costs each write, and how to undo it."""
    match action:
        case AddIndex(index=index):
            return _build(index, capture, workload, size_bytes)
        case DropIndex(index=index):
            return _drop(index, capture)
        case Configure(setting=setting, value="visible"):
            return MigrationImpact(
                summary=f"{setting} becomes usable at once: a change of the catalog, nothing is read or built.",
                caveats=("Cached plans of the collection are thrown away and made again.",),
                rollback=("Hide it again: as instant as this.",),
                failure="It is one change of the catalog: done or not done.",
            )
    return MigrationImpact(
        summary="A change in the application only: nothing runs on the database, nothing is locked.",
        rollback=("Revert the commit; the database is not changed.",),
        failure="Nothing in the database can be left half done.",
    )


def _build(index: Index, capture: Capture, workload: Workload, size_bytes: int | None) -> MigrationImpact:
    catalog = capture.catalog
    table = catalog.find(index.table.name, index.table.schema) if catalog else None
    version = capture.server.version_number
    statement = create_index(index)
    size = _size(index, table, size_bytes)
    rows = table.rows if table else 0.0
    seconds = rows / DOCUMENTS_A_SECOND
    took = Estimate(
        round(seconds, 1), "s", seconds / 10, seconds * 10, Provenance.ASSUMED,
        f"{rows:,.0f} documents at {DOCUMENTS_A_SECOND:,.0f} a second in memory; several times that from disk",
    )  # fmt: skip
    writes = [query for query in workload.queries if query.shape.written == index.table]
    calls = workload.per_day(sum(query.stats.calls for query in writes))
    return MigrationImpact(
        summary=_summary(index, table, size),
        locks=(
            Lock(
                statement,
                "exclusive",
                str(index.table),
                "reads and writes of the collection",
                "moments",
            ),
            Lock(statement, "intent exclusive", str(index.table), "nobody: reads and writes go on", "while it builds"),
        ),
        waits_for=tuple(_waits(version)),
        preflight=tuple(_preflight(index, table)),
        size=size,
        build_time=took if rows else None,
        temporary_disk=Estimate(
            size.value, "bytes", 0, size.value * 3, Provenance.ASSUMED, f"sorted runs beyond {MEMORY} go to dbPath/_tmp"
        )
        if size
        else None,
        write_cost=(
            (
                "inserts, deletes and updates of its fields",
                Estimate(calls, "key writes/day", basis="seen in the workload"),
            ),
        )
        if calls
        else (),
        caveats=tuple(_caveats(version, capture)),
        rollback=(hide_index(index), drop_index(index)),
        failure=(
            "A build that fails or is aborted leaves no index: the server cleans up. Stop it by dropIndexes, "
            "not with killOp. Running the statement again when the index is there does nothing."
        ),
        monitor=(
            'db.getSiblingDB("admin").aggregate([{$currentOp: {allUsers: true}}, '
            '{$match: {"command.createIndexes": {$exists: true}}}])',
            "the log: index build phases under component INDEX",
        ),
    )


def _summary(index: Index, table: Table | None, size: Estimate | None) -> str:
    rows = f" over {table.rows:,.0f} documents" if table and table.rows else ""
    big = f", about {size.value / 1e6:,.1f} MB" if size else ""
    return (
        f"Builds {index.name}{rows}{big} on every data-bearing member at once; reads and writes go on, but for an "
        "exclusive lock of moments at the start and the end."
    )


def _size(index: Index, table: Table | None, told: int | None) -> Estimate | None:
    if told is not None:
        return Estimate(told, "bytes", provenance=Provenance.MEASURED, basis="built in a sandbox and scaled")
    if table is None or not table.rows:
        return None
    widths = [_entry(table.by_column.get(column.key)) for column in index.columns]
    entry = widths[0] + FURTHER_FIELD * sum(widths[1:])
    share = 1.0
    if index.options.get("sparse") == "true" or index.predicate:
        column = table.by_column.get(index.keys[0])
        share = 1 - column.stats.null_fraction if column and column.stats else 0.5
    value = max(4096.0, table.rows * entry * share)
    return Estimate(
        round(value), "bytes", value * 0.5, value * 3, Provenance.ESTIMATED,
        "bytes an entry by type, as measured; fields that hold arrays have one entry an element",
    )  # fmt: skip


def _entry(column: Column | None) -> float:
    kinds = [ENTRY_BYTES[kind] for kind in (column.type.split("|") if column else ()) if kind in ENTRY_BYTES]
    return max(kinds, default=USUAL_BYTES)


def _waits(version: int) -> Iterator[str]:
    yield "transactions and other operations that hold a lock on the collection, at its start and its end"
    if version >= V44 or not version:
        yield "the vote of the members (commitQuorum: votingMembers): one that is down holds the build's end back"


def _preflight(index: Index, table: Table | None) -> Iterator[str]:
    place = collection(index.table)
    yield f"{place}.getIndexes()  // no index with these keys or this name, hidden ones included"
    if table is not None and len(table.indexes) >= MAX_INDEXES - 1:
        yield f"// {len(table.indexes)} of {MAX_INDEXES} indexes are in use: drop one first"
    yield "rs.status().members.map(m => [m.name, m.stateStr])  // every voting member is up"
    if len(index.columns) > 1:
        fields = ", ".join(column.key for column in index.columns)
        yield f"// at most one of {fields} may hold an array in any one document"


def _caveats(version: int, capture: Capture) -> Iterator[str]:
    if version and version < 40_200:
        yield "Before 4.2 a foreground build blocks the whole database; this advisor supports 4.4 and later."
    if version >= V44 or not version:
        yield "At most three builds run at a time on a server (maxNumActiveUserIndexBuilds)."
    if version >= V50:
        yield "A clean shutdown pauses the build and the start resumes it (replica sets, default quorum)."
    if version >= V71:
        yield "The build stops when less than indexBuildMinAvailableDiskSpaceMB (500 MB) of disk is left."
    elif version:
        yield "Watch the disk: before 7.1 nothing stops a build that fills it."
    yield "Several indexes of one collection in one createIndexes call are built in one scan."
    yield f"Memory: {MEMORY}; the pages read push others out of the cache."
    yield "A rolling build (member by member) is worth it only when the primary's CPU or cache are full regularly."


def _drop(index: Index, capture: Capture) -> MigrationImpact:
    size = index.size_bytes
    return MigrationImpact(
        summary=f"Hides {index.name} first, instantly, undone as instantly; the drop follows when nobody missed it.",
        locks=(
            Lock(hide_index(index), "exclusive", str(index.table), "reads and writes of the collection", "moments"),
            Lock(drop_index(index), "exclusive", str(index.table), "reads and writes of the collection", "moments"),
        ),
        preflight=(
            f"{collection(index.table)}.aggregate([{{$indexStats: {{}}}}])  // on every member",
            "// no code hints at it: a hint of a hidden or absent index fails (2)",
        ),
        size=Estimate(float(size), "bytes", provenance=Provenance.MEASURED, basis="given back by the drop")
        if size
        else None,
        caveats=(
            "Hiding needs 4.4. It sets the uses in $indexStats to zero; showing it again does not bring them back.",
            "While hidden it is still maintained by every write: hiding alone frees nothing.",
        ),
        rollback=(unhide_index(index), create_index(index)),
        failure="Each step is one change of the catalog: done or not done.",
        monitor=("Slow-query lines with COLLSCAN on the collection, for a business cycle.",),
        reversible=True,
    )
