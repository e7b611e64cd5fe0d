"""What must not be proposed for MongoDB: a drop of what is used or hinted, a second index beside a fitting one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from advisor import pipeline
from advisor.model.catalog import Catalog, Index, IndexColumn, TableName
from advisor.model.recommendation import AddIndex, DropIndex
from advisor.model.report import Report
from advisor.recommend._esr import wishes
from advisor.recommend._esr_merge import serves
from advisor.shape.mql import shape_of
from connectors.mongo import analyze_files
from connectors.mongo.commands import canonical

ORDERS = TableName("shop", "orders")


def line(command: dict[str, Any], summary: str, examined: int, returned: int) -> str:
    figures = {"keysExamined": examined, "docsExamined": examined, "nreturned": returned, "durationMillis": 40}
    told = {"type": "command", "ns": "shop.orders", "command": {**command, "$db": "shop"}, "planSummary": summary}
    found = {"t": {"$date": "2026-01-01T00:00:00.000Z"}, "s": "I", "c": "COMMAND", "id": 51803, "ctx": "conn1"}
    return json.dumps({**found, "msg": "Slow query", "attr": {**told, **figures}}, separators=(",", ":")) + "\n"


def report(folder: Path, lines: list[str], *indexes: dict[str, Any]) -> Report:
    documents = [{"v": 2, "key": {"_id": 1}, "name": "_id_"}, *indexes]
    since = {"ops": 0, "since": {"$date": "2025-01-01T00:00:00Z"}}
    uses = [{"name": d["name"], "key": d["key"], "host": "a", "accesses": since} for d in documents]
    orders = {"options": {}, "indexes": documents, "index_stats": uses,
              "stats": {"ns": "shop.orders", "storageStats": {"count": 90_000, "size": 1}}}  # fmt: skip
    (folder / "catalog.json").write_text(json.dumps({"database": "shop", "collections": {"orders": orders}}))
    (folder / "mongod.log").write_text("".join(lines))
    return pipeline.analyze(analyze_files([folder / "mongod.log"], folder / "catalog.json", folder / "capture"))


def dropped(found: Report) -> list[str]:
    return [r.action.index.name for r in found.recommendations if isinstance(r.action, DropIndex)]


A, B = {"v": 2, "key": {"a": 1}, "name": "a_1"}, {"v": 2, "key": {"b": 1}, "name": "by_b"}


def test_an_index_that_one_execution_in_many_uses_is_kept(tmp_path: Path) -> None:
    command = {"find": "orders", "filter": {"a": 1, "b": 2}}
    lines = [line(command, "IXSCAN { a: 1 }", 3, 2)] * 9 + [line(command, "IXSCAN { b: 1 }", 3, 2)]
    assert dropped(report(tmp_path, lines, A, B, {"v": 2, "key": {"c": 1}, "name": "c_1"})) == ["c_1"]


@pytest.mark.parametrize("hint", ["by_b", {"b": 1}])
def test_an_index_in_a_hint_is_kept(hint: Any, tmp_path: Path) -> None:
    found = report(tmp_path, [line({"find": "orders", "filter": {"a": 1}, "hint": hint}, "", 3, 2)], A, B)
    assert "by_b" not in dropped(found)
    assert any("insists on it by a hint" in declined.reason for declined in found.declined)


def test_a_query_with_a_hint_is_told_that_it_must_go(tmp_path: Path) -> None:
    command = {"find": "orders", "filter": {"c": 1}, "hint": {"a": 1}}
    found = report(tmp_path, [line(command, "IXSCAN { a: 1 }", 90_000, 2)], A)
    [advice] = [r for r in found.recommendations if isinstance(r.action, AddIndex)]
    assert "take it out of the code" in advice.risks[0]


def test_where_the_right_index_is_there_the_hint_is_what_is_wrong(tmp_path: Path) -> None:
    command = {"find": "orders", "filter": {"b": 1}, "hint": {"a": 1}}
    found = report(tmp_path, [line(command, "IXSCAN { a: 1 }", 90_000, 2)], A, B)
    assert not [r for r in found.recommendations if isinstance(r.action, AddIndex)]
    assert any("take the hint away" in declined.reason for declined in found.declined)


@pytest.mark.parametrize(
    ("condition", "options", "predicate", "expected"),
    [
        ({"a": 5}, {"sparse": "true"}, "", True),
        ({"a": {"$gt": 5}}, {"sparse": "true"}, "", True),
        ({"a": None}, {"sparse": "true"}, "", False),
        ({"a": 5}, {}, '{"a": {"$exists": true}}', True),
        ({"a": 5}, {}, '{"b": {"$exists": true}}', False),
        (
            {"a": 5, "b": {"$lt": 3}},
            {},
            '{"b": {"$exists": true}}',
            False,
        ),  # its key lacks b: another would narrow more
        ({"a": 5}, {}, '{"status": "new"}', False),
        ({"a": 5}, {"hidden": "true"}, "", False),
    ],
)
def test_which_queries_a_sparse_or_partial_index_serves(
    condition: dict[str, Any], options: dict[str, str], predicate: str, expected: bool
) -> None:
    index = Index(ORDERS, (IndexColumn("a"),), name="a_1", exists=True, options=options, predicate=predicate)
    shape = shape_of(canonical({"find": "orders", "filter": condition}, "shop"))
    assert serves(index, next(wishes(shape, Catalog(), None))) is expected
