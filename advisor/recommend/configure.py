"""Change a setting: more work_mem for those statements whose sorts go to disk and that no index can sort."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from advisor.model.finding import Confidence, Finding
from advisor.model.identifiers import quote
from advisor.model.impact import MigrationImpact
from advisor.model.recommendation import Benefit, Configure, Declined, Method, Recommendation
from advisor.model.workload import Query
from advisor.ports import Study
from advisor.recommend._figures import megabytes, milliseconds
from advisor.recommend._naming import identifier
from advisor.recommend._needs import needs
from advisor.recommend._words import shortened

RULE = "spilled-sort"
SIZE = "to disk a call (bytes)"
LIMIT = "work_mem (bytes)"

IN_MEMORY = 2.5
"""Memory that a sort needs for what took one byte on disk: there tuples lie packed, here each has its header and an
array slot (``tuplesort.c``: 24 bytes of SortTuple, 16 and more of header and allocation for each row)."""
MEGABYTE = 1024 * 1024
LARGEST = 256 * MEGABYTE
"""Above this the remedy is fewer rows, not more memory: work_mem counts for every sort of every session."""
WORTH = 0.01
"""Share of all database time from which a spill that is only expected, not seen, is worth a change."""
SAVED = (0.1, 0.5)
"""Part of the statement's time that sorting in memory saves: from a small part to half (assumed, not measured)."""


def recommend(study: Study, findings: Sequence[Finding]) -> Iterator[Recommendation | Declined]:
    """Yield one recommendation a role for the statements that spill, and why others are left alone."""
    by_role: dict[str, list[tuple[Query, float, Finding]]] = {}
    queries: Mapping[str, Query] = study.workload.by_fingerprint
    for finding in findings:
        if finding.rule != RULE:
            continue
        for query in (queries[shape] for shape in finding.shapes if shape in queries):
            size = float(finding.evidence.get(SIZE, 0) or 0)
            if reason := _reason_not_to(study, query, size, finding):
                text = shortened(query.shape.text)
                yield Declined(
                    f"more work_mem for `{text}`", reason, "configure", query.shape.tables, finding.shapes, RULE
                )
            else:
                by_role.setdefault(query.users[0] if query.users else "", []).append((query, size, finding))
    for role, spills in sorted(by_role.items()):
        yield _recommendation(study, role, spills)


def _reason_not_to(study: Study, query: Query, size: float, finding: Finding) -> str:
    needed = _needed(size, seen=finding.confidence is Confidence.HIGH)
    if needed > LARGEST:
        return (
            f"it would take {megabytes(needed)} for each such sort of each session; "
            "return fewer rows or columns, or sort after aggregating"
        )
    share = query.stats.total_ms / study.workload.total_ms if study.workload.total_ms else 0.0
    if finding.confidence is not Confidence.HIGH and share < WORTH:
        return f"the spill is expected, not seen, and the statement takes {share:.1%} of all database time"
    if any(
        need.sort and not need.ranges and not need.many and not need.joins for need in needs(query.shape, study.catalog)
    ):
        return "an index can give this order, which is better than sorting in memory"
    return ""


def _needed(size: float, *, seen: bool) -> int:
    """A work_mem that holds ``size`` bytes, ``seen`` on disk or else expected in memory: a power of two in MB."""
    return int(2 ** math.ceil(math.log2(max(size * (IN_MEMORY if seen else 1) / MEGABYTE, 1)))) * MEGABYTE


def _recommendation(study: Study, role: str, spills: Sequence[tuple[Query, float, Finding]]) -> Recommendation:
    worst, size, finding = max(spills, key=lambda spill: (spill[1], spill[0].shape.fingerprint))
    current = int(finding.evidence.get(LIMIT, 0) or 0)
    needed = _needed(size, seen=finding.confidence is Confidence.HIGH)
    value = f"{max(needed, 2 * current) // MEGABYTE}MB"
    action = Configure("work_mem", value, megabytes(current), f"role {role}" if role else "session")
    database = f" IN DATABASE {quote(study.capture.server.database)}" if study.capture.server.database else ""
    statement = f"ALTER ROLE {quote(role)}{database} SET work_mem = '{value}'" if role else f"SET work_mem = '{value}'"
    undo = f"ALTER ROLE {quote(role)}{database} RESET work_mem" if role else "RESET work_mem"
    total = sum(query.stats.total_ms for query, _, _ in spills)
    per_day = study.workload.per_day(total)
    tables = tuple(sorted({table for query, _, _ in spills for table in query.shape.tables}))
    return Recommendation(
        id=identifier("configure", "work_mem", role),
        title=f"Give {f'role {role}' if role else 'the session'} a work_mem of {value}: sorts stay in memory",
        action=action,
        statement=statement,
        tables=tables,
        problem=" ".join(
            f"`{shortened(query.shape.text)}` sends {megabytes(bytes_)} to disk on each of {query.stats.calls:,} calls "
            f"({milliseconds(query.stats.total_ms)} in total)."
            for query, bytes_, _ in spills[:3]
        ),
        root_cause=f"A sort or hash gets {megabytes(current)} (work_mem), which this one exceeds.",
        solution=(
            f"Raise work_mem to {value} where it is needed and nowhere else: "
            + (f"for the role {role}, or better " if role else "")
            + f"inside the transaction that runs it: SET LOCAL work_mem = '{value}'; no index gives this order."
        ),
        benefit=Benefit(
            Method.ESTIMATED,
            ms_saved_per_day=per_day * SAVED[0],
            ms_saved_low=0.0,
            ms_saved_high=per_day * SAVED[1],
            basis="assumed: sorting in memory saves a tenth to half of such a statement's time; measure it once",
        ),
        migration_impact=study.impact(action, study.capture, study.workload)
        if study.impact
        else MigrationImpact(summary="New sessions take the new value; nothing is locked.", rollback=(undo,)),
        risks=(
            f"Every sort and hash of every session may take {value}: keep it off roles with many connections.",
            "Sessions that are open already keep the old value until they reconnect.",
        ),
        verification=(
            "SHOW work_mem;",
            f"EXPLAIN (ANALYZE, BUFFERS) of `{shortened(worst.shape.text)[:80]}` shows no 'external merge'.",
        ),
        acceptance=("temp_files in pg_stat_database stops growing while the statement runs.", f"To undo: {undo};"),
        shapes=tuple(query.shape.fingerprint for query, _, _ in spills),
        rules=(RULE,),
        confidence=Confidence.LOW if finding.confidence is not Confidence.HIGH else Confidence.MEDIUM,
        location=next((site for query, _, _ in spills for site in query.call_sites), None),
    )
