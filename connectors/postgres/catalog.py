"""The catalog of one database, read in a dozen set-based statements however many tables it has."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg

from advisor.model.catalog import (
    Catalog,
    Column,
    Index,
    Table,
    TableName,
)
from connectors.postgres.catalog_rows import (
    UNKNOWN,
    column,
    foreign_key,
    index_key,
    predicate_of,
    storage_options,
    table_usage,
)
from connectors.postgres.session import Fetcher
from connectors.postgres.sql import array, query

KINDS = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
}
_REPLICA_IDENTITIES = {"n": "nothing", "f": "full", "i": "index"}
_PERSISTENCES = {"u": "unlogged", "t": "temporary"}
_BLOCK = 8192

Rows = Sequence[Mapping[str, Any]]


@dataclass
class _Parts:
    """What the statements gave, by the oid that they speak of."""

    columns: dict[int, list[Column]] = field(default_factory=lambda: defaultdict(list))
    indexes: dict[int, list[Index]] = field(default_factory=lambda: defaultdict(list))
    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)
    usage: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    views: dict[int, str] = field(default_factory=dict)
    children: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))


async def read_catalog(connection: Fetcher, schemas: Sequence[str] = (), keep_values: bool = False) -> Catalog:
    """Read tables, columns, statistics, indexes, foreign keys, sizes and counters; all schemas without ``schemas``.

    Objects that belong to an extension are left out. Sizes that cannot be had at once (a table is locked) are taken
    from ``relpages``. A column's collation, an index key's opclass and collation are given where they are not the
    default; a partitioned table's rows, pages and size are its partitions' sums.
    Raises ``asyncpg.PostgresError`` when the system catalogs themselves cannot be read.
    """
    tables: Rows = await connection.fetch(query("tables"), array(schemas))
    names = {row["oid"]: TableName(row["schema"], row["name"]) for row in tables}
    oids = array(names)
    parts = _Parts()
    for row in tables:
        if row["parent"] is not None:
            parts.children[row["parent"]].append(row["oid"])
    statistics = await _statistics(connection, schemas, keep_values)
    indexes = await _definitions(connection, "indexes", oids)
    for row in await _optional(connection, "sizes", array([*names, *(row["oid"] for row in indexes)])):
        parts.sizes[row["oid"]] = (row["bytes"], row["table_bytes"])
    parts.usage = {row["oid"]: row for row in await _optional(connection, "usage", oids)}
    parts.views = {row["oid"]: row["definition"] for row in await _optional(connection, "views", oids)}
    rows = {row["oid"]: _rows(row, parts) for row in tables}
    rows.update({parent: _below(parent, rows, parts) for parent in parts.children if parent in rows})
    # pg_get_expr waits for a table that a DDL holds, and must not cost us the columns.
    defaults = {(row["oid"], row["position"]): row["default"] for row in await _optional(connection, "defaults", oids)}
    for row in await connection.fetch(query("columns"), oids):
        if row["table_oid"] in names:
            parts.columns[row["table_oid"]].append(
                column(
                    row,
                    row["default"] or defaults.get((row["table_oid"], row["position"])),
                    statistics.get((names[row["table_oid"]], row["name"])),
                    rows[row["table_oid"]],
                )
            )
    await _indexes(connection, oids, indexes, names, parts)
    foreign: Rows = await connection.fetch(query("foreign_keys"), oids)
    path = await connection.fetch(query("search_path"))
    reset = await connection.fetch(query("stats_reset"))
    return Catalog(
        tables=_summed([_table(row, names, rows[row["oid"]], parts) for row in tables]),
        foreign_keys=tuple(foreign_key(row, names) for row in foreign if row["referenced_oid"] in names),
        search_path=tuple(json.loads(path[0][0])) or ("public",),
        stats_reset_at=reset[0][0] if reset else None,
    )


async def _optional(connection: Fetcher, name: str, oids: str) -> Rows:
    """Rows that the catalog can do without: a lock or a missing right must not cost us the rest."""
    try:
        return await connection.fetch(query(name), oids)
    except asyncpg.PostgresError:
        return ()


async def _definitions(connection: Fetcher, name: str, oids: str) -> Rows:
    """Rows with expressions in words. These need a lock on their table: where a DDL holds it, they are left out."""
    try:
        return await connection.fetch(query(name), oids, array([]))
    except asyncpg.LockNotAvailableError:
        locked = array(row["oid"] for row in await connection.fetch(query("locked")))
        return await connection.fetch(query(name), oids, locked)


async def _statistics(
    connection: Fetcher, schemas: Sequence[str], keep_values: bool
) -> dict[tuple[TableName, str], Mapping[str, Any]]:
    found: dict[tuple[TableName, str], Mapping[str, Any]] = {}
    for row in await connection.fetch(query("statistics"), array(schemas), keep_values):
        key = (TableName(row["schema"], row["table"]), row["name"])
        # A parent of old-style inheritance has two rows: its own, and one with its children, which is what queries see.
        if key not in found or row["inherited"]:
            found[key] = row
    return found


def _rows(row: Mapping[str, Any], parts: _Parts) -> float:
    """``reltuples``; before the first ANALYZE (-1, or 0 with no pages) the counters' live rows."""
    if row["rows"] > 0:
        return float(row["rows"])
    usage = parts.usage.get(row["oid"])
    if usage is not None and (row["rows"] < 0 or row["pages"] == 0):
        return float(usage["n_live_tup"] or 0)
    return 0.0


def _below(oid: int, rows: Mapping[int, float], parts: _Parts) -> float:
    """Rows of a partitioned table: those of its leaves."""
    if oid not in parts.children:
        return rows.get(oid, 0.0)
    return sum(_below(child, rows, parts) for child in parts.children[oid])


async def _indexes(
    connection: Fetcher, oids: str, indexes: Rows, names: Mapping[int, TableName], parts: _Parts
) -> None:
    keys: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in await _definitions(connection, "index_keys", oids):
        keys[row["index_oid"]].append(row)
    uses = {row["oid"]: row for row in await _index_usage(connection, oids)}
    for row in indexes:
        bytes_ = parts.sizes.get(row["oid"], (row["pages"] * _BLOCK, 0))[0]
        used = uses.get(row["oid"], {})
        parts.indexes[row["table_oid"]].append(
            Index(
                table=names[row["table_oid"]],
                columns=tuple(index_key(key) for key in keys[row["oid"]] if key["key"]),
                name=row["name"],
                method=row["method"],
                include=tuple(key["name"] for key in keys[row["oid"]] if not key["key"]),
                predicate=predicate_of(row["definition"] or "") or UNKNOWN if row["partial"] else "",
                unique=row["unique"],
                exists=True,
                primary=row["primary"],
                constraint=row["constraint"] or "",
                valid=row["valid"],
                replica_identity=row["replica_identity"],
                clustered=row["clustered"],
                parent=row["parent"] or "",
                size_bytes=bytes_,
                pages=bytes_ // _BLOCK,
                rows=max(row["rows"], 0.0),
                scans=used.get("idx_scan"),
                last_used_at=used.get("last_idx_scan"),
                definition=row["definition"] or "",
                options=storage_options(row["options"]),
            )
        )


async def _index_usage(connection: Fetcher, oids: str) -> Rows:
    try:
        return await connection.fetch(query("index_usage_16"), oids)
    except asyncpg.UndefinedColumnError:
        return await _optional(connection, "index_usage", oids)
    except asyncpg.PostgresError:
        return ()


def _table(row: Mapping[str, Any], names: Mapping[int, TableName], rows: float, parts: _Parts) -> Table:
    oid = row["oid"]
    heap, whole = parts.sizes.get(oid, (row["pages"] * _BLOCK,) * 2)
    indexes = tuple(parts.indexes[oid])
    options = storage_options(row["options"])
    if row["persistence"] in _PERSISTENCES:
        options["persistence"] = _PERSISTENCES[row["persistence"]]
    if row["kind"] in "rpm" and row["replica_identity"] in _REPLICA_IDENTITIES:
        options["replica_identity"] = _REPLICA_IDENTITIES[row["replica_identity"]]
    if not row["readable"]:
        options["unreadable"] = "true"
    return Table(
        name=names[oid],
        columns=tuple(parts.columns[oid]),
        kind="partition" if row["partition"] and row["kind"] == "r" else KINDS[row["kind"]],
        rows=rows,
        pages=heap // _BLOCK,
        size_bytes=whole,
        indexes=indexes,
        primary_key=next((index.keys for index in indexes if index.primary), ()),
        partition_of=names.get(row["parent"]),
        partition_key=row["partition_key"] or "",
        usage=table_usage(parts.usage.get(oid)),
        options=options,
        definition=parts.views.get(oid) or "",
    )


def _summed(tables: Sequence[Table]) -> tuple[Table, ...]:
    """Give partitioned tables what their leaves hold; PostgreSQL keeps no size for a table without storage."""
    children: dict[TableName, list[Table]] = defaultdict(list)
    for table in tables:
        if table.partition_of is not None:
            children[table.partition_of].append(table)

    def leaves(table: Table) -> list[Table]:
        if table.kind != "partitioned table":
            return [table]
        return [leaf for child in children[table.name] for leaf in leaves(child)]

    def summed(table: Table) -> Table:
        if table.kind != "partitioned table":
            return table
        below = leaves(table)
        return replace(
            table, pages=sum(leaf.pages for leaf in below), size_bytes=sum(leaf.size_bytes or 0 for leaf in below)
        )

    return tuple(summed(table) for table in tables)
