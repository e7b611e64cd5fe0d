"""Where each fact stands: in a log line's ``attr`` and in the profiler's document the names differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connectors.mongo.logs.looking import Kind

Path = tuple[str, ...]

TEXTS: Mapping[str, tuple[Path, Path]] = {
    "ended": (("t", "$date"), ("ts", "$date")),
    "id": (("id",), ("op",)),
    "kind_of": (("attr", "type"), ("op",)),
    "ns": (("attr", "ns"), ("ns",)),
    "application": (("attr", "appName"), ("appName",)),
    "command": (("attr", "command"), ("command",)),
    "originating": (("attr", "originatingCommand"), ("originatingCommand",)),
    "plan_summary": (("attr", "planSummary"), ("planSummary",)),
    "has_sort": (("attr", "hasSortStage"), ("hasSortStage",)),
    "used_disk": (("attr", "usedDisk"), ("usedDisk",)),
    "query_hash": (("attr", "queryHash"), ("queryHash",)),
    "shape_hash": (("attr", "planCacheShapeHash"), ("planCacheShapeHash",)),
    "cursor": (("attr", "cursorid"), ("cursorid",)),
    "exhausted": (("attr", "cursorExhausted"), ("cursorExhausted",)),
    "remote": (("attr", "remote"), ("client",)),
    "error": (("attr", "errCode"), ("errCode",)),
    "connection": (("ctx",), ("connectionId",)),
    "truncated": (("truncated",), ("truncated",)),
}
"""Texts, with their paths in a log line and in a profiler's document; an object's text is its JSON."""

NUMBERS: Mapping[str, tuple[Path, Path]] = {
    "ms": (("attr", "durationMillis"), ("millis",)),
    "keys": (("attr", "keysExamined"), ("keysExamined",)),
    "documents": (("attr", "docsExamined"), ("docsExamined",)),
    "returned": (("attr", "nreturned"), ("nreturned",)),
    "bytes": (("attr", "reslen"), ("responseLength",)),
    "inserted": (("attr", "ninserted"), ("ninserted",)),
    "keys_written": (("attr", "keysInserted"), ("keysInserted",)),
    "matched": (("attr", "nMatched"), ("nMatched",)),
    "deleted": (("attr", "ndeleted"), ("ndeleted",)),
    "locked": (("attr", "locks", "Collection", "acquireCount", "w"), ("locks", "Collection", "acquireCount", "w")),
    "yields": (("attr", "numYields"), ("numYield",)),
    "tickets": (("attr", "flowControl", "acquireCount"), ("flowControl", "acquireCount")),
}
"""Counts, the same way; extended JSON may wrap them."""


def structure(kind: Kind) -> str:
    """What ``json_transform`` makes of a line: nested structs with the facts, all of them texts."""
    found: dict[str, Any] = {}
    for path in _paths(kind).values():
        place = found
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = "VARCHAR"
    return json.dumps(found)


def selection(kind: Kind) -> str:
    """The SELECT list that takes every fact out of ``facts``, a struct of :func:`structure`."""
    plain = "TRY_CAST({} AS BIGINT)"
    wrapped = "TRY_CAST(regexp_extract({}, '-?\\d+') AS BIGINT)"
    number = plain if kind is Kind.LOG else wrapped
    columns = []
    for name, path in _paths(kind).items():
        taken = "facts" + "".join(f"['{step}']" for step in path)
        columns.append(f"{number.format(taken) if name in NUMBERS else taken} AS {name}")
    return ", ".join(columns)


def _paths(kind: Kind) -> Mapping[str, Path]:
    column = 0 if kind is Kind.LOG else 1
    return {name: pair[column] for name, pair in {**TEXTS, **NUMBERS}.items()}
