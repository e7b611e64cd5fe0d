"""A real server with data, its capture, and the shadow made from that capture: once a session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from advisor.model.capture import Capture, Server
from connectors.postgres.catalog import read_catalog
from connectors.postgres.embedded import EmbeddedServer
from connectors.postgres.shadow import ShadowPlanner, extract
from connectors.postgres.shadow.servers import NAMED

SCHEMA = Path(__file__).parents[2] / "cases" / "shadow" / "target.sql"


@pytest.fixture(scope="session", autouse=True)
def embedded_only() -> Iterator[None]:
    """Let no PostgreSQL of this machine stand in for the target; whatever is installed, the tests are the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(NAMED, "/nowhere")
        yield


@pytest.fixture(scope="session")
def target_url() -> Iterator[str]:
    """A running server with data."""
    with EmbeddedServer() as server:
        yield server.url


@pytest.fixture(scope="session")
def target_capture(target_url: str, tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """What was captured from it, values included."""
    return asyncio.run(fill_and_capture(target_url, tmp_path_factory.mktemp("capture")))


@pytest.fixture(scope="session", params=[16, 18])
def planner(target_capture: Capture, request: pytest.FixtureRequest) -> Iterator[ShadowPlanner]:
    """The shadow made from the capture alone."""
    with ShadowPlanner(target_capture, backends=2, version=request.param) as planner:
        yield planner


async def fill_and_capture(url: str, folder: Path, keep_values: bool = True) -> Capture:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(SCHEMA.read_text())
        await connection.execute("VACUUM ANALYZE")
        await extract(connection, folder, keep_values)
        rows = await connection.fetch("SELECT name, setting FROM pg_settings WHERE category LIKE 'Query Tuning%'")
        server = Server("postgresql", version_number=180_004, settings={row[0]: row[1] for row in rows})
        return Capture(folder, server, catalog=await read_catalog(connection), values=keep_values)
    finally:
        await connection.close()
