"""Links that names prove, where no foreign key is declared or known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from advisor.model.catalog import Catalog, TableName
from advisor.model.workload import Relation
from advisor.workload.bursts_facts import Key, ShapeFacts
from advisor.workload.bursts_link import BY_NAME, Link, beyond, distinct, fingerprint, key_of, unique_set
from advisor.workload.bursts_naming import PRIMARY_KEY_NAMES, entity, is_primary_key, polymorphic, refers

Parents = Mapping[TableName, list[ShapeFacts]]
"""The shapes that read a table."""


def by_name(child: ShapeFacts, key: Key, by_table: Parents, catalog: Catalog | None) -> Iterator[Link]:
    """A column named after the other table, a polymorphic reference, or key columns that both tables have."""
    for table in sorted(by_table):
        parents = [parent for parent in by_table[table] if distinct(child, parent)]
        yield from _named_by_child(child, key, table, parents, catalog)
        if table != key.table:
            yield from _shared(child, key, table, parents, catalog)
        if is_primary_key(key.table, key.columns, catalog) or _natural(key, catalog):
            yield from _named_by_parent(child, key, table, parents, catalog)


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


def _named_by_child(
    child: ShapeFacts, key: Key, table: TableName, parents: list[ShapeFacts], catalog: Catalog | None
) -> Iterator[Link]:
    """To many: the child's bound column refers to the parent's key."""
    target = beyond(child, key)
    own = key_of(table, catalog)
    generic = polymorphic(key.columns)
    for column in sorted(key.columns):
        named = not generic and refers(column, table, key.table, own[0] if len(own) == 1 else "")
        if not named and (column not in generic or table == key.table):
            continue
        linked = f"{key.table.name}.{column} names {table.name}" if named else f"the polymorphic {column}"
        far = target is not None and target != table
        relation = _to_many(key, column, catalog) if not far else Relation.MANY_TO_MANY
        for parent in parents:
            yield Link(
                fingerprint(child),
                fingerprint(parent),
                relation,
                BY_NAME,
                (target if far else None) or key.table,
                (column,),
                table,
                own,
                key.table if far else None,
                linked,
            )


def _named_by_parent(
    child: ShapeFacts, key: Key, table: TableName, parents: list[ShapeFacts], catalog: Catalog | None
) -> Iterator[Link]:
    """To one: a column that the parent reads refers to the child's key."""
    columns = tuple(sorted(key.columns))
    for parent in parents:
        read = columns_read(parent, table, catalog)
        named = sorted(c for c in read if refers(c, key.table, table, columns[0] if len(columns) == 1 else ""))
        generic = sorted(polymorphic(read)) if table != key.table else []
        if named or generic:
            column = (named or generic)[0]
            linked = f"{table.name}.{column} names {key.table.name}" if named else f"the polymorphic {column}"
            yield _to_one(child, parent, key, table, (column,), linked)


def _shared(
    child: ShapeFacts, key: Key, table: TableName, parents: list[ShapeFacts], catalog: Catalog | None
) -> Iterator[Link]:
    """Both tables have the columns that the child is bound by: the key of one of them, as composite and natural keys
    are carried on under their own name. ``id`` says nothing, for each table has its own."""
    if len(key.columns) == 1 and next(iter(key.columns)).lower() in PRIMARY_KEY_NAMES:
        return
    columns = tuple(sorted(key.columns))
    linked = f"{table.name} and {key.table.name} share {', '.join(columns)}"
    of_child = is_primary_key(key.table, key.columns, catalog)
    of_parent = is_primary_key(table, key.columns, catalog)
    for parent in parents:
        if not key.columns <= columns_read(parent, table, catalog):
            continue
        if of_child and not of_parent:
            yield _to_one(child, parent, key, table, columns, linked)
        elif of_parent:
            relation = Relation.ONE_TO_ONE if of_child else Relation.ONE_TO_MANY
            target = beyond(child, key)
            yield Link(
                fingerprint(child),
                fingerprint(parent),
                Relation.MANY_TO_MANY if target and target != table else relation,
                BY_NAME,
                target or key.table,
                columns,
                table,
                columns,
                key.table if target and target != table else None,
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


def _to_many(key: Key, column: str, catalog: Catalog | None) -> Relation:
    return Relation.ONE_TO_ONE if unique_set(catalog, key.table, (column,)) else Relation.ONE_TO_MANY
