"""An advice given by rule, tried on a server that really builds the index: what it examines before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from advisor.errors import SandboxError
from advisor.model.finding import Confidence
from advisor.model.recommendation import (
    AddIndex,
    Cost,
    Declined,
    Method,
    PlanPair,
    Recommendation,
    ShapeBenefit,
    WhatIf,
)
from advisor.model.report import Report
from advisor.model.shape import QueryShape
from advisor.model.workload import Query, Workload
from advisor.ports import CostEstimator
from advisor.shape.mql_effort import Effort, effort

BETTER = 0.9
"""What is left of the effort at most, for an index to count as one that helps a query."""
NOT_TRIED = "not tried: "

Pair = tuple[QueryShape, Cost, Cost]


def tried(advice: Recommendation, workload: Workload, estimator: CostEstimator | None) -> Recommendation | Declined:
    """The advice with what the trial showed, or its refutation.

    Without an ``estimator`` it stays as it was; where none of its queries could be tried the reason is added.
    """
    if estimator is None or not isinstance(advice.action, AddIndex):
        return advice
    index = advice.action.index
    queries = [workload.by_fingerprint[name] for name in advice.shapes if name in workload.by_fingerprint]
    questions = [WhatIf(query.shape.fingerprint, query.shape.text) for query in queries]
    before = estimator.costs(questions)
    after = estimator.costs([replace(question, indexes=frozenset({index})) for question in questions])
    asked = list(zip((query.shape for query in queries), before, after, strict=True))
    pairs = [pair for pair in asked if _comparable(pair, index.table.name)]
    if not pairs:
        why = next((cost.error for _, *costs in asked for cost in costs if cost.error), "the joined side is not told")
        return replace(advice, benefit=replace(advice.benefit, basis=f"{advice.benefit.basis}; {NOT_TRIED}{why}"))
    helped = [pair for pair in pairs if _ratio(pair) <= BETTER]
    if not helped:
        used = any(index in cost.used for _, _, cost in pairs)
        return Declined(
            f"{index.table.name} ({', '.join(index.keys)})",
            f"{estimator.planner} built it and {'uses it' if used else 'does not use it'}: {_told(pairs[0])}",
            tables=advice.tables,
            shapes=advice.shapes,
        )
    return _proven(advice, pairs, queries, workload, estimator.planner)


def retried(report: Report, estimator: CostEstimator) -> Report:
    """The report with its indexes tried; what is refuted moves to what was declined.

    Raises :class:`SandboxError` when it has indexes, and none could be tried.
    """
    answers = [tried(advice, report.workload, estimator) for advice in report.recommendations]
    refuted = [answer for answer in answers if isinstance(answer, Declined)]
    indexes = [one for one in answers if isinstance(one, Recommendation) and isinstance(one.action, AddIndex)]
    failed = [one.benefit.basis.partition(NOT_TRIED)[2] for one in indexes if NOT_TRIED in one.benefit.basis]
    if failed and len(failed) == len(indexes) and not refuted:
        raise SandboxError(
            f"No index could be tried ({failed[0].rstrip('.')}); name the inspected database with --target, or a copy."
        )
    return replace(
        report,
        recommendations=tuple(answer for answer in answers if isinstance(answer, Recommendation)),
        declined=(*report.declined, *refuted),
        coverage=(*report.coverage, *estimator.coverage),
        planner=estimator.planner,
    )


def _comparable(pair: Pair, collection: str) -> bool:
    """Whether both sides were explained, and tell what they examine in the index's collection."""
    _, *costs = pair
    return all(
        not cost.error
        and cost.plan is not None
        and any(node.table is not None and node.table.name == collection for node in cost.plan.nodes())
        for cost in costs
    )


def _effort(shape: QueryShape, cost: Cost) -> Effort:
    found = effort(cost.plan, shape) if cost.plan else None
    assert found is not None, "a cost without an error tells what was examined"
    return found


def _ratio(pair: Pair) -> float:
    was, left = (_effort(pair[0], cost).cost for cost in pair[1:])
    return left / was if was else 1.0


def _told(pair: Pair) -> str:
    """``20,000 documents and 0 keys examined for 12 returned before, 12 and 12 after``."""
    shape = pair[0]
    before, after = (_effort(shape, cost) for cost in pair[1:])
    returned = "" if before.returned is None else f" for {before.returned:,.0f} returned"
    sorts = ", sorted in memory" if before.sorted_in_memory and not after.sorted_in_memory else ""
    return (
        f"{before.documents:,.0f} documents and {before.keys:,.0f} keys examined{returned}{sorts} before, "
        f"{after.documents:,.0f} and {after.keys:,.0f} after ({shape.command})"
    )


def _proven(
    advice: Recommendation, pairs: Sequence[Pair], queries: Sequence[Query], workload: Workload, planner: str
) -> Recommendation:
    """What was recorded, scaled by what the trial left of the effort; queries not tried keep their estimate."""
    ratios = {pair[0].fingerprint: min(_ratio(pair), 1.0) for pair in pairs}
    calls = {query.shape.fingerprint: query.stats for query in queries}
    by_shape = tuple(
        replace(
            part,
            cost_after=part.cost_before * ratios[part.fingerprint],
            saved_ms=calls[part.fingerprint].total_ms * (1 - ratios[part.fingerprint]),
        )
        if part.fingerprint in ratios
        else part
        for part in advice.benefit.by_shape
    )
    saved = workload.per_day(sum(part.saved_ms or 0.0 for part in by_shape))
    worst = sorted(pairs, key=lambda pair: (-_effort(pair[0], pair[1]).cost, pair[0].fingerprint))
    efforts = [(_effort(shape, before), _effort(shape, after)) for shape, before, after in pairs]
    returned = [was.returned for was, _ in efforts]
    basis = f"{len(pairs)} of {len(queries)} queries tried on {planner}: " + "; ".join(map(_told, worst[:3]))
    return replace(
        advice,
        benefit=replace(
            advice.benefit,
            method=Method.MEASURED,
            cost_before=_sum(by_shape, before=True),
            cost_after=_sum(by_shape, before=False),
            ms_saved_per_day=saved,
            ms_saved_low=saved * 0.5,
            ms_saved_high=saved,
            by_shape=by_shape,
            basis=basis,
            examined_before=sum(was.keys + was.documents for was, _ in efforts),
            examined_after=sum(left.keys + left.documents for _, left in efforts),
            returned=None if any(value is None for value in returned) else sum(value or 0.0 for value in returned),
        ),
        confidence=Confidence.HIGH,
        plans=tuple(PlanPair(shape.fingerprint, before.plan, after.plan) for shape, before, after in pairs),
    )


def _sum(parts: Sequence[ShapeBenefit], *, before: bool) -> float:
    return sum(part.calls * (part.cost_before if before else part.cost_after) for part in parts)
