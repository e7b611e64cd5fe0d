"""How near the data-free planner comes to the server that it stands for, on TPC-H and on the sample shop.

Run: ``python -m tests.benchmarks.fidelity [--scale 0.3] [--targets 15 16 18] [--without-values]``. Each target is a
real server with data; its capture goes to shadows of PostgreSQL 16 and 18, which answer every query as things are and
with hypothetical indexes; the target then builds these indexes. Printed: relative cost error (median, 95th percentile,
worst) and the share of scan nodes with the same access path and index. The machine's PostgreSQL is the older target.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import re
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import psycopg

from advisor.model.catalog import Index, IndexColumn, TableName
from advisor.model.ddl import index_body
from advisor.model.plan import Plan
from advisor.model.recommendation import WhatIf
from connectors.postgres.embedded import EmbeddedServer
from connectors.postgres.plan import parse_plan
from connectors.postgres.shadow import ShadowPlanner
from sample_dbs.shop_postgres.build import HERE as SHOP
from sample_dbs.shop_postgres.build import build as build_shop
from sample_dbs.shop_postgres.measure import LOG_SETTINGS, application_statements
from sample_dbs.shop_postgres.workload import run as run_shop
from tests.benchmarks.tpch import HERE as TPCH
from tests.benchmarks.tpch import TABLES, captured, queries

TPCH_INDEXES = (
    ("lineitem", "l_orderkey"),
    ("lineitem", "l_shipdate", "l_discount", "l_quantity"),
    ("lineitem", "l_partkey", "l_suppkey"),
    ("lineitem", "l_receiptdate", "l_shipmode"),
    ("orders", "o_orderkey"),
    ("orders", "o_custkey", "o_orderdate"),
    ("orders", "o_orderdate", "o_orderpriority"),
    ("customer", "c_custkey"),
    ("customer", "c_mktsegment"),
    ("customer", "c_nationkey"),
    ("part", "p_partkey"),
    ("part", "p_brand", "p_container"),
    ("part", "p_size", "p_type"),
    ("partsupp", "ps_partkey", "ps_suppkey"),
    ("supplier", "s_suppkey"),
    ("supplier", "s_nationkey"),
    ("nation", "n_nationkey"),
)


@dataclass(frozen=True)
class Sample:
    """A database of a target: its queries and the indexes to try."""

    name: str
    database: str
    queries: tuple[str, ...]
    indexes: tuple[Index, ...]


@dataclass(frozen=True)
class Planned:
    """What a planner said of one query."""

    cost: float
    scans: Counter[tuple[str, str, str]]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--scale", type=float, default=0.3, help="of the shop; 1.0 has a million order lines")
    arguments.add_argument("--targets", type=int, nargs="+", default=[15, 16, 18])
    arguments.add_argument("--shadows", type=int, nargs="+", default=[0, 16, 18], help="0: as chosen by default")
    arguments.add_argument("--without-values", action="store_true", help="as a capture is by default")
    arguments.add_argument("--worst", type=int, default=0, help="show so many of the worst queries")
    chosen = arguments.parse_args()
    print(
        f"{'target':>6} {'shadow':>6} {'sample':8} {'indexes':12} {'n':>4} "
        f"{'median':>8} {'p95':>8} {'worst':>8} same scans"
    )
    for target in chosen.targets:
        with real_server(target) as server:
            for sample in (tpch(server), shop(server, chosen.scale)):
                measure(server, target, sample, chosen)


def measure(server: EmbeddedServer, target: int, sample: Sample, chosen: argparse.Namespace) -> None:
    url = server.url_of(sample.database)
    with tempfile.TemporaryDirectory() as folder:
        capture = asyncio.run(captured(url, Path(folder), target, not chosen.without_values))
        real = asyncio.run(really(url, sample, ()))
        real_with = asyncio.run(really(url, sample, sample.indexes))
        for shadow in chosen.shadows:
            with ShadowPlanner(capture, version=shadow or None) as planner:
                for label, indexes, expected in (("as is", (), real), ("hypothetical", sample.indexes, real_with)):
                    costs = planner.costs([WhatIf("", query, frozenset(indexes)) for query in sample.queries])
                    answers = [Planned(cost.total, scans(cost.plan) if cost.plan else Counter()) for cost in costs]
                    report(
                        f"{target:>6} {planner.planner.split()[1]:>6} {sample.name:8} {label:12}",
                        sample,
                        expected,
                        answers,
                        chosen.worst,
                    )


def report(head: str, sample: Sample, real: Sequence[Planned | None], shadow: Sequence[Planned], worst: int) -> None:
    pairs = [(query, r, s) for query, r, s in zip(sample.queries, real, shadow, strict=True) if r is not None]
    errors = sorted(abs(s.cost - r.cost) / r.cost for _, r, s in pairs)
    total = sum(sum(r.scans.values()) for _, r, _ in pairs)
    same = sum(sum((r.scans & s.scans).values()) for _, r, s in pairs)
    print(
        f"{head} {len(pairs):>4} {statistics.median(errors):8.2%} "
        f"{errors[int(len(errors) * 0.95)]:8.2%} {errors[-1]:8.2%} "
        f"{same}/{total} {same / total:.1%}",
        flush=True,
    )
    for query, r, s in sorted(pairs, key=lambda pair: -abs(pair[2].cost - pair[1].cost) / pair[1].cost)[:worst]:
        print(f"      {r.cost:.2f} -> {s.cost:.2f}  {' '.join(query.split())[:150]}")
        for kind, only in (("real", r.scans - s.scans), ("shadow", s.scans - r.scans)):
            for scan in sorted(only):
                print(f"         only {kind}: {scan}")


def real_server(version: int) -> EmbeddedServer:
    settings = {**LOG_SETTINGS, "max_parallel_workers_per_gather": "2"}
    binaries = Path(f"/usr/lib/postgresql/{version}/bin")
    if version in (16, 18):
        return EmbeddedServer(version=version, settings=settings)
    return EmbeddedServer(settings=settings, binaries=binaries)


def tpch(server: EmbeddedServer) -> Sample:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE tpch")
    with tempfile.TemporaryDirectory() as folder, psycopg.connect(server.url_of("tpch"), autocommit=True) as connection:
        subprocess.run(
            ["tpchgen-cli", "csv", "-s", "0.1", f"--output-dir={folder}"], check=True, stdout=subprocess.DEVNULL
        )
        connection.execute((TPCH / "tpch_schema.sql").read_bytes())
        for table in TABLES:
            with connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT csv, HEADER)".encode()) as copy:
                copy.write((Path(folder) / f"{table}.csv").read_bytes())
        connection.execute("VACUUM ANALYZE")
    indexes = tuple(
        Index(TableName("public", table), tuple(map(IndexColumn, columns)), name=f"what_if_{number}")
        for number, (table, *columns) in enumerate(TPCH_INDEXES)
    )
    return Sample("TPC-H", "tpch", tuple(queries().values()), indexes)


def shop(server: EmbeddedServer, scale: float) -> Sample:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE shop")
    url = server.url_of("shop")
    build_shop(url, scale)
    run_shop(url)
    time.sleep(1.5)
    texts = {
        re.sub(r"\s*/\*.*?\*/\s*", " ", statement.text).strip()
        for statement in application_statements(server.data / "shoplog" / "shop.csv")
        if statement.phase in ("execute", "statement") and "pg_catalog." not in statement.text
    }
    explainable = {text for text in texts if re.match(r"(SELECT|UPDATE|DELETE|INSERT|WITH)\b", text, re.IGNORECASE)}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return Sample("shop", "shop", tuple(sorted(explainable)), tuple(shop_indexes()))


def shop_indexes() -> Iterator[Index]:
    pattern = re.compile(r"CREATE INDEX (\w+) ON (\w+) \((.*?)\)(?: WHERE (.*?))?;\n")
    for name, table, keys, predicate in pattern.findall((SHOP / "ideal_fix.sql").read_text() + "\n"):
        columns = tuple(
            IndexColumn(expression=key) if "(" in key else IndexColumn(key)
            for key in re.split(r",\s*(?![^(]*\))", keys)
        )
        yield Index(TableName("public", table), columns, name=name, predicate=predicate)


async def really(url: str, sample: Sample, indexes: Sequence[Index]) -> list[Planned | None]:
    """The real server's generic plans with these indexes built, which are dropped again; ``None``: it has no plan."""
    connection = await asyncpg.connect(url, statement_cache_size=0)
    try:
        for index in indexes:
            await connection.execute(f"CREATE INDEX {index.name} {index_body(index)}")
        if any(column.expression for index in indexes for column in index.columns):
            await connection.execute("ANALYZE")
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        return [await planned(connection, query) for query in sample.queries]
    finally:
        for index in indexes:
            await connection.execute(f"DROP INDEX IF EXISTS {index.name}")
        await connection.close()


async def planned(connection: Any, query: str) -> Planned | None:
    parameters = max(map(int, re.findall(r"\$(\d+)", query)), default=0)
    nulls = ", ".join(itertools.repeat("NULL", parameters))
    try:
        await connection.execute(f"PREPARE asked AS {query}")
        text = await connection.fetchval(
            f"EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE asked{f'({nulls})' if parameters else ''}"
        )
    except asyncpg.PostgresError as error:
        print(f"      not planned: {error}: {' '.join(query.split())[:100]}")
        return None
    finally:
        await connection.execute("DEALLOCATE ALL")
    plan = parse_plan(json.dumps(json.loads(text)))[0]
    return Planned(plan.cost, scans(plan))


def scans(plan: Plan) -> Counter[tuple[str, str, str]]:
    """Every access to a table: alias, access path, index. A bitmap's index stands below the node of its table."""
    return Counter(
        (
            node.alias,
            str(node.access),
            ",".join(
                sorted(
                    {below.index for below in node.walk() if below.index}
                    if node.kind == "Bitmap Heap Scan"
                    else {node.index}
                )
            ),
        )
        for node in plan.scans()
        if node.table is not None
    )


if __name__ == "__main__":
    main()
