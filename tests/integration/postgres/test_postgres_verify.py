"""Proof in a sandbox: indexes really built, statements really run, times beside the prediction, nothing left."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from advisor import pipeline
from advisor.errors import SandboxError
from advisor.model.capture import Capture
from advisor.model.recommendation import AddIndex, Method
from advisor.model.report import Report
from advisor.ports import CaptureRequest, Step
from connectors import connect
from connectors.postgres.estimators import estimator
from connectors.postgres.sandbox import verify

SLOW = "SELECT id, kind, weight FROM zoo.animal WHERE keeper = 17 AND kind = 'kind3' ORDER BY weight LIMIT 5"
STATE = "SELECT count(*), string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relkind IN ('i', 'I')"


@pytest.fixture(scope="module")
def capture(contrib: Any, tmp_path_factory: pytest.TempPathFactory) -> Capture:
    async def take() -> Capture:
        connector = await connect(contrib.url)
        try:
            return await connector.capture(CaptureRequest(tmp_path_factory.mktemp("capture")))
        finally:
            await connector.close()

    contrib.run("SELECT pg_stat_statements_reset()", *[SLOW] * 200)
    return asyncio.run(take())


@pytest.fixture(scope="module")
def report(contrib: Any, capture: Capture) -> Report:
    planner = estimator(capture, contrib.url)
    try:
        report = pipeline.analyze(capture, planner)
    finally:
        planner.close()
    if not any(isinstance(one.action, AddIndex) for one in report.recommendations):
        pytest.fail(f"no index was advised; declined: {report.declined}")
    return report


def test_times_stand_beside_the_prediction(embedded: Any, capture: Capture, report: Report) -> None:
    before = embedded.run(STATE)
    steps: list[Step] = []
    proven = verify(report, capture, embedded.url, steps.append)
    assert embedded.run(STATE) == before
    assert {"Measuring before", "Measuring after"} <= {step.title for step in steps}
    (advice,) = (one for one in proven.recommendations if isinstance(one.action, AddIndex))
    benefit = advice.benefit
    assert benefit.method is Method.MEASURED
    assert benefit.cost_before is not None
    assert benefit.measured_ms_before is not None
    assert benefit.measured_ms_after is not None
    assert 0 < benefit.measured_ms_after < benefit.measured_ms_before
    assert "statements run in the sandbox" in benefit.basis


def test_a_sandbox_without_the_tables_leaves_the_report_as_it_is(
    embedded: Any, capture: Capture, report: Report
) -> None:
    embedded.run("CREATE DATABASE bare")
    assert verify(report, capture, embedded.server.url_of("bare")) == report


def test_refusals(contrib: Any, capture: Capture, report: Report) -> None:
    with pytest.raises(SandboxError, match="inspected database itself"):
        verify(report, capture, contrib.url)
    with pytest.raises(SandboxError, match="cannot be used"):
        verify(report, capture, "postgresql://127.0.0.1:1/gone")
    with pytest.raises(SandboxError):
        verify(report, replace(capture, folder=Path("/nowhere")), "nonsense")
