"""Plans to the queries that they belong to; queries made of plans that came alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from hashlib import blake2b

from advisor.model.capture import Capture
from advisor.model.plan import Plan
from advisor.model.shape import QueryShape
from advisor.model.workload import Query, QueryStats, StatsSource
from advisor.workload._shapes import Shapes


def attach_plans(queries: Iterable[Query], capture: Capture, shapes: Shapes) -> tuple[Query, ...]:
    """Give each query its plan, or the reason why it has none."""
    plans = _by_fingerprint(capture, shapes)
    reasons = {shapes.glance(text)[0]: reason for text, reason in sorted(capture.unexplained.items())}
    return tuple(
        replace(
            query,
            plan=plans.get(query.shape.fingerprint),
            unexplained="" if query.shape.fingerprint in plans else reasons.get(query.shape.fingerprint, ""),
        )
        for query in queries
    )


def queries_of_plans(capture: Capture, shapes: Shapes) -> tuple[Query, ...]:
    """Queries for plans that came without a workload (pasted, or a log of auto_explain alone): one call each."""
    return tuple(_query_of(plan, shapes) for plan in _by_fingerprint(capture, shapes).values())


def _by_fingerprint(capture: Capture, shapes: Shapes) -> dict[str, Plan]:
    """The most telling plan of each shape: one that was executed, the slowest first, else the costliest."""
    best: dict[str, Plan] = {}
    for plan in capture.plans:
        fingerprint = shapes.glance(plan.text)[0] if plan.text else plan.fingerprint or _digest(plan)
        rival = best.get(fingerprint)
        if rival is None or _telling(plan) > _telling(rival):
            best[fingerprint] = replace(plan, fingerprint=fingerprint)
    return dict(sorted(best.items()))


def _telling(plan: Plan) -> tuple[bool, float, float, str]:
    executed = plan.execution_ms if plan.execution_ms is not None else plan.root.actual_ms
    return executed is not None, executed or 0.0, plan.cost, plan.raw


def _digest(plan: Plan) -> str:
    return blake2b((plan.raw or repr(plan.root)).encode(), digest_size=8).hexdigest()


def _query_of(plan: Plan, shapes: Shapes) -> Query:
    if plan.text:
        shape = shapes.of(plan.text)
    else:
        tables = tuple(dict.fromkeys(node.table for node in plan.scans() if node.table is not None))
        shape = QueryShape(plan.fingerprint, "", "SELECT", tables, unparsed="the plan came without its statement")
    spent = plan.execution_ms if plan.execution_ms is not None else plan.root.actual_ms
    rows = plan.root.actual_rows
    stats = QueryStats(StatsSource.EVENTS, 1, spent or 0.0, spent or 0.0, rows=None if rows is None else round(rows))
    return Query(shape, stats, plan)
