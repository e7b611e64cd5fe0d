"""What a well-behaved server does not do, played by mockupdb: refusals, a mongos, a connection cut in the middle."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from advisor.errors import AuthenticationFailed, ConnectionFailed, PermissionMissing
from connectors.mongo.capabilities import read_facts
from connectors.mongo.catalog import read_catalog
from connectors.mongo.session import open_session

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    mockupdb = pytest.importorskip("mockupdb", reason="mockupdb is not installed")

HELLO = {"maxWireVersion": 21, "minWireVersion": 0, "helloOk": True, "ok": 1}


@pytest.fixture
def server() -> Iterator[Any]:
    found = mockupdb.MockupDB(auto_ismaster=HELLO)
    found.autoresponds("hello", **HELLO)
    accepted: dict[Any, None] = {}
    found._server_socks = accepted  # mockupdb itself forgets those of threads that died
    found.run()
    yield found
    found.stop()
    for connection in list(accepted):
        connection.close()


async def opened(server: Any) -> Any:
    server.autoresponds("connectionStatus", authInfo={}, ok=1)
    return await open_session(f"{server.uri}/shop")


async def test_no_permission_is_told_with_the_role(server: Any) -> None:
    server.autoresponds("listCollections", ok=0, code=13, codeName="Unauthorized", errmsg="not authorized on shop")
    session = await opened(server)
    try:
        catalog, coverage = await read_catalog(session)
        with pytest.raises(PermissionMissing, match="clusterMonitor"):
            await session.command("shop", "listCollections", cursor={})
    finally:
        await session.close()
    assert not catalog.tables
    assert any("grantRolesToUser" in entry.remedy for entry in coverage)


async def test_refused_credentials_say_so(server: Any) -> None:
    server.autoresponds("connectionStatus", ok=0, code=18, codeName="AuthenticationFailed", errmsg="no")
    with pytest.raises(AuthenticationFailed):
        await open_session(f"{server.uri}/shop")


async def test_a_mongos_has_no_profile(server: Any) -> None:
    session = await opened(server)
    server.autoresponds("hello", **HELLO, msg="isdbgrid")
    server.autoresponds("buildInfo", version="7.0.12", ok=1)
    try:
        facts = await read_facts(session)
    finally:
        await session.close()
    assert facts.sharded
    assert facts.server.version_number == 70_012
    assert any("mongos" in entry.detail for entry in facts.coverage())


async def test_a_connection_that_is_cut_is_one_sentence(server: Any) -> None:
    session = await opened(server)

    def cut(request: Any) -> bool:
        request.hangup()
        return True

    server.autoresponds("buildInfo", cut)
    try:
        with pytest.raises(ConnectionFailed):
            await asyncio.wait_for(session.command("admin", "buildInfo"), 20)
    finally:
        await session.close()
