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
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import psycopg

from advisor.model.capture import Capture, Server
from advisor.model.catalog import Index
from advisor.model.recommendation import WhatIf
from advisor.model.workload import Query, QueryStats, StatsSource, Workload
from advisor.ports import Options, Study
from advisor.recommend._engine import advise
from advisor.recommend.candidates import ALL_KINDS, label
from advisor.recommend.candidates import Options as Kinds
from advisor.shape.sql import shape_of
from connectors.postgres.catalog import read_catalog
from connectors.postgres.shadow import ShadowPlanner, extract
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


async def captured(url: str, folder: Path, version: int, keep_values: bool) -> Capture:
    """The schema, the statistics and the planner's settings, as a capture has them."""
    connection = await asyncpg.connect(url)
    try:
        await extract(connection, folder, keep_values)
        rows = await connection.fetch("SELECT name, setting FROM pg_settings WHERE category LIKE 'Query Tuning%'")
        rows += await connection.fetch("SELECT name, setting FROM pg_settings WHERE name IN ('work_mem')")
        server = Server("postgresql", version_number=version * 10_000, settings={row[0]: row[1] for row in rows})
        return Capture(folder, server, catalog=await read_catalog(connection), values=keep_values)
    finally:
        await connection.close()


class Shadow:
    """The data-free planner's costs, with HypoPG's sizes, so that budgets mean the same in every row.

    HypoPG itself loses sight of partial and expression indexes in joins.
    """

    def __init__(self, capture: Capture, sizes: HypoPG) -> None:
        self._planner = ShadowPlanner(capture)
        self.planner, self.coverage = self._planner.planner, self._planner.coverage
        self.costs, self.close, self._hypopg = self._planner.costs, self._planner.close, sizes

    @property
    def calls(self) -> int:
        return self._planner.calls

    def sizes(self, indexes: Sequence[Index]) -> list[int]:
        return self._hypopg.sizes(indexes)


def study_of(capture: Capture, estimator: HypoPG | Shadow, budget: int | None) -> Study:
    """Nineteen queries, each run once; no time was observed, so costs count as they are."""
    stats = QueryStats(StatsSource.STATEMENTS, 1, 0.0, 0.0)
    shapes = [shape_of(text, capture.catalog) for text in queries().values()]
    workload = Workload(tuple(Query(shape, stats) for shape in shapes))
    options = Options(budget_bytes=budget and budget * MEGABYTE, min_improvement=0.0)
    return Study(capture, workload, estimator, options)


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, default=Path("/tmp/advisor-tpch"), help="where data stay between runs")
    arguments.add_argument("--show", action="store_true", help="print the chosen indexes")
    chosen = arguments.parse_args()
    with ExitStack() as stack:
        dsn = stack.enter_context(server(keep=chosen.data))
        connection = stack.enter_context(psycopg.connect(dsn, autocommit=True))
        load(connection, Path("/tmp/advisor-tpch-csv"))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        capture = asyncio.run(captured(dsn, Path(folder), 15, keep_values=True))
        print(f"{'% of the cost without indexes':34}" + "".join(f"{budget:>5} MB" + " " * 22 for budget in BUDGETS))
        for name, figures in PUBLISHED.items():
            print(f"{name:34}" + "".join(f"{figure:>8}" + " " * 22 for figure in figures))
        for name, kinds in (
            ("Query Advisor, plain B-trees", frozenset[str]()),
            ("Query Advisor, all kinds", ALL_KINDS),
        ):
            cells = []
            for budget in BUDGETS:
                hypopg = HypoPG(connection)
                estimator = Shadow(capture, hypopg) if kinds else hypopg
                study = study_of(capture, estimator, budget)
                started = time.perf_counter()
                advice = advise(study, Kinds(kinds))
                seconds = time.perf_counter() - started
                after = total(estimator, frozenset(advice.chosen)) / total(estimator, frozenset())
                cells.append(f"{after:8.2%} {seconds:5.1f} s {estimator.calls:5} calls {len(advice.chosen):2}")
                estimator.close()
                hypopg.close()
                if chosen.show:
                    for index in advice.chosen:
                        print("   ", label(index), f"{advice.sizes[index] / MEGABYTE:.1f} MB")
            print(f"{name:34}" + " ".join(cells))


def total(estimator: HypoPG | Shadow, indexes: frozenset[Index]) -> float:
    """The planner's cost of all queries when exactly ``indexes`` exist."""
    return sum(cost.total for cost in estimator.costs([WhatIf(n, text, indexes) for n, text in queries().items()]))


if __name__ == "__main__":
    main()
