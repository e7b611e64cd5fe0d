"""MongoDB commands become predicates, sorts and blocks; equal questions have equal fingerprints."""

from __future__ import annotations

from typing import Any

import pytest

from advisor.model.catalog import TableName
from advisor.model.shape import Operand, Operator, QueryShape
from advisor.shape.mql import shape_of
from connectors.mongo.commands import canonical

ORDERS = TableName("shop", "orders")


def shape(command: dict[str, Any]) -> QueryShape:
    return shape_of(canonical(command, "shop"))


def asked(found: QueryShape) -> list[tuple[str, Operator, int]]:
    return [(p.column, p.operator, p.branch) for p in found.blocks[0].predicates]


def test_values_and_the_order_of_conditions_do_not_matter() -> None:
    first = shape({"find": "orders", "filter": {"a": 1, "b": "x"}})
    second = shape({"find": "orders", "filter": {"b": "y", "a": 7}})
    assert first.fingerprint == second.fingerprint
    assert "x" not in first.text.replace("filter", "")


@pytest.mark.parametrize(
    ("condition", "operator"),
    [
        (5, Operator.EQUAL),
        ({"$in": [1, 2]}, Operator.IN),
        ({"$gte": 1, "$lt": 5}, Operator.RANGE),
        ({"$ne": 1}, Operator.NOT_EQUAL),
        ({"$nin": [1]}, Operator.NOT_EQUAL),
        (None, Operator.IS_NULL),
        ({"$exists": True}, Operator.IS_NOT_NULL),
        ({"$exists": False}, Operator.IS_NULL),
        ({"$regex": "^abc"}, Operator.PREFIX),
        ({"$regex": "abc"}, Operator.REGEX),
        ({"$regex": "^abc|x"}, Operator.REGEX),
        ({"$regex": "^abc", "$options": "i"}, Operator.ILIKE),
        ({"$regularExpression": {"pattern": "^abc", "options": ""}}, Operator.PREFIX),
        ({"$all": ["a", "b"]}, Operator.CONTAINS),
        ({"$elemMatch": {"$gt": 5}}, Operator.RANGE),
        ({"$oid": "5f0000000000000000000000"}, Operator.EQUAL),
        ({"$date": "2026-01-01T00:00:00Z"}, Operator.EQUAL),
    ],
)
def test_what_a_condition_asks(condition: Any, operator: Operator) -> None:
    assert asked(shape({"find": "orders", "filter": {"a": condition}})) == [("a", operator, 0)]


def test_arms_of_an_or_are_branches() -> None:
    found = shape({"find": "orders", "filter": {"s": 1, "$or": [{"a": 1}, {"b": 2, "c": 3}]}})
    assert asked(found) == [
        ("s", Operator.EQUAL, 0),
        ("a", Operator.EQUAL, 1),
        ("b", Operator.EQUAL, 2),
        ("c", Operator.EQUAL, 2),
    ]


def test_elements_of_arrays_have_dotted_paths() -> None:
    found = shape({"find": "orders", "filter": {"items": {"$elemMatch": {"sku": 1, "qty": {"$gt": 2}}}}})
    assert asked(found) == [("items.qty", Operator.RANGE, 0), ("items.sku", Operator.EQUAL, 0)]


def test_a_list_beyond_the_explode_limit_is_a_shape_of_its_own() -> None:
    few, many = ({"find": "o", "filter": {"a": {"$in": list(range(n))}}, "sort": {"b": 1}} for n in (5, 300))
    assert shape(few).fingerprint != shape(many).fingerprint
    assert shape(few).fingerprint == shape({**few, "filter": {"a": {"$in": [1]}}}).fingerprint


def test_what_stands_before_a_group_is_asked_of_the_collection() -> None:
    found = shape(
        {
            "aggregate": "orders",
            "pipeline": [
                {"$project": {"s": 1, "total": 1}},
                {"$match": {"s": "x"}},
                {"$sort": {"total": -1}},
                {"$group": {"_id": "$s", "n": {"$sum": "$total"}}},
                {"$match": {"n": {"$gt": 5}}},
            ],
        }
    )
    block = found.blocks[0]
    assert asked(found) == [("s", Operator.EQUAL, 0)]
    assert [(key.column, key.descending) for key in block.sort] == [("total", True)]
    assert block.aggregated


def test_a_computed_field_is_not_asked_of_an_index() -> None:
    found = shape(
        {"aggregate": "o", "pipeline": [{"$addFields": {"y": {"$year": "$at"}}}, {"$match": {"y": 1, "a": 2}}]}
    )
    assert asked(found) == [("a", Operator.EQUAL, 0)]


def test_a_lookup_is_a_block_of_its_own() -> None:
    join = {"from": "reviews", "localField": "_id", "foreignField": "user_id", "as": "r"}
    found = shape({"aggregate": "orders", "pipeline": [{"$match": {"a": 1}}, {"$lookup": join}]})
    inner = found.blocks[1]
    assert not inner.outer
    assert inner.tables == (TableName("shop", "reviews"),)
    condition = inner.predicates[0]
    assert (condition.column, condition.operand, condition.joined_table) == ("user_id", Operand.COLUMN, ORDERS)


def test_writes_name_what_they_write() -> None:
    found = shape({"$op": "update", "$collection": "orders", "q": {"a": 1}, "u": {"$set": {"b": 2}}, "multi": False})
    assert found.written == ORDERS
    assert found.assigned == ("b",)
    assert not found.reads_only


def test_what_is_no_command_says_so() -> None:
    assert shape_of("not json").unparsed
    assert shape_of("{}").unparsed
