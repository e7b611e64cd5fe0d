"""The connector and the Python exports on a live server (SecantusDB in CI, a real mongod where there is one)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient, MongoClient
from pymongo.asynchronous.database import AsyncDatabase

from advisor import captures, export
from advisor.errors import ConnectionFailed, SourceError
from advisor.model.catalog import Index, IndexColumn, TableName
from advisor.model.impact import MigrationImpact
from advisor.model.recommendation import AddIndex, Benefit, DropIndex, Method, Recommendation
from advisor.ports import CaptureRequest
from connectors import connect

NAME = "advisor_test"


@pytest.fixture
async def database(server_url: str) -> AsyncIterator[AsyncDatabase[dict[str, Any]]]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(server_url, appname="application")
    async with client:
        await client.drop_database(NAME)
        found = client[NAME]
        await found.orders.insert_many(
            [
                {"_id": n, "user_id": n % 40, "status": "new", "tags": ["a", "b"], "items": [{"sku": n}]}
                for n in range(400)
            ]
        )
        await found.orders.create_index([("status", 1)])
        yield found
        await client.drop_database(NAME)


async def test_a_capture_has_catalog_events_and_plans_and_no_value(
    server_url: str, database: AsyncDatabase[dict[str, Any]], tmp_path: Path
) -> None:
    before = await database.command("profile", 2)
    for number in range(5):
        await database.orders.find({"user_id": number, "status": "shown-nowhere"}).to_list()
    connector = await connect(f"{server_url}/{NAME}")
    try:
        capture = await connector.capture(CaptureRequest(tmp_path / "capture"))
    finally:
        await connector.close()
    assert (await database.command("profile", -1))["was"] == 2, "the profiler is not touched"
    await database.command("profile", before["was"])
    assert capture.catalog is not None
    orders = capture.catalog.by_name[TableName(NAME, "orders")]
    assert orders.rows == 400
    assert {index.name for index in orders.indexes} == {"_id_", "status_1"}
    assert "array" in orders.by_column["tags"].type.split("|")
    assert orders.by_column["items.sku"].stats is not None
    assert capture.server.product == "mongodb"
    assert capture.server.version
    assert capture.plans
    assert captures.load(tmp_path / "capture").catalog == capture.catalog
    stored = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "capture").glob("*.json*"))
    assert "shown-nowhere" not in stored


async def test_with_the_profiler_off_the_command_is_printed_and_not_run(
    server_url: str, database: AsyncDatabase[dict[str, Any]]
) -> None:
    await database.command("profile", 0)
    connector = await connect(f"{server_url}/{NAME}")
    try:
        coverage = await connector.coverage()
    finally:
        await connector.close()
    assert any("setProfilingLevel(2)" in entry.remedy for entry in coverage if not entry.seen)
    assert (await database.command("profile", -1))["was"] == 0


async def test_nobody_there_is_one_sentence() -> None:
    with pytest.raises(ConnectionFailed, match="No MongoDB server answered"):
        await connect("mongodb://127.0.0.1:1/shop?serverSelectionTimeoutMS=300")


async def test_a_url_that_cannot_be_read_is_one_sentence() -> None:
    with pytest.raises(SourceError, match="not a MongoDB URL"):
        await connect("mongodb://user:pa:ss@host/shop")


def advised(action: AddIndex | DropIndex) -> Recommendation:
    return Recommendation(
        "x-1", "title", action, "", (action.index.table,), "problem", "", "", Benefit(Method.ESTIMATED),
        MigrationImpact("cost"), (), (), (),
    )  # fmt: skip


def loaded(text: str) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    exec(compile(text, "migration", "exec"), scope)
    return scope


ADDED = AddIndex(
    Index(TableName(NAME, "orders"), (IndexColumn("user_id"), IndexColumn("items.sku", descending=True)), name="made")
)


async def test_pymongo_migrate_goes_up_twice_and_back(server_url: str, database: AsyncDatabase[dict[str, Any]]) -> None:
    [stub] = export.stubs([advised(ADDED)], "pymongo-migrate")
    module = loaded(stub.files[0][1])
    before = await database.orders.index_information()

    def run(*steps: str) -> None:
        with MongoClient[dict[str, Any]](server_url) as client:
            for step in steps:
                module[step](client[NAME])

    await asyncio.to_thread(run, "upgrade", "upgrade")
    assert "made" in await database.orders.index_information()
    await asyncio.to_thread(run, "downgrade", "downgrade")
    assert await database.orders.index_information() == before


async def test_beanie_goes_up_twice_and_back(database: AsyncDatabase[dict[str, Any]]) -> None:
    [stub] = export.stubs([advised(ADDED)], "beanie")
    module = loaded(stub.files[0][1])
    before = await database.orders.index_information()
    for _ in range(2):
        await module["upgrade"](database)
    assert (await database.orders.index_information())["made"]["key"] == [("user_id", 1), ("items.sku", -1)]
    for _ in range(2):
        await module["downgrade"](database)
    assert await database.orders.index_information() == before


async def test_a_drop_hides_first_and_comes_back(database: AsyncDatabase[dict[str, Any]], real_server: bool) -> None:
    index = Index(
        TableName(NAME, "orders"), (IndexColumn("status"),), name="status_1", exists=True,
        definition='{"key": {"status": 1}, "name": "status_1"}',
    )  # fmt: skip
    [stub] = export.stubs([advised(DropIndex(index, hide_first=True))], "beanie")
    hide, drop = (loaded(text) for _, text in stub.files)
    before = await database.orders.index_information()
    await hide["upgrade"](database)
    if real_server:  # SecantusDB takes collMod and forgets ``hidden``
        assert (await database.orders.index_information())["status_1"].get("hidden") is True
    await drop["upgrade"](database)
    assert "status_1" not in await database.orders.index_information()
    await drop["downgrade"](database)
    await hide["downgrade"](database)
    assert await database.orders.index_information() == before
