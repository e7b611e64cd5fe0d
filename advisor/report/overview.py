"""What a reader asks first: what is wrong, how sure is it, what do I do, what will it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from advisor.model.finding import Finding, Severity
from advisor.model.recommendation import Method, Recommendation
from advisor.model.report import Report
from advisor.report import words

BLOCKING = frozenset({"SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"})
"""PostgreSQL's lock modes that keep writers out (manual, table 13.2); the last one keeps readers out too."""

ON_THE_SERVER = frozenset({"add_index", "drop_index", "rebuild_index", "configure"})
"""Kinds whose saving is the server's own time; the others save the application's waiting, round trips included."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The four answers, the frame in which they hold, and the figures behind them.

    ``saved_share`` is the part of the server's observed time that remedies on the server save.
    """

    wrong: str
    sure: str
    do: str
    cost: str
    source: str
    window: str
    saved_ms_per_day: float
    saved_share: float | None
    severities: tuple[tuple[str, int], ...]
    kinds: tuple[tuple[str, int], ...]
    unseen: int


def overview(report: Report) -> Overview:
    """Answer the four questions from a report."""
    saved = sum(r.benefit.ms_saved_per_day or 0.0 for r in report.recommendations)
    on_server = sum(r.benefit.ms_saved_per_day or 0.0 for r in report.recommendations if r.kind in ON_THE_SERVER)
    spent = report.workload.per_day(report.workload.total_ms)
    severities = Counter(finding.severity.value for finding in report.findings)
    kinds = Counter(recommendation.kind for recommendation in report.recommendations)
    # Remedies of one query overlap, and a query never becomes free.
    share = min(on_server / spent, 0.99) if spent else None
    return Overview(
        wrong=_wrong(report, share),
        sure=_sure(report),
        do=_do(kinds, report.findings),
        cost=_cost(report.recommendations),
        source=source(report),
        window=window(report),
        saved_ms_per_day=saved,
        saved_share=share,
        severities=tuple((level.value, severities[level.value]) for level in Severity if severities[level.value]),
        kinds=tuple((kind, kinds[kind]) for kind in words.KINDS if kinds[kind]),
        unseen=sum(not part.seen for part in report.coverage),
    )


def source(report: Report) -> str:
    """The inspected server in a few words."""
    server = report.server
    product = {"postgresql": "PostgreSQL", "mongodb": "MongoDB"}.get(server.product, server.product)
    named = " ".join(part for part in (product, server.version) if part)
    # The query of a URL (sslmode, a socket's folder) says nothing to a reader.
    place = server.name.partition("?")[0] or server.database
    return f"{named} at {place}" if place else named


def window(report: Report) -> str:
    """How much was seen, and when."""
    load = report.workload
    calls = sum(query.stats.calls for query in load.queries)
    seen = f"{words.plural(calls, 'statement')} of {words.plural(len(load.queries), 'shape')}"
    if load.duration_s and load.started_at:
        return f"{seen} in {words.duration(load.duration_s * 1000)} from {words.moment(load.started_at)}"
    return seen


def share_of_time(report: Report, fingerprints: tuple[str, ...]) -> float | None:
    """The share of the observed database time that the shapes make up; ``None`` when no time is known."""
    total = report.workload.total_ms
    by_fingerprint = report.workload.by_fingerprint
    theirs = sum(by_fingerprint[f].stats.total_ms for f in set(fingerprints) if f in by_fingerprint)
    return theirs / total if total else None


def gain(report: Report, recommendation: Recommendation) -> str:
    """What is won, in half a line: time measured, else the time saved, else the planner's cost, else statements.

    What a sandbox examined before and after stands in front.
    """
    benefit = recommendation.benefit
    won = _won(report, recommendation)
    if benefit.examined_before is None or benefit.examined_after is None:
        return won
    returned = "" if benefit.returned is None else f" for {benefit.returned:,.0f} returned"
    return f"examines {benefit.examined_before:,.0f} → {benefit.examined_after:,.0f}{returned}, {won}"


def _won(report: Report, recommendation: Recommendation) -> str:
    benefit = recommendation.benefit
    if benefit.measured_ms_before and benefit.measured_ms_after is not None:
        before, after = benefit.measured_ms_before, benefit.measured_ms_after
        return f"{words.duration(before)} → {words.duration(after)}"
    if benefit.ms_saved_per_day:
        daily = words.duration(benefit.ms_saved_per_day)
        if recommendation.kind not in ON_THE_SERVER:
            return f"saves {daily} of waiting a day"
        spent = report.workload.per_day(report.workload.total_ms)
        share = benefit.ms_saved_per_day / spent if spent else 0.0
        return f"saves {words.percent(min(share, 0.99))} of the database time, {daily} a day"
    if benefit.cost_before and benefit.cost_after is not None:
        return f"cost {words.cost_change(benefit.cost_before, benefit.cost_after)}"
    if benefit.queries_before and benefit.queries_after is not None:
        return f"{words.count(benefit.queries_before)} → {words.count(benefit.queries_after)} statements"
    return "less to write and to keep" if recommendation.kind == "drop_index" else "gain not put into figures"


def decision_line(report: Report, recommendation: Recommendation) -> str:
    """What it serves and what it costs, in the order in which a reviewer decides."""
    known = report.workload.by_fingerprint
    served = len({fingerprint for fingerprint in recommendation.shapes if fingerprint in known})
    share = share_of_time(report, recommendation.shapes)
    parts = []
    if served:
        time = f", {words.percent(share)} of the database time seen" if share else ""
        parts.append(f"Concerns {words.plural(served, 'query', 'queries')}{time}.")
    return " ".join([*parts, recommendation.migration_impact.summary])


def _wrong(report: Report, share: float | None) -> str:
    serious = [f for f in report.findings if f.severity in (Severity.HIGH, Severity.MEDIUM)]
    if not report.findings:
        return "Nothing was found that slows this database down."
    tables = len({table for finding in report.findings for table in finding.tables})
    found = words.plural(len(serious) or len(report.findings), "problem")
    minor = len(report.findings) - len(serious)
    if not serious:
        found = f"Only minor things: {found}"
    elif minor:
        found += f" and {minor:,} minor {'one' if minor == 1 else 'ones'}"
    where = f" on {words.plural(tables, 'table')}" if tables else ""
    if not report.recommendations:
        return f"{found}{where}, none of which has a proven remedy yet."
    remedies = words.plural(len(report.recommendations), "remedy", "remedies")
    if share is not None and share >= 0.01:
        return f"{found}{where}. {remedies} would save up to {words.percent(share)} of the database time seen."
    return f"{found}{where}, with {remedies}."


def _sure(report: Report) -> str:
    methods = Counter(r.benefit.method for r in report.recommendations)
    total = len(report.recommendations)
    planner = report.planner or "the database's planner"
    parts = []
    if methods[Method.MEASURED]:
        parts.append(f"{methods[Method.MEASURED]} of {total} measured")
    if methods[Method.PLANNER]:
        copy = ", a copy of your schema and statistics without data" if "(shadow)" in planner else ""
        parts.append(f"{methods[Method.PLANNER]} of {total} proven by {planner}{copy}")
    if methods[Method.ESTIMATED]:
        parts.append(f"{methods[Method.ESTIMATED]} of {total} estimated from what was seen")
    told = "; ".join(parts)
    sure = f"{told[0].upper()}{told[1:]}. " if told else ""
    blind = sum(not part.seen for part in report.coverage)
    unseen = f" {words.plural(blind, 'thing')} could not be seen." if blind else ""
    return f"{sure}It rests on {window(report)}.{_scaled(report)}{unseen}"


def _scaled(report: Report) -> str:
    """Minutes do not make a day: said where a figure a day rests on less than an hour."""
    seen = report.workload.duration_s
    if not 0 < seen < 3600 or not any(r.benefit.ms_saved_per_day for r in report.recommendations):
        return ""
    return f" Figures a day hold if the {words.duration(seen * 1000)} are typical."


def _do(kinds: Counter[str], findings: tuple[Finding, ...]) -> str:
    steps = [
        ("add_index", "add {}", "index", "indexes"),
        ("drop_index", "drop {}", "index", "indexes"),
        ("rebuild_index", "rebuild {}", "index", "indexes"),
        ("eager_load", "load eagerly in {}", "place of the code", "places of the code"),
        ("rewrite_query", "rewrite {}", "query", "queries"),
        ("configure", "change {}", "setting", "settings"),
    ]
    todo = [verb.format(words.plural(kinds[kind], one, many)) for kind, verb, one, many in steps if kinds[kind]]
    if not todo:
        rules = sorted({finding.rule for finding in findings if finding.severity in (Severity.HIGH, Severity.MEDIUM)})
        return (
            f"No migration cures this; `advisor rule {rules[0]}` says what does."
            if rules
            else "Nothing needs to be done now."
        )
    text = todo[0] if len(todo) == 1 else f"{', '.join(todo[:-1])} and {todo[-1]}"
    return f"{text[0].upper()}{text[1:]}. The migrations are ready to commit, best first."


def _cost(recommendations: tuple[Recommendation, ...]) -> str:
    if not recommendations:
        return "Nothing."
    return " ".join(_cost_parts(recommendations))


def _cost_parts(recommendations: tuple[Recommendation, ...]) -> Iterator[str]:
    impacts = [r.migration_impact for r in recommendations]
    added = sum(i.size.value for i in impacts if i.size and i.size.value > 0)
    freed = -sum(i.size.value for i in impacts if i.size and i.size.value < 0)
    times = [i.build_time for i in impacts if i.build_time]
    if added or freed:
        freeing = f", {words.size(freed)} freed" if freed else ""
        yield f"About {words.size(added)} of new indexes{freeing}."
    if times:
        low, high = sum(t.low or t.value for t in times), sum(t.high or t.value for t in times)
        yield f"{words.duration(low * 1000)} to {words.duration(high * 1000)} of building in all."
    locks = [lock for impact in impacts for lock in impact.locks]
    stopping = [lock for lock in locks if lock.mode in BLOCKING]
    if stopping:
        yield f"{words.plural(len(stopping), 'step')} stop writes for a moment; the notes say which."
    elif locks:
        yield "No read and no write has to wait."
    else:
        yield "Nothing runs on the database."
    if added:
        yield "Every write to those tables gets a little dearer."
