"""An index that no query has used since the counters began.

## What it finds

Indexes with no scan since the statistics were last reset, above 128 kB, which back no constraint, no uniqueness, no
foreign key that has no other support, no replica identity and no clustering, and which no captured plan uses.

## Why it matters

Every insert, and every update that is not HOT, writes to it; vacuum reads it; it takes the cache's place.

## Example

    relname | idx_scan | pg_relation_size
    ix_order_items_unit_price_cents | 0 | 34 MB

## Instead

`DROP INDEX CONCURRENTLY ix_order_items_unit_price_cents;` Drop after a full business period, month's end included.

## When it is wrong

Counters are kept per server: a replica's queries are not counted on its primary. A monthly job may not have run since
the reset; the window is part of the evidence, and a window under two weeks lowers the confidence.
A crash and pg_stat_reset() set counters to zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from advisor.model.catalog import Index, Table
from advisor.model.finding import Confidence, EvidenceValue, Finding, Rule, Severity
from advisor.ports import Study
from advisor.rules._indexes import comparable, facts, indexed_tables, is_bound

RULE = Rule.of(__name__, "An index that no query uses", ("postgresql",), ("catalog", "statistics"))

WORTH_BYTES = 16 * 8192
LARGE_BYTES = 64 * 1024**2
LONG_ENOUGH = timedelta(days=14)


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding an unused index."""
    planned = {
        node.index
        for query in study.workload.queries
        if query.plan is not None
        for node in query.plan.scans()
        if node.index
    }
    for table in indexed_tables(study.catalog):
        for index in sorted(table.indexes, key=lambda index: index.name):
            if not _unused(index) or index.name in planned or _has_another(table, index):
                continue
            if not _only_support(study, table, index):
                yield _finding(study, table, index)


def _unused(index: Index) -> bool:
    superfluous = index.valid and not index.unique and not is_bound(index)
    return superfluous and index.scans == 0 and (index.size_bytes is None or index.size_bytes >= WORTH_BYTES)


def _has_another(table: Table, index: Index) -> bool:
    """Whether another index covers it: that it is not used then says nothing of its columns."""
    others = (other for other in table.indexes if other.name != index.name and other.valid)
    return any(comparable(other).covers(comparable(index)) for other in others)


def _only_support(study: Study, table: Table, index: Index) -> bool:
    """Whether a foreign key's check would read the whole table without it."""
    for key in study.catalog.foreign_keys_of(table.name):
        wanted = set(key.columns)
        supports = [
            other.name
            for other in table.indexes
            if other.valid and not other.predicate and set(other.keys[: len(wanted)]) == wanted
        ]
        if supports == [index.name]:
            return True
    return False


def _finding(study: Study, table: Table, index: Index) -> Finding:
    since, now = study.catalog.stats_reset_at, study.capture.captured_at
    window = now - since if since and now else None
    large = (index.size_bytes or 0) >= LARGE_BYTES
    told: dict[str, EvidenceValue] = facts(index)
    told["counters since"] = since.isoformat() if since else "unknown"
    if window is not None:
        told["days observed"] = round(window / timedelta(days=1), 1)
    if study.capture.server.replicas:
        told["replicas whose queries are not counted here"] = study.capture.server.replicas
    writes = sum(n or 0 for n in (table.usage.inserts, table.usage.updates, table.usage.deletes))
    told["rows written to the table in that time"] = writes
    long_enough = window is not None and window >= LONG_ENOUGH and not study.capture.server.replicas
    days = window.days if window is not None else 0
    period = f"in {days} days" if days > 1 else "since the counters began, a day ago or less" if window else "so far"
    return Finding(
        rule=RULE.name,
        severity=Severity.MEDIUM if large and writes else Severity.LOW,
        confidence=Confidence.HIGH if long_enough else Confidence.LOW,
        message=f"{index.name} on {table.name.name} ({', '.join(index.keys)}) was not used once {period}.",
        tables=(table.name,),
        index=index.name,
        evidence=told,
    )
