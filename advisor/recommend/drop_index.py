"""Drop an index: invalid, duplicate, covered by a longer one, or unused, and nothing else depends on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from advisor.model.catalog import Index, Table
from advisor.model.finding import Confidence, Finding
from advisor.model.recommendation import Declined, Recommendation
from advisor.ports import Study
from advisor.recommend._drops import Drop, Judge, only_support, protection, recommendation
from advisor.recommend._figures import megabytes
from advisor.recommend._needs import INDEXABLE_KINDS
from advisor.recommend.candidates import normal

LONG_ENOUGH = timedelta(days=14)
"""Counters younger than this have not seen a fortnight's jobs; the month's end may still come."""
SMALL = 16 * 8192
"""A valid index below this is not worth a migration."""


def recommend(study: Study, findings: Sequence[Finding]) -> Iterator[Recommendation | Declined]:
    """Yield the indexes to drop, and those that look superfluous and must stay, with the reason."""
    if study.capture.server.product != "postgresql":
        return
    judge = Judge(study, study.estimator)
    gone: set[str] = set()
    for table in sorted(study.catalog.tables, key=lambda table: table.name):
        if table.kind not in INDEXABLE_KINDS:
            continue
        for drop in _superfluous(study, table):
            if reason := _reason_to_keep(study, drop, judge, gone):
                yield Declined(f"drop {drop.index.name}", reason, "drop_index", (table.name,), rule=drop.rule)
            else:
                gone.add(drop.index.name)
                yield recommendation(study, drop, findings, asked=judge.asked)


def _reason_to_keep(study: Study, drop: Drop, judge: Judge, gone: set[str]) -> str:
    index, table = drop.index, drop.table
    if index.valid and index.size_bytes is not None and index.size_bytes < SMALL:
        return f"{drop.why} But it has {megabytes(index.size_bytes)} only: not worth a migration while it is so small."
    if reason := protection(index, table, study.catalog):
        return f"{drop.why} But {reason}."
    if index.valid and (key := only_support(index, table, study.catalog, gone)):
        return f"{drop.why} But it is the only index that serves the foreign key {key}."
    if objection := judge.objection(index) if index.valid else "":
        return f"{drop.why} But {objection}."
    return ""


def _superfluous(study: Study, table: Table) -> Iterator[Drop]:
    """Every index of ``table`` that looks superfluous, most certain reason first; each index once."""
    told: set[str] = set()
    for index in sorted(table.indexes, key=lambda index: index.name):
        found = _invalid(index, table) or _twin(index, table, told) or _prefix(index, table, told)
        if found is not None:
            told.add(index.name)
            yield found
    for index in sorted(table.indexes, key=lambda index: index.name):
        if index.name not in told and (found := _unused(study, index, table)):
            yield found


def _invalid(index: Index, table: Table) -> Drop | None:
    if index.valid or table.kind == "partitioned table":
        return None
    twin = next((other for other in table.indexes if other.valid and normal(other).covers(normal(index))), None)
    served = f" {twin.name} does the same and is valid." if twin else ""
    return Drop(
        index,
        table,
        f"{index.name} is INVALID: no query may use it, every write keeps it up.{served}",
        "A CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY ended before it was done.",
        "invalid-index",
        Confidence.HIGH,
        twin.name if twin else "",
        (
            "A build that is running right now looks the same: see pg_stat_progress_create_index first.",
            *(() if twin else ("If its queries need it, build it again after the drop.",)),
        ),
    )


def _keeps_first(index: Index) -> tuple[bool, bool, int, str]:
    """Sort key: of two equal indexes the lesser may go (no constraint, less used, later in the alphabet)."""
    bound = bool(index.primary or index.constraint or index.replica_identity or index.clustered)
    return (not bound, not index.unique, -(index.scans or 0), index.name)


def _twin(index: Index, table: Table, told: set[str]) -> Drop | None:
    for other in sorted(table.indexes, key=lambda other: other.name):
        if other.name in told | {index.name} or not other.valid:
            continue
        same = normal(other).covers(normal(index)) and normal(index).columns == normal(other).columns
        if same and (_keeps_first(other) < _keeps_first(index) or not normal(index).covers(normal(other))):
            return Drop(
                index,
                table,
                f"{index.name} holds the same keys as {other.name} and serves nothing that {other.name} does not.",
                f"Both were created over time on {', '.join(index.keys)}.",
                "duplicate-index",
                Confidence.HIGH,
                other.name,
            )
    return None


def _prefix(index: Index, table: Table, told: set[str]) -> Drop | None:
    for other in sorted(table.indexes, key=lambda other: (len(other.columns), other.name)):
        longer = len(other.columns) > len(index.columns)
        if longer and other.valid and other.name not in told and normal(other).covers(normal(index)):
            return Drop(
                index,
                table,
                f"{other.name} ({', '.join(other.keys)}) begins with the keys of {index.name} "
                f"({', '.join(index.keys)}) and serves all of its queries.",
                f"{other.name} was added later, or the narrower one was kept for safety.",
                "redundant-index",
                Confidence.HIGH,
                other.name,
                ("The longer index has larger entries: a query that read the short one reads a little more.",),
            )
    return None


def _unused(study: Study, index: Index, table: Table) -> Drop | None:
    if not index.valid or index.scans is None or index.scans > 0 or index.primary or index.unique or index.constraint:
        return None
    since, now = study.catalog.stats_reset_at, study.capture.captured_at
    window = now - since if since and now else None
    size = f", takes {megabytes(index.size_bytes)}" if index.size_bytes else ""
    told = f"in {_days(window)}, since the counters were reset" if window else "since its counters began (unknown when)"
    long_enough = window is not None and window >= LONG_ENOUGH
    return Drop(
        index,
        table,
        f"{index.name} ({', '.join(index.keys)}) was not scanned once {told}{size}.",
        "No statement asks for what it holds, or another index serves them better.",
        "unused-index",
        Confidence.MEDIUM if long_enough else Confidence.LOW,
        cautions=(
            *(() if long_enough else (f"The counters cover {_days(window)} only; look again after a month's end.",)),
            _replicas(study),
        ),
    )


def _replicas(study: Study) -> str:
    server = study.capture.server
    if server.replica:
        return "This server is a replica: the primary's use of the index was not seen."
    if server.replicas:
        return f"{server.replicas} replicas count their own scans, which were not seen: ask each of them."
    return "Replicas, if there are any, count their own scans, which were not seen."


def _days(window: timedelta | None) -> str:
    if window is None:
        return "an unknown time"
    if window < timedelta(hours=2):
        return f"{window / timedelta(minutes=1):.0f} minutes"
    if window < timedelta(days=2):
        return f"{window / timedelta(hours=1):.0f} hours"
    return f"{window.days} days"
