"""Where each fact stands: in a log line's ``attr`` and in the profiler's document the names differ."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.mongo.logs.looking import Kind

TEXTS: Mapping[str, tuple[str, str]] = {
    "ended": ('$.t."$date"', '$.ts."$date"'),
    "kind_of": ("$.attr.type", "$.op"),
    "ns": ("$.attr.ns", "$.ns"),
    "application": ("$.attr.appName", "$.appName"),
    "command": ("$.attr.command", "$.command"),
    "originating": ("$.attr.originatingCommand", "$.originatingCommand"),
    "plan_summary": ("$.attr.planSummary", "$.planSummary"),
    "has_sort": ("$.attr.hasSortStage", "$.hasSortStage"),
    "used_disk": ("$.attr.usedDisk", "$.usedDisk"),
    "query_hash": ("$.attr.queryHash", "$.queryHash"),
    "cursor": ("$.attr.cursorid", "$.cursorid"),
    "remote": ("$.attr.remote", "$.client"),
    "error": ("$.attr.errCode", "$.errCode"),
    "connection": ("$.ctx", "$.connectionId"),
    "truncated": ("$.truncated", "$.truncated"),
    "lsid_uuid": ('$.attr.command.lsid.id."$uuid"', '$.command.lsid.id."$uuid"'),
    "lsid_binary": ('$.attr.command.lsid.id."$binary".base64', '$.command.lsid.id."$binary".base64'),
    "comment": ("$.attr.command.comment", "$.command.comment"),
    "autocommit": ("$.attr.command.autocommit", "$.command.autocommit"),
    "id": ("$.id", "$.op"),
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


def selection(kind: Kind) -> str:
    """The SELECT list that takes every fact out of ``facts``, a list of texts in the order of :func:`paths`."""
    columns = [f"facts[{place}] AS {name}" for place, name in enumerate(TEXTS, 1)]
    plain = "TRY_CAST(facts[{}] AS BIGINT)"
    wrapped = "TRY_CAST(regexp_extract(facts[{}], '-?\\d+') AS BIGINT)"
    number = plain if kind is Kind.LOG else wrapped
    columns += [f"{number.format(place)} AS {name}" for place, name in enumerate(NUMBERS, len(TEXTS) + 1)]
    return ", ".join(columns)


def paths(kind: Kind) -> str:
    """The JSON paths as a DuckDB list."""
    column = 0 if kind is Kind.LOG else 1
    found = [pair[column] for pair in (*TEXTS.values(), *NUMBERS.values())]
    return "[" + ", ".join(f"'{path}'" for path in found) + "]"
