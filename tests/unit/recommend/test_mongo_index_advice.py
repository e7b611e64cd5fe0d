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
from advisor.shape.mql_effort import Effort
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
        (find({"t": {"$gt": 5}}, sort={"c": -1}, limit=5), ["c_-1"]),  # t would narrow nothing there: see _ordered
        (find({"a": 1, "t": {"$gt": 5}, "u": {"$gt": 1, "$lt": 5}}), ["a_1_u_1_t_1"]),
        (find({"a": 1, "b": {"$regex": "x"}}), ["a_1_b_1"]),
        (find({"u": {"$in": [1, 2]}}, sort={"c": 1}), ["u_1_c_1"]),
        (find({"a": 1, "b": {"$ne": 2}}), ["a_1_b_1"]),
        # A scan skips from value to value of a field that has few of them.
        (find({"b": {"$ne": "x"}, "t": {"$gt": 5}}), ["b_1_t_1"]),
        (find({"a": 1, "b": {"$nin": ["x", "y"]}, "t": {"$gt": 5}}), ["a_1_b_1_t_1"]),
        (find({"b": {"$ne": {"$oid": "0" * 24}}, "t": {"$gt": 5}}), ["t_1_b_1"]),
        (find({"b": {"$ne": None}, "t": {"$gt": 5}}), ["t_1_b_1"]),
        (find({"a": 1, "d": {"$gt": {"$date": "2026-01-01T00:00:00Z"}}, "t": {"$gt": 5}}), ["a_1_t_1_d_1"]),
        (find({"b": {"$ne": 2}}), []),
        (find({"b": {"$regex": "x"}}), []),
        (find({"_id": 5, "a": 1}), []),
        (find({"$or": [{"a": 1}, {"b": 2}]}, sort={"c": 1}), ["a_1_c_1", "b_1_c_1"]),
        (find({"$or": [{"a": 1}, {"b": {"$regex": "x"}}]}), []),
        (find({"d": {"$exists": True, "$gt": 5}}), ["d_1_sparse"]),
        (find({"$text": {"$search": "x"}, "a": 1}), []),
        (find({"a": 1, "b.$c": 2, "": 3, "d..e": 4, "owner.$id": 5}), ["a_1_owner.$id_1"]),
        (find({f"f{n:02}": n for n in range(40)}, sort={"z": 1}), ["_".join(f"f{n:02}_1" for n in range(15)) + "_z_1"]),
    ],
)
def test_the_order_of_keys(command: dict[str, Any], expected: list[str]) -> None:
    assert advised(command) == expected


def test_no_index_covers_the_elements_of_an_array() -> None:
    match, group = {"$match": {"a": 1}}, {"$group": {"_id": "$b.c", "n": {"$sum": 1}}}
    piped = {"aggregate": "orders", "cursor": {}}
    assert advised({**piped, "pipeline": [match, group]}) == ["a_1_b.c_1"]
    assert advised({**piped, "pipeline": [match, {"$unwind": "$b"}, group]}) == ["a_1"]


def effort(documents: float, returned: float, *, complete: bool) -> Effort:
    return Effort(0.0, documents, returned, False, True, False, complete=complete)


@pytest.mark.parametrize(
    ("command", "found", "expected"),
    [
        # A limit that is not reached stops nothing: what matches is read, and sorting it is the lesser evil.
        (find({"s": 1, "t": {"$gt": 5}}, sort={"c": -1}, limit=50), effort(9e4, 12, complete=True), ["s_1_t_1_c_-1"]),
        (find({"s": 1, "t": {"$gt": 5}}, sort={"c": -1}, limit=50), effort(9e4, 50, complete=False), ["s_1_c_-1_t_1"]),
        (find({"s": 1, "t": {"$gt": 5}}, sort={"c": -1}), effort(9e4, 3e4, complete=True), ["s_1_c_-1_t_1"]),
        (find({"t": {"$gt": 5}}, sort={"c": -1}, limit=50), effort(9e4, 12, complete=True), ["t_1_c_-1"]),
        # A long list is not merged in the order of a sort: where many documents match, their order is walked.
        (find({"u": {"$in": list(range(300))}}, sort={"c": -1}, limit=5), effort(3e4, 5, complete=False), ["c_-1"]),
        (
            find({"u": {"$in": list(range(300))}}, sort={"c": -1}, limit=50),
            effort(9e4, 50, complete=False),
            ["u_1_c_-1"],
        ),
        (find({"u": {"$in": list(range(300))}}, sort={"c": -1}, limit=5), effort(3e4, 4, complete=True), ["u_1_c_-1"]),
        # Beside an equality it is a range.
        (
            find({"a": 1, "u": {"$in": list(range(300))}}, sort={"c": -1}, limit=50),
            effort(9e4, 50, complete=False),
            ["a_1_c_-1_u_1"],
        ),
        (
            find({"a": 1, "u": {"$in": list(range(300))}}, sort={"c": -1}, limit=50),
            effort(9e4, 9, complete=True),
            ["a_1_u_1_c_-1"],
        ),
        # A negation or regular expression alone narrows when little is left.
        (find({"b": {"$ne": 2}}), effort(9e4, 900, complete=True), ["b_1"]),
        (find({"b": {"$ne": 2}}), effort(9e4, 7e4, complete=True), []),
        (find({"b": {"$regex": "^x", "$options": "i"}}), effort(9e4, 1, complete=True), ["b_1"]),
        (find({"b": {"$regex": "x", "$options": "i"}}, limit=10), effort(9e4, 10, complete=False), []),
        (find({"b": {"$regex": "x", "$options": "i"}}), effort(9e4, 3e4, complete=True), []),
        # All that matches is read and sorted: what a negation leaves out is skipped before; not so up to a limit.
        (find({"a": 1, "b": {"$ne": 2}}, sort={"c": -1}), effort(9e4, 900, complete=True), ["a_1_b_1_c_-1"]),
        (
            find({"a": 1, "b": {"$ne": 2}}, sort={"c": -1}, limit=50),
            effort(9e4, 50, complete=False),
            ["a_1_c_-1_b_1"],
        ),
        (find({"a": 1, "t": {"$gt": 5}}, sort={"c": -1}), effort(9e4, 4e3, complete=True), ["a_1_t_1_c_-1"]),
        (find({"a": 1, "b": {"$regex": "x"}}, sort={"c": -1}), effort(9e4, 9, complete=True), ["a_1_b_1_c_-1"]),
        (
            find({"a": 1, "b": {"$regex": "^x"}}, sort={"c": -1}, limit=5),
            effort(9e4, 5, complete=False),
            ["a_1_c_-1_b_1"],
        ),
    ],
)
def test_the_order_of_keys_where_it_is_known_what_matches(
    command: dict[str, Any], found: Effort, expected: list[str]
) -> None:
    wished = list(wishes(shape_of(canonical(command, "shop")), Catalog(search_path=("shop",)), found))
    assert [index.name for index in merged(wished, Catalog(search_path=("shop",)))] == expected


@pytest.mark.parametrize(
    ("more", "covered"),
    [({"projection": {"_id": 0, "a": 1, "b": 1}}, True), ({"projection": {"a": 1, "b": 1}}, False), ({}, False)],
)
def test_an_index_covers_where_nothing_else_is_read(more: dict[str, Any], *, covered: bool) -> None:
    command = find({"a": 1}, **more)
    (wish,) = wishes(shape_of(canonical(command, "shop")), Catalog(search_path=("shop",)), None)
    assert wish.covered is covered


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
