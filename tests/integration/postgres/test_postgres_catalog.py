"""The catalog of a real server, object by object."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from advisor.model.catalog import Catalog, ForeignKey, Index, Table, TableName
from advisor.model.ddl import index_body
from connectors.postgres.catalog import read_catalog


def read(url: str, **options: Any) -> Catalog:
    async def go() -> Catalog:
        connection = await asyncpg.connect(url)
        try:
            return await read_catalog(connection, **options)
        finally:
            await connection.close()

    return asyncio.run(go())


@pytest.fixture(scope="module")
def catalog(zoo: Any) -> Catalog:
    return read(zoo.url, schemas=("zoo",))


def table(catalog: Catalog, name: str) -> Table:
    return catalog.by_name[TableName("zoo", name)]


def index(catalog: Catalog, name: str) -> Index:
    return next(one for one in table(catalog, "animal").indexes if one.name == name)


def test_columns(catalog: Catalog) -> None:
    keeper = table(catalog, "Keeper")
    assert keeper.primary_key == ("id",)
    assert [column.type for column in keeper.columns] == ["bigint", "text", "character varying(80)", "date", "integer"]
    assert keeper.by_column["Name"].collation == "C"
    assert keeper.by_column["email"].collation is None
    assert keeper.by_column["g"].generated
    assert not keeper.by_column["Name"].nullable
    assert keeper.by_column["id"].default == "nextval('zoo.\"Keeper_id_seq\"'::regclass)"


def test_statistics_hold_no_value_unless_asked(zoo: Any, catalog: Catalog) -> None:
    stats = table(catalog, "animal").by_column["kind"].stats
    assert stats is not None
    assert (stats.n_distinct, stats.most_common_values) == (7, ())
    assert sum(stats.most_common_frequencies) == pytest.approx(1)
    keeper = table(catalog, "Keeper").by_column["id"].stats
    assert keeper is not None
    assert keeper.n_distinct == 1000
    kept = read(zoo.url, keep_values=True).by_name[TableName("zoo", "animal")].by_column["kind"].stats
    assert kept is not None
    assert sorted(kept.most_common_values) == [f"kind{n}" for n in range(7)]


def test_indexes_are_what_their_definitions_say(zoo: Any, catalog: Catalog) -> None:
    partial = index(catalog, "animal_partial")
    assert (partial.keys, partial.include) == (("lower(kind)", "weight"), ("seen",))
    assert partial.columns[1].descending
    assert partial.columns[1].nulls_first is False
    assert "weight > " in partial.predicate
    assert index(catalog, "animal_pattern").columns[0].opclass == "text_pattern_ops"
    assert index(catalog, "animal_collated").columns[0].collation == '"C"'
    assert index(catalog, "animal_pkey").constraint == "animal_pkey"
    assert (index(catalog, "animal_doc").method, index(catalog, "animal_seen").method) == ("gin", "brin")
    # The model writes each of them back as PostgreSQL itself prints it.
    own = [one for one in table(catalog, "animal").indexes if not one.constraint]
    rebuilt = [f"CREATE INDEX again_{number} {index_body(one)}" for number, one in enumerate(own)]
    try:
        zoo.run(*rebuilt)
        twins = read(zoo.url, schemas=("zoo",)).by_name[TableName("zoo", "animal")].indexes
        again = {one.definition.split(" USING ")[1] for one in twins if one.name.startswith("again_")}
        assert again == {one.definition.split(" USING ")[1] for one in own}
    finally:
        zoo.run(*(f"DROP INDEX IF EXISTS zoo.again_{number}" for number in range(len(own))))


def test_partitions(catalog: Catalog) -> None:
    parent, child = table(catalog, "log"), table(catalog, "log_1")
    assert (parent.kind, parent.partition_key) == ("partitioned table", "RANGE (at)")
    assert (child.kind, child.partition_of) == ("partition", parent.name)
    assert parent.rows == 15_000
    assert (parent.size_bytes or 0) > (child.size_bytes or 0) > 0
    assert [one.parent for one in child.indexes] == ["log_x"]
    stats = parent.by_column["at"].stats
    assert stats is not None
    assert stats.n_distinct == 15_000


def test_views_and_tables_never_analyzed(catalog: Catalog) -> None:
    assert "GROUP BY" in table(catalog, "v").definition
    assert table(catalog, "mv").kind == "materialized view"
    never = table(catalog, "never")
    assert never.rows >= 500
    assert all(column.stats is None for column in never.columns)


def test_foreign_keys_and_counters(catalog: Catalog) -> None:
    assert catalog.foreign_keys == (
        ForeignKey(
            "animal_keeper_fkey",
            TableName("zoo", "animal"),
            ("keeper",),
            TableName("zoo", "Keeper"),
            ("id",),
            "CASCADE",
        ),
    )
    usage = table(catalog, "animal").usage
    assert usage.inserts == 20_000
    assert usage.last_analyzed_at is not None
    assert index(catalog, "animal_pkey").scans is not None


def test_extensions_own_objects_are_left_out(contrib: Any) -> None:
    names = {one.name.name for one in read(contrib.url).tables}
    assert names
    assert not {"pg_stat_statements", "hypopg_list_indexes"} & names


def test_the_number_of_statements_does_not_grow_with_the_tables(embedded: Any) -> None:
    class Counting:
        def __init__(self, connection: Any) -> None:
            self.connection = connection
            self.statements = 0

        async def fetch(self, statement: str, *args: Any) -> Any:
            self.statements += 1
            return await self.connection.fetch(statement, *args)

    async def statements(schema: str) -> tuple[int, int]:
        connection = await asyncpg.connect(embedded.url)
        try:
            counting = Counting(connection)
            found = await read_catalog(counting, schemas=(schema,))
            return len(found.tables), counting.statements
        finally:
            await connection.close()

    embedded.run(
        "CREATE SCHEMA many",
        "DO $$ BEGIN FOR n IN 1..100 LOOP EXECUTE format('CREATE TABLE many.t%s (a int)', n); END LOOP; END $$",
    )
    few, many = asyncio.run(statements("zoo")), asyncio.run(statements("many"))
    embedded.run("DROP SCHEMA many CASCADE")
    assert many == (100, few[1])
