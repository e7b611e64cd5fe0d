from __future__ import annotations

import itertools
import random

import pytest

from advisor.recommend.cost_table import CostTable
from advisor.recommend.selection import choose, exchanged

PAIR = [("q1", (), 100.0), ("q1", ("a",), 99.9), ("q1", ("a", "b"), 10.0), ("q2", (), 50.0), ("q2", ("c",), 20.0)]
SIZES = {"a": 8.0, "b": 4.0, "c": 1.0}


def table(weights: dict[str, float] | None = None) -> CostTable:
    return CostTable.of(PAIR, SIZES, weights)


def test_indexes_that_help_only_together_are_found() -> None:
    assert choose(table(), 12).chosen == ("a", "b")
    assert choose(table(), 13).chosen == ("a", "b", "c")


def test_a_budget_below_the_pair_leaves_the_single_one() -> None:
    selection = choose(table(), 5)
    assert selection.chosen == ("c",)
    assert selection.size == 1.0
    assert (selection.before, selection.after) == (150.0, 120.0)


def test_weights_decide_between_queries() -> None:
    assert choose(table(), max_indexes=1).chosen == ("c",)
    assert choose(table({"q1": 50.0}), 12).chosen == ("a", "b")
    assert choose(table({"q2": 50.0}), max_indexes=1).chosen == ("c",)


def test_counts_are_capped_for_the_workload_and_for_a_table() -> None:
    rows = [
        ("q", (), 100.0),
        *((f"q{n}", (), 100.0) for n in range(3)),
        *((f"q{n}", (f"i{n}",), 10.0) for n in range(3)),
    ]
    base = CostTable.of(rows, dict.fromkeys(("i0", "i1", "i2"), 1.0))
    one_table = CostTable(base.base, base.sets, base.sizes, table_of={"i0": "t", "i1": "t", "i2": "u"})
    assert len(choose(base, max_indexes=2).chosen) == 2
    assert choose(one_table, max_per_table=1).chosen in {("i0", "i2"), ("i1", "i2")}


def test_upkeep_and_charges_count_against_an_index() -> None:
    base = table()
    dear = CostTable(base.base, base.sets, base.sizes, charges={"c": 31.0})
    assert "c" not in choose(dear).chosen
    slowed = CostTable({**base.base, "write": 10.0}, base.sets, base.sizes, upkeep={("write", "c"): 2.0})
    assert "c" in choose(slowed).chosen
    assert "c" not in choose(slowed, max_regression=0.1).chosen


def test_small_savings_are_left_out() -> None:
    rows = [("q", (), 100.0), ("q", ("a",), 97.0)]
    assert choose(CostTable.of(rows, {"a": 1.0}), min_improvement=0.05).chosen == ()
    assert choose(CostTable.of(rows, {"a": 1.0}), min_improvement=0.02).chosen == ("a",)


def test_an_empty_table_and_an_index_larger_than_the_budget_choose_nothing() -> None:
    assert choose(CostTable.of([], {})).chosen == ()
    assert choose(table(), 0.5).chosen == ()


@pytest.mark.parametrize("seed", range(12))
def test_no_subset_is_better(seed: int) -> None:
    chance = random.Random(seed)
    indexes = [f"i{n}" for n in range(8)]
    rows: list[tuple[str, tuple[str, ...], float]] = []
    for query in range(6):
        rows.append((f"q{query}", (), 100.0))
        for _ in range(10):
            rows.append((f"q{query}", tuple(chance.sample(indexes, chance.randint(1, 3))), chance.uniform(1, 110)))
    costs = CostTable.of(
        rows, {i: chance.randint(1, 20) for i in indexes}, {f"q{n}": chance.uniform(0.1, 9) for n in range(6)}
    )
    budget = chance.randint(5, 60)
    best = min(
        costs.total(frozenset(subset))
        for count in range(9)
        for subset in itertools.combinations(indexes, count)
        if sum(costs.sizes[i] for i in subset) <= budget
    )
    selection = choose(costs, budget)
    assert selection.after == pytest.approx(best, rel=1e-6)
    assert selection.optimal
    assert selection.bound <= selection.after


def test_of_like_indexes_the_preferred_one_is_taken() -> None:
    table = CostTable.of(
        [
            ("q", (), 100.0),
            ("q", ("status, tenant",), 10.0),
            ("q", ("tenant, status",), 10.2),
            ("q", ("tenant",), 60.0),
        ],
        dict.fromkeys(("status, tenant", "tenant, status", "tenant"), 1.0),
    )
    chosen = choose(table)
    assert chosen.chosen == ("status, tenant",)
    preferred = {"status, tenant": ["tenant", "tenant, status", "status, tenant"]}
    swapped = exchanged(table, chosen, preferred, 0.01)
    assert swapped.chosen == ("tenant, status",)
    assert swapped.after == pytest.approx(10.2)
    assert exchanged(table, chosen, preferred, 0.001).chosen == chosen.chosen
