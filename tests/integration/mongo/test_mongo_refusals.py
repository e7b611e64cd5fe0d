"""What a well-behaved server does not do, played by mockupdb: refusals, a mongos, a connection cut in the middle."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from advisor.errors import AuthenticationFailed, ConnectionFailed, PermissionMissing
from advisor.ports import CaptureRequest
from connectors.mongo.capabilities import read_facts
from connectors.mongo.catalog import read_catalog
from connectors.mongo.connector import MongoConnector
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


def answers(cursor: list[dict[str, Any]]) -> dict[str, Any]:
    return {"ok": 1, "cursor": {"id": 0, "ns": "shop.x", "firstBatch": cursor}}


def scripted(server: Any, replies: dict[str, Any]) -> None:
    """Let the stand-in answer each command, of whatever collection, by its name: a document, or a function of it."""

    def respond(request: Any) -> bool:
        reply = replies.get(next(iter(request.doc)))
        if reply is None:
            return False
        request.replies(reply(request.doc) if callable(reply) else reply)
        return True

    server.autoresponds(respond)


REFUSED = {"ok": 0, "code": 13, "codeName": "Unauthorized", "errmsg": "not authorized on shop"}
IDENTITY = answers([{"v": 2, "key": {"_id": 1}, "name": "_id_"}])


async def test_with_names_alone_the_rest_is_told_as_missing(server: Any) -> None:
    named = answers([{"name": "orders", "type": "collection"}])
    refusals = dict.fromkeys(("listIndexes", "aggregate", "collStats"), REFUSED)
    scripted(server, {"listCollections": lambda asked: named if asked["nameOnly"] else REFUSED, **refusals})
    session = await opened(server)
    try:
        catalog, coverage = await read_catalog(session)
    finally:
        await session.close()
    assert [table.name.name for table in catalog.tables] == ["orders"]
    unseen = {entry.subject for entry in coverage if not entry.seen}
    assert unseen >= {"options of the collections of shop", "indexes", "sizes", "index uses", "field types"}


async def test_views_time_series_and_encrypted_collections_are_told_apart(server: Any) -> None:
    secret = {"encryptedFields": {"fields": [{"path": "ssn", "bsonType": "string"}]}}
    listed = [
        {"name": "recent", "type": "view", "options": {"viewOn": "orders", "pipeline": []}},
        {"name": "weather", "type": "timeseries", "options": {"timeseries": {"timeField": "at"}}},
        {"name": "patients", "type": "collection", "options": secret},
        {"name": "system.buckets.weather", "type": "collection", "options": {}},
    ]
    odd = {"_id": 1, "a.b": 1, "$c": 2, **{f"f{n}": n for n in range(1_000)}}
    sizes = {"storageStats": {"count": 5, "size": 9}}

    def aggregate(asked: Any) -> dict[str, Any]:
        known: dict[str, list[dict[str, Any]]] = {"$sample": [odd], "$collStats": [sizes]}
        return answers(known.get(next(iter(asked["pipeline"][0])), []))

    def listing(asked: Any) -> dict[str, Any]:
        return REFUSED if asked["listIndexes"] != "patients" else IDENTITY

    scripted(server, {"listCollections": answers(listed), "listIndexes": listing, "aggregate": aggregate})
    session = await opened(server)
    try:
        catalog, coverage = await read_catalog(session)
    finally:
        await session.close()
    kinds = {table.name.name: table.kind for table in catalog.tables}
    assert kinds == {"patients": "collection", "recent": "view", "weather": "timeseries"}
    told = " ".join(entry.detail for entry in coverage)
    assert "views have no indexes" in told
    assert "shop.weather is a time-series collection" in told
    assert "shop.patients is encrypted in part" in told
    patients = next(table for table in catalog.tables if table.name.name == "patients")
    assert "a.b" not in patients.by_column
    assert len(patients.columns) <= 301


async def test_a_member_that_is_down_is_named(server: Any) -> None:
    listed = answers([{"name": "orders", "type": "collection"}])
    scripted(server, {"listCollections": listed, "listIndexes": IDENTITY, "aggregate": answers([])})
    session = await opened(server)
    try:
        catalog, coverage = await read_catalog(session, ("127.0.0.1:1",))
    finally:
        await session.close()
    assert catalog.tables
    assert any("127.0.0.1:1 could not be asked" in entry.detail for entry in coverage if not entry.seen)


async def test_behind_a_load_balancer_a_lost_cursor_is_told_and_the_rest_goes_on(server: Any, tmp_path: Path) -> None:
    """Each connection may reach another server: the second batch of the profile finds no cursor there."""
    document = {"op": "query", "ns": "shop.orders", "command": {"find": "orders"}, "millis": 1}
    lost = {"ok": 0, "code": 43, "codeName": "CursorNotFound", "errmsg": "cursor id 77 not found"}
    scripted(
        server,
        {"buildInfo": {"version": "7.0.12", "ok": 1}, "profile": {"was": 2, "slowms": 100, "ok": 1},
         "listCollections": answers([]), "listDatabases": {"databases": [{"name": "shop"}], "ok": 1},
         "find": {"ok": 1, "cursor": {"id": 77, "ns": "shop.system.profile", "firstBatch": [document]}},
         "getMore": lost, "killCursors": {"ok": 1}, "getLog": {"log": [], "ok": 1}},
    )  # fmt: skip
    connector = MongoConnector(await opened(server))
    try:
        capture = await connector.capture(CaptureRequest(tmp_path / "capture"))
    finally:
        await connector.close()
    assert any("profile of shop could not be read" in entry.detail for entry in capture.coverage if not entry.seen)
    assert capture.catalog is not None


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
