"""What the PostgreSQL connector costs: ``python -m tests.benchmarks.postgres_connector [tables]``.

Prints the catalog's time for 10,000 tables with 30,000 indexes, and the time of one what-if question to the shadow, to
a sandbox and to HypoPG (where the machine has a PostgreSQL with it). Run it on an idle machine.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from advisor.model.capture import Capture
from advisor.model.catalog import Index, IndexColumn, TableName
from advisor.model.recommendation import WhatIf
from advisor.ports import CaptureRequest
from connectors import connect
from connectors.postgres.catalog import read_catalog
from connectors.postgres.embedded import EmbeddedServer
from connectors.postgres.estimators import estimator
from connectors.postgres.plan import parse_plan

ZOO = Path(__file__).parents[1] / "cases" / "postgres" / "zoo.sql"
QUESTIONS = 500


@contextmanager
def timed(what: str, count: int = 1) -> Iterator[None]:
    wall, own = time.perf_counter(), time.process_time()
    yield
    wall, own = time.perf_counter() - wall, time.process_time() - own
    each = f", {wall / count * 1000:.2f} ms each" if count > 1 else ""
    print(f"{what:58} {wall:7.2f} s (own CPU {own:.2f} s){each}")


async def many_tables(url: str, count: int) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE SCHEMA many")
        for start in range(0, count, 100):
            await connection.execute(
                f"DO $$ BEGIN FOR n IN {start}..{min(start + 100, count) - 1} LOOP "
                "EXECUTE format('CREATE TABLE many.t%s (id int PRIMARY KEY, a int, b text)', n); "
                "EXECUTE format('CREATE INDEX ON many.t%s (a)', n); "
                "EXECUTE format('CREATE INDEX ON many.t%s (b, a)', n); END LOOP; END $$"
            )
        await connection.execute("ANALYZE")
        with timed(f"catalog of {count:,} tables, {3 * count:,} indexes"):
            found = await read_catalog(connection, schemas=("many",))
        assert len(found.tables) == count
    finally:
        await connection.close()


async def taken(url: str, folder: Path) -> Capture:
    connector = await connect(url)
    try:
        with timed("capture of a small database"):
            return await connector.capture(CaptureRequest(folder))
    finally:
        await connector.close()


def what_if(capture: Capture, kind: str, url: str | None, sandbox: str | None) -> None:
    table = TableName("zoo", "animal")
    index = Index(table, (IndexColumn("keeper"), IndexColumn("weight")), name="ix")
    questions = [
        WhatIf(
            str(n),
            f"SELECT * FROM zoo.animal WHERE keeper = $1 AND weight > $2 AND id > {n}",
            frozenset([index] * (n % 2)),
        )
        for n in range(QUESTIONS)
    ]
    planner = estimator(capture, url, kind, sandbox)
    try:
        with timed(f"{QUESTIONS} questions to {planner.planner}", QUESTIONS):
            answers = planner.costs(questions)
        assert not any(answer.error for answer in answers)
    finally:
        planner.close()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    plan = (
        "Append  (cost=0.00..9.00 rows=1 width=4)\n"
        + "  ->  Seq Scan on t  (cost=0.00..1.00 rows=1 width=4)\n" * 20_000
    )
    with timed("a pasted plan of 20,001 nodes"):
        parse_plan(plan)
    with EmbeddedServer() as server:
        asyncio.run(many_tables(server.url, count))
    system = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/lib/hypopg.so"), reverse=True)), None)
    binaries = system.parents[1] / "bin" if system else None
    with (
        EmbeddedServer(binaries=binaries) as target,
        EmbeddedServer() as sandbox,
        tempfile.TemporaryDirectory() as folder,
    ):
        for url in (target.url, sandbox.url):
            asyncio.run(filled(url))
        capture = asyncio.run(taken(target.url, Path(folder)))
        what_if(capture, "shadow", None, None)
        what_if(capture, "sandbox", None, sandbox.url)
        if binaries:
            asyncio.run(filled(target.url, "CREATE EXTENSION hypopg"))
            what_if(capture, "hypopg", target.url, None)


async def filled(url: str, script: str = "") -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(script or ZOO.read_text())
    finally:
        await connection.close()


if __name__ == "__main__":
    main()
