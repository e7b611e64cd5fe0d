"""The first page of a report: what is wrong, how sure, what to do, what it costs. And two runs side by side."""

from __future__ import annotations

from fastapi import APIRouter

from advisor.model.finding import Finding
from advisor.report.overview import overview as summary_of
from web.contexts import ComparePage, OverviewPage
from web.rendering import TheReport, TheStore, page

ROUTER = APIRouter()
BEST = 5
WORST = 6
CHANGED = 1.25
"""A query is called slower or faster when its mean time differs by a quarter and a tenth of a millisecond."""


@page(ROUTER, "/reports/{report_id}", "overview.html")
def overview(report: TheReport, report_id: int, store: TheStore) -> OverviewPage:
    """The four answers."""
    return OverviewPage(
        report_id=report_id,
        summary=summary_of(report),
        recommendations=report.recommendations[:BEST],
        findings=report.findings[:WORST],
        coverage=report.coverage,
        decisions=store.decisions(report.server.name),
    )


@page(ROUTER, "/reports/{report_id}/compare/{older_id}", "compare.html")
def compare(report: TheReport, report_id: int, older_id: int, store: TheStore) -> ComparePage:
    """What changed since an older run of the same database."""
    older = store.report(older_id)
    before = {_identity(finding) for finding in older.findings}
    now = {_identity(finding) for finding in report.findings}
    known = older.workload.by_fingerprint
    both = [(known[q.shape.fingerprint], q) for q in report.workload.queries if q.shape.fingerprint in known]
    moved = [pair for pair in both if abs(pair[1].stats.mean_ms - pair[0].stats.mean_ms) > 0.1]
    return ComparePage(
        report_id=report_id,
        older_id=older_id,
        new=tuple(f for f in report.findings if _identity(f) not in before),
        gone=tuple(f for f in older.findings if _identity(f) not in now),
        slower=tuple(p for p in moved if p[1].stats.mean_ms > p[0].stats.mean_ms * CHANGED),
        faster=tuple(p for p in moved if p[1].stats.mean_ms * CHANGED < p[0].stats.mean_ms),
        others=tuple(other for other in store.reports() if other.id not in (report_id, older_id)),
    )


def _identity(finding: Finding) -> tuple[object, ...]:
    """What stays of a finding when its figures change."""
    return (finding.rule, finding.tables, finding.shapes, finding.index)
