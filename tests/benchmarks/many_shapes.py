"""Two thousand shapes over 300 tables: how long the index engine takes, and how many questions it asks.

Run: ``python -m tests.benchmarks.many_shapes [--shapes 2000] [--tables 300]`` (needs nothing but the embedded server).
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import tempfile
import time
from pathlib import Path

import asyncpg

from advisor.model.capture import Capture
from advisor.model.recommendation import Recommendation
from advisor.model.workload import Query, QueryStats, StatsSource, Workload
from advisor.ports import CaptureRequest, Options, Study
from advisor.recommend import add_index, drop_index
from advisor.shape.sql import shape_of
from connectors import connect
from connectors.postgres.embedded import EmbeddedServer
from connectors.postgres.estimators import estimator

ROWS = 12_000
COLUMNS = {"a": 2_000, "b": 300, "c": 40, "d": 9_000}


async def build(url: str, tables: int) -> None:
    """Create the tables, each referring to the one before."""
    connection = await asyncpg.connect(url)
    for number in range(tables):
        columns = ", ".join(f"(random() * {distinct})::int AS {name}" for name, distinct in COLUMNS.items())
        await connection.execute(
            f"CREATE TABLE t{number} AS SELECT n AS id, {columns}, 'x' || n AS name, "
            f"timestamp '2024-01-01' + n * interval '1 hour' AS at, 1 + (random() * {ROWS - 1})::int AS ref "
            f"FROM generate_series(1, {ROWS}) n; ALTER TABLE t{number} ADD PRIMARY KEY (id)"
        )
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


def statements(count: int, tables: int) -> list[str]:
    """``count`` different statements, from a fixed seed."""
    chance = random.Random(7)
    found: dict[str, None] = {}
    while len(found) < count:
        table = chance.randrange(1, tables)
        equal = chance.sample(sorted(COLUMNS), chance.randint(1, 2))
        conditions = [f"t.{name} = ${n}" for n, name in enumerate(equal, 1)]
        if chance.random() < 0.4:
            conditions.append(f"t.at >= ${len(conditions) + 1}")
        join = f" JOIN t{table - 1} u ON u.id = t.ref" if chance.random() < 0.3 else ""
        order = f" ORDER BY t.{chance.choice(['at', 'a', 'name'])} LIMIT 20" if chance.random() < 0.4 else ""
        columns = ", ".join(f"t.{name}" for name in chance.sample(["id", "name", "at", *COLUMNS], 3))
        found[f"SELECT {columns} FROM t{table} t{join} WHERE {' AND '.join(conditions)}{order}"] = None
    return [*found]


async def captured(url: str, folder: Path) -> Capture:
    """The server as a capture."""
    connector = await connect(url)
    try:
        return await connector.capture(CaptureRequest(folder, explain=False))
    finally:
        await connector.close()


def main() -> None:
    """Print times and counts."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--shapes", type=int, default=2_000)
    arguments.add_argument("--tables", type=int, default=300)
    chosen = arguments.parse_args()
    with EmbeddedServer() as server, tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        asyncio.run(build(server.url, chosen.tables))
        print(f"{time.perf_counter() - started:6.1f} s to build {chosen.tables} tables of {ROWS:,} rows", flush=True)
        capture = asyncio.run(captured(server.url, Path(folder)))
        started = time.perf_counter()
        shapes = [shape_of(text, capture.catalog) for text in statements(chosen.shapes, chosen.tables)]
        stats = QueryStats(StatsSource.EVENTS, 100, 500.0, 5.0, rows=2_000)
        queries = tuple(Query(shape, stats) for shape in shapes)
        workload = Workload(queries, duration_s=3_600.0, total_ms=500.0 * len(queries))
        print(f"{time.perf_counter() - started:6.1f} s to parse {len(queries):,} statements", flush=True)
        started = time.perf_counter()
        planner = estimator(capture, None, "shadow")
        print(f"{time.perf_counter() - started:6.1f} s to start {planner.planner}", flush=True)
        asked = 0
        processor = time.process_time()
        original = planner.costs

        def counting(questions: list[object]) -> object:
            nonlocal asked
            asked += len(questions)
            return original(questions)  # type: ignore[arg-type]

        planner.costs = counting  # type: ignore[method-assign, assignment]
        study = Study(capture, workload, planner, Options())
        for remedy in (add_index, drop_index):
            started, before = time.perf_counter(), asked
            answers = list(remedy.recommend(study, ()))
            seconds = time.perf_counter() - started
            advised = sum(isinstance(answer, Recommendation) for answer in answers)
            print(
                f"{seconds:6.1f} s for {remedy.__name__.rpartition('.')[2]}: {asked - before:,} questions, "
                f"{(asked - before) / seconds:,.0f}/s; {advised} advised, {len(answers) - advised} declined",
                flush=True,
            )
        before_close = resource.getrusage(resource.RUSAGE_CHILDREN)
        planner.close()
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        servers = children.ru_utime + children.ru_stime - before_close.ru_utime - before_close.ru_stime
        print(
            f"{time.process_time() - processor:6.1f} s of processor time here, {servers:.1f} s in the planner's server"
        )


if __name__ == "__main__":
    main()
