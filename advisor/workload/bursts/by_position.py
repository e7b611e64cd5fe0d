"""Links that only the order shows: the same list stands right before the lookups in unit after unit.

The weakest proof, asked for where neither keys nor names explain a repetition (``made_by``, ``host_id`` of a table
``users``). The research page (2.3) warns of "the statement before" as a rule of its own; here the list must be able to
return many rows, to supply the key by its columns' types, and to be there nearly every time.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.catalog import Catalog, Table, TableName
from advisor.model.workload import Relation
from advisor.workload.bursts.by_name import columns_read
from advisor.workload.bursts.facts import Key, ShapeFacts
from advisor.workload.bursts.link import BY_POSITION, Link, beyond, fingerprint, key_of, unique_set
from advisor.workload.bursts.naming import is_primary_key, words


def by_position(child: ShapeFacts, parent: ShapeFacts, catalog: Catalog | None) -> Iterator[Link]:
    """The link of ``child`` to a list that stands before it; none when the list has no column for its key."""
    if (child.aggregated and not child.keys) or parent.aggregated:
        return
    key = next((key for key in child.keys if not key.by_subquery), None)
    if key is None:
        return
    identity = is_primary_key(key.table, key.columns | child.as_of, catalog)
    ways = [
        (table, _carriers(parent, table, key, catalog) if identity else _referenced(table, key, catalog))
        for table in parent.tables
    ]
    known = [(table, found) for table, found in ways if found is not None]
    if known:
        # Where several tables could supply the key, the one with a column that ends as the key does (observer_uuid for
        # person_uuid).
        table, found = max(known, key=lambda way: identity and _ends_alike(way[1], key))
        yield _link(child, parent, key, table, found, identity=identity, catalog=catalog)


def _link(
    child: ShapeFacts,
    parent: ShapeFacts,
    key: Key,
    table: TableName,
    columns: tuple[str, ...],
    *,
    identity: bool,
    catalog: Catalog | None,
) -> Link:
    target = None if identity else beyond(child, key, catalog)
    relation = Relation.MANY_TO_ONE if identity else Relation.ONE_TO_MANY
    if not identity and unique_set(catalog, key.table, tuple(key.columns)):
        relation = Relation.ONE_TO_ONE
    return Link(
        fingerprint(child),
        fingerprint(parent),
        Relation.MANY_TO_MANY if target else relation,
        BY_POSITION,
        target or key.table,
        tuple(sorted(key.columns)),
        table,
        columns,
        key.table if target else None,
        f"it stands right behind the list of {table.name}, each time",
    )


def _carriers(parent: ShapeFacts, table: TableName, key: Key, catalog: Catalog | None) -> tuple[str, ...] | None:
    """Columns of ``table`` that may hold the child's primary key: of its type, and of no other reference (a foreign
    key, or what the parent joins another table by).

    ``None`` when there is none; empty when nobody tells which one it is.
    """
    known, own = _table(table, catalog), _table(key.table, catalog)
    if known is None or own is None:
        return ()
    taken = {c for foreign in (catalog.foreign_keys_of(table) if catalog else ()) for c in foreign.columns}
    taken |= {join.column for join in parent.joins if join.table == table}
    taken |= {join.other_column for join in parent.joins if join.other == table}
    alone = known.primary_key if len(known.primary_key) == 1 else ()
    types = {own.by_column[c].type for c in key.columns if c in own.by_column}
    read = columns_read(parent, table, catalog)
    found = sorted(c for c in read - taken - set(alone) if c in known.by_column and known.by_column[c].type in types)
    if not found:
        return None
    return (found[0],) if len(found) == 1 and len(key.columns) == 1 else ()


def _ends_alike(columns: tuple[str, ...], key: Key) -> bool:
    ends = {words(column)[-1:] for column in key.columns}
    return len(columns) == 1 and words(columns[0])[-1:] in ends


def _referenced(table: TableName, key: Key, catalog: Catalog | None) -> tuple[str, ...] | None:
    """The primary key of ``table``, where its type is that of one of the child's bound columns."""
    known, own = _table(table, catalog), _table(key.table, catalog)
    if known is None or own is None:
        return key_of(table, catalog)
    types = {own.by_column[c].type for c in key.columns if c in own.by_column}
    wanted = {known.by_column[c].type for c in known.primary_key if c in known.by_column}
    return known.primary_key if wanted and wanted <= types else None


def _table(name: TableName, catalog: Catalog | None) -> Table | None:
    return catalog.find(name.name, name.schema) if catalog else None
