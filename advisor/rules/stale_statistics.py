"""A table that has changed a good deal since it was last analyzed.

## What it finds

Tables that queries of the workload read, with more rows modified since the last ANALYZE than autovacuum's threshold
(50 + 10 % of the rows) twice over, or never analyzed at all though they hold rows.

## Why it matters

The planner chooses by statistics. When they describe last month's table, it underestimates and takes nested loops over
millions of rows, and no index helps against that.

## Example

    n_live_tup | n_mod_since_analyze | last_autoanalyze
    1500000    | 900000              | NULL

## Instead

`ANALYZE sessions;` now, and a lower threshold for this table, so that it does not come back:
`ALTER TABLE sessions SET (autovacuum_analyze_scale_factor = 0.02);`

## When it is wrong

Right after a bulk load autovacuum may be about to do it. When rows are added that look like the old ones, statistics
stay good enough.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.catalog import Table
from advisor.model.finding import Confidence, EvidenceValue, Finding, Rule
from advisor.model.workload import Query
from advisor.ports import Study
from advisor.rules import _load
from advisor.rules._tables import is_small

RULE = Rule.of(__name__, "Planner statistics that are out of date", ("postgresql",), ("catalog",))

BASE, SCALE_FACTOR = 50.0, 0.1
"""autovacuum_analyze_threshold and autovacuum_analyze_scale_factor (manual, 20.10)."""
TIMES_OVER = 2.0
PART = 0.1
"""Part of its queries' time that is put at stake by poor statistics; a guess that only ranks such findings low."""


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding a table that is both stale and read."""
    for table in sorted(study.catalog.tables, key=lambda table: table.name):
        if table.kind not in ("table", "partition", "materialized view") or is_small(table):
            continue
        queries = [query for query in study.workload.queries if table.name in query.shape.tables]
        if queries and (reason := _stale(table)):
            yield _finding(study, table, queries, reason)


def _stale(table: Table) -> str:
    usage = table.usage
    never = usage.last_analyzed_at is None and not any(column.stats for column in table.columns)
    if never and usage.modified_since_analyze is not None:
        return "was never analyzed"
    modified = usage.modified_since_analyze or 0
    if modified > TIMES_OVER * (BASE + SCALE_FACTOR * table.rows):
        return f"has {_load.number(modified)} changed rows since it was last analyzed"
    return ""


def _finding(study: Study, table: Table, queries: list[Query], reason: str) -> Finding:
    spent = sum(query.stats.total_ms for query in queries)
    analyzed = table.usage.last_analyzed_at
    told: dict[str, EvidenceValue] = {
        "rows": round(table.rows),
        "changed since ANALYZE": table.usage.modified_since_analyze or 0,
        "last analyzed": analyzed.isoformat() if analyzed else "never",
    }
    return Finding(
        rule=RULE.name,
        severity=_load.severity(study, spent * PART),
        confidence=Confidence.MEDIUM,
        message=f"{table.name.name} ({_load.number(table.rows)} rows) {reason}: the planner works from old figures.",
        tables=(table.name,),
        shapes=tuple(query.shape.fingerprint for query in queries),
        count=sum(query.stats.calls for query in queries),
        evidence={**told, **_load.evidence(study, queries)},
    )
