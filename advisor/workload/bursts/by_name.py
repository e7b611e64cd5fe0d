"""Links that names prove, where no foreign key is declared or known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from advisor.model.catalog import Catalog, TableName
from advisor.model.workload import Relation
from advisor.workload.bursts.facts import Key, ShapeFacts
from advisor.workload.bursts.link import BY_NAME, Link, beyond, distinct, fingerprint, key_of, unique_set
from advisor.workload.bursts.naming import (
    PRIMARY_KEY_NAMES,
    entity,
    held_by,
    is_primary_key,
    may_mean,
    polymorphic,
    refers,
    words,
)


class Parents:
    """The shapes that can be parents, by table and by column; tables and columns by the entity that they name."""

    def __init__(self, shapes: Iterable[ShapeFacts], catalog: Catalog | None) -> None:
        self.by_table: dict[TableName, list[ShapeFacts]] = defaultdict(list)
        self.tables_of: dict[str, set[TableName]] = defaultdict(set)
        self.columns_of: dict[str, set[str]] = defaultdict(set)
        self.columns_behind: dict[tuple[str, ...], set[str]] = defaultdict(set)
        self.reading: dict[str, list[tuple[TableName, ShapeFacts]]] = defaultdict(list)
        self.polymorphic: list[tuple[TableName, ShapeFacts, str]] = []
        for shape in shapes:
            for table in shape.tables:
                self.by_table[table].append(shape)
                self._index(shape, table, catalog)
        self.tables_keyed_by: dict[tuple[str, ...], set[TableName]] = defaultdict(set)
        for table in self.by_table:
            for name in held_by(table.name):
                self.tables_of[name].add(table)
            own = key_of(table, catalog)
            if len(own) == 1 and len(words(own[0])) > 1:
                self.tables_keyed_by[words(own[0])].add(table)

    def _index(self, shape: ShapeFacts, table: TableName, catalog: Catalog | None) -> None:
        read = columns_read(shape, table, catalog)
        for column in read:
            if column not in self.reading:
                for name in may_mean(column):
                    self.columns_of[name].add(column)
                for start in range(1, len(found := words(column)) - 1):
                    self.columns_behind[found[start:]].add(column)
            self.reading[column].append((table, shape))
        self.polymorphic += [(table, shape, column) for column in sorted(polymorphic(read))[:1]]


def by_name(child: ShapeFacts, key: Key, parents: Parents, catalog: Catalog | None) -> Iterator[Link]:
    """A column named after the other table, a polymorphic reference, or key columns that both tables have."""
    yield from _named_by_child(child, key, parents, catalog)
    yield from _shared(child, key, parents, catalog)
    yield from _behind_prefix(child, key, parents, catalog)
    if is_primary_key(key.table, key.columns, catalog) or _natural(key, catalog):
        yield from _named_by_parent(child, key, parents)


def _natural(key: Key, catalog: Catalog | None) -> bool:
    """One column that refers to nothing (``code``, ``slug``), of a table whose key nobody knows."""
    known = catalog.find(key.table.name, key.table.schema) if catalog else None
    return known is None and len(key.columns) == 1 and not entity(next(iter(key.columns)))


def columns_read(parent: ShapeFacts, table: TableName, catalog: Catalog | None) -> frozenset[str]:
    """The columns of ``table`` that ``parent`` touches; none known where it reads ``*`` without a catalog."""
    if not parent.reads_all(table):
        return parent.columns[table]
    known = catalog.find(table.name, table.schema) if catalog else None
    return frozenset(known.by_column) if known else parent.columns.get(table, frozenset()) - {"*"}


def _named_by_child(child: ShapeFacts, key: Key, parents: Parents, catalog: Catalog | None) -> Iterator[Link]:
    """To many: the child's bound column refers to the parent's key."""
    generic = polymorphic(key.columns)
    for column in sorted(key.columns):
        if generic and column not in generic:
            continue
        named = {table for name in may_mean(column) for table in parents.tables_of.get(name, ())} | {key.table}
        for table in sorted(parents.by_table if generic else named & parents.by_table.keys()):
            own = key_of(table, catalog)
            if generic and table == key.table:
                continue
            if not generic and not refers(column, table, key.table, own[0] if len(own) == 1 else ""):
                continue
            linked = f"the polymorphic {column}" if generic else f"{key.table.name}.{column} names {table.name}"
            yield from _to_many(child, key, parents.by_table[table], table, (column,), own, linked, catalog)


def _named_by_parent(child: ShapeFacts, key: Key, parents: Parents) -> Iterator[Link]:
    """To one: a column that the parent reads refers to the child's key."""
    own = next(iter(key.columns)) if len(key.columns) == 1 else ""
    for column in sorted(
        {c for name in (*held_by(key.table.name), "parent") for c in parents.columns_of.get(name, ())}
    ):
        for table, parent in parents.reading[column]:
            if distinct(child, parent) and refers(column, key.table, table, own):
                yield _to_one(child, parent, key, table, (column,), f"{table.name}.{column} names {key.table.name}")
    for table, parent, column in parents.polymorphic:
        if table != key.table and distinct(child, parent):
            yield _to_one(child, parent, key, table, (column,), f"the polymorphic {column}")


def _behind_prefix(child: ShapeFacts, key: Key, parents: Parents, catalog: Catalog | None) -> Iterator[Link]:
    """One has the other's whole key behind a prefix of its own: ``PAT_WRD_ID`` and ``WRD_ID``."""
    for column in sorted(key.columns):
        for start in range(1, len(found := words(column)) - 1):
            for table in sorted(parents.tables_keyed_by.get(found[start:], set()) - {key.table}):
                own = key_of(table, catalog)
                linked = f"{key.table.name}.{column} ends with {own[0]}"
                yield from _to_many(child, key, parents.by_table[table], table, (column,), own, linked, catalog)
    if len(key.columns) != 1:
        return
    for column in sorted(parents.columns_behind.get(words(next(iter(key.columns))), ())):
        for table, parent in parents.reading[column]:
            if table != key.table and distinct(child, parent):
                linked = f"{table.name}.{column} ends with {next(iter(key.columns))}"
                yield _to_one(child, parent, key, table, (column,), linked)


def _shared(child: ShapeFacts, key: Key, parents: Parents, catalog: Catalog | None) -> Iterator[Link]:
    """Both tables have the columns that the child is bound by: the key of one of them, as composite and natural keys
    are carried on under their own name. ``id`` says nothing, for each table has its own."""
    columns = tuple(sorted(key.columns))
    if len(columns) == 1 and columns[0].lower() in PRIMARY_KEY_NAMES:
        return
    of_child = is_primary_key(key.table, key.columns, catalog)
    rarest = min(columns, key=lambda column: len(parents.reading.get(column, ())))
    carriers: dict[TableName, list[ShapeFacts]] = defaultdict(list)
    for table, parent in parents.reading.get(rarest, ()):
        if table != key.table and distinct(child, parent) and key.columns <= columns_read(parent, table, catalog):
            carriers[table].append(parent)
    for table, found in sorted(carriers.items()):
        linked = f"{table.name} and {key.table.name} share {', '.join(columns)}"
        if is_primary_key(table, key.columns, catalog):
            yield from _to_many(child, key, found, table, columns, columns, linked, catalog)
        elif of_child:
            yield from (_to_one(child, parent, key, table, columns, linked) for parent in found)


def _to_many(
    child: ShapeFacts,
    key: Key,
    parents: Iterable[ShapeFacts],
    table: TableName,
    columns: tuple[str, ...],
    own: tuple[str, ...],
    linked: str,
    catalog: Catalog | None,
) -> Iterator[Link]:
    target = beyond(child, key, catalog)
    far = target is not None and target != table
    unique = unique_set(catalog, key.table, columns) or is_primary_key(key.table, frozenset(columns), catalog)
    relation = Relation.MANY_TO_MANY if far else Relation.ONE_TO_ONE if unique else Relation.ONE_TO_MANY
    for parent in parents:
        if distinct(child, parent):
            yield Link(
                fingerprint(child),
                fingerprint(parent),
                relation,
                BY_NAME,
                (target if far else None) or key.table,
                columns,
                table,
                own,
                key.table if far else None,
                linked,
            )


def _to_one(
    child: ShapeFacts, parent: ShapeFacts, key: Key, table: TableName, columns: tuple[str, ...], linked: str
) -> Link:
    return Link(
        fingerprint(child),
        fingerprint(parent),
        Relation.MANY_TO_ONE,
        BY_NAME,
        key.table,
        tuple(sorted(key.columns)),
        table,
        columns,
        None,
        linked,
    )
