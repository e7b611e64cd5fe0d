"""The JSON report, versioned: the same facts as the pages, for programs.

Equal reports are equal bytes: keys are sorted, floats rounded to the microsecond, nothing depends on hashing or time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from advisor import __version__
from advisor.model.codec import encode
from advisor.model.finding import Finding
from advisor.model.recommendation import Declined, Recommendation
from advisor.model.report import Report
from advisor.model.workload import Query, Workload
from advisor.report.overview import overview

MEDIA_TYPE = "application/json"


def render(report: Report) -> str:
    """The report as JSON text, indented, ending in a newline."""
    return json.dumps(contract(report), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def contract(report: Report) -> dict[str, Any]:
    """The report as what ``json.dumps`` takes; absent figures are ``null``, times ISO 8601, durations milliseconds."""
    summary = overview(report)
    document: dict[str, Any] = {
        "schema_version": report.schema_version,
        "advisor_version": __version__,
        "source": _source(report),
        "summary": {
            "what_is_wrong": summary.wrong,
            "how_sure": summary.sure,
            "what_to_do": summary.do,
            "what_it_costs": summary.cost,
            "ms_saved_per_day": summary.saved_ms_per_day,
            "share_of_time_saved": summary.saved_share,
        },
        "coverage": [_explicit(part) for part in report.coverage],
        "workload": _workload(report.workload),
        "shapes": [_shape(query) for query in report.workload.queries],
        "bursts": encode(report.workload.bursts),
        "findings": [_finding(finding) for finding in report.findings],
        "recommendations": [_recommendation(each) for each in report.recommendations],
        "declined": [_declined(each) for each in report.declined],
    }
    return {key: _rounded(value) for key, value in document.items()}


def _source(report: Report) -> dict[str, Any]:
    server = report.server
    return {
        "product": server.product,
        "version": server.version,
        "name": server.name,
        "database": server.database,
        "replica": server.replica,
        "extensions": dict(server.extensions),
        "captured_at": encode(report.captured_at),
        "planner": report.planner,
    }


def _workload(load: Workload) -> dict[str, Any]:
    return {
        "started_at": encode(load.started_at),
        "ended_at": encode(load.ended_at),
        "duration_s": load.duration_s,
        "events": load.events,
        "total_ms": load.total_ms,
        "by_minute": encode(load.by_minute),
        "unread": [{"reason": reason, "count": count} for reason, count in load.unread],
        "suppressed": [_explicit(each) for each in load.suppressed],
    }


def _shape(query: Query) -> dict[str, Any]:
    stats = query.stats
    return {
        "fingerprint": query.shape.fingerprint,
        "text": query.shape.text,
        "command": query.shape.command,
        "calls": stats.calls,
        "total_ms": stats.total_ms,
        "mean_ms": stats.mean_ms,
        "p50_ms": stats.p50_ms,
        "p95_ms": stats.p95_ms,
        "p99_ms": stats.p99_ms,
        "max_ms": stats.max_ms,
        "rows": stats.rows,
        "errors": stats.errors,
        "statistics_from": stats.source.value,
        "tables": [str(table) for table in query.shape.tables],
        "routes": list(query.routes),
        "call_sites": [str(site) for site in query.call_sites],
        "cost": query.plan.cost if query.plan else None,
        "unexplained": query.unexplained,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "tables": [str(table) for table in finding.tables],
        "shapes": list(finding.shapes),
        "count": finding.count,
        "evidence": dict(finding.evidence),
        "lines": encode(finding.lines),
        "location": str(finding.location) if finding.location else None,
        "index": finding.index,
        "message": finding.message,
    }


def _recommendation(each: Recommendation) -> dict[str, Any]:
    return {
        "id": each.id,
        "kind": each.kind,
        "title": each.title,
        "tables": [str(table) for table in each.tables],
        "statement": each.statement,
        "problem": each.problem,
        "root_cause": each.root_cause,
        "solution": each.solution,
        "confidence": each.confidence.value,
        "benefit": _explicit(each.benefit),
        "migration_impact": _explicit(each.migration_impact),
        "risks": list(each.risks),
        "verification": list(each.verification),
        "acceptance": list(each.acceptance),
        "shapes": list(each.shapes),
        "rules": list(each.rules),
        "location": str(each.location) if each.location else None,
        "action": encode(each.action),
        "plans": [
            {
                "fingerprint": pair.fingerprint,
                "before": encode(pair.before.root) if pair.before else None,
                "after": encode(pair.after.root) if pair.after else None,
            }
            for pair in each.plans
        ],
    }


def _declined(each: Declined) -> dict[str, Any]:
    return {
        "candidate": each.candidate,
        "reason": each.reason,
        "kind": each.kind,
        "tables": [str(table) for table in each.tables],
        "shapes": list(each.shapes),
        "rule": each.rule,
    }


def _explicit(noun: Any) -> dict[str, Any]:
    """All fields of a noun, those at their defaults too: a reader of the contract need not know our defaults."""
    return {name: encode(getattr(noun, name)) for name in type(noun).__dataclass_fields__}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, Mapping):
        return {key: _rounded(content) for key, content in value.items()}
    if isinstance(value, list):
        return [_rounded(content) for content in value]
    return value
