"""A day of the shop in some seconds: the same requests in the same order for a seed, over several sessions.

From a shell: ``python -m sample_dbs.shop_postgres.workload postgresql://…`` prints the summary as JSON.
"""

import asyncio
import json
import os
import sys
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from random import Random

import psycopg
from sqlalchemy import event

from sample_dbs.shop_postgres.app.api import create_app
from sample_dbs.shop_postgres.app.database import Database, open_database
from sample_dbs.shop_postgres.build import Progress, last_identifiers, reset_workload_writes
from sample_dbs.shop_postgres.operations import OPERATIONS, Shop
from sample_dbs.shop_postgres.population import Population


@dataclass(frozen=True, slots=True)
class OperationTime:
    """Client-side milliseconds of one operation, named after its service function."""

    name: str
    calls: int
    total_ms: float
    mean_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did: statements sent, seconds on the clock, time of each operation (slowest in total first)."""

    seed: int
    scale: float
    comments: bool
    statements: int
    seconds: float
    operations: tuple[OperationTime, ...]


def run(
    url: str,
    seed: int = 7,
    scale: float = 1.0,
    comments: bool | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Resets what earlier runs wrote, then runs the workload on a built shop.

    ``scale`` multiplies how often each operation is called (three times at least). ``comments`` tells whether the web's
    statements carry sqlcommenter comments; by default they do, unless the environment has SHOP_SQL_COMMENTS=0.
    ``progress`` hears of each operation before it runs.
    """
    wanted = os.environ.get("SHOP_SQL_COMMENTS", "1") != "0" if comments is None else comments
    reset_workload_writes(url)
    with psycopg.connect(url, application_name="shop-reset") as connection:
        population = Population(last_identifiers(connection), Random(seed))
    return asyncio.run(_run(url, population, seed, scale, wanted, progress or (lambda name, share: None)))


async def _run(
    url: str, population: Population, seed: int, scale: float, comments: bool, progress: Progress
) -> Summary:
    database = open_database(url, comments)
    shop = Shop(create_app(database), database, population)
    sent = _count_statements(database)
    calls = [name for name, (times, _) in OPERATIONS.items() for _ in range(max(3, round(times * scale)))]
    population.random.shuffle(calls)
    took: dict[str, list[float]] = defaultdict(list)
    begun = time.perf_counter()
    try:
        await database.warm()
        for done, name in enumerate(calls):
            progress(name, done / len(calls))
            started = time.perf_counter()
            await OPERATIONS[name][1](shop)
            took[name].append((time.perf_counter() - started) * 1000)
    finally:
        await database.close()
    times = [OperationTime(name, len(ms), sum(ms), sum(ms) / len(ms), max(ms)) for name, ms in took.items()]
    times.sort(key=lambda operation: -operation.total_ms)
    return Summary(seed, scale, comments, len(sent), time.perf_counter() - begun, tuple(times))


def _count_statements(database: Database) -> list[None]:
    sent: list[None] = []
    for engine in (database.engine, database.async_engine.sync_engine, database.batch_engine):
        event.listen(engine, "after_cursor_execute", lambda *_: sent.append(None))
    return sent


def main(arguments: list[str]) -> None:
    """Runs the workload at the URL given and prints the summary as JSON."""
    if len(arguments) != 1:
        sys.exit("Usage: python -m sample_dbs.shop_postgres.workload URL")
    print(json.dumps(asdict(run(arguments[0])), indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
