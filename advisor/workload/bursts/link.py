"""A link between two shapes: how the child's rows can hang on the parent's, and what proves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from advisor.model.catalog import Catalog, TableName
from advisor.model.workload import Relation
from advisor.workload.bursts.facts import Key, ShapeFacts
from advisor.workload.bursts.naming import entity, held_by, is_primary_key

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


@dataclass(frozen=True, slots=True)
class Way:
    """From the table that a statement is keyed by to the one whose rows it reads. ``ones``: for each join on the way,
    whether it leads to one row at most."""

    table: TableName
    ones: tuple[bool, ...]

    @property
    def relation(self) -> Relation:
        """The relation of the rows at both ends."""
        if all(self.ones):
            return Relation.MANY_TO_ONE
        return Relation.ONE_TO_MANY if len(self.ones) == 1 else Relation.MANY_TO_MANY


def way_beyond(child: ShapeFacts, key: Key, catalog: Catalog | None) -> Way | None:
    """The way to the far side when ``key.table`` only links: nothing of it, nor of what follows, is read but keys, or
    what it has beside its keys is said of the pair."""
    table, bound, ones, seen = key.table, key.columns, list[bool](), {key.table}
    while not key.by_subquery:
        joined = [(j.column, j.other_column, j.other) for j in child.joins if j.table == table]
        joined += [(j.other_column, j.column, j.table) for j in child.joins if j.other == table]
        touched = child.columns.get(table, frozenset(["*"]))
        onward = [(other, column) for _, column, other in joined if other not in seen]
        both = bound | {own for own, _, _ in joined}
        if not onward or not (touched <= both or links_both(table, both, catalog)):
            break
        table = onward[0][0]
        columns = frozenset(column for other, column in onward if other == table)
        ones.append(unique_set(catalog, table, tuple(columns)) or is_primary_key(table, columns, catalog))
        bound = frozenset()
        seen.add(table)
    return Way(table, tuple(ones)) if ones else None


def links_both(table: TableName, columns: frozenset[str], catalog: Catalog | None) -> bool:
    """Whether a table's rows are pairs: the columns of both sides are its key, or make up its name (``HotelAmenities``
    of ``HotelId`` and ``AmenityId``)."""
    if len(columns) != 2:
        return False
    known = catalog.find(table.name, table.schema) if catalog else None
    if known is not None:
        return set(known.primary_key) == columns
    one, other = (entity(column) for column in sorted(columns))
    return bool(one and other) and held_by(table.name) & {one + other, other + one} != frozenset()


def beyond(child: ShapeFacts, key: Key, catalog: Catalog | None) -> TableName | None:
    """The table on the far side, or none."""
    way = way_beyond(child, key, catalog)
    return way.table if way else None


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
