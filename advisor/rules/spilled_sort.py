"""Sorts and hashes that do not fit into memory and go to disk.

## What it finds

Sort, hash and aggregate nodes that wrote temporary files (pasted or logged EXPLAIN ANALYZE), statements for which
pg_stat_statements or the log (log_temp_files) counts temporary files, and, where nothing counts them, sorts that the
planner expects to be larger than work_mem.

## Why it matters

A sort on disk takes several times as long as one in memory, and its files compete with everything else for the disk.

## Example

    Sort  (actual rows=250000)
      Sort Key: total_cents
      Sort Method: external merge  Disk: 9840kB

## Instead

An index that gives the order, where the sort follows the columns of one table; fewer rows or columns in the sort; or
more work_mem for the role or the transaction that runs it: `ALTER ROLE report SET work_mem = '64MB';`

## When it is wrong

A nightly report may spill. work_mem counts for every node of every session: raising it for all can exhaust memory.
What the planner expects is only as good as its row estimates; such findings have low confidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from advisor.model.finding import Confidence, EvidenceValue, Finding, Rule
from advisor.model.plan import PlanNode
from advisor.model.workload import Query
from advisor.ports import Study
from advisor.rules import _load

RULE = Rule.of(__name__, "Sorts and hashes that go to disk", ("postgresql",), ("plans",))

BLOCK = 8192
DEFAULT_WORK_MEM = 4 * 1024 * 1024
"""PostgreSQL's default of work_mem (manual, 20.4.1)."""
TUPLE_OVERHEAD = 24
"""Bytes of a tuple in a sort beside its data: its header, aligned (relation_byte_size in costsize.c)."""
NOTEWORTHY_BLOCKS = 16.0
"""Temporary blocks a call below which pg_stat_statements' count is not worth a word."""

_SIZE = re.compile(r"(\d+)\s*([kMGT]?B)?\Z")
_UNITS = {"B": 1, "kB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4, None: 1024}


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding a query, by the surest sign of it."""
    limit = work_mem(study.capture.server.settings)
    # Where temporary files are counted at all, a query without any has none.
    counted = any(query.stats.temp_blocks_written for query in study.workload.queries)
    for query in study.workload.queries:
        if spilled := _counted(query):
            yield _finding(study, query, limit, spilled, Confidence.HIGH, "wrote")
        elif (blocks := _blocks_a_call(query)) >= NOTEWORTHY_BLOCKS:
            yield _finding(study, query, limit, blocks * BLOCK, Confidence.HIGH, "wrote")
        elif not counted and (expected := _expected(query, limit)):
            yield _finding(study, query, limit, expected, Confidence.LOW, "is expected to sort")


def work_mem(settings: Mapping[str, str]) -> int:
    """The setting in bytes, by whatever unit it is spelled in (without one: kB)."""
    match = _SIZE.match(settings.get("work_mem", "").strip())
    return int(match.group(1)) * _UNITS[match.group(2)] if match else DEFAULT_WORK_MEM


def _counted(query: Query) -> float:
    """Bytes that the plan's nodes wrote to temporary files."""
    return sum(node.spilled_bytes or 0 for node in query.plan.nodes()) if query.plan is not None else 0


def _blocks_a_call(query: Query) -> float:
    return (query.stats.temp_blocks_written or 0) / max(query.stats.calls, 1)


def _expected(query: Query, limit: int) -> float:
    """The largest sort that the planner expects to exceed work_mem, in bytes; a top-N sort keeps N rows only."""
    if query.plan is None or query.plan.root.actual_rows is not None:
        return 0.0
    sizes = [_size(node) for node in _full_sorts(query.plan.root, limited=False)]
    return max((size for size in sizes if size > limit), default=0.0)


def _full_sorts(node: PlanNode, *, limited: bool) -> Iterator[PlanNode]:
    if node.kind == "Sort" and not limited:
        yield node
    for child in node.children:
        yield from _full_sorts(child, limited=node.kind == "Limit")


def _size(node: PlanNode) -> float:
    return node.rows * (node.width + TUPLE_OVERHEAD)


def _finding(study: Study, query: Query, limit: int, size: float, confidence: Confidence, verb: str) -> Finding:
    spent = query.stats.total_ms
    keys = next((", ".join(n.sort_keys) for n in query.plan.nodes() if n.sort_keys), "") if query.plan else ""
    told: dict[str, EvidenceValue] = {"to disk a call (bytes)": round(size), "work_mem (bytes)": limit}
    if keys:
        told["sort keys"] = keys
    by = f" by {keys}" if keys else ""
    return Finding(
        rule=RULE.name,
        severity=_load.severity(study, spent),
        confidence=confidence,
        message=(
            f"A call {verb} {size / 1024**2:.1f} MB{by} with a work_mem of {limit / 1024**2:g} MB: it goes to disk."
        ),
        tables=query.shape.tables,
        shapes=(query.shape.fingerprint,),
        count=query.stats.calls,
        evidence={**told, **_load.evidence(study, [query])},
        location=query.call_sites[0] if query.call_sites else None,
    )
