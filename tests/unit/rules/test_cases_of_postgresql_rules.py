"""Every rule finds its bad cases and leaves the good ones alone. A case is a small capture as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from advisor import captures
from advisor.model.capture import Capture
from advisor.model.codec import decode
from advisor.model.finding import Finding
from advisor.ports import Study
from advisor.registry import with_attribute
from advisor.workload import digest

CASES = Path(__file__).parents[2] / "cases" / "rules"
RULES = {
    name: module
    for name, module in with_attribute("advisor.rules", "RULE").items()
    if "postgresql" in module.RULE.databases and "events" not in module.RULE.needs
}
FILES = [path for name in RULES for path in sorted((CASES / name).glob("*.json"))]


def study_of(path: Path, folder: Path) -> tuple[Study, dict[str, Any]]:
    case = json.loads(path.read_text(encoding="utf-8"))
    capture = decode(Capture, {**case["capture"], "folder": str(folder)})
    captures.write_statements(capture.statements, case["statements"])
    return Study(capture, digest(capture)), case


def found(module: ModuleType, study: Study) -> list[Finding]:
    return list(module.find(study))


@pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.name}/{path.stem}" for path in FILES])
def test_a_rule_finds_its_bad_cases_only(path: Path, tmp_path: Path) -> None:
    study, case = study_of(path, tmp_path)
    findings = found(RULES[path.parent.name], study)
    assert case["why"]
    if path.stem.startswith("good"):
        assert not findings, findings[0].message
        return
    assert [finding.message for finding in findings] == case["messages"]
    for finding in findings:
        assert finding.rule == path.parent.name
        assert finding.tables
        assert finding.evidence
        assert finding.message.endswith(".")
        assert set(finding.shapes) <= set(study.workload.by_fingerprint)
    if "expect" in case:
        assert case["expect"] == {name: getattr(findings[0], name) for name in case["expect"]}
