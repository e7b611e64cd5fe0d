"""Growth by one file: what such a file must bring along."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from advisor.registry import with_attribute

CASES = Path(__file__).parents[1] / "cases"
RULES = with_attribute("advisor.rules", "RULE")
TOOLS = with_attribute("advisor.export", "TOOL")
SECTIONS = ("What it finds", "Why it matters", "Example", "Instead", "When it is wrong")


@pytest.mark.parametrize(("name", "rule"), RULES.items(), ids=list(RULES))
def test_a_rule_is_named_after_its_file_and_documented(name: str, rule: ModuleType) -> None:
    assert rule.RULE.name == name
    assert set(rule.RULE.databases) <= {"postgresql", "mongodb"}
    document = rule.__doc__ or ""
    places = [document.find(section) for section in SECTIONS]
    assert -1 not in places, f"{name} lacks {SECTIONS[places.index(-1)]!r}"
    assert places == sorted(places), f"{name}: the sections are out of order"


@pytest.mark.parametrize("name", RULES)
def test_a_rule_has_a_bad_and_a_good_case(name: str) -> None:
    cases = [path.name for path in (CASES / "rules" / name).iterdir()]
    assert any(case.startswith("bad") for case in cases)
    assert any(case.startswith("good") for case in cases)


@pytest.mark.parametrize("name", TOOLS)
def test_a_migration_tool_has_expected_files(name: str) -> None:
    assert any((CASES / "export" / name).iterdir())


def test_every_case_belongs_to_a_rule() -> None:
    strays = {path.name for path in (CASES / "rules").iterdir() if path.is_dir()} - set(RULES)
    assert not strays
