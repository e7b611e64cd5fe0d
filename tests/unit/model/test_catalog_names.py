from __future__ import annotations

from advisor.model.catalog import Catalog, Table, TableName


def test_a_schema_is_told_only_where_it_tells_tables_apart() -> None:
    here, there, alone = TableName("shop", "orders"), TableName("old", "orders"), TableName("shop", "lines")
    catalog = Catalog((Table(here, ()), Table(there, ()), Table(alone, ())))
    assert [catalog.short_name(name) for name in (here, there, alone)] == ["shop.orders", "old.orders", "lines"]
