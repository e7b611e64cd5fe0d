"""A schema for each tenant."""

from __future__ import annotations

from advisor.model.catalog import Catalog, Column, ForeignKey, Table, TableName
from advisor.workload.bursts.tenants import with_tenants


def table(schema: str, name: str, *columns: str) -> Table:
    return Table(TableName(schema, name), tuple(Column(c, "int") for c in ("id", *columns)), primary_key=("id",))


def test_tables_of_one_definition_are_found_without_their_schema() -> None:
    key = ForeignKey("k", TableName("a", "post"), ("user_id",), TableName("a", "user"), ("id",))
    tenants = [table(schema, name, "user_id") for schema in ("a", "b") for name in ("post", "user")]
    seen = with_tenants(Catalog(tuple(tenants), (key,)))
    found = seen.find("post")
    assert found is not None
    assert found.primary_key == ("id",)
    assert [k.referenced for k in seen.foreign_keys_of(TableName("", "post"))] == [TableName("", "user")]


def test_tables_that_differ_stay_unknown() -> None:
    assert with_tenants(Catalog((table("a", "post", "x"), table("b", "post", "y")))).find("post") is None


def test_the_search_path_decides_where_it_can() -> None:
    seen = with_tenants(Catalog((table("a", "post"), table("public", "post"))))
    found = seen.find("post")
    assert found is not None
    assert found.name == TableName("public", "post")
