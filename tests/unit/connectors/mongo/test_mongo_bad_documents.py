"""Documents and commands that are too wide, too deep or oddly named: counted, bounded, never fatal (made up)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from advisor import pipeline
from advisor.model.recommendation import AddIndex
from advisor.shape.mql import shape_of
from connectors.mongo import analyze_files
from connectors.mongo.commands import canonical
from connectors.mongo.fields import MAX_DEPTH, MAX_PATHS, columns_of
from connectors.mongo.logs import read


def nested(levels: int, leaf: Any) -> Any:
    for _ in range(levels):
        leaf = {"a": leaf}
    return leaf


def test_a_thousand_fields_are_bounded() -> None:
    columns = columns_of([{f"f{number}": number for number in range(1_000)}] * 3, 3)
    assert len(columns) == MAX_PATHS


def test_a_hundred_levels_are_followed_as_far_as_is_useful() -> None:
    columns = columns_of([nested(100, 1)], 1)
    assert max(column.name.count(".") for column in columns) == MAX_DEPTH - 1


def test_names_with_dots_and_dollars_are_no_paths() -> None:
    columns = columns_of([{"a.b": 1, "$c": 2, "d": 3, "e": {"f.g": 1, "$h": 1, "i": 1}}], 1)
    assert [column.name for column in columns] == ["d", "e", "e.i"]


def slow(command: dict[str, Any], **attr: Any) -> str:
    known = {"type": "command", "ns": "shop.orders", "command": {**command, "$db": "shop"}, "planSummary": "COLLSCAN",
             "keysExamined": 0, "docsExamined": 90_000, "nreturned": 2, "durationMillis": 90}  # fmt: skip
    line = {"t": {"$date": "2026-01-01T00:00:00.000Z"}, "s": "I", "c": "COMMAND", "id": 51803, "ctx": "conn1",
            "msg": "Slow query", "attr": {**known, **attr}}  # fmt: skip
    return json.dumps(line, separators=(",", ":")) + "\n"


COMMANDS: dict[str, dict[str, Any]] = {
    "a thousand fields": {"find": "orders", "filter": {f"f{number}": number for number in range(1_000)}},
    "a hundred levels": {"find": "orders", "filter": {"a": nested(100, 5)}},
    "a hundred conjunctions": {"find": "orders", "filter": json.loads('{"$and":[' * 100 + '{"a":1}' + "]}" * 100)},
    "dots and dollars": {"find": "orders", "filter": {"a.b.$c": 1, "x.0.y": {"$eq": 2}, "ü": 3, 'q"u': 4, "l\\b": 5}},
    "a dollar by expression": {
        "find": "orders",
        "filter": {"$expr": {"$eq": [{"$getField": {"$literal": "$price"}}, 5]}},
    },
    "an empty name": {"find": "orders", "filter": {"": 1}},
    "no filter": {"find": "orders"},
    "a filter that is none": {"find": "orders", "filter": 5, "sort": "x", "projection": [1]},
    "a pipeline of nothing": {"aggregate": "orders", "pipeline": [{}, {"$match": {}}, {"$unknown": 1}, {"$sort": 3}]},
    "all of the database": {"aggregate": 1, "pipeline": [{"$documents": [{"a": 1}]}], "cursor": {}},
    "deep in a join": {
        "aggregate": "orders",
        "pipeline": [{"$lookup": {"from": "a", "as": "x", "pipeline": [{"$lookup": {"from": "b", "as": "y"}}]}}],
    },
    "a write by pipeline": {"findAndModify": "orders", "query": {"a": 1}, "update": [{"$set": {"b": "$c"}}]},
}


@pytest.mark.parametrize("name", COMMANDS)
def test_an_odd_command_is_read_or_counted_and_the_rest_goes_on(name: str, tmp_path: Path) -> None:
    path = tmp_path / "mongod.log"
    path.write_text(slow(COMMANDS[name]) + slow({"find": "orders", "filter": {"user": 7}}), encoding="utf-8")
    capture = analyze_files([path], None, tmp_path / "capture")
    reading = read([path], tmp_path / "events.parquet")
    assert reading.events + sum(count for _, count in reading.unread) == 2
    report = pipeline.analyze(capture)
    built = [r.action.index.keys for r in report.recommendations if isinstance(r.action, AddIndex)]
    assert ("user",) in built
    assert all(r.shapes for r in report.recommendations)
    assert all("$c" not in key for keys in built for key in keys)


def test_shapes_of_odd_commands_hold_no_value() -> None:
    for command in COMMANDS.values():
        shape = shape_of(canonical({**command, "$db": "shop"}, "shop"))
        assert "$price" not in shape.text or "$literal" in shape.text


def test_lines_cut_at_ten_kilobytes_are_counted_with_the_remedy(tmp_path: Path) -> None:
    whole = slow({"find": "orders", "filter": {"a": 1}})
    cut = json.loads(slow({"find": "orders", "filter": {"a": {"$in": ["x" * 20] * 300}}}))
    cut["attr"]["command"]["filter"]["a"]["$in"] = ["x" * 20] * 100
    cut["truncated"] = {"command": {"filter": {"a": {"$in": {"101": {"type": "string", "size": 24}}}}}}
    cut["size"] = {"command": 11_000}
    half = whole[: len(whole) // 2] + "\n"
    path = tmp_path / "mongod.log"
    path.write_text(whole + json.dumps(cut) + "\n" + half + whole, encoding="utf-8")
    reading = read([path], tmp_path / "events.parquet")
    assert reading.events == 2
    assert dict(reading.unread) == {"cut lines, whose command is not whole": 1, "lines that are no JSON": 1}
    assert any("maxLogSizeKB" in entry.remedy for entry in reading.coverage)
    rows = duckdb.execute(f"SELECT count(DISTINCT text) FROM read_parquet('{tmp_path / 'events.parquet'}')").fetchone()
    assert rows == (1,)
