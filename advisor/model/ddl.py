"""PostgreSQL's statements about one index, spelled once for statements, impact notes and migration stubs."""

from __future__ import annotations

import hashlib
import re

from advisor.model.catalog import Index, TableName
from advisor.model.identifiers import quote

MAX_NAME_BYTES = 63
"""NAMEDATALEN - 1 (manual, 4.1.1); PostgreSQL cuts longer names in silence."""

_HEAD = re.compile(r"\s*CREATE\s+(UNIQUE\s+)?INDEX\s+(?:CONCURRENTLY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?", re.IGNORECASE)


def fitting_name(name: str, max_bytes: int = MAX_NAME_BYTES) -> str:
    """Cut a name that is too long, with a digest of the whole at its end.

    >>> fitting_name("ix_orders_customer_id"), len(fitting_name("x" * 80))
    ('ix_orders_customer_id', 63)
    """
    encoded = name.encode()
    if len(encoded) <= max_bytes:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:8]
    return encoded[: max_bytes - 9].decode(errors="ignore") + "_" + digest


def qualified(index: Index) -> str:
    """The index's quoted name in its table's schema."""
    return TableName(index.table.schema, index.name).sql


def index_body(index: Index, table: TableName | None = None) -> str:
    """What follows the index's name: ``ON table USING … (keys) INCLUDE (…) WHERE …``, on another table if given."""
    parts = [f"ON {(table or index.table).sql}"]
    if index.method != "btree":
        parts.append(f"USING {quote(index.method)}")
    parts.append("(" + ", ".join(column.sql for column in index.columns) + ")")
    if index.include:
        parts.append("INCLUDE (" + ", ".join(map(quote, index.include)) + ")")
    if index.predicate:
        parts.append(f"WHERE {index.predicate}")
    return " ".join(parts)


def create_index(index: Index, *, concurrently: bool = True, if_not_exists: bool = False) -> str:
    """CREATE INDEX for ``index``, without semicolon.

    An index that exists is re-created exactly, from the definition that the server gave (``pg_get_indexdef``),
    storage parameters, collations and operator classes included.
    """
    words = "INDEX" + " CONCURRENTLY" * concurrently + " IF NOT EXISTS" * if_not_exists
    if match := _HEAD.match(index.definition):
        return f"CREATE {'UNIQUE ' * bool(match[1])}{words} {index.definition[match.end() :].rstrip('; ')}"
    return f"CREATE {'UNIQUE ' * index.unique}{words} {quote(index.name)} {index_body(index)}"


def drop_index(index: Index, *, concurrently: bool = True) -> str:
    """DROP INDEX IF EXISTS for ``index``, without semicolon."""
    return f"DROP INDEX {'CONCURRENTLY ' * concurrently}IF EXISTS {qualified(index)}"
