"""Explains of a real server, fifty forms at three verbosities (tests/cases/mongo/recorded), and made-up newer forms."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from advisor.errors import SourceError
from advisor.model.plan import Access, Plan
from connectors.mongo.plan import parse_explain

RECORDED = Path(__file__).parents[3] / "cases" / "mongo" / "recorded"


def forms(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(RECORDED / name, "rt") as lines:
        yield from map(json.loads, lines)


def accesses(plan: Plan) -> list[tuple[str, Access | None, str]]:
    return [(node.kind, node.access, node.index) for node in plan.nodes() if node.access]


def test_every_recorded_form_and_verbosity_becomes_a_plan() -> None:
    plans = [parse_explain(row["explain"]) for name in ("forms.jsonl.gz", "explains.jsonl.gz") for row in forms(name)]
    assert len(plans) == 253
    assert all(plan.root.kind for plan in plans)


def test_counts_are_the_servers_totals() -> None:
    for row in forms("forms.jsonl.gz"):
        stats = row["explain"].get("executionStats")
        if row["verbosity"] != "executionStats" or not stats:
            continue
        plan = parse_explain(row["explain"])
        assert (plan.documents_examined() or 0) == stats["totalDocsExamined"], row["form"]
        assert (plan.keys_examined() or 0) == stats["totalKeysExamined"], row["form"]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("collscan", ("COLLSCAN", Access.SEQUENTIAL, "")),
        ("covered", ("IXSCAN", Access.INDEX_ONLY, "x_1_y_-1")),
        ("ixscan-fetch", ("IXSCAN", Access.INDEX, "x_1_y_-1")),
        ("count-scan", ("COUNT_SCAN", Access.INDEX_ONLY, "x_1_y_-1")),
        ("distinct-scan", ("DISTINCT_SCAN", Access.INDEX_ONLY, "x_1_y_-1")),
        ("idhack", ("IDHACK", Access.INDEX, "_id_")),
        ("lookup-unindexed", ("COLLSCAN", Access.SEQUENTIAL, "")),
        ("wildcard", ("IXSCAN", Access.INDEX, "o.$**_1")),
    ],
)
def test_the_access_path_is_told(form: str, expected: tuple[str, Access, str]) -> None:
    row = next(row for row in forms("forms.jsonl.gz") if row["form"] == form and row["verbosity"] == "executionStats")
    assert expected in accesses(parse_explain(row["explain"]))


def test_values_are_not_in_plans() -> None:
    for row in forms("explains.jsonl.gz"):
        assert "user777@example.com" not in repr(parse_explain(row["explain"]))


def test_sbe_takes_its_tree_from_the_plan_and_its_counts_from_the_totals() -> None:
    plan = parse_explain(
        {
            "explainVersion": "2",
            "queryPlanner": {
                "namespace": "shop.orders",
                "winningPlan": {
                    "isCached": False,
                    "queryPlan": {
                        "stage": "FETCH", "planNodeId": 2,
                        "inputStage": {"stage": "IXSCAN", "planNodeId": 1, "indexName": "a_1", "keyPattern": {"a": 1},
                                       "indexBounds": {"a": ["[5, 5]"]}},
                    },
                    "slotBasedPlan": {"slots": "", "stages": ""},
                },
                "rejectedPlans": [{"queryPlan": {"stage": "COLLSCAN"}}],
            },
            "executionStats": {
                "nReturned": 7, "executionTimeMillis": 3, "totalKeysExamined": 9, "totalDocsExamined": 8,
                "executionStages": {"stage": "nlj", "nReturned": 7, "innerStage": {"stage": "seek", "numReads": 8}},
            },
        }
    )  # fmt: skip
    assert (plan.keys_examined(), plan.documents_examined(), plan.root.actual_rows) == (9, 8, 7.0)
    assert accesses(plan) == [("IXSCAN", Access.INDEX, "a_1")]
    assert next(node.index_condition for node in plan.scans()) == "a: ="
    assert plan.rejected == 1


def test_express_names_its_keys_as_text() -> None:
    plan = parse_explain(
        {
            "queryPlanner": {"namespace": "shop.users", "winningPlan": {
                "isCached": False, "stage": "EXPRESS_IXSCAN", "keyPattern": "{ email: 1 }", "indexName": "email_1"}},
            "executionStats": {"nReturned": 1, "executionTimeMillis": 0, "totalKeysExamined": 1, "totalDocsExamined": 1,
                "executionStages": {"stage": "EXPRESS_IXSCAN", "nReturned": 1, "keyPattern": "{ email: 1 }",
                                    "indexName": "email_1"}},
        }
    )  # fmt: skip
    node = next(plan.scans())
    assert (node.access, node.index, node.attributes["key pattern"]) == (Access.INDEX, "email_1", "{ email: 1 }")
    assert (plan.keys_examined(), plan.documents_examined()) == (1, 1)


def test_shards_are_children() -> None:
    stage = {"stage": "COLLSCAN", "nReturned": 2, "docsExamined": 10}
    plan = parse_explain(
        {
            "queryPlanner": {"winningPlan": {"stage": "SHARD_MERGE", "shards": [
                {"shardName": name, "namespace": "shop.orders", "winningPlan": {"stage": "COLLSCAN"}, "rejectedPlans": []}  # noqa: E501
                for name in ("a", "b")]}},
            "executionStats": {"nReturned": 4, "executionTimeMillis": 1, "totalDocsExamined": 20, "totalKeysExamined": 0,  # noqa: E501
                "executionStages": {"stage": "SHARD_MERGE", "nReturned": 4, "shards": [
                    {"shardName": "a", "executionStages": stage}, {"shardName": "b", "executionStages": stage}]}},
        }
    )  # fmt: skip
    assert plan.root.kind == "SHARD_MERGE"
    assert plan.documents_examined() == 20
    assert [str(node.table) for node in plan.scans()] == ["shop.orders", "shop.orders"]


def test_a_sharded_aggregation_is_read_shard_by_shard() -> None:
    cursor = {"queryPlanner": {"namespace": "shop.orders", "winningPlan": {"stage": "COLLSCAN"}}}
    plan = parse_explain(
        {"mergeType": "mongos", "splitPipeline": {"shardsPart": []},
         "shards": {"b": {"host": "h", "stages": [{"$cursor": cursor}, {"$group": {"_id": "$a"}}]}, "a": {"host": "h", **cursor}}}  # noqa: E501
    )  # fmt: skip
    assert plan.root.kind == "SHARDS"
    assert [node.kind for node in plan.nodes()] == ["SHARDS", "COLLSCAN", "$group", "COLLSCAN"]


def test_what_is_no_explain_is_refused() -> None:
    with pytest.raises(SourceError, match="no output of MongoDB's explain"):
        parse_explain({"ok": 1})
