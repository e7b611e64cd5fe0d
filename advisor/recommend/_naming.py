"""Names for new indexes: ``ix_<table>_<columns>``, unique in their schema, at most 63 bytes; stable identifiers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import replace

from advisor.model.catalog import Catalog, Index
from advisor.model.ddl import fitting_name, index_body


def named(index: Index, taken: Collection[str]) -> Index:
    """``index`` with a name that says what it holds and is not in ``taken`` (names of the same schema)."""
    parts = ["ix", index.table.name, *(_word(key) for key in index.keys)]
    if index.method != "btree":
        parts.append(index.method)
    if index.include:
        parts.append("incl")
    if index.predicate:
        parts.append("where_" + _word(index.predicate))
    name = fitting_name("_".join(part for part in parts if part))
    if name in taken:
        name = fitting_name(f"{name[:54]}_{digest(index_body(index))[:8]}")
    return replace(index, name=name)


def names_in(catalog: Catalog, schema: str) -> set[str]:
    """Names that a new index of ``schema`` must not have: tables' and indexes' share one name space."""
    tables = [table for table in catalog.tables if table.name.schema == schema]
    return {table.name.name for table in tables} | {index.name for table in tables for index in table.indexes}


def identifier(kind: str, table: str, definition: str) -> str:
    """A recommendation's identifier: the same advice has the same one in every report."""
    return f"{kind}-{table}-{digest(definition)[:10]}"


def digest(text: str) -> str:
    """A stable digest of ``text``, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def _word(text: str) -> str:
    return re.sub(r"\W+", "_", text).strip("_").lower() if not re.fullmatch(r"\w+", text) else text


def listed(items: Iterable[str]) -> str:
    """Items as a person lists them.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    words = list(items)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
