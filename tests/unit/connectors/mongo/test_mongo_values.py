"""Marks of a canonical text become values of a sample's documents."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId

from advisor.model.catalog import TableName
from connectors.mongo.asking import command_of, tables_of
from connectors.mongo.sample import specification
from connectors.mongo.values import Unfillable

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
DOCUMENTS: list[dict[str, Any]] = [
    {
        "_id": ObjectId(f"{number:024x}"),
        "user": number % 10,
        "status": "done" if number % 10 else "new",
        "at": EPOCH + timedelta(days=number),
        "name": f"name {number:03d}",
        "tags": ["a", f"t{number}"],
        "items": [{"sku": number, "qty": 1}, {"sku": 1000 + number, "qty": 2}],
        "gone": None,
    }
    for number in range(100)
]


def command(asked: dict[str, Any], seed: int = 0) -> dict[str, Any]:
    text = json.dumps({**asked, "$db": "shop"})
    return dict(command_of(text, lambda table: DOCUMENTS, lambda table: f"trial_{table.name}", seed))


def matching(condition: dict[str, Any]) -> list[dict[str, Any]]:
    return [doc for doc in DOCUMENTS if all(doc[key] == value for key, value in condition.items())]


def find(condition: dict[str, Any], seed: int = 0, **more: Any) -> dict[str, Any]:
    filled = command({"find": "orders", "filter": condition, **more}, seed)
    assert filled["find"] == "trial_orders"
    found: dict[str, Any] = filled["filter"]
    return found


def test_equal_fields_are_of_one_document_and_another_seed_takes_another() -> None:
    asked = {"user": "?number", "status": "?string", "name": "?string"}
    filled = [find(asked, seed) for seed in range(3)]
    assert all(len(matching(one)) == 1 for one in filled)
    assert len({one["name"] for one in filled}) == 3


def test_a_range_asks_for_a_tenth_and_the_document_lies_in_it() -> None:
    filled = find({"at": {"$gte": "?date"}, "name": "?string"})
    assert filled["at"]["$gte"] == EPOCH + timedelta(days=89)
    [document] = matching({"name": filled["name"]})
    assert document["at"] >= filled["at"]["$gte"]
    assert find({"at": {"$lt": "?date"}})["at"]["$lt"] == EPOCH + timedelta(days=9)
    both = find({"at": {"$gte": "?date", "$lt": "?date"}})["at"]
    assert both["$lt"] - both["$gte"] == timedelta(days=10)


def test_lists_have_one_several_or_more_than_are_merged() -> None:
    assert len(find({"user": {"$in": ["?number"]}})["user"]["$in"]) == 1
    assert len(find({"user": {"$in": ["?number"] * 2}})["user"]["$in"]) == 5
    assert len(find({"items.sku": {"$in": ["?number"] * 3}})["items.sku"]["$in"]) == 201
    assert find({"tags": {"$all": ["?string"]}})["tags"]["$all"][0] == "a"


def test_what_is_excluded_is_the_usual_state() -> None:
    assert find({"status": {"$ne": "?string"}, "user": "?number"})["status"] == {"$ne": "done"}


def test_an_element_has_its_fields_together() -> None:
    asked = {"items": {"$elemMatch": {"sku": "?number", "qty": "?number"}}}
    element = find(asked)["items"]["$elemMatch"]
    assert any(element in doc["items"] for doc in DOCUMENTS)
    assert isinstance(find({"tags": {"$elemMatch": {"$eq": "?string"}}})["tags"]["$elemMatch"]["$eq"], str)


def test_regular_expressions_keep_their_kind() -> None:
    assert find({"name": {"$regex": "?regex^"}})["name"] == {"$regex": "^nam"}
    assert find({"name": {"$regex": "?regexi"}})["name"]["$options"] == "i"
    assert not find({"name": {"$regex": "?regex"}})["name"]["$regex"].startswith("^")


def test_null_flags_types_and_arms_stay() -> None:
    asked = {"gone": None, "tags": {"$exists": True, "$size": "?number"}, "$or": [{"user": "?number"}, {"at": "?date"}]}
    filled = find(asked)
    assert filled["gone"] is None
    assert filled["tags"] == {"$exists": True, "$size": 2}
    assert isinstance(filled["$or"][0]["user"], int)


def test_a_field_that_no_document_has_gets_a_value_of_its_type() -> None:
    assert find({"unheard": "?string"}) == {"unheard": "x"}
    assert isinstance(find({"unheard": "?objectId"})["unheard"], ObjectId)


@pytest.mark.parametrize(
    "condition", [{"$text": "?text"}, {"$where": "?where"}, {"place": {"$near": "?geometry"}}, {"x": "?minKey"}]
)
def test_what_no_value_can_be_made_for_is_said(condition: dict[str, Any]) -> None:
    with pytest.raises(Unfillable, match="no value can be made for"):
        find(condition)


def test_every_command_becomes_one_that_reads() -> None:
    condition = {"user": "?number"}
    assert command({"update": "orders", "filter": condition, "u": {"$set": ["a"]}}).keys() == {"find", "filter"}
    assert command({"findAndModify": "orders", "filter": condition, "sort": {"at": 1}})["limit"] == 1
    assert command({"count": "orders", "filter": condition})["query"].keys() == {"user"}
    assert command({"distinct": "orders", "key": "user", "filter": condition})["key"] == "user"
    assert command({"find": "orders", "limit": "?number", "skip": "?number"})["limit"] == 20
    assert command({"find": "orders", "limit": 1})["limit"] == 1
    with pytest.raises(Unfillable, match="reads nothing"):
        tables_of('{"insert": "orders", "$db": "shop"}')


def test_a_pipeline_reads_the_samples_and_writes_nothing() -> None:
    pipeline = [
        {"$match": {"user": "?number"}},
        {"$lookup": {"from": "users", "localField": "user", "foreignField": "_id", "as": "u"}},
        {"$group": {"_id": "$status", "n": {"$sum": "?number"}}},
        {"$limit": "?number"},
        {"$merge": "totals"},
    ]
    asked = {"aggregate": "orders", "$db": "shop", "pipeline": pipeline}
    assert tables_of(json.dumps(asked)) == [TableName("shop", "orders"), TableName("shop", "users")]
    filled = command(asked)
    assert [next(iter(stage)) for stage in filled["pipeline"]] == ["$match", "$lookup", "$group", "$limit"]
    assert filled["pipeline"][1]["$lookup"]["from"] == "trial_users"
    assert "?" not in json.dumps(filled, default=str)


def test_an_index_is_built_as_it_is_told_without_what_would_delete() -> None:
    told = {"v": 2, "key": {"at": 1}, "name": "at_1", "expireAfterSeconds": 60, "hidden": True}
    assert specification(told) == {"key": {"at": 1}, "name": "at_1", "hidden": True}
    collated = {"key": {"a": 1}, "name": "a", "collation": {"locale": "de", "strength": 2, "version": "57.1"}}
    assert specification(collated)["collation"] == {"locale": "de", "strength": 2}
    text = {"v": 2, "key": {"a": 1, "_fts": "text", "_ftsx": 1}, "name": "t", "weights": {"b": 2, "c": 1}}
    assert specification(text)["key"] == {"a": 1, "b": "text", "c": "text"}
