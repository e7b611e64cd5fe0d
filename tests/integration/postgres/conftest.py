"""Real servers, once a session: the embedded 16 and 18, and the machine's own with contrib and HypoPG."""

from __future__ import annotations

import asyncio
import csv
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from connectors.postgres.embedded import EmbeddedServer

ZOO = Path(__file__).parents[2] / "cases" / "postgres" / "zoo.sql"
SETTINGS = {
    "autovacuum": "off",
    "logging_collector": "on",
    "log_destination": "csvlog",
    "log_statement": "all",
    "log_filename": "server.log",
}
CONTRIB = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track_planning": "off"}


@dataclass
class Zoo:
    """A server with the zoo's schema in its first database."""

    server: EmbeddedServer

    @property
    def url(self) -> str:
        return self.server.url

    def url_as(self, role: str) -> str:
        return self.url.replace("://postgres@", f"://{role}@")

    def run(self, *statements: str) -> list[Any]:
        """Run statements as the application; returns the last one's rows."""

        async def all_of_them() -> list[Any]:
            connection = await asyncpg.connect(self.url)
            try:
                rows: list[Any] = []
                for statement in statements:
                    rows = await connection.fetch(statement)
                return rows
            finally:
                await connection.close()

        return asyncio.run(all_of_them())

    def logged_by_advisor(self) -> list[str]:
        """Every statement that the server has logged for our application name so far."""
        path = self.server.data / "log" / "server.csv"
        with path.open(newline="", encoding="utf-8") as lines:
            messages = [row[13] for row in csv.reader(lines) if len(row) > 22 and row[22] == "query-advisor"]
        found = [re.match(r"(?:statement|execute [^:]*): (.*)", message, re.DOTALL) for message in messages]
        return [match[1] for match in found if match]


def system_binaries() -> Path | None:
    """The newest PostgreSQL of this machine that has HypoPG."""
    having = [
        path.parents[1] / "bin"
        for path in Path("/usr/lib/postgresql").glob("*/lib/hypopg.so")
        if (path.parents[1] / "bin" / "initdb").exists()
    ]
    return max(having, key=lambda path: int(path.parent.name), default=None)


def opened(stack: ExitStack, **options: Any) -> Zoo:
    zoo = Zoo(stack.enter_context(EmbeddedServer(**options)))
    asyncio.run(fill(zoo.url))
    return zoo


async def fill(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(ZOO.read_text())
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def zoos() -> Iterator[Callable[[str], Zoo]]:
    """Start servers on first use: "16", "18" embedded, "contrib" the machine's own."""
    running: dict[str, Zoo] = {}
    with ExitStack() as stack:

        def get(name: str) -> Zoo:
            if name not in running:
                if name != "contrib":
                    running[name] = opened(stack, version=int(name), settings=SETTINGS)
                    return running[name]
                binaries = system_binaries()
                if binaries is None:
                    pytest.skip("this machine has no PostgreSQL with HypoPG under /usr/lib/postgresql")
                running[name] = opened(stack, binaries=binaries, settings=SETTINGS | CONTRIB)
                running[name].run("CREATE EXTENSION pg_stat_statements", "CREATE EXTENSION hypopg")
            return running[name]

        yield get


@pytest.fixture(scope="session", params=["contrib", "16", "18"])
def zoo(request: pytest.FixtureRequest, zoos: Callable[[str], Zoo]) -> Zoo:
    """Each of the servers in turn."""
    return zoos(request.param)


@pytest.fixture(scope="session")
def contrib(zoos: Callable[[str], Zoo]) -> Zoo:
    """The server with pg_stat_statements and HypoPG."""
    return zoos("contrib")


@pytest.fixture(scope="session")
def embedded(zoos: Callable[[str], Zoo]) -> Zoo:
    """The newest embedded server, without extensions."""
    return zoos("18")
