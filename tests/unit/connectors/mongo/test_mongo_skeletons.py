"""A skeleton parts whatever the canonical text parts: two commands of one question have one text, by either reader."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.compiled import is_built
from connectors.mongo.commands import canonical
from connectors.mongo.logs import Kind, loading

Questions = Callable[[Sequence[dict[str, Any]]], list[int]]

ID, DATE = {"$oid": "0" * 24}, {"$date": "2026-01-01T00:00:00Z"}
VALUES: tuple[Any, ...] = (
    1, 2, -7, 1.5, "a", "$b", True, None, ID, DATE,
    {"$oid": "1" * 24}, {"$date": {"$numberLong": "-5"}}, {"$numberLong": "5"}, {"$numberDecimal": "1.5"},
    {"$minKey": 1},
    {"$binary": {"base64": "AA==", "subType": "04"}}, {"$timestamp": {"t": 7, "i": 9}}, {"$uuid": "0" * 36},
    {"$gt": DATE, "$lt": DATE}, {"$regex": "^abc"}, {"$regex": "abc"},
    {"$regularExpression": {"pattern": "^a", "options": "i"}}, {"$elemMatch": {"a": 1}}, {"$exists": True},
    *({"$in": [value] * times} for value in (5, "a", ID, DATE) for times in (1, 2, 3, 200, 201)),
    {"$not": {"$in": [1, 2]}}, {"$nin": ["x", "y"]}, {"$in": ["a", 1]}, {"$in": ["a", None]}, {"$in": [ID, "a", "b"]},
    {"$in": [{"$regularExpression": {"pattern": pattern, "options": ""}} for pattern in ("^a", "b")]},
    *({"$type": kind} for kind in ("string", "int", 2, 16)), {"$exists": False}, {"$mod": [4, 0]}, {"$size": 3},
    *({"$regex": pattern} for pattern in ("^a|b", "^a\\|b", "^a\\.b", "^\\w", "^a\n", '^a"', "^ä", "^", "")),
    {"$regex": "^abc", "$options": "i"}, {"$near": {"$geometry": {"type": "Point", "coordinates": [1.5, 2.5]}}},
    {"$elemMatch": {"$gt": 5, "$lt": 7}}, {"a": 1}, [1, 2], [], {},
)  # fmt: skip
PIPELINES: tuple[list[Any], ...] = (
    *([{"$project": {"y": {"$concat": ["x", path]}}}] for path in ("$b", "$c", "d")),
    *([{"$lookup": {"from": name, "localField": "x", "foreignField": "y", "as": "z"}}] for name in ("b", "c")),
    *([{"$sort": {"x": way}}, {"$limit": count}] for way in (1, -1) for count in (1, 20)),
    *([{"$match": {"$expr": {"$in": ["$x", few]}}}] for few in ([1, 2], [1, 2, 3], [2, 3], ["a", "b"], ["$a", "b"])),
    *([{"$unwind": {"path": path, "includeArrayIndex": "i"}}] for path in ("$a", "$b")),
    *([{"$facet": {name: [{"$match": {"x": value}}]}}] for name in ("a", "b") for value in (1, "$x")),
    *([{"$group": {"_id": "$x", "n": {"$sum": step}}}] for step in (1, 5, "$n", {"$numberLong": "5"})),
)
CHANGES: tuple[Any, ...] = (
    {"$set": {"a": 1}}, {"$set": {"a": "x"}}, {"$set": {"b": 1}}, {"$set": {"a": 1}, "$inc": {"n": 1}}, {"a": 1},
    {"a": 2},    [{"$set": {"a": "$b"}}], [{"$set": {"a": "$c"}}],
)  # fmt: skip


COMMANDS: list[dict[str, Any]] = [
    *({"find": "a", "filter": {"x": value}} for value in VALUES),
    *({"aggregate": "a", "pipeline": stages} for stages in PIPELINES),
    *({"findAndModify": "a", "query": {"x": 5}, "update": change} for change in CHANGES),
    *({"distinct": "a", "key": key, "query": {"x": 5}} for key in ("b", "c")),
    *({"find": "a", "filter": {"x": 5}, "sort": {"y": way}} for way in (1, -1)),
    *({"find": "a", "filter": {"x": 5}, "limit": limit, "skip": skip} for limit in (1, 5) for skip in (0, 7)),
    *({"find": "a", "filter": {"x": 5}, "projection": {name: shown}} for name in ("y", "z") for shown in (1, 0)),
    *({"find": "a", "filter": {"x": 5}, "$db": name} for name in ("shop", "other")),
    *({"find": "a", "filter": {"x": 5}, "let": {"a": value}} for value in (1, 2)),
]


@pytest.fixture(params=["compiled", "SQL"])
def questions(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Questions:
    if request.param == "SQL":
        monkeypatch.setattr(loading, "is_built", lambda: False)
    elif not is_built():
        pytest.skip("the compiled readers are not built: python hatch_build.py")

    def asked(commands: Sequence[dict[str, Any]]) -> list[int]:
        """The question of each command, told by a log line."""
        line = {"t": {"$date": "2026-01-01T00:00:00.000Z"}, "id": 51803, "ctx": "conn1"}
        log = tmp_path / "mongod.log"
        with log.open("w") as out:
            for command in commands:
                attr = {"type": "command", "ns": "shop.a", "command": command, "durationMillis": 1}
                out.write(json.dumps(line | {"attr": attr}, separators=(",", ":")) + "\n")
        with duckdb.connect() as database:
            loading.Loader(database, tmp_path, "k").load(log, Kind.LOG)
            return [row[0] for row in database.execute("SELECT question FROM taken ORDER BY rowid").fetchall()]

    return asked


def test_no_question_stands_for_two_texts(questions: Questions) -> None:
    texts: dict[int, set[str]] = {}
    for question, command in zip(questions(COMMANDS), COMMANDS, strict=True):
        texts.setdefault(question, set()).add(canonical(command, "shop"))
    assert {key: held for key, held in texts.items() if len(held) > 1} == {}
    assert len(texts) < len(COMMANDS) - 10


def test_a_field_that_is_called_as_a_stages_part_parts_no_questions(questions: Questions) -> None:
    commands = [{"find": "a", "filter": {"key": f"user:{number}", "from": "x" * number}} for number in range(5)]
    assert len(set(questions(commands))) == 1
