from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from advisor.model.catalog import TableName
from advisor.model.finding import Confidence, Finding, Severity
from advisor.model.recommendation import Configure, Declined, Recommendation
from advisor.model.shape import Operator, Predicate, SortKey
from advisor.model.workload import Query
from advisor.ports import Study
from advisor.recommend.configure import recommend

ORDERS = TableName("public", "orders")
MEGABYTE = 1024 * 1024
RANGE = Predicate(ORDERS, "placed_at", Operator.RANGE)
SORT = [SortKey(ORDERS, "total", True)]


def spill(size: float, confidence: Confidence = Confidence.HIGH) -> Finding:
    told = {"to disk a call (bytes)": size, "work_mem (bytes)": 4 * MEGABYTE}
    return Finding("spilled-sort", Severity.MEDIUM, confidence, "spills", (ORDERS,), ("q1",), evidence=told)


@pytest.fixture
def query(make_query: Callable[..., Query]) -> Query:
    return replace(make_query("q1", RANGE, sort=SORT), users=("report",))


def answers(study: Study, findings: Sequence[Finding]) -> list[Recommendation | Declined]:
    return list(recommend(study, findings))


def test_the_role_gets_enough_and_nobody_else(query: Query, make_study: Callable[..., Study]) -> None:
    [advice] = answers(make_study(query), [spill(10 * MEGABYTE)])
    assert isinstance(advice, Recommendation)
    assert advice.statement == "ALTER ROLE report SET work_mem = '32MB'"
    assert isinstance(advice.action, Configure)
    assert "SET LOCAL work_mem = '32MB'" in advice.solution
    assert advice.shapes == ("q1",)
    assert any("ALTER ROLE report RESET work_mem" in done for done in advice.acceptance)


@pytest.mark.parametrize(
    ("size", "reason"), [(400 * MEGABYTE, "1024 MB"), (2_000 * MEGABYTE, "8192 MB")], ids=["large", "huge"]
)
def test_too_much_memory_is_declined(query: Query, make_study: Callable[..., Study], size: float, reason: str) -> None:
    [declined] = answers(make_study(query), [spill(size)])
    assert isinstance(declined, Declined)
    assert reason in declined.reason


def test_an_index_is_better_where_it_gives_the_order(
    make_query: Callable[..., Query], make_study: Callable[..., Study]
) -> None:
    [declined] = answers(make_study(make_query("q1", sort=SORT)), [spill(10 * MEGABYTE)])
    assert isinstance(declined, Declined)
    assert "an index can give this order" in declined.reason


def test_an_expected_spill_of_a_rare_statement_is_left_alone(
    query: Query, make_query: Callable[..., Query], make_study: Callable[..., Study]
) -> None:
    busy = make_query("q2", RANGE, calls=1_000_000)
    [declined] = answers(make_study(query, busy), [spill(10 * MEGABYTE, Confidence.LOW)])
    assert isinstance(declined, Declined)
    assert "expected, not seen" in declined.reason
