"""The recorder in PyMongo, sync and async. Evidence: a live server (SecantusDB, or a real mongod)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient, MongoClient
from pymongo.errors import OperationFailure

from advisor.ports import Options
from advisor.record import Recorder
from advisor.workload import digest

NAME = "advisor_recorded"


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path / "capture", root=Path(__file__).parent)


@pytest.fixture
def shop(server_url: str) -> Iterator[str]:
    with MongoClient[dict[str, Any]](server_url) as client:
        client.drop_database(NAME)
        client[NAME].orders.insert_many([{"_id": n, "user": n, "status": "new"} for n in range(300)])
        client[NAME].users.insert_many([{"_id": n, "name": f"user {n}"} for n in range(300)])
        yield server_url
        client.drop_database(NAME)


def told(recorder: Recorder) -> list[tuple[str, int | None]]:
    return [(next(iter(json.loads(event.text))), event.rows) for event in recorder.events]


def test_a_sync_client_is_recorded_with_rows_and_places(shop: str, recorder: Recorder) -> None:
    with MongoClient[dict[str, Any]](shop, event_listeners=[recorder.pymongo()]) as client:
        orders = client[NAME].orders
        assert len(list(orders.find({"status": "new"}))) == 300
        orders.update_one({"_id": 1}, {"$set": {"status": "done"}})
        orders.delete_one({"_id": 2})
        orders.insert_one({"_id": 1_000})
        assert orders.count_documents({"status": "done"}) == 1
        assert orders.distinct("status", {"_id": {"$lt": 5}})
        orders.find_one_and_update({"_id": 3}, {"$set": {"status": "done"}})
        with pytest.raises(OperationFailure):
            orders.find_one({"$nonsense": 1})
    names = ["find", "update", "delete", "insert", "aggregate", "distinct", "findAndModify", "find"]
    assert [name for name, _ in told(recorder)] == names
    assert told(recorder)[0][1] == 300, "the batches of a cursor are one command"
    assert [rows for _, rows in told(recorder)[1:4]] == [1, 1, 1]
    assert recorder.events[-1].error
    assert {event.file for event in recorder.events} == {Path(__file__).name}
    assert recorder.failures == 0


async def test_an_async_client_is_recorded_and_its_n_plus_one_is_found_with_its_line(
    shop: str, recorder: Recorder
) -> None:
    async with AsyncMongoClient[dict[str, Any]](shop, event_listeners=[recorder.pymongo()]) as client:
        for request in range(4):
            with recorder.unit("/orders"):
                for order in (
                    await client[NAME].orders.find({"status": "new"}).skip(20 * request + 2).limit(15).to_list()
                ):
                    await client[NAME].users.find_one({"_id": order["user"]})
    recorder.close()
    capture = recorder.save()
    [burst] = digest(capture, Options()).bursts
    assert (burst.pattern, burst.per_unit, burst.units) == ("n-plus-one", 15, 4)
    assert (str(burst.parent_table), str(burst.child_table)) == (f"{NAME}.orders", f"{NAME}.users")
    assert [site.function for site in burst.call_sites] == [
        "test_an_async_client_is_recorded_and_its_n_plus_one_is_found_with_its_line"
    ]
    assert burst.routes == ("/orders",)
