"""Explain forms of newer servers, made up after their documented structure; and explains that are damaged."""

from __future__ import annotations

import copy
import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

from advisor.errors import SourceError
from advisor.model.plan import Access, Plan
from connectors.mongo.plan import parse_explain

RECORDED = Path(__file__).parents[3] / "cases" / "mongo" / "recorded"


def explain(plan: dict[str, Any], stats: dict[str, Any] | None = None, **more: Any) -> Plan:
    document: dict[str, Any] = {"queryPlanner": {"namespace": "fleet.trips", "winningPlan": plan}, **more}
    if stats is not None:
        document["executionStats"] = {"executionTimeMillis": 4, **stats}
    return parse_explain(document)


def sbe(plan: dict[str, Any], stages: dict[str, Any], keys: int, documents: int) -> Plan:
    return explain(
        {"queryPlan": plan, "slotBasedPlan": {"slots": "", "stages": ""}},
        {"nReturned": 6, "totalKeysExamined": keys, "totalDocsExamined": documents, "executionStages": stages},
        explainVersion="2",
    )


def reads(plan: Plan) -> list[tuple[str, str, int | None, int | None]]:
    return [(n.kind, str(n.table), n.keys_examined, n.documents_examined) for n in plan.nodes() if n.access]


IXSCAN = {"stage": "IXSCAN", "planNodeId": 1, "indexName": "driver_1", "keyPattern": {"driver": 1}}


def test_sbe_counts_by_node_of_the_plan() -> None:
    plan = sbe(
        {"stage": "OR", "planNodeId": 4, "inputStages": [
            {"stage": "FETCH", "planNodeId": 2, "inputStage": IXSCAN}, {"stage": "COLLSCAN", "planNodeId": 3}]},
        {"stage": "union", "planNodeId": 4, "inputStages": [
            {"stage": "nlj", "planNodeId": 2,
             "outerStage": {"stage": "ixseek", "planNodeId": 1, "keysExamined": 9, "numReads": 9},
             "innerStage": {"stage": "limit", "planNodeId": 2,
                            "inputStage": {"stage": "seek", "planNodeId": 2, "numReads": 8}}},
            {"stage": "scan", "planNodeId": 3, "numReads": 70}]},
        9, 78,
    )  # fmt: skip
    assert reads(plan) == [("IXSCAN", "fleet.trips", 9, 0), ("COLLSCAN", "fleet.trips", None, 70)]
    fetch = next(node for node in plan.nodes() if node.kind == "FETCH")
    assert (fetch.documents_examined, plan.documents_examined(), plan.keys_examined()) == (8, 78, 9)


@pytest.mark.parametrize(
    ("strategy", "access"),
    [("IndexedLoopJoin", Access.INDEX), ("DynamicIndexedLoopJoin", Access.INDEX), ("NestedLoopJoin", Access.SEQUENTIAL),
     ("HashJoin", Access.SEQUENTIAL), ("NonExistentForeignCollection", None)],
)  # fmt: skip
def test_a_lookup_in_sbe_has_its_foreign_side(strategy: str, access: Access | None) -> None:
    plan = sbe(
        {"stage": "EQ_LOOKUP", "planNodeId": 2, "foreignCollection": "fleet.vehicles", "localField": "vehicle",
         "foreignField": "plate", "asField": "v", "strategy": strategy, "indexName": "plate_1",
         "indexKeyPattern": {"plate": 1}, "inputStage": {"stage": "COLLSCAN", "planNodeId": 1}},
        {"stage": "nlj", "planNodeId": 2,
         "outerStage": {"stage": "scan", "planNodeId": 1, "numReads": 50},
         "innerStage": {"stage": "nlj", "planNodeId": 2,
                        "outerStage": {"stage": "ixseek", "planNodeId": 2, "keysExamined": 50, "numReads": 50},
                        "innerStage": {"stage": "seek", "planNodeId": 2, "numReads": 50}}},
        50, 100,
    )  # fmt: skip
    join = plan.root
    assert (join.kind, join.access, str(join.table)) == ("EQ_LOOKUP", access, "fleet.vehicles")
    assert (join.attributes["key pattern"], join.attributes["side"]) == ("{ plate: 1 }", "foreign")
    assert (plan.keys_examined(), plan.documents_examined()) == (50, 100)
    if access is Access.INDEX:
        assert reads(plan) == [("EQ_LOOKUP", "fleet.vehicles", 50, 50), ("COLLSCAN", "fleet.trips", None, 50)]


@pytest.mark.parametrize("stage", ["CLUSTERED_IXSCAN", "EXPRESS_CLUSTERED_IXSCAN", "IDHACK"])
def test_a_document_by_its_identity(stage: str) -> None:
    stages = {"stage": stage, "nReturned": 1, "docsExamined": 2, "minRecord": 0, "maxRecord": 0}
    stats = {"nReturned": 1, "totalKeysExamined": 0, "totalDocsExamined": 2, "executionStages": stages}
    plan = explain({"isCached": False, "stage": stage}, stats)
    assert (plan.root.access, plan.root.index, plan.documents_examined()) == (Access.INDEX, "_id_", 2)


def test_a_write_tells_what_it_would_change() -> None:
    inner = {"stage": "COLLSCAN", "nReturned": 5, "docsExamined": 40}
    for stage, name in (("UPDATE", "nWouldModify"), ("BATCHED_DELETE", "nWouldDelete"), ("TS_MODIFY", "nMatched")):
        stages = {"stage": stage, "nReturned": 0, name: 5, "inputStage": inner}
        stats = {"nReturned": 0, "totalDocsExamined": 40, "totalKeysExamined": 0, "executionStages": stages}
        plan = explain({"stage": stage, "inputStage": {"stage": "COLLSCAN"}}, stats)
        assert (plan.root.kind, plan.root.actual_rows, plan.documents_examined()) == (stage, 5, 40)


def test_what_the_merging_shard_does_stands_above_the_shards() -> None:
    cursor = {"$cursor": {"queryPlanner": {"namespace": "fleet.trips", "winningPlan": {"stage": "COLLSCAN"}}}}
    plan = parse_explain(
        {"mergeType": "anyShard", "mergeShardId": "b",
         "splitPipeline": {"shardsPart": [{"$match": {}}],
                           "mergerPart": [{"$mergeCursors": {}}, {"$lookup": {"from": "vehicles", "as": "v"}}]},
         "shards": {"a": {"stages": [cursor]}, "b": {"stages": [cursor]}}}
    )  # fmt: skip
    assert [node.kind for node in plan.nodes()] == ["$lookup", "SHARDS", "COLLSCAN", "COLLSCAN"]
    assert plan.root.children[0].attributes["merge"] == "anyShard"


def test_a_time_series_has_its_own_name() -> None:
    cursor = {"queryPlanner": {"namespace": "fleet.system.buckets.readings", "winningPlan": {"stage": "COLLSCAN"}}}
    plan = parse_explain({"stages": [{"$cursor": cursor}, {"$_internalUnpackBucket": {"timeField": "at"}}]})
    assert [str(node.table) for node in plan.scans()] == ["fleet.readings"]
    assert plan.root.kind == "$_internalUnpackBucket"


@pytest.mark.parametrize("stage", ["SOMETHING_NEW", "SEARCH", "TS_UNPACK", "SPOOL"])
def test_a_stage_that_nobody_knows_is_kept_with_its_name(stage: str) -> None:
    plan = explain({"stage": stage, "inputStage": {"stage": "FETCH", "inputStage": IXSCAN}})
    assert [node.kind for node in plan.nodes()] == [stage, "FETCH", "IXSCAN"]
    assert parse_explain({"stages": [{"$neverHeardOf": {"a": 1}}]}).root.kind == "$neverHeardOf"


def test_nothing_to_do_is_a_plan_too() -> None:
    assert parse_explain({"stages": []}).root.kind == "EOF"
    assert explain({"isCached": False, "stage": "EOF", "type": "nonExistentNamespace"}).root.kind == "EOF"


def test_a_plan_in_the_form_of_the_third_engine() -> None:
    plan = explain({"queryPlan": {"nodeType": "Root", "child": {"nodeType": "IndexScan", "indexName": "a_1"}}})
    assert [(node.kind, node.index) for node in plan.scans()] == [("IndexScan", "a_1")]


def test_a_hundred_levels_are_no_harm() -> None:
    stage: dict[str, Any] = {"stage": "COLLSCAN"}
    for _ in range(100):
        stage = {"stage": "LIMIT", "inputStage": stage}
    assert sum(1 for _ in explain(stage).nodes()) == 101


def damaged(value: Any, dice: random.Random) -> Any:
    """The document with one part in fifty replaced by something else."""
    if dice.random() < 0.02:
        return dice.choice([None, 7, "x", [], {}, [1], {"stage": "X"}, True])
    if isinstance(value, dict):
        return {key: damaged(inner, dice) for key, inner in value.items() if dice.random() > 0.01}
    return [damaged(inner, dice) for inner in value] if isinstance(value, list) else value


def test_a_damaged_explain_is_read_as_far_as_it_goes_or_refused() -> None:
    with gzip.open(RECORDED / "forms.jsonl.gz", "rt") as lines:
        documents = [json.loads(line)["explain"] for line in lines]
    dice = random.Random(5)
    read = 0
    for _ in range(6):
        for document in documents:
            broken = {key: damaged(copy.deepcopy(part), dice) for key, part in document.items()}
            try:
                read += bool(parse_explain(broken).root.kind)
            except SourceError:
                continue
    assert read > 400
