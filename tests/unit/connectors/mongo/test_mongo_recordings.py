"""What the advisor says of recordings of a real server (tests/cases/mongo/recorded): faults found, look-alikes left."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from advisor import pipeline
from advisor.model.mongosh import key_document
from advisor.model.recommendation import AddIndex, Configure, DropIndex
from advisor.model.report import Report
from connectors.mongo import analyze_files

ROOT = Path(__file__).parents[4]
RECORDED = ROOT / "tests" / "cases" / "mongo" / "recorded"
EXPECTED = json.loads((ROOT / "sample_dbs" / "shop_mongo" / "expected.json").read_text(encoding="utf-8"))["recorded"]
SOURCES = {"log": ["mongod.log.gz"], "profile": ["profile.jsonl.gz"], "both": ["mongod.log.gz", "profile.jsonl.gz"]}


def studied(name: str, files: list[str], folder: Path) -> Report:
    base = RECORDED / name
    return pipeline.analyze(analyze_files([base / file for file in files], base / "catalog.json", folder))


@pytest.mark.parametrize("source", SOURCES)
def test_every_planted_fault_of_the_shop_is_found(source: str, tmp_path: Path) -> None:
    report = studied("shop", SOURCES[source], tmp_path)
    actions = [recommendation.action for recommendation in report.recommendations]
    built = [[a.index.table.name, key_document(a.index)] for a in actions if isinstance(a, AddIndex)]
    assert sorted(map(json.dumps, built)) == sorted(map(json.dumps, EXPECTED["indexes"]))
    dropped = [[a.index.table.name, a.index.name] for a in actions if isinstance(a, DropIndex)]
    assert dropped == EXPECTED["dropped"]
    assert [a.setting for a in actions if isinstance(a, Configure)] == ["index owner_1 of carts"]
    assert set(EXPECTED["rules"]) <= {finding.rule for finding in report.findings}
    assert not report.workload.bursts


@pytest.mark.parametrize("source", SOURCES)
def test_every_labelled_burst_is_found_and_nothing_else(source: str, tmp_path: Path) -> None:
    labels = json.loads((RECORDED / "n_plus_one" / "manifest.json").read_text(encoding="utf-8"))
    report = studied("n_plus_one", SOURCES[source], tmp_path)
    pattern = {
        "n_plus_one": "n-plus-one",
        "row_by_row_write": "row-by-row-write",
        "loop_without_parent": "parentless-loop",
    }
    wanted: dict[tuple[str, str], int] = {}
    for label in labels:
        if label["label"] in pattern:
            for child in label.get("children", [label.get("child")]):
                key = (pattern[label["label"]], child)
                wanted[key] = wanted.get(key, 0) + label["n"] * label.get("requests", 1)
    found: dict[tuple[str, str], int] = {}
    for burst in report.workload.bursts:
        key = (burst.pattern, burst.child_table.name if burst.child_table else "")
        found[key] = found.get(key, 0) + burst.executions
        moments = [line.started_at for line in burst.evidence if line.started_at]
        assert any(
            label["label"] in pattern
            and datetime.fromisoformat(label["started_at"]).timestamp() - 0.05
            <= moment.timestamp()
            <= datetime.fromisoformat(label["ended_at"]).timestamp() + 0.05
            for moment in moments
            for label in labels
        )
    assert found == wanted


def test_the_report_is_the_same_each_time(tmp_path: Path) -> None:
    first = studied("shop", SOURCES["log"], tmp_path / "a")
    second = studied("shop", SOURCES["log"], tmp_path / "b")
    assert first.findings == second.findings
    assert first.recommendations == second.recommendations


def test_what_most_people_have_is_enough_for_the_worst(tmp_path: Path) -> None:
    """slowms 20 and no profiler."""
    report = pipeline.analyze(
        analyze_files([RECORDED / "shop" / "slow20.log.gz"], RECORDED / "shop" / "catalog.json", tmp_path)
    )
    built = [key_document(r.action.index) for r in report.recommendations if isinstance(r.action, AddIndex)]
    assert {"session": 1, "ts": 1} in built
    assert any("N+1" in entry.detail for entry in report.coverage if not entry.seen)
