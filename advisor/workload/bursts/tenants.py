"""A schema for each tenant: statements name their tables through the search path, which a log does not tell."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from advisor.model.catalog import Catalog, Table, TableName


def with_tenants(catalog: Catalog) -> Catalog:
    """``catalog`` with a table of no schema for each name that several schemas have, all of one definition.

    Which tenant's table a statement read does not matter to the search: keys and columns are the same.
    """
    named: dict[str, list[Table]] = defaultdict(list)
    for table in catalog.tables:
        named[table.name.name].append(table)
    common = {
        tables[0].name: replace(tables[0], name=TableName("", name))
        for name, tables in sorted(named.items())
        if len(tables) > 1 and catalog.find(name) is None and len({_definition(table) for table in tables}) == 1
    }
    keys = [
        replace(key, table=common[key.table].name, referenced=common[key.referenced].name)
        for key in catalog.foreign_keys
        if key.table in common and key.referenced in common
    ]
    return replace(
        catalog,
        tables=(*catalog.tables, *common.values()),
        foreign_keys=(*catalog.foreign_keys, *keys),
        search_path=("", *catalog.search_path),
    )


def _definition(table: Table) -> tuple[object, ...]:
    return frozenset((column.name, column.type) for column in table.columns), table.primary_key
