"""Predicted and measured saving of eager loading: ``python tests/benchmarks/n_plus_one_saving.py``.

Four relations, three one-way delays (0, 0.5, 2 ms) put between application and server by a proxy; the prediction comes
from the server's log of the slow runs alone, the measurement from the clock of the application; means of several
requests, run in turn. Target: within 15 %. On a machine with other work the lines without delay mean little.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import duckdb

from advisor.model.capture import Capture, Server
from advisor.model.catalog import Catalog
from advisor.model.codec import decode
from advisor.ports import Options
from advisor.workload import digest
from connectors.postgres.embedded import EmbeddedServer
from connectors.postgres.logs import read

CASES = Path(__file__).parents[1] / "cases" / "n_plus_one"
SETTINGS = {
    "logging_collector": "on",
    "log_destination": "csvlog",
    "log_directory": "log",
    "log_filename": "saving.log",
    "log_rotation_size": "0",
    "log_min_duration_statement": "0",
}
DELAYS = (0.0, 0.5, 2.0)
REQUESTS = 12


class Proxy:
    """Forwards TCP on localhost to a unix socket; each chunk arrives ``delay_ms`` later, chunks overlap."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.delay_ms = 0.0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()
        self._ready.wait()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self.target)
        await asyncio.gather(self._pipe(reader, back), self._pipe(there, writer))

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            if self.delay_ms:
                self._loop.call_later(self.delay_ms / 1000, writer.write, data)
            else:
                writer.write(data)
        self._loop.call_later(self.delay_ms / 1000 + 0.01, writer.close)


def main() -> None:
    sys.path.insert(0, str(CASES / "apps"))
    with EmbeddedServer(version=16, settings=SETTINGS) as server:
        asyncio.run(_prepare(server.url_of("postgres"), server.url_of("shop")))
        host = parse_qs(urlsplit(server.url).query)["host"][0]
        proxy = Proxy(f"{host}/.s.PGSQL.5432")
        measured = {}
        for delay in DELAYS:
            proxy.delay_ms = delay
            for name in cases():
                measured[name, delay] = _measure(proxy.port, name, delay)
        time.sleep(0.5)
        predicted = _predict(sorted((server.data / "log").glob("*.csv")), measured)
    worst = 0.0
    print(f"{'case':<14}{'delay':>7}{'measured':>12}{'predicted':>12}{'error':>8}")
    for (name, delay), (slow, fast) in measured.items():
        saving, guess = slow - fast, predicted[name, delay]
        error = guess / saving - 1
        worst = max(worst, abs(error))
        print(f"{name:<14}{delay:>5} ms{saving:>9.1f} ms{guess:>9.1f} ms{error:>8.0%}")
    print(f"largest error {worst:.0%}")


def cases() -> dict[str, tuple[Callable[[], Any], Callable[[Any], Any], Callable[[], list[Any]]]]:
    """Name -> (statement, what is read of each row, the advised options)."""
    from shop_models import Author, Book, Publisher, Review  # type: ignore[import-not-found]  # an application under cases
    from sqlalchemy import select
    from sqlalchemy.orm import joinedload, selectinload

    return {
        "to_one": (
            lambda: select(Review).order_by(Review.id).limit(60),
            lambda r: r.user.name,
            lambda: [joinedload(Review.user, innerjoin=True)],
        ),
        "to_many": (
            lambda: select(Book).order_by(Book.id).limit(60),
            lambda b: len(b.reviews),
            lambda: [selectinload(Book.reviews)],
        ),
        "many_to_many": (
            lambda: select(Book).order_by(Book.id).limit(60),
            lambda b: len(b.tags),
            lambda: [selectinload(Book.tags)],
        ),
        "nested": (
            lambda: select(Author).order_by(Author.id).limit(10),
            lambda a: [len(b.reviews) for b in a.books],
            lambda: [selectinload(Author.books).selectinload(Book.reviews)],
        ),
        "publisher": (
            lambda: select(Publisher),
            lambda p: len(p.books),
            lambda: [selectinload(Publisher.books)],
        ),
    }


def _measure(port: int, name: str, delay: float) -> tuple[float, float]:
    """Mean milliseconds of a request, without and with the options; in turn, so that noise meets both."""
    from sqlalchemy import create_engine
    from sqlalchemy.orm import Session

    statement, visit, options = cases()[name]
    engines = {
        kind: create_engine(
            f"postgresql+psycopg://postgres@127.0.0.1:{port}/shop",
            connect_args={"application_name": f"{name}/{delay}/{kind}"},
        )
        for kind in ("slow", "fast")
    }
    times: dict[str, list[float]] = {"slow": [], "fast": []}
    for _ in range(REQUESTS):
        for kind, engine in engines.items():
            chosen = options() if kind == "fast" else []
            with Session(engine) as session:
                session.connection()
                started = time.perf_counter()
                for row in session.scalars(statement().options(*chosen)).unique():
                    visit(row)
                times[kind].append((time.perf_counter() - started) * 1000)
    for engine in engines.values():
        engine.dispose()
    # The log holds every request, so the mean of all is what the prediction is about.
    return statistics.mean(times["slow"]), statistics.mean(times["fast"])


def _predict(logs: list[Path], measured: dict[tuple[str, float], Any]) -> dict[tuple[str, float], float]:
    known = decode(Catalog, json.loads((CASES / "catalog.json").read_text(encoding="utf-8")))
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        everything = Path(folder) / "all.parquet"
        read(logs, everything)
        for name, delay in measured:
            capture = Capture(Path(folder), Server("postgresql"), known)
            with duckdb.connect() as database:
                database.execute(
                    f"COPY (FROM '{everything}' WHERE application = '{name}/{delay}/slow') TO '{capture.events}'"
                    " (FORMAT parquet)"
                )
            bursts = [b for b in digest(capture, Options()).bursts if b.pattern == "n-plus-one"]
            found[name, delay] = sum((b.saved_ms or 0.0) / REQUESTS for b in bursts)
    return found


async def _prepare(admin: str, url: str) -> None:
    connection = await asyncpg.connect(admin)
    await connection.execute("CREATE DATABASE shop")
    await connection.close()
    connection = await asyncpg.connect(url)
    await connection.execute((CASES / "apps" / "schema.sql").read_text(encoding="utf-8"))
    await connection.close()


if __name__ == "__main__":
    main()
