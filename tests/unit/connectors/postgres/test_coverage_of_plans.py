"""How a capture tells that most statements could not be planned."""

from __future__ import annotations

import pytest

from advisor.model.plan import Plan, PlanNode
from connectors.postgres.explain import Explained


def plans(count: int) -> list[Plan]:
    return [Plan(root=PlanNode("Result")) for _ in range(count)]


@pytest.mark.parametrize(
    ("planned", "reason", "seen", "remedy"),
    [
        (6, 'relation "gone" does not exist', True, ""),
        (1, 'relation "people" does not exist', False, "Pass the log of this database"),
        (1, "permission denied for table people", False, "GRANT pg_read_all_data"),
        (1, "more than one statement", False, ""),
    ],
)
def test_a_few_plans_do_not_pass_for_the_whole(planned: int, reason: str, seen: bool, remedy: str) -> None:
    missing = {f"SELECT {number}": reason for number in range(8 - planned)}
    told = Explained(plans=plans(planned), unexplained=missing, asked=8).coverage()
    assert told.seen is seen
    assert told.remedy.startswith(remedy)
    assert bool(told.remedy) is bool(remedy)
    assert reason in told.detail
