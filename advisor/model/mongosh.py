"""mongosh's statements about one index, spelled once for recommendations, impact notes and migration stubs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from advisor.model.catalog import Index, TableName

MAX_NAME = 120
"""Servers before 4.2 refused names of more than 127 bytes with their namespace; longer names are cut."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# What a database object of mongosh already means: collections of these names need getCollection.
_METHODS = frozenset({"stats", "version", "help", "admin", "link", "watch", "aggregate", "getName"})


def database(name: str) -> str:
    """``db.getSiblingDB("shop")``."""
    return f"db.getSiblingDB({json.dumps(name)})" if name else "db"


def collection(table: TableName) -> str:
    """The collection as mongosh names it."""
    if _NAME.match(table.name) and table.name not in _METHODS:
        return f"{database(table.schema)}.{table.name}"
    return f"{database(table.schema)}.getCollection({json.dumps(table.name)})"


def key_document(index: Index) -> dict[str, Any]:
    """The key specification: field -> 1, -1 or a kind."""
    return {c.key: c.opclass or (-1 if c.descending else 1) for c in index.columns}


def option_document(index: Index) -> dict[str, Any]:
    """The options of createIndex, the name first. An index that exists is re-created exactly as the server told."""
    if index.definition:
        told: dict[str, Any] = json.loads(index.definition)
        return {"name": index.name, **{k: v for k, v in told.items() if k not in ("key", "name", "v", "ns", "hidden")}}
    found: dict[str, Any] = {"name": index.name}
    if index.unique:
        found["unique"] = True
    if index.predicate:
        found["partialFilterExpression"] = json.loads(index.predicate)
    for name in sorted(index.options):
        if name in ("sparse", "collation", "expireAfterSeconds"):
            found[name] = json.loads(index.options[name])
    return found


def create_index(index: Index) -> str:
    """The createIndex call, which does nothing when the same index is there already."""
    return f"{collection(index.table)}.createIndex({script(key_document(index))}, {script(option_document(index))})"


def drop_index(index: Index) -> str:
    """The dropIndex call."""
    return f"{collection(index.table)}.dropIndex({json.dumps(index.name)})"


def hide_index(index: Index) -> str:
    """The hideIndex call (4.4): the planner ignores it from then on, writes still maintain it."""
    return f"{collection(index.table)}.hideIndex({json.dumps(index.name)})"


def unhide_index(index: Index) -> str:
    """The unhideIndex call: instantly usable again, nothing is rebuilt."""
    return f"{collection(index.table)}.unhideIndex({json.dumps(index.name)})"


def script(value: Any) -> str:
    """A value as JavaScript, keys bare where they may be.

    >>> script({"status": 1, "items.product_id": -1})
    '{status: 1, "items.product_id": -1}'
    """
    if isinstance(value, Mapping):
        inner = ", ".join(f"{k if _NAME.match(k) else json.dumps(k)}: {script(v)}" for k, v in value.items())
        return "{" + inner + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(script, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def index_name(keys: Mapping[str, Any]) -> str:
    """The name that the server gives an index with these keys, cut with a digest where it is too long."""
    name = "_".join(f"{field}_{way}" for field, way in keys.items())
    if len(name.encode()) <= MAX_NAME:
        return name
    return name.encode()[: MAX_NAME - 9].decode(errors="ignore") + "_" + hashlib.sha256(name.encode()).hexdigest()[:8]
