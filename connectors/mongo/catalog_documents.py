"""What the server answers about collections (or the file that the printed script wrote) -> Catalog. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from advisor.model.catalog import Catalog, Column, Index, IndexColumn, Table, TableName, TableUsage

KEPT_OPTIONS = (
    "hidden", "sparse", "expireAfterSeconds", "collation", "weights", "default_language", "wildcardProjection",
    "prepareUnique", "clustered", "storageEngine",
)  # fmt: skip
_SPECIAL = ("text", "2dsphere", "2d", "hashed", "geoHaystack", "columnstore")
_LEFT_OUT = ("v", "ns", "background")


def catalog_of(collections: Mapping[TableName, Mapping[str, Any]]) -> Catalog:
    """The catalog of ``collections``: for each ``options``, ``stats``, ``indexes`` and ``index_stats`` as served.

    ``index_stats`` may come from several members; uses are added up. ``fields`` (path -> description) come from a
    sample where one was taken.
    """
    tables = tuple(table_of(name, documents) for name, documents in sorted(collections.items()))
    since = [moment for table in tables for index in table.indexes if (moment := _since(index)) is not None]
    databases = tuple(sorted({table.name.schema for table in tables}))
    return Catalog(tables, search_path=databases, stats_reset_at=max(since, default=None))


def table_of(name: TableName, documents: Mapping[str, Any]) -> Table:
    """One collection."""
    options = documents.get("options") or {}
    storage = (documents.get("stats") or {}).get("storageStats") or documents.get("stats") or {}
    indexes = indexes_of(name, documents, storage)
    fields: dict[str, Column] = {column.name: column for column in documents.get("fields", ())}
    for index in indexes:
        for key in index.columns:
            if key.name and "$**" not in key.name:
                fields.setdefault(key.name, Column(key.name, ""))
    fields.setdefault("_id", Column("_id", "", nullable=False))
    kind = documents.get("type") or ("view" if "viewOn" in options else "collection")
    if "timeseries" in options:
        kind = "timeseries"
    told = {key: json.dumps(options[key], sort_keys=True, default=str) for key in sorted(options) if key != "uuid"}
    if storage.get("avgObjSize"):
        told["average document"] = str(int(number(storage["avgObjSize"])))
    if documents.get("sharded"):
        told["shard key"] = json.dumps(documents["sharded"], sort_keys=True, default=str)
    size = storage.get("storageSize")
    return Table(
        name,
        tuple(fields[key] for key in sorted(fields)),
        kind=str(kind),
        rows=number(storage.get("count", 0)),
        size_bytes=None if size is None else int(number(size)),
        indexes=indexes,
        primary_key=("_id",),
        usage=_usage(documents.get("stats") or {}),
        options=told,
    )


def indexes_of(name: TableName, documents: Mapping[str, Any], storage: Mapping[str, Any]) -> tuple[Index, ...]:
    """The collection's indexes with sizes and uses, by name."""
    uses: Counter[str] = Counter()
    since: dict[str, list[datetime]] = {}
    hosts: dict[str, set[str]] = {}
    for row in documents.get("index_stats") or ():
        accesses = row.get("accesses") or {}
        uses[row["name"]] += int(number(accesses.get("ops", 0)))
        hosts.setdefault(row["name"], set()).add(str(row.get("host", "")))
        if (seen := moment_of(accesses.get("since"))) is not None:
            since.setdefault(row["name"], []).append(seen)
    sizes = storage.get("indexSizes") or {}
    found = []
    for document in documents.get("indexes") or ():
        index = index_of(name, document)
        options = dict(index.options)
        if index.name in since:
            options["since"] = max(since[index.name]).isoformat()
            options["members"] = str(len(hosts[index.name]))
        size = sizes.get(index.name)
        found.append(
            replace(
                index,
                size_bytes=None if size is None else int(number(size)),
                scans=uses[index.name] if index.name in since else None,  # no count without its beginning
                options=options,
            )
        )
    return tuple(sorted(found, key=lambda index: index.name))


def index_of(table: TableName, document: Mapping[str, Any]) -> Index:
    """One index from its ``listIndexes`` document."""
    key = document.get("key") or {}
    kinds = [str(way) for way in key.values() if str(way) in _SPECIAL]
    wildcard = any("$**" in field for field in key)
    options = {
        name: json.dumps(document[name], sort_keys=True, default=str) for name in KEPT_OPTIONS if document.get(name)
    }
    partial = document.get("partialFilterExpression")
    definition = {name: value for name, value in document.items() if name not in _LEFT_OUT}
    return Index(
        table,
        tuple(_column(field, way) for field, way in key.items()),
        name=str(document.get("name", "")),
        method=kinds[0] if kinds else "wildcard" if wildcard else "btree",
        predicate=json.dumps(partial, sort_keys=True, default=str) if partial else "",
        unique=bool(document.get("unique")) or document.get("name") == "_id_",
        exists=True,
        primary=document.get("name") == "_id_",
        clustered=bool(document.get("clustered")),
        options=options,
        definition=json.dumps(definition, default=str),
    )


def with_fields(catalog: Catalog, fields: Iterable[tuple[TableName, str]]) -> Catalog:
    """The catalog with fields that the workload names and no index or sample has told of."""
    more: dict[TableName, set[str]] = {}
    for table, field in fields:
        more.setdefault(table, set()).add(field)
    return replace(
        catalog,
        tables=tuple(
            replace(table, columns=_merged(table.columns, more.get(table.name, set()))) for table in catalog.tables
        ),
    )


def _merged(columns: Sequence[Column], names: set[str]) -> tuple[Column, ...]:
    known = {column.name: column for column in columns}
    return tuple(known.get(name, Column(name, "")) for name in sorted({*known, *names}))


def number(value: Any) -> float:
    """A number in plain, relaxed or canonical extended JSON."""
    if isinstance(value, Mapping):
        value = next(iter(value.values()), 0)
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def moment_of(value: Any) -> datetime | None:
    """A date as the driver or extended JSON gives it."""
    if isinstance(value, Mapping):
        value = value.get("$date")
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, Mapping):
        return datetime.fromtimestamp(number(value) / 1000, UTC)
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value / 1000, UTC)
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _column(field: str, way: Any) -> IndexColumn:
    special = str(way) in _SPECIAL
    return IndexColumn(field, descending=not special and number(way) < 0, opclass=str(way) if special else "")


def _since(index: Index) -> datetime | None:
    return moment_of(index.options["since"]) if "since" in index.options else None


def _usage(stats: Mapping[str, Any]) -> TableUsage:
    latency = stats.get("latencyStats") or {}
    writes = (latency.get("writes") or {}).get("ops")
    return TableUsage(updates=None if writes is None else int(number(writes)))
