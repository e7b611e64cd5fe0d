"""Index advice for MongoDB: the order of keys, merging, what exists already; probes of the recorded index oracle."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from advisor.model.catalog import Catalog, Column, Index, IndexColumn, Table, TableName
from advisor.recommend._esr import wishes
from advisor.recommend._esr_merge import merged, serves
from advisor.shape.mql import shape_of
from connectors.mongo.commands import canonical

ROOT = Path(__file__).parents[3]
ORACLE = runpy.run_path(str(ROOT / "tests" / "benchmarks" / "mongo_oracle.py"))
RECORDED = ROOT / "tests" / "cases" / "mongo" / "recorded"
ORDERS = TableName("shop", "orders")


def advised(*commands: dict[str, Any], table: Table | None = None) -> list[str]:
    catalog = Catalog((table,) if table else (), search_path=("shop",))
    found = [wish for c in commands for wish in wishes(shape_of(canonical(c, "shop")), catalog, None)]
    return [index.name for index in merged(found, catalog)]


def find(condition: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"find": "orders", "filter": condition, **more}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (find({"s": 1, "t": {"$gt": 5}}, sort={"c": -1}, limit=5), ["s_1_c_-1_t_1"]),
        (find({"t": {"$gt": 5}}, sort={"c": -1}), ["t_1_c_-1"]),
        (find({"t": {"$gt": 5}}, sort={"c": -1}, limit=5), ["c_-1_t_1"]),
        (find({"u": {"$in": [1, 2]}}, sort={"c": 1}), ["u_1_c_1"]),
        (find({"a": 1, "b": {"$ne": 2}}), ["a_1_b_1"]),
        (find({"b": {"$ne": 2}}), []),
        (find({"b": {"$regex": "x"}}), []),
        (find({"_id": 5, "a": 1}), []),
        (find({"$or": [{"a": 1}, {"b": 2}]}, sort={"c": 1}), ["a_1_c_1", "b_1_c_1"]),
        (find({"$or": [{"a": 1}, {"b": {"$regex": "x"}}]}), []),
        (find({"d": {"$exists": True, "$gt": 5}}), ["d_1_sparse"]),
        (find({"$text": {"$search": "x"}, "a": 1}), []),
    ],
)
def test_the_order_of_keys(command: dict[str, Any], expected: list[str]) -> None:
    assert advised(command) == expected


def test_one_index_serves_queries_that_begin_alike() -> None:
    long = find({"a": 1, "b": 2}, sort={"c": 1})
    assert advised(find({"b": 3}), long, find({"a": 1, "b": 1})) == ["b_1_a_1_c_1"]


def test_never_two_arrays_in_one_index() -> None:
    columns = (Column("tags", "array|string"), Column("items", "array"), Column("items.sku", "int"))
    table = Table(ORDERS, columns, kind="collection", rows=1e6)
    assert advised(find({"tags": "a", "items.sku": 5}), table=table) == ["items.sku_1"]


def test_collations_are_kept_apart() -> None:
    command = find({"a": 1}, collation={"locale": "de", "strength": 2})
    wish = next(wishes(shape_of(canonical(command, "shop")), Catalog(), None))
    plain = Index(ORDERS, (IndexColumn("a"),), name="a_1", exists=True)
    assert not serves(plain, wish)
    assert advised(command, find({"a": 1})) == ["a_1", "a_1_de"]


def test_a_view_has_no_index() -> None:
    assert advised(find({"a": 1}), table=Table(ORDERS, (), kind="view")) == []


@pytest.mark.parametrize(
    "probe", ["esr", "or-with-and", "agg-match-group", "eq-low-card", "find-and-modify", "distinct"]
)
def test_the_recorded_server_likes_the_advice(probe: str) -> None:
    sets = ORACLE["oracle"](RECORDED / "oracle.jsonl.gz")[probe]
    keys = ORACLE["advice"](RECORDED / "probes" / f"{probe}.log", RECORDED / "probes" / "catalog.json")
    assert ORACLE["judged"](sets, keys)[0] == "good"
