"""Rarer explain forms, made up after the server's own writers of them (PlanExplainerImpl, PlanExplainerExpress,
PlanExplainerSBE, ClusterExplain, write_without_shard_key); and explains with something else in every place."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from advisor import pipeline
from advisor.errors import SourceError
from advisor.model.plan import Access, Plan
from connectors.mongo import analyze_files
from connectors.mongo.explain_files import explain_file
from connectors.mongo.plan import parse_explain

IXSCAN = {"stage": "IXSCAN", "keyPattern": {"depot": 1}, "indexName": "depot_1"}


def explain(plan: dict[str, Any], stats: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    document: dict[str, Any] = {"queryPlanner": {"namespace": "fleet.trips", "winningPlan": plan}, **more}
    return document if stats is None else {**document, "executionStats": {"executionTimeMillis": 2, **stats}}


def read(plan: Plan) -> tuple[list[tuple[str, Access, str]], int | None, int | None, float | None]:
    scans = [(node.kind, node.access, node.index) for node in plan.nodes() if node.access]
    return scans, plan.keys_examined(), plan.documents_examined(), plan.root.actual_rows


EXPRESS = {"stage": "EXPRESS_IXSCAN", "keyPattern": {"badge": 1, "name": 1}, "indexName": "badge_1_name_1",
           "projection": {"name": 1}, "projectionCovered": True}  # fmt: skip
MODIFY = {"stage": "TS_MODIFY", "opType": "deleteMany", "nReturned": 0, "nBucketsUnpacked": 5,
          "nMeasurementsDeleted": 63,
          "inputStage": {"stage": "COLLSCAN", "nReturned": 5, "docsExamined": 9}}  # fmt: skip
WRITE = {"stage": "SHARD_WRITE", "nReturned": 0, "shards": [
    {"shardName": name, "executionStages": {"stage": "UPDATE", "nReturned": 0, "nMatched": 3, "nWouldModify": 2,
     "inputStage": {"stage": "IDHACK", "keysExamined": 1, "docsExamined": 1}}} for name in ("x", "y")]}  # fmt: skip
SCANS = {"stage": "SHARD_MERGE", "shards": [{"shardName": name, "namespace": "fleet.trips",
         "winningPlan": {"stage": "COLLSCAN"}} for name in ("x", "y")]}  # fmt: skip
PLANNED_WRITE = {"stage": "SHARD_WRITE", "shards": [
    {"shardName": name, "namespace": "fleet.trips", "winningPlan": {"stage": "UPDATE"}} for name in ("x", "y")
]}  # fmt: skip
LOOKUP = {"stage": "EQ_LOOKUP", "foreignCollection": "fleet.depots", "indexName": "code_1",
          "inputStage": {"stage": "COLLSCAN"}}  # fmt: skip
SEARCH = [
    {"$_internalSearchMongotRemote": {"mongotQuery": {"index": "words", "text": {"query": "tram"}}}, "nReturned": 8},
    {"$_internalSearchIdLookup": {"totalKeysExamined": 8, "totalDocsExamined": 8}, "nReturned": 8},
]
FETCH = {"stage": "FETCH", "inputStage": IXSCAN}
ORPHAN = {"stage": "SHARDING_FILTER", "inputStage": IXSCAN}
ASKED = {"aggregate": "trips", "pipeline": [], "$db": "fleet"}

FORMS: dict[str, tuple[dict[str, Any], tuple[list[tuple[str, Access, str]], int | None, int | None, float | None]]] = {
    "an express path that its index covers (8.0)": (
        explain(EXPRESS, {"executionStages": {**EXPRESS, "nReturned": 1, "keysExamined": 1, "docsExamined": 0}}),
        ([("EXPRESS_IXSCAN", Access.INDEX_ONLY, "badge_1_name_1")], 1, 0, 1),
    ),
    "a time series counts measurements (7.0)": (
        explain({"stage": "TS_MODIFY"}, {"totalKeysExamined": 0, "executionStages": MODIFY}),
        ([("COLLSCAN", Access.SEQUENTIAL, "")], 0, 9, 63),
    ),
    "a write on shards has changed what they changed": (
        explain(PLANNED_WRITE, {"nReturned": 0, "executionStages": WRITE}),
        ([("IDHACK", Access.INDEX, "_id_")] * 2, 2, 2, 4),
    ),
    "a write that names no shard reads first on all (7.0)": (
        explain({**PLANNED_WRITE, "inputStage": {"mongosPlannerVersion": 1, "winningPlan": SCANS}},
                {"executionStages": WRITE, "inputStage": {"nReturned": 1, "totalDocsExamined": 700}}),
        ([("IDHACK", Access.INDEX, "_id_")] * 2 + [("COLLSCAN", Access.SEQUENTIAL, "")] * 2, 2, 702, 4),
    ),
    "the same, only planned": (
        explain({**PLANNED_WRITE, "inputStage": {"queryPlanner": {"winningPlan": SCANS}}}),
        ([("COLLSCAN", Access.SEQUENTIAL, "")] * 2, None, None, None),
    ),
    "a join of which only the index was left": (
        explain({"queryPlan": LOOKUP}),
        ([("EQ_LOOKUP", Access.INDEX, "code_1"), ("COLLSCAN", Access.SEQUENTIAL, "")], None, None, None),
    ),
    "a search tells what it read by _id (8.2)": (
        {"stages": SEARCH, "command": ASKED},
        ([("$_internalSearchIdLookup", Access.INDEX, "_id_"), ("$_internalSearchMongotRemote", Access.INDEX, "words")],
         8, 8, 8),
    ),
    "of a search on shards, too": (
        {"shards": {"x": {"stages": SEARCH[:1]}}, "command": ASKED},
        ([("$_internalSearchMongotRemote", Access.INDEX, "words")], None, None, 8),
    ),
    "totals alone": (
        explain(FETCH, {"nReturned": 3, "totalKeysExamined": 50, "totalDocsExamined": 40}),
        ([("IXSCAN", Access.INDEX, "depot_1")], 50, 40, 3),
    ),
    "totals beside a tree that tells half": (
        explain(FETCH, {"totalKeysExamined": 50, "totalDocsExamined": 40,
                        "executionStages": {**FETCH, "nReturned": 3, "docsExamined": 40}}),
        ([("IXSCAN", Access.INDEX, "depot_1")], 50, 40, 3),
    ),
    "a tree that the server cut where it grew too large": (
        explain(FETCH, {"nReturned": 3, "totalKeysExamined": 50, "totalDocsExamined": 40, "executionStages":
                        {"stage": "FETCH", "nReturned": 3, "docsExamined": 40, "inputStage": {"warning": "large"}}}),
        ([("IXSCAN", Access.INDEX, "depot_1")], 50, 40, 3),
    ),
    "an index alone whose documents were read is not covering": (
        explain(IXSCAN, {"nReturned": 3, "totalKeysExamined": 50, "totalDocsExamined": 40}),
        ([("IXSCAN", Access.INDEX, "depot_1")], 50, 40, 3),
    ),
    "an index is covering below a shard's filter": (
        explain(ORPHAN, {"nReturned": 3, "totalKeysExamined": 50, "totalDocsExamined": 0}),
        ([("IXSCAN", Access.INDEX_ONLY, "depot_1")], 50, 0, 3),
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_what_read_and_how_much_is_told(form: str) -> None:
    document, expected = FORMS[form]
    assert read(parse_explain(document)) == expected


def test_a_search_has_the_collection_of_its_command() -> None:
    plan = parse_explain({"stages": SEARCH, "command": ASKED})
    assert {str(node.table) for node in plan.scans()} == {"fleet.trips"}


def test_an_operation_of_a_bulk_write_is_told_as_the_statement_it_is() -> None:
    update = {"update": 1, "filter": {"depot": "N"}, "multi": True, "updateMods": {"$set": {"open": False}}}
    command = {"bulkWrite": 1, "ops": [update], "nsInfo": [{"ns": "a.b"}, {"ns": "fleet.trips"}], "$db": "admin"}
    assert parse_explain(explain(FETCH, command=command)).text == (
        '{"update":"trips","$db":"fleet","filter":{"depot":"?string"},"u":{"$set":["open"]},"multi":true}'
    )


def test_figures_that_a_shell_cut_are_done_without(tmp_path: Path) -> None:
    path = tmp_path / "cut.txt"
    figures = (
        "nReturned: 3, totalKeysExamined: 50, totalDocsExamined: 40, executionStages: { stage: 'FETCH', inputStage: "
    )
    path.write_text(
        f"{{ queryPlanner: {json.dumps(explain(FETCH)['queryPlanner'])}, executionStats: {{ {figures}[Object] }} }} }}"
    )
    (plan,) = explain_file(path)
    assert read(plan) == ([("IXSCAN", Access.INDEX, "depot_1")], 50, 40, 3)


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [({"a": 1}, {"a": 1}, "a: ="), ({"a": 1}, {"a": 9}, "a: range"),
     ({"a": {"$minKey": 1}}, {"a": {"$maxKey": 1}}, "a: all"), ({"a": "MinKey"}, {"a": "MaxKey"}, "a: all")],
)  # fmt: skip
def test_a_count_tells_its_bounds_by_their_ends(first: Any, last: Any, words: str) -> None:
    plan = parse_explain(explain({"stage": "COUNT_SCAN", "indexBounds": {"startKey": first, "endKey": last}}))
    assert plan.root.index_condition == words


HOSTILE: tuple[Any, ...] = (
    None, True, -1, float("nan"), float("inf"), 10**400, "x", [], [[]], {}, {"$numberLong": "9" * 400}, {"stage": 5},
    {"a.b.$c": {"$": 1}}, {"$regex": {"$regularExpression": 7}}, {"$and": 5}, {"low": "a", "high": []},
)  # fmt: skip


def replaced(value: Any, dice: random.Random) -> Iterator[Any]:
    """The document with something hostile in each of its places, one at a time."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        for other in (*dice.sample(HOSTILE, 4), *replaced(part, dice)):
            copy = value.copy()
            copy[key] = other
            yield copy


@pytest.mark.parametrize("form", FORMS)
def test_whatever_stands_in_any_place_it_is_a_plan_or_refused(form: str) -> None:
    whole = {**FORMS[form][0], "command": {**ASKED, "pipeline": [{"$match": {"a": {"$in": [1]}}}]}}
    for document in replaced(whole, random.Random(form)):
        with contextlib.suppress(SourceError):
            plan = parse_explain(document)
            json.dumps([plan.keys_examined(), plan.documents_examined()], allow_nan=False)


def stages(levels: int) -> str:
    return '{"winningPlan":' + '{"stage":"LIMIT","inputStage":' * levels + '{"stage":"COLLSCAN"}' + "}" * levels + "}"


def test_as_many_levels_as_a_document_can_have_are_read(tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text(stages(200))
    report = pipeline.analyze(analyze_files([tmp_path / "deep.json"], None, tmp_path / "capture"))
    assert report.findings == ()


@pytest.mark.parametrize("text", [stages(300), stages(100_000), '{"stages": ' + "[" * 600 + "]" * 600 + "}"])
def test_more_levels_than_any_document_has_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_text(text)
    with pytest.raises(SourceError, match="nested deeper than any document of MongoDB"):
        analyze_files([path], None, tmp_path / "capture")


def test_a_number_of_five_thousand_digits_is_none(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    figures = {"nReturned": 1, "totalDocsExamined": 0}
    path.write_text(json.dumps(explain({"stage": "COLLSCAN"}, figures)).replace(": 0", ": " + "9" * 5_000))
    (plan,) = explain_file(path)
    assert plan.documents_examined() == 0


WHOLE = explain(FETCH, {"nReturned": 3, "totalKeysExamined": 50, "totalDocsExamined": 40})
NOTES: dict[str, tuple[bytes, int]] = {
    "before and after": (json.dumps({"before": explain({"stage": "COLLSCAN"}), "after": WHOLE}, indent=1).encode(), 2),
    "one for each query": (json.dumps({"runs": [{"name": "a", "plan": WHOLE}, {"name": "b"}]}).encode(), 1),
    "in a script's object": (b"const notes = {\n  slow: { explain: " + json.dumps(WHOLE).encode() + b" }\n};\n", 1),
    "behind a line of JSON": (b'{"a": 1}\n' + json.dumps(WHOLE, indent=1).encode(), 1),
    "as PowerShell writes": (json.dumps(WHOLE, indent=1).encode("utf-16"), 1),
}


@pytest.mark.parametrize("how", NOTES)
def test_explains_within_somebodys_notes_are_found(how: str, tmp_path: Path) -> None:
    raw, count = NOTES[how]
    (tmp_path / "notes.txt").write_bytes(raw)
    plans = analyze_files([tmp_path / "notes.txt"], None, tmp_path / "capture").plans
    assert len(plans) == count
    assert read(plans[-1])[:3] == ([("IXSCAN", Access.INDEX, "depot_1")], 50, 40)
