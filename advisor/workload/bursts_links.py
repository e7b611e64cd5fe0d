"""Which shape can be the parent of which: by foreign key, else by the names of columns and tables.

The rule is section 2.3 of the research page: the parent is not "the statement before" but one whose rows hold the key
that the child is bound by.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from advisor.model.catalog import Catalog, ForeignKey, TableName
from advisor.model.workload import Relation
from advisor.workload.bursts_facts import Key, ShapeFacts, is_primary_key, named_like, singular, stem

BY_FOREIGN_KEY, BY_NAME, BY_TABLE, BY_COUNT = 0, 1, 2, 3
"""Ranks of a link's proof, best first: a declared foreign key, a naming convention, the same table read again, and for
documents, which declare nothing, as many children as the parent returned."""

DOCUMENT_READS = frozenset(["find", "aggregate", "count", "distinct"])
"""Commands of MongoDB that read."""

CONTENT_TYPE = ("content_type_id", "object_type", "type_id")
"""Columns that name the table in a generic (polymorphic) relation: Django's contenttypes, Rails' ``*_type``."""


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


def links(children: Sequence[ShapeFacts], parents: Sequence[ShapeFacts], catalog: Catalog | None) -> list[Link]:
    """Every possible (child, parent) pair with its best link, in a fixed order."""
    by_table: dict[TableName, list[ShapeFacts]] = defaultdict(list)
    for parent in parents:
        for table in parent.tables:
            by_table[table].append(parent)
    keys = _ForeignKeys(catalog)
    found: dict[tuple[str, str], Link] = {}
    for child in children:
        for link in _links_of(child, by_table, keys, catalog):
            known = found.get((link.child, link.parent))
            if known is None or (link.rank, link.linked_by) < (known.rank, known.linked_by):
                found[link.child, link.parent] = link
    return [found[pair] for pair in sorted(found)]


class _ForeignKeys:
    """The catalog's foreign keys by either side."""

    def __init__(self, catalog: Catalog | None) -> None:
        self.of: dict[TableName, list[ForeignKey]] = defaultdict(list)
        self.to: dict[TableName, list[ForeignKey]] = defaultdict(list)
        for key in catalog.foreign_keys if catalog else ():
            self.of[key.table].append(key)
            self.to[key.referenced].append(key)


def _links_of(
    child: ShapeFacts, by_table: Mapping[TableName, list[ShapeFacts]], keys: _ForeignKeys, catalog: Catalog | None
) -> Iterator[Link]:
    for key in child.keys:
        yield from _to_many(child, key, by_table, keys, catalog)
        yield from _to_one(child, key, by_table, keys, catalog)
        yield from _same_table(child, key, by_table, catalog)
        yield from _by_name(child, key, by_table, catalog)
        yield from _by_count(child, key, by_table, catalog)


def _to_many(
    child: ShapeFacts,
    key: Key,
    by_table: Mapping[TableName, list[ShapeFacts]],
    keys: _ForeignKeys,
    catalog: Catalog | None,
) -> Iterator[Link]:
    """The bound columns are a foreign key: the parent read the rows that it references."""
    for foreign in keys.of[key.table]:
        if not set(foreign.columns) <= key.columns:
            continue
        target = _beyond(child, key)
        unique = _unique_set(catalog, key.table, foreign.columns)
        relation = Relation.ONE_TO_ONE if unique else Relation.MANY_TO_MANY if target else Relation.ONE_TO_MANY
        for parent in by_table.get(foreign.referenced, ()):
            if parent is not child:
                yield Link(
                    _id(child),
                    _id(parent),
                    relation,
                    BY_FOREIGN_KEY,
                    target or key.table,
                    foreign.columns,
                    foreign.referenced,
                    foreign.referenced_columns,
                    key.table if target else None,
                    f"foreign key {foreign.name}",
                )


def _to_one(
    child: ShapeFacts,
    key: Key,
    by_table: Mapping[TableName, list[ShapeFacts]],
    keys: _ForeignKeys,
    catalog: Catalog | None,
) -> Iterator[Link]:
    """The bound columns are what a foreign key of the parent references."""
    ways: dict[TableName, list[ForeignKey]] = defaultdict(list)
    for foreign in keys.to[key.table]:
        if set(foreign.referenced_columns) <= key.columns:
            ways[foreign.table].append(foreign)
    for table, candidates in sorted(ways.items()):
        for parent in by_table.get(table, ()):
            if parent is child:
                continue
            read = [f for f in candidates if parent.reads_all(table) or set(f.columns) <= parent.columns[table]]
            if not read:
                continue
            foreign = read[0]
            unique = _unique_set(catalog, table, foreign.columns)
            yield Link(
                _id(child),
                _id(parent),
                Relation.ONE_TO_ONE if unique else Relation.MANY_TO_ONE,
                BY_FOREIGN_KEY,
                key.table,
                foreign.referenced_columns,
                table,
                foreign.columns,
                None,
                "foreign key " + " or ".join(f.name for f in read),
                tuple(",".join(f.columns) for f in read[1:]),
            )


def _same_table(
    child: ShapeFacts, key: Key, by_table: Mapping[TableName, list[ShapeFacts]], catalog: Catalog | None
) -> Iterator[Link]:
    """The parent's rows are read once more by primary key: deferred columns, expired objects, get()."""
    if not is_primary_key(key.table, key.columns, catalog) or child.aggregated:
        return
    for parent in by_table.get(key.table, ()):
        if parent is not child and not parent.aggregated:
            columns = tuple(sorted(key.columns))
            yield Link(
                _id(child),
                _id(parent),
                Relation.DEFERRED,
                BY_TABLE,
                key.table,
                columns,
                key.table,
                columns,
                None,
                "the same rows read again by primary key",
            )


def _by_name(
    child: ShapeFacts, key: Key, by_table: Mapping[TableName, list[ShapeFacts]], catalog: Catalog | None
) -> Iterator[Link]:
    """No foreign key is declared or known: ``author_id`` names ``authors``; a generic relation names no table."""
    target = _beyond(child, key)
    generic = key.columns & set(CONTENT_TYPE)
    for column in sorted(key.columns - set(CONTENT_TYPE)):
        entity = stem(column)
        for table in sorted(by_table):
            if _names(table, entity, key.table) or (generic and entity == "object" and table != key.table):
                relation = Relation.MANY_TO_MANY if target and target != table else Relation.ONE_TO_MANY
                linked = f"{key.table.name}.{column} names {table.name}" if not generic else "a generic relation"
                link = (relation, BY_NAME, target or key.table, (column,), table, _key_of(table, catalog))
                through = key.table if relation is Relation.MANY_TO_MANY else None
                yield from (
                    Link(_id(child), _id(p), *link, through, linked) for p in by_table[table] if _distinct(child, p)
                )
    if not is_primary_key(key.table, key.columns, catalog):
        return
    for table in sorted(by_table):
        for parent in by_table[table]:
            column = _reference(parent, table, key.table, catalog)
            if column and _distinct(child, parent):
                yield Link(
                    _id(child),
                    _id(parent),
                    Relation.MANY_TO_ONE,
                    BY_NAME,
                    key.table,
                    tuple(sorted(key.columns)),
                    table,
                    (column,),
                    None,
                    f"{table.name}.{column} names {key.table.name}",
                )


def _names(table: TableName, entity: str, own: TableName) -> bool:
    """Whether ``entity`` means ``table``; ``parent_id`` means the table that it stands in."""
    return entity == "parent" if table == own else named_like(table.name, entity)


def _by_count(
    child: ShapeFacts, key: Key, by_table: Mapping[TableName, list[ShapeFacts]], catalog: Catalog | None
) -> Iterator[Link]:
    """Documents refer to one another without a declaration and often without a telling name."""
    if child.shape.command not in DOCUMENT_READS:
        return
    identity = is_primary_key(key.table, key.columns, catalog)
    relation = Relation.MANY_TO_ONE if identity else Relation.ONE_TO_MANY
    columns = tuple(sorted(key.columns))
    for table in sorted(by_table):
        if table == key.table:
            continue
        for parent in by_table[table]:
            if _distinct(child, parent) and not parent.single:
                linked = f"as many reads of {key.table.name} as {table.name} returned documents"
                yield Link(_id(child), _id(parent), relation, BY_COUNT, key.table, columns, table, (), None, linked)


def _reference(parent: ShapeFacts, table: TableName, target: TableName, catalog: Catalog | None) -> str:
    """The column of ``table``, read by ``parent``, whose name says that it refers to ``target``."""
    known = catalog.find(table.name, table.schema) if catalog else None
    everything = frozenset(known.by_column) if known else frozenset()
    columns = everything if parent.reads_all(table) else parent.columns[table]
    named = sorted(c for c in columns if named_like(target.name, stem(c)))
    if named:
        return named[0]
    generic = columns & set(CONTENT_TYPE)
    return "object_id" if generic and "object_id" in columns else ""


def _beyond(child: ShapeFacts, key: Key) -> TableName | None:
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


def _distinct(child: ShapeFacts, parent: ShapeFacts) -> bool:
    return parent is not child and not parent.aggregated


def _unique_set(catalog: Catalog | None, table: TableName, columns: Sequence[str]) -> bool:
    known = catalog.find(table.name, table.schema) if catalog else None
    return known is not None and any(set(unique) <= set(columns) for unique in known.unique_keys())


def _key_of(table: TableName, catalog: Catalog | None) -> tuple[str, ...]:
    known = catalog.find(table.name, table.schema) if catalog else None
    return known.primary_key if known and known.primary_key else ("id",)


def _id(facts: ShapeFacts) -> str:
    return facts.shape.fingerprint


__all__ = ["BY_FOREIGN_KEY", "BY_NAME", "BY_TABLE", "Link", "links", "singular"]
