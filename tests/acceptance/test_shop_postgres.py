"""The demo finds every planted fault of the shop and none of its look-alikes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from advisor.model.finding import Finding
from advisor.model.recommendation import AddIndex, DropIndex, Recommendation
from advisor.model.report import Report

EXPECTED = json.loads(
    (Path(__file__).parents[2] / "sample_dbs" / "shop_postgres" / "expected.json").read_text(encoding="utf-8")
)
FAULTS = {fault["id"]: fault for fault in EXPECTED["faults"]}
LOOKALIKES = {other["id"]: other for other in EXPECTED["not_faults"]}
RULES = {
    "n-plus-one": {"n-plus-one-burst", "parentless-loop"},
    "missing-index": {"missing-index", "unindexed-foreign-key"},
    "sequential-scan": {"sequential-scan"},
    "row-by-row-write": {"row-by-row-write"},
    "unused-index": {"unused-index"},
    "duplicate-index": {"duplicate-index"},
    "redundant-index": {"redundant-index"},
    "spilling-sort": {"spilled-sort"},
}


def shapes_like(report: Report, patterns: list[str]) -> set[str]:
    """Fingerprints of the shapes whose statement one of the patterns describes."""
    return {
        query.shape.fingerprint
        for query in report.workload.queries
        if any(re.search(pattern, " ".join(query.shape.text.split())) for pattern in patterns)
    }


def findings_of(report: Report, kind: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.rule in RULES[kind]]


def added(report: Report, table: str) -> list[tuple[tuple[str, ...], str]]:
    return [
        (r.action.index.keys, r.action.index.predicate)
        for r in report.recommendations
        if isinstance(r.action, AddIndex) and r.action.index.table.name == table
    ]


def dropped(report: Report) -> set[str]:
    return {r.action.index.name for r in report.recommendations if isinstance(r.action, DropIndex)}


def of_kind(*kinds: str) -> list[str]:
    return [name for name, fault in FAULTS.items() if fault["kind"] in kinds]


@pytest.mark.parametrize("name", of_kind("missing-index"))
def test_planted_missing_index_is_advised(shop: Any, name: str) -> None:
    fault = FAULTS[name]
    wanted = fault["recommendation"]
    answers = [tuple(wanted["columns"]), *(tuple(other["columns"]) for other in fault["acceptable"])]
    found = added(shop.report, wanted["table"])
    assert any(keys in answers for keys, _ in found), f"{found} is none of {answers}"


@pytest.mark.parametrize("name", of_kind("unused-index", "duplicate-index", "redundant-index"))
def test_planted_superfluous_index_is_found_and_dropped(shop: Any, name: str) -> None:
    fault = FAULTS[name]
    names = {fault["recommendation"]["index"], *(other["index"] for other in fault["acceptable"])}
    assert names & {finding.index for finding in findings_of(shop.report, fault["kind"])}
    assert len(names & dropped(shop.report)) == 1


@pytest.mark.parametrize("name", of_kind("spilling-sort"))
def test_planted_spilling_sort_is_found(shop: Any, name: str) -> None:
    shapes = shapes_like(shop.report, FAULTS[name]["statements"])
    assert any(shapes & set(finding.shapes) for finding in findings_of(shop.report, "spilling-sort"))
    assert any(shapes & set(r.shapes) for r in shop.report.recommendations if r.kind in {"configure", "rewrite_query"})


@pytest.mark.parametrize("name", of_kind("n-plus-one"))
def test_planted_n_plus_one_is_found_with_its_remedy(shop: Any, name: str) -> None:
    fault = FAULTS[name]
    for child in fault["children"]:
        children = shapes_like(shop.report, [child])
        assert any(children & set(finding.shapes) for finding in findings_of(shop.report, "n-plus-one")), child
        kinds = {r.kind for r in shop.report.recommendations if children & set(r.shapes)}
        assert kinds & {"eager_load", "rewrite_query"}, child
    said = " ".join(r.solution + r.title + r.statement for r in shop.report.recommendations if r.kind == "eager_load")
    for relationship in fault["relationships"]:
        assert relationship in said


@pytest.mark.parametrize("name", LOOKALIKES)
def test_look_alike_is_left_alone(shop: Any, name: str) -> None:
    other = LOOKALIKES[name]
    shapes = shapes_like(shop.report, other["statements"])
    indexes = set(other.get("indexes", ()))
    for kind in other["must_not_report"]:
        for finding in findings_of(shop.report, kind):
            assert not shapes & set(finding.shapes), finding.message
            assert finding.index not in indexes, finding.message
    assert not indexes & dropped(shop.report)
    for column in other.get("columns", ()):
        leading = {keys[0] for table in other["tables"] for keys, _ in added(shop.report, table)}
        assert column not in leading


def test_nothing_is_advised_that_was_not_planted(shop: Any) -> None:
    planted = {fault["recommendation"].get("table") for fault in EXPECTED["faults"]}
    advised = [r for r in shop.report.recommendations if isinstance(r.action, AddIndex)]
    strays = [r.title for r in advised if not _tables(r) <= planted]
    assert not strays
    assert len(advised) == len(of_kind("missing-index"))
    kept = [f["existing_index"] for f in EXPECTED["faults"] if f.get("keep_index")]
    assert not set(kept) & dropped(shop.report)
    superfluous = of_kind("unused-index", "duplicate-index", "redundant-index")
    assert len(dropped(shop.report)) == len(superfluous)


def test_every_recommendation_is_complete(shop: Any) -> None:
    assert shop.report.recommendations
    for recommendation in shop.report.recommendations:
        for field in ("statement", "problem", "root_cause", "solution", "risks", "verification", "acceptance"):
            assert getattr(recommendation, field), f"{recommendation.id} has no {field}"
        assert recommendation.migration_impact.summary
        assert recommendation.benefit.basis or recommendation.benefit.planner
    assert all(declined.reason for declined in shop.report.declined)


def _tables(recommendation: Recommendation) -> set[str]:
    return {table.name for table in recommendation.tables}
