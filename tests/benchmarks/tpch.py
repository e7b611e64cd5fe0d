"""TPC-H at scale 0.1: what-if cost of 19 queries with the advised indexes, relative to none, within storage budgets.

Run: ``python -m tests.benchmarks.tpch [--data FOLDER]`` (needs the machine's PostgreSQL with HypoPG and tpchgen-cli).
The rows beside it are the published comparison of selection algorithms on the same setting: B-trees only, primary keys
dropped, HypoPG's sizes and costs on PostgreSQL 15 (Kossmann et al., VLDB 2020, re-run with its authors' programs).
"""

from __future__ import annotations

import argparse
import asyncio
import re
import subprocess
import time
from pathlib import Path

import asyncpg
import psycopg

from advisor.model.capture import Capture, Server
from advisor.model.catalog import Catalog, Index
from advisor.model.recommendation import WhatIf
from advisor.model.workload import Query, QueryStats, StatsSource, Workload
from advisor.ports import Options, Study
from advisor.recommend._engine import advise
from advisor.recommend.candidates import ALL_KINDS, label
from advisor.recommend.candidates import Options as Kinds
from advisor.shape.sql import shape_of
from connectors.postgres.catalog import read_catalog
from tests.benchmarks.hypothetical import HypoPG
from tests.benchmarks.machine_postgres import server

HERE = Path(__file__).parent / "data"
TABLES = ("region", "nation", "supplier", "part", "partsupp", "customer", "orders", "lineitem")
MEGABYTE = 1_000_000
BUDGETS = (10, 50, 150)
PUBLISHED = {
    "Extend": ("94.4", "66.6", "56.5"),
    "DTA (anytime)": ("94.4", "66.5", "54.8"),
    "Relaxation": ("97.3", "71.1", "54.6"),
    "DB2Advis": ("98.6", "70.7", "63.1"),
}


def queries() -> dict[str, str]:
    """The texts by name (Q1 …), values included."""
    parts = re.split(r"^-- (Q\d+)$", (HERE / "tpch.sql").read_text(), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], (text.strip().rstrip(";") for text in parts[1::2]), strict=True))


def load(connection: psycopg.Connection[tuple[object, ...]], folder: Path) -> None:
    """Create and fill the tables, once."""
    if connection.execute("SELECT to_regclass('lineitem')").fetchone() != (None,):
        return
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tpchgen-cli", "csv", "-s", "0.1", f"--output-dir={folder}"], check=True, stdout=subprocess.DEVNULL)
    connection.execute((HERE / "tpch_schema.sql").read_text())
    for table in TABLES:
        with (
            (folder / f"{table}.csv").open("rb") as source,
            connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT csv, HEADER)") as copy,
        ):
            while block := source.read(1 << 20):
                copy.write(block)
    connection.execute("VACUUM ANALYZE")
    connection.execute("CREATE EXTENSION IF NOT EXISTS hypopg")


async def catalog_of(dsn: str) -> Catalog:
    """The catalog, as a capture has it."""
    connection = await asyncpg.connect(dsn)
    try:
        return await read_catalog(connection)
    finally:
        await connection.close()


def study_of(catalog: Catalog, estimator: HypoPG, budget: int | None) -> Study:
    """Nineteen queries, each run once; no time was observed, so costs count as they are."""
    stats = QueryStats(StatsSource.STATEMENTS, 1, 0.0, 0.0)
    shapes = [shape_of(text, catalog) for text in queries().values()]
    workload = Workload(tuple(Query(shape, stats) for shape in shapes))
    capture = Capture(Path("."), Server("postgresql", "15"), catalog, values=True)
    options = Options(budget_bytes=budget and budget * MEGABYTE, min_improvement=0.0)
    return Study(capture, workload, estimator, options)


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, default=Path("/tmp/advisor-tpch"), help="where data stay between runs")
    arguments.add_argument("--show", action="store_true", help="print the chosen indexes")
    chosen = arguments.parse_args()
    with server(keep=chosen.data) as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        load(connection, Path("/tmp/advisor-tpch-csv"))
        catalog = asyncio.run(catalog_of(dsn))
        print(f"{'% of the cost without indexes':34}" + "".join(f"{budget:>5} MB" + " " * 22 for budget in BUDGETS))
        for name, figures in PUBLISHED.items():
            print(f"{name:34}" + "".join(f"{figure:>8}" + " " * 22 for figure in figures))
        for name, kinds in (
            ("Query Advisor, plain B-trees", frozenset[str]()),
            ("Query Advisor, all kinds", ALL_KINDS),
        ):
            cells = []
            for budget in BUDGETS:
                estimator = HypoPG(connection)
                study = study_of(catalog, estimator, budget)
                started = time.perf_counter()
                advice = advise(study, Kinds(kinds))
                seconds = time.perf_counter() - started
                after = total(estimator, frozenset(advice.chosen)) / total(estimator, frozenset())
                cells.append(f"{after:8.1%} {seconds:5.1f} s {estimator.calls:5} calls {len(advice.chosen):2}")
                estimator.close()
                if chosen.show:
                    for index in advice.chosen:
                        print("   ", label(index), f"{advice.sizes[index] / MEGABYTE:.1f} MB")
            print(f"{name:34}" + " ".join(cells))


def total(estimator: HypoPG, indexes: frozenset[Index]) -> float:
    """The planner's cost of all queries when exactly ``indexes`` exist."""
    return sum(cost.total for cost in estimator.costs([WhatIf(n, text, indexes) for n, text in queries().items()]))


if __name__ == "__main__":
    main()
