"""The CommandListener. Evidence: events as PyMongo hands them over, and commands that a real server logged."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId, Regex, json_util
from pymongo.monitoring import CommandListener
from sqlalchemy import create_engine

from advisor import captures
from advisor.ports import Options
from advisor.record import Recorder
from advisor.record.hooks_pymongo import Commands
from advisor.workload import digest
from connectors.mongo.commands import canonical

RECORDED = Path(__file__).parents[2] / "cases" / "mongo" / "recorded"


class Wire:
    """Speaks to a listener as the driver does."""

    def __init__(self, recorder: Recorder, microseconds: int = 1_500) -> None:
        self.microseconds = microseconds
        self.listener = recorder.pymongo()
        self.number = 0

    def send(self, command: dict[str, Any], reply: dict[str, Any] | None = None, error: int = 0) -> None:
        self.number += 1
        name = next(iter(command))
        command = {**command, "lsid": {"id": b"\x01" * 16}}
        common: dict[str, Any] = {"command_name": name, "request_id": self.number, "connection_id": ("h", 1)}
        common["duration_micros"] = self.microseconds
        self.listener.started(SimpleNamespace(command=command, database_name="shop", **common))
        if error:
            self.listener.failed(SimpleNamespace(failure={"code": error}, **common))
        else:
            self.listener.succeeded(SimpleNamespace(reply=reply or {"ok": 1}, **common))


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path / "capture", application="shop")


def first(documents: int, cursor: int = 0) -> dict[str, Any]:
    return {"cursor": {"firstBatch": [{}] * documents, "id": cursor}, "ok": 1}


def test_a_recording_is_a_capture_of_mongodb_whose_bursts_are_found_with_file_and_line(recorder: Recorder) -> None:
    wire = Wire(recorder, microseconds=1)  # the next one is sent at once, after the answer
    for request in range(4):
        with recorder.unit("/orders"):
            wire.send({"find": "orders", "filter": {"status": "new"}}, first(12))
            for number in range(12):
                wire.send({"find": "users", "filter": {"_id": 12 * request + number}, "limit": 1}, first(1))
    recorder.close()
    capture = recorder.save()
    assert captures.load(capture.folder).server.product == "mongodb"
    [burst] = digest(capture, Options()).bursts
    assert burst.pattern == "n-plus-one"
    assert str(burst.child_table) == "shop.users"
    assert burst.per_unit == 12
    assert burst.call_sites[0].file.endswith("test_recorder_mongodb.py")


def test_the_batches_of_a_cursor_are_one_command_and_failures_have_their_code(recorder: Recorder) -> None:
    wire = Wire(recorder)
    wire.send({"find": "orders", "filter": {}}, first(101, 77))
    wire.send({"getMore": 77, "collection": "orders"}, {"cursor": {"nextBatch": [{}] * 50, "id": 0}})
    wire.send({"find": "orders", "filter": {"$bad": 1}}, error=2)
    wire.send({"hello": 1})
    wire.send({"update": "orders", "updates": [{"q": {"_id": 1}, "u": {"$set": {"a": 1}}}] * 3}, {"n": 3, "ok": 1})
    one, failed, written = recorder.events
    assert (one.rows, one.seconds) == (151, 0.003)
    assert failed.error == "2"
    assert (written.rows, json.loads(written.text)["batch"]) == (3, True)
    assert recorder.failures == 0


def test_no_value_is_kept(recorder: Recorder, tmp_path: Path) -> None:
    wire = Wire(recorder)
    secret = "told-to-nobody"
    wire.send(
        {"find": "users", "filter": {"email": secret, "tags": {"$in": [secret]}, "n": {"$regex": secret}}}, first(0)
    )
    wire.send({"insert": "users", "documents": [{"email": secret}]}, {"n": 1})
    wire.send(
        {"aggregate": "users", "pipeline": [{"$match": {"email": secret}}, {"$project": {"x": secret}}]}, first(0)
    )
    wire.send({"findAndModify": "users", "query": {"email": secret}, "update": {"$set": {"email": secret}}}, {"ok": 1})
    assert len(recorder.events) == 4
    assert secret not in repr(recorder.events)
    assert secret.encode() not in b"".join(path.read_bytes() for path in recorder.save().folder.iterdir())


def test_what_breaks_in_the_listener_breaks_nothing(recorder: Recorder) -> None:
    listener = recorder.pymongo()
    assert isinstance(listener, CommandListener)
    listener.started(SimpleNamespace(command_name="find"))  # type: ignore[arg-type]  # a broken event
    assert recorder.failures == 1
    recorder.close()
    Wire(recorder).listener.succeeded(SimpleNamespace(request_id=5))


def test_one_recorder_is_of_one_database(recorder: Recorder) -> None:
    recorder.pymongo()
    with pytest.raises(ValueError, match="another Recorder"):
        recorder.sqlalchemy(create_engine("sqlite://"))


VALUES = {
    "oid": ObjectId(), "at": {"$gte": datetime(2024, 1, 1, tzinfo=UTC)}, "long": Int64(5), "d": Decimal128("1"),
    "in": {"$in": [ObjectId() for _ in range(300)]}, "two": {"$in": [1, "x"]}, "nothing": None, "flag": True,
    "re": Regex("^ab", "i"), "prefix": Regex("^ab"), "$or": [{"a": 1}, {"a": 1}, {"b": {"$exists": False}}],
}  # fmt: skip


def test_texts_are_those_of_the_servers_own_log(recorder: Recorder) -> None:
    commands = Commands(recorder)
    seen = 0
    lines = [
        json.loads(line)["attr"]
        for name in ("n_plus_one", "shop")
        for line in gzip.decompress((RECORDED / name / "mongod.log.gz").read_bytes()).splitlines()
        if b'"id":51803' in line
    ]
    for attributes in lines:
        command, database = attributes["command"], attributes["ns"].partition(".")[0]
        name = next(iter(command))
        if name not in ("find", "aggregate", "count", "distinct", "findAndModify", "insert") or "cut" in attributes:
            continue
        given = json_util.loads(json.dumps(command))
        assert commands._text(database, given, ()) == canonical(command, database)
        seen += 1
    assert seen > 2_500
    command = {"find": "c", "filter": VALUES}
    assert commands._text("s", command, ()) == canonical(json.loads(json_util.dumps(command)), "s")


def test_texts_that_differ_are_told_apart(recorder: Recorder) -> None:
    commands = Commands(recorder)
    different: list[dict[str, Any]] = [
        {"find": "c", "filter": {"a": 1}},
        {"find": "c", "filter": {"a": "1"}},
        {"find": "c", "filter": {"a": {"$in": [1]}}},
        {"find": "c", "filter": {"a": {"$in": [1, 2]}}},
        {"find": "c", "filter": {"a": {"$in": list(range(300))}}},
        {"find": "c", "filter": {"a": 1}, "limit": 1},
        {"find": "c", "filter": {"a": 1}, "limit": 5},
        {"find": "c", "filter": {"a": 1}, "sort": {"b": 1}},
        {"find": "c", "filter": {"a": 1}, "sort": {"b": -1}},
        {"find": "c", "filter": {"a": {"$regex": "x"}}},
        {"find": "c", "filter": {"a": {"$regex": "^x"}}},
        {"find": "c", "filter": {"a": {"$regex": "x", "$options": "i"}}},
        {"aggregate": "c", "pipeline": [{"$match": {"a": 1}}, {"$limit": 5}]},
        {"aggregate": "c", "pipeline": [{"$match": {"a": 1}}, {"$limit": 5}, {"$match": {"a": 1}}]},
        {"aggregate": "c", "pipeline": [{"$lookup": {"from": "x", "localField": "l", "foreignField": "f", "as": "z"}}]},
        {"aggregate": "c", "pipeline": [{"$lookup": {"from": "y", "localField": "l", "foreignField": "f", "as": "z"}}]},
        {"aggregate": "c", "pipeline": [{"$group": {"_id": "$a"}}]},
        {"aggregate": "c", "pipeline": [{"$group": {"_id": "$b"}}]},
    ]
    for _ in range(2):
        texts = [commands._text("s", command, ()) for command in different]
        assert len(set(texts)) == len(different)
        assert texts == [canonical(command, "s") for command in different]
