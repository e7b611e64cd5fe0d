"""The computed size of an index against the one that PostgreSQL builds, from the catalog that our own reader gives."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

from advisor.model.catalog import Catalog, Index, IndexColumn, TableName
from advisor.model.index_size import estimated_size
from connectors.postgres.catalog import read_catalog
from connectors.postgres.embedded import EmbeddedServer

ROWS = 200_000
T = TableName("public", "t")
SCHEMA = f"""
CREATE TABLE t AS SELECT n::bigint AS id, (n % 7)::int AS few, md5(n::text) AS hash, 'city ' || n % 50 AS city,
    now() - n * interval '1 s' AS at, (n % 5000)::bigint AS parent, n % 2 = 0 AS flag, gen_random_uuid() AS uid,
    CASE WHEN n % 10 = 0 THEN n END AS sparse FROM generate_series(1, {ROWS}) n;
ANALYZE t;
"""
KEYS = [
    ("id",),
    ("few",),
    ("hash",),
    ("city",),
    ("at",),
    ("parent",),
    ("flag",),
    ("uid",),
    ("sparse",),
    ("parent", "at"),
    ("city", "few"),
]


@pytest.fixture(scope="module")
def measured() -> Iterator[tuple[Catalog, dict[tuple[str, ...], int]]]:
    async def fill(url: str) -> tuple[Catalog, dict[tuple[str, ...], int]]:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(SCHEMA)
            sizes = {}
            for number, keys in enumerate(KEYS):
                await connection.execute(f"CREATE INDEX i{number} ON t ({', '.join(keys)})")
                sizes[keys] = await connection.fetchval("SELECT pg_relation_size($1::regclass)", f"i{number}")
            return await read_catalog(connection), sizes
        finally:
            await connection.close()

    with EmbeddedServer() as server:
        yield asyncio.run(fill(server.url))


@pytest.mark.parametrize("keys", KEYS, ids=["_".join(keys) for keys in KEYS])
def test_the_computed_size_is_near_the_built_one(
    keys: tuple[str, ...], measured: tuple[Catalog, dict[tuple[str, ...], int]]
) -> None:
    catalog, sizes = measured
    computed = estimated_size(Index(T, tuple(map(IndexColumn, keys))), catalog)
    print(keys, computed, sizes[keys], f"{computed / sizes[keys] - 1:+.1%}")
    assert computed == pytest.approx(sizes[keys], rel=0.15)
