"""Advice given by rule, tried by a planner that really builds the index: proven, refuted, or as it was."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from advisor import pipeline
from advisor.model.capture import Capture, Coverage, Server
from advisor.model.catalog import Catalog, Index, Table, TableName
from advisor.model.finding import Confidence
from advisor.model.plan import Access, Plan, PlanNode
from advisor.model.recommendation import AddIndex, Cost, Method, WhatIf
from advisor.model.report import Report

ORDERS = TableName("shop", "orders")
TEXT = json.dumps({"find": "orders", "$db": "shop", "filter": {"user": "?number"}})
CATALOG = Catalog((Table(ORDERS, (), rows=100_000, kind="collection"),))


def plan(documents: int | None, keys: int | None = 0, returned: float = 10) -> Plan:
    access = Access.INDEX if keys else Access.SEQUENTIAL
    root = PlanNode(
        "COLLSCAN", access, ORDERS, actual_rows=returned, documents_examined=documents, keys_examined=keys
    )  # fmt: skip
    return Plan(root, text=TEXT, execution_ms=50.0)


class Sandbox:
    """Answers as told: before and after the index."""

    planner = "MongoDB 8.0.4 (sandbox)"
    coverage: tuple[Coverage, ...] = ()

    def __init__(self, before: Cost, after: Cost) -> None:
        self.answers = before, after
        self.asked: list[WhatIf] = []

    def costs(self, questions: Sequence[WhatIf]) -> list[Cost]:
        self.asked += questions
        return [self.answers[bool(question.indexes)] for question in questions]

    def sizes(self, indexes: Sequence[Index]) -> list[int]:
        return [0 for _ in indexes]

    def close(self) -> None:
        pass


def cost(documents: int, keys: int = 0, used: Any = ()) -> Cost:
    return Cost(documents + keys, Sandbox.planner, plan(documents, keys), frozenset(used))


def analyzed(folder: Path, sandbox: Sandbox | None, recorded: Plan | None = None) -> Report:
    capture = Capture(folder, Server("mongodb"), CATALOG, plans=(recorded or plan(100_000),))
    return pipeline.analyze(capture, sandbox)


def added(report: Report) -> Any:
    [advice] = [one for one in report.recommendations if isinstance(one.action, AddIndex)]
    return advice


def test_without_a_sandbox_it_is_by_rule(tmp_path: Path) -> None:
    advice = added(analyzed(tmp_path, None))
    assert advice.benefit.method is Method.ESTIMATED
    assert advice.benefit.basis.startswith("by rule")
    assert advice.benefit.examined_before is None


def test_what_helps_is_measured(tmp_path: Path) -> None:
    by_rule = added(analyzed(tmp_path, None))
    advice = added(analyzed(tmp_path, Sandbox(cost(20_000), cost(10, 10))))
    assert advice.benefit.method is Method.MEASURED
    assert advice.confidence is Confidence.HIGH
    assert (advice.benefit.examined_before, advice.benefit.examined_after, advice.benefit.returned) == (20_000, 20, 10)
    assert advice.benefit.cost_before == by_rule.benefit.cost_before, "what was recorded stays the measure"
    assert advice.benefit.cost_after == pytest.approx(by_rule.benefit.cost_before * 30 / 40_000)
    assert "20,000 documents and 0 keys examined for 10 returned before, 10 and 10 after" in advice.benefit.basis
    assert [pair.fingerprint for pair in advice.plans] == list(advice.shapes)


@pytest.mark.parametrize("words", ["does not use it", "uses it"])
def test_what_does_not_help_is_declined(tmp_path: Path, words: str) -> None:
    index = added(analyzed(tmp_path, None)).action.index
    report = analyzed(tmp_path, Sandbox(cost(20_000), cost(20_000, used=[index] if words == "uses it" else [])))
    assert not report.recommendations
    assert any(f"built it and {words}: 20,000 documents" in one.reason for one in report.declined)


def test_what_cannot_be_tried_stays_by_rule_and_says_so(tmp_path: Path) -> None:
    failed = Cost(math.inf, Sandbox.planner, error="no value can be made for $text")
    advice = added(analyzed(tmp_path, Sandbox(failed, failed)))
    assert advice.benefit.method is Method.ESTIMATED
    assert advice.benefit.basis.endswith("not tried: no value can be made for $text")


def test_a_plan_that_tells_no_effort_is_made_again_and_others_are_kept(tmp_path: Path) -> None:
    sandbox = Sandbox(cost(20_000), cost(10, 10))
    report = analyzed(tmp_path, sandbox, plan(None, None))
    [query] = report.workload.queries
    assert query.plan is not None
    assert query.plan.documents_examined() == 20_000
    kept = analyzed(tmp_path, sandbox, plan(90_000))
    assert kept.workload.queries[0].plan is not None
    assert kept.workload.queries[0].plan.documents_examined() == 90_000
