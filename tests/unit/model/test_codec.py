from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from advisor import captures
from advisor.errors import CaptureError
from advisor.model.capture import Capture, Coverage, Server
from advisor.model.catalog import Catalog, Column, ColumnStats, Index, IndexColumn, Table, TableName
from advisor.model.codec import decode, encode
from advisor.model.plan import Access, Plan, PlanNode
from advisor.model.recommendation import Action, AddIndex, Cost

ORDERS = TableName("public", "orders")


def a_capture(folder: Path) -> Capture:
    index = Index(ORDERS, (IndexColumn("id"), IndexColumn(expression="lower(name)", descending=True)), exists=True)
    columns = (Column("id", "bigint", stats=ColumnStats(n_distinct=5, most_common_frequencies=(0.5, 0.25))),)
    table = Table(ORDERS, columns, rows=10.0, indexes=(index,), options={"fillfactor": "90"})
    node = PlanNode("Seq Scan", Access.SEQUENTIAL, ORDERS, children=(PlanNode("Result"),), spilled_bytes=3)
    return Capture(
        folder,
        Server("postgresql", "15.18", 150018),
        Catalog((table,), stats_reset_at=datetime(2026, 1, 1, tzinfo=UTC)),
        (Coverage("logs", seen=False, detail="none", remedy="log more"),),
        (Plan(node, "PostgreSQL 15.18"),),
    )


def test_a_capture_survives_folder_and_zip(tmp_path: Path) -> None:
    capture = a_capture(tmp_path / "capture")
    captures.save(capture)
    captures.pack(capture.folder, tmp_path / "capture.zip")
    assert captures.load(capture.folder) == capture
    unpacked = captures.load(tmp_path / "capture.zip")
    assert unpacked.catalog == capture.catalog
    assert unpacked.plans == capture.plans
    assert captures.is_capture(tmp_path / "capture.zip")


def test_a_damaged_capture_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / captures.FACTS).write_text("{")
    with pytest.raises(CaptureError, match="capture again"):
        captures.load(tmp_path)


def test_unions_are_told_apart_and_sets_are_sorted() -> None:
    action = AddIndex(Index(ORDERS, (IndexColumn("id"),)), replaces=("x",))
    assert decode(AddIndex, json.loads(json.dumps(encode(action)))) == action
    assert decode(Action, encode(action)) == action  # type: ignore[arg-type]
    cost = Cost(float("inf"), "p", used=frozenset({Index(ORDERS, (IndexColumn(name),)) for name in "cab"}))
    assert [i["columns"][0]["name"] for i in encode(cost)["used"]] == ["a", "b", "c"]
    assert decode(Cost, encode(cost)) == cost
