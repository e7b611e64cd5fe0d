"""Documents tell how many a parent returned: once is enough where as many are read behind it."""

from __future__ import annotations

import pytest

from tests.benchmarks.mongo_n_plus_one import found_in
from tests.benchmarks.mongo_n_plus_one_scenarios import SCENARIOS


@pytest.mark.parametrize("source", ["log", "profile"])
@pytest.mark.parametrize("name", ["a_tree_level_by_level", "of_two_kinds_of_target", "batches_of_ids"])
def test_one_request_is_enough(name: str, source: str) -> None:
    wanted, run = next(entry for entry in SCENARIOS if entry[1].__name__ == name)
    assert found_in([run], source) == wanted
