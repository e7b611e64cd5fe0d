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
    ColumnStats,
    ForeignKey,
    Index,
    IndexColumn,
    Table,
    TableName,
    TableUsage,
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
_ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_REPLICA_IDENTITIES = {"n": "nothing", "f": "full", "i": "index"}
_PERSISTENCES = {"u": "unlogged", "t": "temporary"}
_DESCENDING, _NULLS_FIRST = 1, 2  # bits of pg_index.indoption (pg_index.h)
_BLOCK = 8192
UNKNOWN = "unknown: the table is locked"
"""Stands for an expression that cannot be read while a DDL holds its table; equal to nothing that a query asks."""

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
                _column(
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
        foreign_keys=tuple(_foreign_key(row, names) for row in foreign if row["referenced_oid"] in names),
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


def _column(row: Mapping[str, Any], default: str | None, statistics: Mapping[str, Any] | None, rows: float) -> Column:
    return Column(
        name=row["name"],
        type=row["type"],
        nullable=row["nullable"],
        generated=row["generated"],
        collation=row["collation"],
        default=default,
        stats=_column_stats(statistics, rows) if statistics else None,
    )


def _column_stats(row: Mapping[str, Any], rows: float) -> ColumnStats:
    distinct = row["n_distinct"]
    return ColumnStats(
        null_fraction=row["null_frac"],
        # pg_stats: a negative number is minus the share of rows that have a value of their own.
        n_distinct=round(-distinct * rows, 1) if distinct < 0 else distinct,
        average_width=row["avg_width"],
        correlation=row["correlation"],
        most_common_frequencies=tuple(round(float(share), 7) for share in array_elements(row["frequencies"] or "")),
        most_common_values=array_elements(row["values"] or ""),
    )


def array_elements(text: str) -> tuple[str, ...]:
    """Split an array's output form (``{a,"b,c",NULL}``) into its outermost elements, unquoted.

    >>> array_elements('{1,"a,\\\\"b",{2,3}}')
    ('1', 'a,"b', '{2,3}')
    """
    if len(text) < 3:
        return ()
    elements, current, depth, quoted, escaped = [], "", 0, False, False
    for char in text[1:-1] + ",":
        if escaped:
            current, escaped = current + char, False
        elif char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == "," and not quoted and depth == 0:
            elements.append(current)
            current = ""
        else:
            depth += 0 if quoted else {"{": 1, "}": -1}.get(char, 0)
            current += char
    return tuple(elements)


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
                columns=tuple(_key(key) for key in keys[row["oid"]] if key["key"]),
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
                options=_options(row["options"]),
            )
        )


async def _index_usage(connection: Fetcher, oids: str) -> Rows:
    try:
        return await connection.fetch(query("index_usage_16"), oids)
    except asyncpg.UndefinedColumnError:
        return await _optional(connection, "index_usage", oids)
    except asyncpg.PostgresError:
        return ()


def _key(row: Mapping[str, Any]) -> IndexColumn:
    descending = bool(row["option"] & _DESCENDING)
    nulls_first = bool(row["option"] & _NULLS_FIRST)
    return IndexColumn(
        name=row["name"] or "",
        expression="" if row["name"] else without_outer_parentheses(row["expression"] or UNKNOWN),
        descending=descending,
        nulls_first=None if nulls_first == descending else nulls_first,
        opclass=row["opclass"] or "",
        collation=row["collation"] or "",
    )


def without_outer_parentheses(expression: str) -> str:
    """Take off parentheses that enclose the whole of an SQL expression as PostgreSQL prints it.

    >>> without_outer_parentheses("((a + b))"), without_outer_parentheses("(a) OR (b)")
    ('a + b', '(a) OR (b)')
    """
    while expression.startswith("(") and _closing(expression) == len(expression) - 1:
        expression = expression[1:-1].strip()
    return expression


def predicate_of(definition: str) -> str:
    """The predicate at the end of a partial index's definition, as ``pg_get_indexdef`` prints it.

    >>> predicate_of("CREATE INDEX i ON t USING btree (f(' WHERE (')) WHERE ((a > 1) AND (b = 2))")
    '(a > 1) AND (b = 2)'
    """
    mark, position = " WHERE ", definition.find(" WHERE (")
    while position >= 0:
        rest = definition[position + len(mark) :]
        if _closing(rest) == len(rest) - 1:
            return without_outer_parentheses(rest)
        position = definition.find(" WHERE (", position + 1)
    return ""


def _closing(expression: str) -> int:
    depth, quote = 0, ""
    for position, char in enumerate(expression):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "()":
            depth += 1 if char == "(" else -1
            if depth == 0:
                return position
    return -1


def _options(options: str | None) -> dict[str, str]:
    return dict(option.partition("=")[::2] for option in sorted(json.loads(options or "[]")))


def _table(row: Mapping[str, Any], names: Mapping[int, TableName], rows: float, parts: _Parts) -> Table:
    oid = row["oid"]
    heap, whole = parts.sizes.get(oid, (row["pages"] * _BLOCK,) * 2)
    indexes = tuple(parts.indexes[oid])
    options = _options(row["options"])
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
        usage=_usage(parts.usage.get(oid)),
        options=options,
        definition=parts.views.get(oid) or "",
    )


def _usage(row: Mapping[str, Any] | None) -> TableUsage:
    if row is None:
        return TableUsage()
    return TableUsage(
        sequential_scans=row["seq_scan"],
        sequential_rows_read=row["seq_tup_read"],
        index_scans=row["idx_scan"],
        inserts=row["n_tup_ins"],
        updates=row["n_tup_upd"],
        deletes=row["n_tup_del"],
        hot_updates=row["n_tup_hot_upd"],
        modified_since_analyze=row["n_mod_since_analyze"],
        last_analyzed_at=row["analyzed_at"],
    )


def _foreign_key(row: Mapping[str, Any], names: Mapping[int, TableName]) -> ForeignKey:
    return ForeignKey(
        name=row["name"],
        table=names[row["table_oid"]],
        columns=tuple(json.loads(row["columns"])),
        referenced=names[row["referenced_oid"]],
        referenced_columns=tuple(json.loads(row["referenced_columns"])),
        on_delete=_ACTIONS.get(row["on_delete"], "NO ACTION"),
        on_update=_ACTIONS.get(row["on_update"], "NO ACTION"),
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
