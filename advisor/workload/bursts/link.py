"""A link between two shapes: how the child's rows can hang on the parent's, and what proves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from advisor.model.catalog import Catalog, TableName
from advisor.model.workload import Relation
from advisor.workload.bursts.facts import Key, ShapeFacts

BY_FOREIGN_KEY, BY_NAME, BY_TABLE, BY_POSITION, BY_COUNT = 0, 1, 2, 3, 4
"""Ranks of a link's proof, best first: a declared foreign key, a naming convention, the same table read again, the
place right behind a list in unit after unit, and for documents, which declare nothing, as many children as the parent
returned."""


@dataclass(frozen=True, slots=True)
class Link:
    """One way in which ``child``'s rows hang on ``parent``'s. ``through``: the link table of a many-to-many."""

    child: str
    parent: str
    relation: Relation
    rank: int
    child_table: TableName
    child_columns: tuple[str, ...]
    parent_table: TableName
    parent_columns: tuple[str, ...]
    through: TableName | None = None
    linked_by: str = ""
    alternatives: tuple[str, ...] = ()


def beyond(child: ShapeFacts, key: Key) -> TableName | None:
    """The table on the far side when ``key.table`` only links: nothing of it is read but its keys."""
    joined = [
        (j.column, j.other) if j.table == key.table else (j.other_column, j.table)
        for j in child.joins
        if key.table in (j.table, j.other)
    ]
    if key.by_subquery or not joined:
        return None
    touched = child.columns.get(key.table, frozenset(["*"]))
    return joined[0][1] if touched <= key.columns | {column for column, _ in joined} else None


def distinct(child: ShapeFacts, parent: ShapeFacts) -> bool:
    """Whether ``parent`` is another shape whose rows could carry keys."""
    return parent is not child and not parent.aggregated


def unique_set(catalog: Catalog | None, table: TableName, columns: Sequence[str]) -> bool:
    """Whether the catalog says that no two rows share these columns."""
    known = catalog.find(table.name, table.schema) if catalog else None
    return known is not None and any(set(unique) <= set(columns) for unique in known.unique_keys())


def key_of(table: TableName, catalog: Catalog | None) -> tuple[str, ...]:
    """The primary key; ``id`` where no catalog tells."""
    known = catalog.find(table.name, table.schema) if catalog else None
    return known.primary_key if known and known.primary_key else ("id",)


def fingerprint(facts: ShapeFacts) -> str:
    """The shape's fingerprint."""
    return facts.shape.fingerprint
