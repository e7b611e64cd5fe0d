"""Every rule over MongoDB's plans and catalog finds its bad case and leaves its good one alone (made-up log lines)."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor import pipeline
from advisor.registry import with_attribute
from connectors.mongo import analyze_files

CASES = Path(__file__).parents[2] / "cases" / "rules"
NAMES = [
    name
    for name, module in with_attribute("advisor.rules", "RULE").items()
    if module.RULE.databases == ("mongodb",) and (CASES / name / "bad").is_dir()
]


def found(folder: Path, capture: Path) -> set[str]:
    report = pipeline.analyze(analyze_files([folder / "mongod.log"], folder / "catalog.json", capture))
    return {finding.rule for finding in report.findings}


@pytest.mark.parametrize("name", NAMES)
def test_the_bad_case_is_found_and_the_good_one_is_not(name: str, tmp_path: Path) -> None:
    assert name in found(CASES / name / "bad", tmp_path / "bad")
    assert name not in found(CASES / name / "good", tmp_path / "good")
