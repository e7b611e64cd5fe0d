"""What the rules over bursts share: how bad, how sure, and in which words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from advisor.model.catalog import TableName
from advisor.model.finding import Confidence, EvidenceValue, Finding, Severity
from advisor.model.workload import Burst, CallSite, Workload
from advisor.ports import Study

SLOW_A_DAY_MS, LONG = 60_000.0, 50
"""A minute of waiting a day, or 50 round trips in one unit of work, is severe; ordinal, no source beyond practice."""


def of_pattern(study: Study, pattern: str) -> Iterator[Burst]:
    """The workload's bursts of one pattern, most time saved first."""
    return (burst for burst in study.workload.bursts if burst.pattern == pattern)


def finding(study: Study, rule: str, burst: Burst, said: str) -> Finding:
    """The finding of one burst; ``said`` is the sentence without its place and full stop."""
    site = place([burst])
    return Finding(
        rule=rule,
        severity=severity([burst], study.workload),
        confidence=confidence([burst]),
        message=f"{said}{where(site)}.",
        tables=tables([burst]),
        shapes=(burst.child,),
        count=burst.executions,
        evidence=evidence([burst], study.workload),
        lines=burst.evidence,
        location=site,
    )


def severity(bursts: Sequence[Burst], workload: Workload) -> Severity:
    """By the time that it costs a day and by the longest burst."""
    saved = workload.per_day(sum(burst.saved_ms or 0.0 for burst in bursts))
    longest = max(burst.per_unit_max for burst in bursts)
    if saved >= SLOW_A_DAY_MS or longest >= LONG:
        return Severity.HIGH
    return Severity.MEDIUM if saved >= SLOW_A_DAY_MS / 10 or longest >= LONG / 5 else Severity.LOW


def confidence(bursts: Sequence[Burst]) -> Confidence:
    """The least sure of them decides."""
    least = min(burst.confidence for burst in bursts)
    return Confidence.HIGH if least >= 0.8 else Confidence.MEDIUM if least >= 0.6 else Confidence.LOW


def evidence(bursts: Sequence[Burst], workload: Workload) -> dict[str, EvidenceValue]:
    """The figures of a finding, by label."""
    first = bursts[0]
    saved = sum(burst.saved_ms or 0.0 for burst in bursts)
    found: dict[str, EvidenceValue] = {
        "units of work": first.units,
        "unit of work": first.unit_kind.value,
        "executions": sum(burst.executions for burst in bursts),
        "executions per unit (median)": sum(round(burst.per_unit, 1) for burst in bursts),
        "executions per unit (most)": sum(burst.per_unit_max for burst in bursts),
        "distinct values": f"{first.distinct_ratio:.0%}",
        "server time (ms)": round(sum(burst.server_ms for burst in bursts), 1),
        "could be saved (ms)": round(saved, 1),
        "could be saved, range (ms)": f"{sum(b.saved_low_ms or 0.0 for b in bursts):.0f}"
        f" to {sum(b.saved_high_ms or 0.0 for b in bursts):.0f}, time of the application between statements included",
        "could be saved a day (s)": round(workload.per_day(saved) / 1000, 1),
    }
    if first.linked_by:
        found["linked by"] = "; ".join(dict.fromkeys(burst.linked_by for burst in bursts))
    routes = sorted({route for burst in bursts for route in burst.routes})
    if routes:
        found["routes"] = ", ".join(routes[:5])
    for number, note in enumerate(dict.fromkeys(note for burst in bursts for note in burst.notes), 1):
        found[f"note {number}"] = note
    return found


def tables(bursts: Iterable[Burst]) -> tuple[TableName, ...]:
    """Every table that takes part, sorted."""
    found = {
        table
        for burst in bursts
        for table in (burst.parent_table, burst.link_table, burst.child_table)
        if table is not None
    }
    return tuple(sorted(found))


def place(bursts: Iterable[Burst]) -> CallSite | None:
    """Where to change the code: the loop that runs the children is told by the children's own place."""
    return next((site for burst in bursts for site in burst.call_sites), None)


def where(site: CallSite | None) -> str:
    """The place as the end of a sentence."""
    return f" at {site}" if site else ""
