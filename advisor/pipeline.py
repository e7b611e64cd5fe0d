"""The order of the stages, on one screen."""

from __future__ import annotations

from dataclasses import replace

from advisor.model.capture import Capture
from advisor.model.finding import Finding
from advisor.model.recommendation import Declined, Recommendation, WhatIf
from advisor.model.report import Report
from advisor.model.workload import Query, Workload
from advisor.ports import CostEstimator, Options, Progress, Step, Study, silent
from advisor.registry import with_attribute
from advisor.workload import digest


def analyze(
    capture: Capture,
    estimator: CostEstimator | None = None,
    options: Options | None = None,
    progress: Progress = silent,
) -> Report:
    """Turn a capture into a report. Without an ``estimator`` advice is marked as given by rule, not by a planner.

    Raises :class:`~advisor.errors.EmptyWorkload` when the capture holds no statement.
    """
    options = options or Options()
    progress(Step("Grouping statements into shapes"))
    workload = planned(digest(capture, options, progress), estimator)
    notes = {module.PRODUCT: module.migration_impact for module in with_attribute("advisor.impact", "PRODUCT").values()}
    study = Study(capture, workload, estimator, options, notes.get(capture.server.product), progress)
    progress(Step("Looking for what slows it down"))
    findings = find(study)
    progress(Step("Proving remedies with the planner"))
    advised, declined = recommend(study, findings)
    return Report(
        server=capture.server,
        captured_at=capture.captured_at,
        coverage=(*capture.coverage, *(estimator.coverage if estimator else ())),
        workload=workload,
        findings=findings,
        recommendations=advised,
        declined=declined,
        catalog=capture.catalog,
        planner=estimator.planner if estimator else "",
    )


def planned(workload: Workload, estimator: CostEstimator | None) -> Workload:
    """Let the planner plan what came without a plan, as logs do, or with one that tells no effort.

    A plan of the server's own that tells it is kept.
    """
    if estimator is None:
        return workload
    bare = [query for query in workload.queries if _bare(query)]
    costs = estimator.costs([WhatIf(query.shape.fingerprint, query.shape.text) for query in bare])
    found = dict(zip((query.shape.fingerprint for query in bare), costs, strict=True))
    queries = (
        replace(query, plan=cost.plan or query.plan, unexplained="" if query.plan else cost.error)
        if (cost := found.get(query.shape.fingerprint))
        else query
        for query in workload.queries
    )
    return replace(workload, queries=tuple(queries))


def _bare(query: Query) -> bool:
    if query.plan is not None:
        return not query.plan.tells_effort and bool(query.shape.blocks)
    return not query.unexplained and bool(query.shape.blocks)


def find(study: Study) -> tuple[Finding, ...]:
    """Run every rule that speaks of this database, worst findings first."""
    product = study.capture.server.product
    found = [
        finding
        for module in with_attribute("advisor.rules", "RULE").values()
        if product in module.RULE.databases
        for finding in module.find(study)
    ]
    rank = {"high": 0, "medium": 1, "low": 2, "info": 3}
    return tuple(
        sorted(found, key=lambda f: (rank[f.severity], rank[f.confidence], f.rule, f.tables, f.shapes, f.message))
    )


def recommend(study: Study, findings: tuple[Finding, ...]) -> tuple[tuple[Recommendation, ...], tuple[Declined, ...]]:
    """Ask every remedy, most milliseconds a day first; what a remedy declines is kept with its reason."""
    answers = [
        answer
        for module in with_attribute("advisor.recommend", "recommend").values()
        for answer in module.recommend(study, findings)
    ]
    advised = [answer for answer in answers if isinstance(answer, Recommendation)]
    declined = {answer: None for answer in answers if isinstance(answer, Declined)}
    advised.sort(key=lambda r: (-(r.benefit.ms_saved_per_day or 0.0), r.kind, r.id))
    return tuple(advised), tuple(sorted(declined, key=lambda d: (d.kind, d.candidate, d.reason)))
