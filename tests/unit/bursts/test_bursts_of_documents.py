"""Documents tell how many a parent returned: once is enough where as many are read behind it."""

from __future__ import annotations

import pytest

from tests.benchmarks import mongo_n_plus_one_drivers as drivers
from tests.benchmarks import mongo_n_plus_one_scenarios as forum
from tests.benchmarks.mongo_n_plus_one import found_in
from tests.benchmarks.mongo_n_plus_one_scenarios import Labelled, Scenario, Wanted


def scenarios(labelled: Labelled, *names: str) -> list[tuple[Wanted, Scenario]]:
    return [next(entry for entry in labelled if entry[1].__name__ == name) for name in names]


@pytest.mark.parametrize("source", ["log", "profile"])
@pytest.mark.parametrize("name", ["a_tree_level_by_level", "of_two_kinds_of_target", "batches_of_ids"])
def test_one_request_is_enough(name: str, source: str) -> None:
    ((wanted, run),) = scenarios(forum.SCENARIOS, name)
    assert found_in([run], source) == wanted


def test_each_row_of_the_children_may_be_asked_about_in_its_turn() -> None:
    ((wanted, run),) = scenarios(drivers.SCENARIOS, "children_and_their_authors")
    assert found_in([run], "log") == wanted


@pytest.mark.parametrize("name", ["each_command_a_session_of_its_own", "resolvers_of_one_request"])
def test_as_many_reads_behind_a_list_over_any_sessions(name: str) -> None:
    ((wanted, run),) = scenarios(drivers.SCENARIOS, name)
    assert found_in([run], "log") == wanted


def test_over_a_pool_the_same_reads_elsewhere_are_no_part_of_it() -> None:
    labelled = scenarios(forum.SCENARIOS, "gathered_over_the_pool", "people_clicking", "only_three")
    assert found_in([run for _, run in labelled], "log") == labelled[0][0]


def test_the_same_question_as_often_as_there_were_rows_is_none_about_the_rows() -> None:
    ((wanted, run),) = scenarios(drivers.SCENARIOS, "the_same_count_in_one_page")
    assert found_in([run], "log") == wanted


def test_nothing_repeats_by_chance_in_a_numbered_transaction() -> None:
    labelled = scenarios(
        drivers.SCENARIOS,
        "one_insert_for_each_in_a_transaction",
        "messages_handled_as_they_come",
        "a_stream_of_changes",
    )
    assert found_in([run for _, run in labelled], "log") == labelled[0][0]
