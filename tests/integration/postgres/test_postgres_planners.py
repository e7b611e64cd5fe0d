"""HypoPG on the target, and a sandbox: the same questions, the same answers, nothing left behind."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from advisor.errors import PlannerUnavailable, SandboxError
from advisor.model.capture import Capture
from advisor.model.catalog import Index, IndexColumn, TableName
from advisor.model.recommendation import WhatIf
from advisor.ports import CaptureRequest, CostEstimator
from connectors import connect
from connectors.postgres.estimators import estimator
from connectors.postgres.hypopg import HypoPgPlanner
from connectors.postgres.sandbox import SandboxPlanner

ANIMAL = TableName("zoo", "animal")
LOG = TableName("zoo", "log")
QUERY = "SELECT * FROM zoo.animal WHERE keeper = $1 AND weight > $2"


def on(table: TableName, *names: str, **options: Any) -> Index:
    return Index(table, tuple(IndexColumn(name) for name in names), name="ix_" + "_".join(names), **options)


KEEPER, BOTH, GIN = on(ANIMAL, "keeper"), on(ANIMAL, "keeper", "weight"), on(ANIMAL, "tags", method="gin")
PARTITIONED, WRONG = on(LOG, "k"), on(ANIMAL, "nothing")


def asked(text: str, *indexes: Index, hidden: tuple[str, ...] = ()) -> WhatIf:
    return WhatIf("f", text, frozenset(indexes), frozenset(hidden))


QUESTIONS = [
    asked(QUERY),
    asked(QUERY, KEEPER),
    asked(QUERY, KEEPER, BOTH),
    asked("SELECT x FROM zoo.log WHERE k = $1 AND at >= $2 AND at < $3", PARTITIONED),
    asked("SELECT nothing"),
    asked(QUERY, WRONG),
]


@pytest.fixture(scope="module")
def capture(contrib: Any, tmp_path_factory: pytest.TempPathFactory) -> Capture:
    async def take() -> Capture:
        connector = await connect(contrib.url)
        try:
            return await connector.capture(CaptureRequest(tmp_path_factory.mktemp("capture")))
        finally:
            await connector.close()

    return asyncio.run(take())


@pytest.fixture(params=["hypopg", "sandbox"])
def planner(request: pytest.FixtureRequest, contrib: Any, embedded: Any, capture: Capture) -> Iterator[CostEstimator]:
    made: CostEstimator
    made = HypoPgPlanner(contrib.url, capture) if request.param == "hypopg" else SandboxPlanner(embedded.url, capture)
    yield made
    made.close()
    made.close()


def test_answers(planner: CostEstimator) -> None:
    bare, keeper, both, partitioned, broken, wrong = planner.costs(QUESTIONS)
    assert bare.total > keeper.total > both.total
    assert (set(bare.used), set(keeper.used), set(both.used)) == (set(), {KEEPER}, {BOTH})
    assert keeper.plan is not None
    assert "ix_keeper" in {node.index for node in keeper.plan.scans()}
    assert set(partitioned.used) == {PARTITIONED}
    assert math.isinf(broken.total)
    assert "does not exist" in broken.error
    assert math.isinf(wrong.total)
    assert wrong.error
    assert planner.planner in (bare.planner, keeper.planner)
    # Asked again, and in another order, the answers stay.
    again = planner.costs([QUESTIONS[2], QUESTIONS[0]])
    assert [cost.total for cost in again] == [both.total, bare.total]


def test_sizes(planner: CostEstimator, contrib: Any) -> None:
    contrib.run("CREATE INDEX sized ON zoo.animal (keeper)")
    real = contrib.run("SELECT pg_relation_size('zoo.sized')", "SELECT pg_relation_size('zoo.sized')")[0][0]
    contrib.run("DROP INDEX zoo.sized")
    assert planner.sizes([KEEPER])[0] == pytest.approx(real, rel=0.1)


def test_hypopg_writes_nothing(contrib: Any, capture: Capture) -> None:
    state = "SELECT count(*) FROM pg_class"
    before = contrib.run(state)
    planner = HypoPgPlanner(contrib.url, capture)
    planner.costs(QUESTIONS)
    assert contrib.run(state) == before
    planner.close()


def test_what_hypopg_cannot_do_is_said_or_goes_elsewhere(contrib: Any, capture: Capture) -> None:
    question = asked("SELECT * FROM zoo.animal WHERE tags @> $1", GIN)
    alone = HypoPgPlanner(contrib.url, capture)
    assert alone.costs([question])[0].error == "HypoPG does not know gin indexes"
    alone.close()
    helped = estimator(capture, contrib.url, "hypopg")
    answer = helped.costs([asked(QUERY), question])
    helped.close()
    assert "HypoPG" in answer[0].planner
    assert "shadow" in answer[1].planner
    assert set(answer[1].used) == {GIN}


def test_hidden_indexes(embedded: Any, capture: Capture) -> None:
    text = "SELECT * FROM zoo.animal WHERE kind = $1 AND seen = $2"
    sandbox = SandboxPlanner(embedded.url, capture)
    try:
        shown, hidden = sandbox.costs([asked(text), asked(text, hidden=("zoo.animal_pattern",))])
    finally:
        sandbox.close()
    assert hidden.total > shown.total
    assert embedded.run("SELECT 1 FROM pg_class WHERE relname = 'animal_pattern'")


def test_the_sandbox_is_left_as_it_was(embedded: Any, capture: Capture) -> None:
    state = "SELECT count(*), string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relkind IN ('i', 'I')"
    before = embedded.run(state)
    sandbox = SandboxPlanner(embedded.url, capture)
    sandbox.costs(QUESTIONS)
    assert embedded.run(state) != before
    sandbox.close()
    assert embedded.run(state) == before


def test_the_inspected_database_is_no_sandbox(contrib: Any, capture: Capture) -> None:
    with pytest.raises(SandboxError, match="inspected database itself"):
        SandboxPlanner(contrib.url, capture)
    elsewhere = replace(capture, server=replace(capture.server, name="postgresql://another-name/postgres"))
    with pytest.raises(SandboxError, match="inspected database itself"):
        SandboxPlanner(contrib.url, elsewhere)


def test_planners_that_cannot_be_had(embedded: Any, capture: Capture) -> None:
    with pytest.raises(PlannerUnavailable, match="CREATE EXTENSION hypopg"):
        estimator(capture, embedded.url, "hypopg")
    with pytest.raises(PlannerUnavailable, match="live database"):
        estimator(capture, None, "hypopg")
    with pytest.raises(SandboxError, match="--sandbox URL"):
        estimator(capture, None, "sandbox")
    with pytest.raises(SandboxError, match="could not be reached"):
        estimator(capture, None, "sandbox", "postgresql://127.0.0.1:1/x")


def test_without_a_flag_the_shadow_answers(capture: Capture) -> None:
    shadow = estimator(capture, None)
    try:
        assert "shadow" in shadow.planner
    finally:
        shadow.close()


def test_hypopg_is_not_asked_about_partial_and_expression_indexes(contrib: Any, capture: Capture) -> None:
    partial = on(ANIMAL, "keeper", predicate="weight > 5")
    expression = Index(ANIMAL, (IndexColumn(expression="keeper + 1"),), name="ix_next")
    alone = HypoPgPlanner(contrib.url, capture)
    refused = alone.costs([asked(QUERY, partial), asked(QUERY, expression)])
    alone.close()
    assert all("partial and expression indexes" in cost.error for cost in refused)
    joined = "SELECT * FROM zoo.log JOIN zoo.animal ON k = keeper AND weight > 5 WHERE x = $1"
    helped = estimator(capture, contrib.url, "hypopg")
    before, after = helped.costs([asked(joined), asked(joined, partial)])
    helped.close()
    assert "HypoPG" in before.planner
    assert "shadow" in after.planner
    assert after.total <= before.total * 1.01
