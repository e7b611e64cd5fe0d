"""Figures in words, and plans as rows."""

from __future__ import annotations

import doctest

import pytest

from advisor.model.impact import Estimate
from advisor.model.plan import Access, Plan, PlanNode
from advisor.report import words
from advisor.report.plans import plan_rows, plan_text


def test_the_examples_in_words_hold() -> None:
    assert doctest.testmod(words).failed == 0


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [(0, "0 ms"), (999.6, "1,000 ms"), (59_999, "60 s"), (86_400_000, "24 h"), (864e6, "10 days")],
)
def test_durations(milliseconds: float, said: str) -> None:
    assert words.duration(milliseconds) == said


def test_an_estimate_with_equal_ends_is_one_figure() -> None:
    assert words.estimate(Estimate(5.0, "bytes/insert", 5.0, 5.0)) == "5 B per insert"


def test_the_costliest_step_is_marked_once() -> None:
    scan = PlanNode("Seq Scan", Access.SEQUENTIAL, total_cost=90.0)
    plan = Plan(PlanNode("Sort", total_cost=100.0, children=(scan,)))
    rows = plan_rows(plan)
    assert [(row.title, row.depth, row.hottest) for row in rows] == [("Sort", 0, False), ("Seq Scan", 1, True)]
    assert rows[1].own == pytest.approx(0.9)
    assert plan_text(plan)[1].startswith("  ->  Seq Scan  (cost=0.00..90.00 rows=0")


def test_time_counts_where_a_plan_was_executed_and_misjudged_rows_show() -> None:
    inner = PlanNode("Index Scan", total_cost=1.0, rows=1, actual_rows=50, actual_ms=2.0, loops=10)
    rows = plan_rows(
        Plan(PlanNode("Nested Loop", total_cost=100.0, actual_ms=25.0, loops=1, rows=5, children=(inner,)))
    )
    assert rows[1].hottest
    assert rows[1].own == pytest.approx(0.8)
    assert rows[1].misjudged == 50


def test_the_inner_side_of_a_nested_loop_counts_once_for_each_outer_row() -> None:
    outer = PlanNode("Seq Scan", Access.SEQUENTIAL, total_cost=10.0, rows=90)
    inner = PlanNode("Index Scan", Access.INDEX, total_cost=8.0, rows=1)
    rows = plan_rows(Plan(PlanNode("Nested Loop", total_cost=740.0, children=(outer, inner))))
    assert [row.hottest for row in rows] == [False, False, True]
    assert rows[2].own == pytest.approx(720 / 740)
    cached = plan_rows(Plan(PlanNode("Nested Loop", total_cost=100.0, children=(outer, inner))))
    assert sum(row.own for row in cached) == pytest.approx(1.0)
