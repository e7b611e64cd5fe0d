"""Where each fact stands: in a log line's ``attr`` and in the profiler's document the names differ."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.mongo.logs.looking import Kind

TEXTS: Mapping[str, tuple[str, str]] = {
    "ended": ('$.t."$date"', '$.ts."$date"'),
    "plain_ended": ("$.t", "$.ts"),
    "operation": ("$.attr.type", "$.op"),
    "ns": ("$.attr.ns", "$.ns"),
    "application": ("$.attr.appName", "$.appName"),
    "command": ("$.attr.command", "$.command"),
    "originating": ("$.attr.originatingCommand", "$.originatingCommand"),
    "plan_summary": ("$.attr.planSummary", "$.planSummary"),
    "has_sort": ("$.attr.hasSortStage", "$.hasSortStage"),
    "used_disk": ("$.attr.usedDisk", "$.usedDisk"),
    "shape_hash": ("$.attr.planCacheShapeHash", "$.planCacheShapeHash"),
    "query_hash": ("$.attr.queryHash", "$.queryHash"),
    "cursor": ("$.attr.cursorid", "$.cursorid"),
    "remote": ("$.attr.remote", "$.client"),
    "user_name": ("$.attr.authUser", "$.user"),
    "error": ("$.attr.errCode", "$.errCode"),
    "connection": ("$.ctx", "$.connectionId"),
    "truncated": ("$.truncated", "$.truncated"),
    "replanned": ("$.attr.replanned", "$.replanned"),
}
"""Texts, with their JSON paths in a log line and in a profiler's document."""

NUMBERS: Mapping[str, tuple[str, str]] = {
    "ms": ("$.attr.durationMillis", "$.millis"),
    "keys": ("$.attr.keysExamined", "$.keysExamined"),
    "documents": ("$.attr.docsExamined", "$.docsExamined"),
    "returned": ("$.attr.nreturned", "$.nreturned"),
    "bytes": ("$.attr.reslen", "$.responseLength"),
    "inserted": ("$.attr.ninserted", "$.ninserted"),
    "matched": ("$.attr.nMatched", "$.nMatched"),
    "deleted": ("$.attr.ndeleted", "$.ndeleted"),
    "locked": ("$.attr.locks.Collection.acquireCount.w", "$.locks.Collection.acquireCount.w"),
    "yields": ("$.attr.numYields", "$.numYield"),
    "tickets": ("$.attr.flowControl.acquireCount", "$.flowControl.acquireCount"),
}
"""Counts, the same way; extended JSON may wrap them."""

PARTS = (
    "filter", "query", "q", "pipeline", "key", "min", "max", "u", "update", "updates", "deletes", "documents",
    "sort", "projection", "fields", "hint", "collation", "limit", "skip", "multi", "upsert", "remove", "find",
    "aggregate", "count", "distinct", "findAndModify", "findandmodify", "insert", "delete", "collection",
)  # fmt: skip
"""Parts of a command that its question consists of; the first twelve hold its values."""
VALUE_PARTS = 12
LIMIT, SKIP = PARTS.index("limit") + 1, PARTS.index("skip") + 1
"""Places of these parts, counted from one as DuckDB does."""


def selection(kind: Kind) -> str:
    """The SELECT list that takes every fact out of ``facts``, a list of texts in the order of :func:`paths`."""
    columns = [f"facts[{place}] AS {name}" for place, name in enumerate(TEXTS, 1)]
    number = (
        "TRY_CAST(facts[{}] AS BIGINT)"
        if kind is Kind.LOG
        else "TRY_CAST(regexp_extract(facts[{}], '-?\\d+') AS BIGINT)"
    )
    columns += [f"{number.format(place)} AS {name}" for place, name in enumerate(NUMBERS, len(TEXTS) + 1)]
    return ", ".join(columns)


def paths(kind: Kind) -> str:
    """The JSON paths as a DuckDB list."""
    column = 0 if kind is Kind.LOG else 1
    found = [pair[column] for pair in (*TEXTS.values(), *NUMBERS.values())]
    return "[" + ", ".join(f"'{path}'" for path in found) + "]"


def part_paths() -> str:
    """The paths of :data:`PARTS` as a DuckDB list."""
    return "[" + ", ".join(f"'$.{part}'" for part in PARTS) + "]"
