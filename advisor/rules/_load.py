"""How much a query weighs: what severity and evidence rest on."""

from __future__ import annotations

from collections.abc import Iterable

from advisor.model.finding import EvidenceValue, Severity
from advisor.model.workload import Query
from advisor.ports import Study

HIGH_SHARE, MEDIUM_SHARE = 0.20, 0.05
"""Shares of the observed database time; ordinal, as the top queries of pganalyze and Query Store are ranked by it."""
HIGH_DAY_MS, MEDIUM_DAY_MS = 600_000.0, 30_000.0
"""Ten minutes, half a minute of database time a day."""


def severity(study: Study, spent_ms: float) -> Severity:
    """By the share of database time that is at stake and by its amount a day (milliseconds over the window given).

    A share alone says nothing in a workload that is next to idle: below MEDIUM_DAY_MS a day nothing is more than low.
    """
    share = spent_ms / study.workload.total_ms if study.workload.total_ms else 0.0
    a_day = study.workload.per_day(spent_ms)
    if a_day >= HIGH_DAY_MS or (share >= HIGH_SHARE and a_day >= MEDIUM_DAY_MS):
        return Severity.HIGH
    if a_day >= MEDIUM_DAY_MS or share >= MEDIUM_SHARE:
        return Severity.MEDIUM
    return Severity.LOW


def evidence(study: Study, queries: Iterable[Query]) -> dict[str, EvidenceValue]:
    """Calls, milliseconds and the share of database time of one or more queries."""
    found = list(queries)
    calls = sum(query.stats.calls for query in found)
    spent = sum(query.stats.total_ms for query in found)
    told: dict[str, EvidenceValue] = {
        "calls": calls,
        "total time (ms)": round(spent, 1),
        "mean time (ms)": round(spent / calls, 3) if calls else 0.0,
    }
    if study.workload.total_ms:
        told["share of database time"] = f"{spent / study.workload.total_ms:.1%}"
    return told


def rows_a_call(query: Query) -> float | None:
    """Rows that one call returned or changed, where the source tells."""
    stats = query.stats
    return stats.rows / stats.calls if stats.rows is not None and stats.calls else None


def number(value: float) -> str:
    """A count as people read it: 1,250,000."""
    return f"{value:,.0f}"
