"""Which shape can be the parent of which: by foreign key, else by the names of columns and tables.

The rule is section 2.3 of the research page: the parent is not "the statement before" but one whose rows hold the key
that the child is bound by.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from advisor.model.catalog import Catalog, ForeignKey, TableName
from advisor.model.workload import Relation
from advisor.workload.bursts.by_name import Parents, by_name
from advisor.workload.bursts.facts import Key, ShapeFacts
from advisor.workload.bursts.link import (
    BY_COUNT,
    BY_FOREIGN_KEY,
    BY_NAME,
    BY_TABLE,
    Link,
    beyond,
    distinct,
    fingerprint,
    unique_set,
    way_beyond,
)
from advisor.workload.bursts.naming import is_primary_key

DOCUMENT_READS = frozenset(["find", "aggregate", "count", "distinct"])
"""Commands of MongoDB that read."""


def links(children: Sequence[ShapeFacts], parents: Sequence[ShapeFacts], catalog: Catalog | None) -> list[Link]:
    """Every possible (child, parent) pair with its best link, in a fixed order."""
    known_parents = Parents(parents, catalog)
    keys = _ForeignKeys(catalog)
    found: dict[tuple[str, str], Link] = {}
    for child in children:
        for link in _links_of(child, known_parents, keys, catalog):
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


def _links_of(child: ShapeFacts, parents: Parents, keys: _ForeignKeys, catalog: Catalog | None) -> Iterator[Link]:
    by_table = parents.by_table
    for key in child.keys:
        related = list(_related(child, key, by_table, catalog))
        if related:
            yield from related
            continue
        yield from _asked(child, key, by_table)
        yield from _to_many(child, key, by_table, keys, catalog)
        yield from _to_one(child, key, by_table, keys, catalog)
        yield from _same_table(child, key, by_table, catalog)
        yield from by_name(child, key, parents, catalog)
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
        target = beyond(child, key, catalog)
        unique = unique_set(catalog, key.table, foreign.columns)
        relation = Relation.ONE_TO_ONE if unique else Relation.MANY_TO_MANY if target else Relation.ONE_TO_MANY
        for parent in by_table.get(foreign.referenced, ()):
            if parent is not child:
                yield Link(
                    fingerprint(child),
                    fingerprint(parent),
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
            unique = unique_set(catalog, table, foreign.columns)
            yield Link(
                fingerprint(child),
                fingerprint(parent),
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


def _related(
    child: ShapeFacts, key: Key, by_table: Mapping[TableName, list[ShapeFacts]], catalog: Catalog | None
) -> Iterator[Link]:
    """The parent's own row is joined once more, by its primary key, only to reach what hangs on it."""
    way = way_beyond(child, key, catalog)
    if way is None or not is_primary_key(key.table, key.columns, catalog):
        return
    columns = tuple(sorted(key.columns))
    for parent in by_table.get(key.table, ()):
        if distinct(child, parent) and not parent.single:
            yield Link(
                fingerprint(child),
                fingerprint(parent),
                way.relation,
                BY_FOREIGN_KEY,
                way.table,
                columns,
                key.table,
                columns,
                None,
                f"{way.table.name} is joined to the row of {key.table.name}",
            )


def _asked(child: ShapeFacts, key: Key, by_table: Mapping[TableName, list[ShapeFacts]]) -> Iterator[Link]:
    """The statement itself asks for the key of the parent's row: ``origin_id = (SELECT id FROM airport WHERE …)``."""
    if not key.by_subquery:
        return
    for asked in child.keys:
        for parent in by_table.get(asked.table, ()) if asked.table != key.table and not asked.by_subquery else ():
            if distinct(child, parent):
                yield Link(
                    fingerprint(child),
                    fingerprint(parent),
                    Relation.ONE_TO_MANY,
                    BY_NAME,
                    key.table,
                    tuple(sorted(key.columns)),
                    asked.table,
                    tuple(sorted(asked.columns)),
                    None,
                    f"the key of {asked.table.name} is asked for in a subquery",
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
                fingerprint(child),
                fingerprint(parent),
                Relation.DEFERRED,
                BY_TABLE,
                key.table,
                columns,
                key.table,
                columns,
                None,
                "the same rows read again by primary key",
            )


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
            if distinct(child, parent) and not parent.single:
                linked = f"as many reads of {key.table.name} as {table.name} returned documents"
                yield Link(
                    fingerprint(child),
                    fingerprint(parent),
                    relation,
                    BY_COUNT,
                    key.table,
                    columns,
                    table,
                    (),
                    None,
                    linked,
                )
