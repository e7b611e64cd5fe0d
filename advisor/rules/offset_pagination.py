"""Pages that are reached by reading and throwing away all pages before them.

## What it finds

Queries with LIMIT and OFFSET over a large table whose OFFSET is a value (not the constant zero), where many rows
are likely to be skipped: the same text executed often, or a plan that shows rows thrown away.

## Why it matters

OFFSET 100000 reads 100,000 rows to drop them; a whole listing costs the square of its pages. Rows that are inserted or
deleted between two pages appear twice or never.

## Example

    SELECT * FROM customers ORDER BY id LIMIT 100 OFFSET 250000;

## Instead

Go on from the last row that was seen (keyset pagination), with an index on the order:

    SELECT * FROM customers WHERE id > $1 ORDER BY id LIMIT 100;

## When it is wrong

When users only ever see the first few pages, the offset stays small and nothing is wrong; a capture without values
cannot tell the offsets. Jumping to page 500 by number is not possible by keyset.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.finding import Confidence, Finding, Rule
from advisor.model.shape import QueryBlock
from advisor.model.workload import Query
from advisor.ports import Study
from advisor.rules import _load
from advisor.rules._tables import resolved

RULE = Rule.of(__name__, "Deep pages by OFFSET", ("postgresql",), ("catalog",))

LARGE_ROWS = 10_000
MANY_CALLS = 20
SLOW_TO_FAST = 5.0
"""The slowest calls being this many times as slow as the median is the mark of a growing offset."""


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding a query that pages through a large table."""
    for query in study.workload.queries:
        if query.stats.calls < MANY_CALLS:
            continue
        for block in query.shape.blocks:
            if block.offset and block.limited and (rows := _rows(study, block)) >= LARGE_ROWS:
                yield _finding(study, query, block, rows)
                break


def _rows(study: Study, block: QueryBlock) -> float:
    tables = (resolved(study.catalog, name) for name in block.tables)
    return max((table.rows for table in tables if table is not None), default=0.0)


def _finding(study: Study, query: Query, block: QueryBlock, rows: float) -> Finding:
    stats = query.stats
    slowest = stats.p99_ms or stats.max_ms or 0.0
    grows = bool(stats.p50_ms) and slowest >= SLOW_TO_FAST * (stats.p50_ms or 1.0)
    order = ", ".join(key.key for key in block.sort)
    return Finding(
        rule=RULE.name,
        severity=_load.severity(study, stats.total_ms),
        confidence=Confidence.MEDIUM if grows else Confidence.LOW,
        message=(
            f"Pages of {block.tables[0].name} ({_load.number(rows)} rows) are reached by OFFSET: every page reads all "
            f"rows before it{', and the late pages are the slow ones' if grows else ''}."
        ),
        tables=block.tables,
        shapes=(query.shape.fingerprint,),
        count=stats.calls,
        evidence={
            **({"order": order} if order else {"order": "none: pages may overlap"}),
            **({"median (ms)": stats.p50_ms, "99 % under (ms)": slowest} if stats.p50_ms is not None else {}),
            **_load.evidence(study, [query]),
        },
        location=query.call_sites[0] if query.call_sites else None,
    )
