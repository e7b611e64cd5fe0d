"""Estimated against built index sizes, one row a kind of column.

Run: ``python -m tests.benchmarks.shadow_sizes [--rows 1000000]``. The estimate sees the capture of an analysed table,
as it is by default (no values), and never an index; the target then builds each one.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

import asyncpg

from advisor.model.capture import Capture
from advisor.model.catalog import Index, IndexColumn, TableName
from advisor.model.ddl import index_body
from connectors.postgres.embedded import EmbeddedServer
from connectors.postgres.shadow import ShadowPlanner
from tests.benchmarks.tpch import captured

TABLE = TableName("public", "many")
# Column, type, value of row i. The generator is PostgreSQL's own random() after setseed.
COLUMNS = (
    ("id8", "bigint", "i"),
    ("id4", "integer", "i"),
    ("small", "smallint", "(random() * 3000)::int"),
    ("few_duplicates", "integer", "(random() * {rows} / 2.5)::int"),
    ("duplicates", "integer", "(random() * {rows} / 40)::int"),
    ("flag", "boolean", "random() < 0.1"),
    ("at", "timestamptz", "timestamptz '2024-01-01' + i * interval '13 seconds'"),
    ("day", "date", "date '2020-01-01' + (random() * 1500)::int"),
    ("token", "text", "md5(i::text)"),
    ("email", "text", "'user' || (random() * 1e9)::bigint || '@' || (ARRAY['mail.example', 'x.io'])[1 + i % 2]"),
    ("status", "text", "(ARRAY['new', 'paid', 'sent', 'done', 'lost'])[1 + (random() * random() * 4.99)::int]"),
    ("city", "text", "'city ' || (random() * random() * 8000)::int"),
    ("uid", "uuid", "gen_random_uuid()"),
    ("amount", "numeric(12,2)", "(random() * 100000)::numeric(12,2)"),
    ("ratio", "double precision", "random()"),
    ("mostly_null", "integer", "CASE WHEN random() < 0.1 THEN (random() * 1e6)::int END"),
    ("address", "inet", "('10.' || (i % 200) || '.' || (random() * 255)::int || '.' || (random() * 255)::int)::inet"),
    ("code", "char(8)", "lpad((random() * 99999999)::int::text, 8, '0')"),
    ("tags", "text[]", "ARRAY['t' || (random() * 50)::int, 'u' || (random() * 200)::int, 'v' || i % 3]"),
    ("data", "jsonb", "jsonb_build_object('kind', (random() * 20)::int, 'ref', (random() * 50000)::int)"),
)


def plain(*names: str, **more: object) -> Index:
    return Index(TABLE, tuple(map(IndexColumn, names)), **more)  # type: ignore[arg-type]


INDEXES = (
    *(plain(name) for name, _, _ in COLUMNS[:18]),
    plain("status", "at"),
    plain("duplicates", "day"),
    plain("uid", "status"),
    plain("duplicates", include=("at",)),
    plain("at", predicate="flag"),
    plain("city", predicate="mostly_null IS NOT NULL"),
    Index(TABLE, (IndexColumn(expression="lower(email)"),)),
    Index(TABLE, (IndexColumn(expression="lower(city)"),)),
    plain("at", method="brin"),
    plain("token", method="hash"),
    plain("duplicates", method="hash"),
    plain("tags", method="gin"),
    plain("data", method="gin"),
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    rows = arguments.parse_args().rows
    with EmbeddedServer(settings={"maintenance_work_mem": "256MB"}) as server, tempfile.TemporaryDirectory() as folder:
        capture = asyncio.run(filled(server.url, rows, Path(folder)))
        with ShadowPlanner(capture) as planner:
            estimated = planner.sizes(INDEXES)
        built = asyncio.run(really(server.url))
    print(f"{'index':44} {'estimated':>12} {'built':>12} {'error':>7}")
    within = 0
    for index, guess, size in zip(INDEXES, estimated, built, strict=True):
        error = guess / size - 1
        within += abs(error) <= 0.10
        name = f"{index.method} ({', '.join(index.keys)})" + f" INCLUDE ({', '.join(index.include)})" * bool(
            index.include
        )
        print(
            f"{name + f' WHERE {index.predicate}' * bool(index.predicate):44} {guess:>12,} {size:>12,} {error:>+7.1%}"
        )
    print(f"within 10 %: {within} of {len(INDEXES)}")


async def filled(url: str, rows: int, folder: Path) -> Capture:
    connection = await asyncpg.connect(url)
    try:
        declared = ", ".join(f"{name} {kind}" for name, kind, _ in COLUMNS)
        values = ", ".join(value.format(rows=rows) for _, _, value in COLUMNS)
        await connection.execute(f"CREATE TABLE many ({declared}); SELECT setseed(0.5)")
        await connection.execute(f"INSERT INTO many SELECT {values} FROM generate_series(1, {rows}) i")
        await connection.execute("VACUUM ANALYZE many")
    finally:
        await connection.close()
    return await captured(url, folder, 18, keep_values=False)


async def really(url: str) -> list[int]:
    connection = await asyncpg.connect(url)
    try:
        sizes = []
        for index in INDEXES:
            await connection.execute(f"CREATE INDEX built {index_body(index)}")
            sizes.append(await connection.fetchval("SELECT pg_relation_size('built')"))
            await connection.execute("DROP INDEX built")
        return sizes
    finally:
        await connection.close()


if __name__ == "__main__":
    main()
