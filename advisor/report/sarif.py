"""SARIF 2.1.0 for code scanning: one result a recommendation, and one a finding that no recommendation takes up.

A result stands where the code is when that is known, else on the migration that ``--out`` writes beside the report.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from advisor import __version__
from advisor.model.finding import Finding, Severity
from advisor.model.recommendation import Recommendation
from advisor.model.report import Report
from advisor.model.workload import CallSite
from advisor.registry import modules
from advisor.report import words
from advisor.report.overview import decision_line

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MEDIA_TYPE = "application/sarif+json"
MAX_RESULTS = 5_000
"""GitHub keeps the first 5,000 results of a run."""
_LEVELS = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note", Severity.INFO: "note"}


def render(report: Report) -> str:
    """The report as a SARIF log of one run."""
    results = [*_recommended(report), *_only_found(report)][:MAX_RESULTS]
    rules = sorted({result["ruleId"] for result in results})
    for result in results:
        result["ruleIndex"] = rules.index(result["ruleId"])
    driver = {
        "name": "Query Advisor",
        "semanticVersion": __version__,
        "rules": [_rule(name) for name in rules],
    }
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
    return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


def _rule(name: str) -> dict[str, Any]:
    """The rule's own documentation; a remedy's kind that no rule names is described by its heading."""
    module = _rule_modules().get(name)
    document = inspect.cleandoc(module.__doc__ or "") if module else words.KINDS.get(name.replace("-", "_"), name)
    return {
        "id": name,
        "shortDescription": {"text": document.partition("\n")[0] or name},
        "fullDescription": {"text": words.one_line(document, 1_000)},
        "help": {"text": document, "markdown": document},
    }


def _rule_modules() -> dict[str, Any]:
    # By name through discovery: a report form imports no rule.
    return dict(modules("advisor.rules"))


def _recommended(report: Report) -> Iterator[dict[str, Any]]:
    severities = {finding.rule: finding.severity for finding in reversed(report.findings)}
    for number, each in enumerate(report.recommendations):
        rule = each.rules[0] if each.rules else each.kind.replace("_", "-")
        message = " ".join([f"{each.title}.", each.problem, each.solution, decision_line(report, each)])
        yield {
            "ruleId": rule,
            "level": _LEVELS[severities.get(rule, Severity.MEDIUM)],
            "message": {"text": words.one_line(message)},
            "locations": [_location(each.location) if each.location else _stub(report, number, each)],
            "partialFingerprints": {"recommendation/v1": each.id},
            "properties": {"kind": each.kind, "confidence": each.confidence.value, "statement": each.statement},
        }


def _only_found(report: Report) -> Iterator[dict[str, Any]]:
    """Findings that no recommendation cures."""
    for finding in report.findings:
        if any(each.cures(finding) for each in report.recommendations):
            continue
        yield {
            "ruleId": finding.rule,
            "level": _LEVELS[finding.severity],
            "message": {"text": words.one_line(finding.message)},
            "locations": [_location(finding.location or CallSite("report.json"))],
            "partialFingerprints": {"finding/v1": _identity(finding)},
            "properties": {"confidence": finding.confidence.value, "count": finding.count},
        }


def _identity(finding: Finding) -> str:
    """What stays when counts and figures change."""
    parts = [finding.rule, *map(str, finding.tables), *finding.shapes, finding.index]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _location(site: CallSite) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": site.file.replace("\\", "/").removeprefix("./")}}
    place["region"] = {"startLine": max(site.line or 1, 1)}
    return {"physicalLocation": place}


def _stub(report: Report, number: int, each: Recommendation) -> dict[str, Any]:
    """Where ``advisor scan --out`` puts the plain SQL of the ``number``-th recommendation; MongoDB: the report."""
    if report.server.product != "postgresql":
        return _location(CallSite("report.json"))
    if each.kind not in ("add_index", "drop_index"):
        return _location(CallSite(f"stubs/sql/notes/{each.slug}.md"))
    at = (report.captured_at or datetime(2000, 1, 1, tzinfo=UTC)).astimezone(UTC) + timedelta(minutes=number)
    return _location(CallSite(f"stubs/sql/{at:%Y%m%d%H%M%S}_{each.slug}.up.sql"))
