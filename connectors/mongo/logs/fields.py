"""Where each fact stands: in a log line's ``attr`` and in the profiler's document the names differ."""

from __future__ import annotations

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
    "build": (("attr", "buildInfo", "version"), ("buildInfo", "version")),
}
"""Texts, with their paths in a log line and in a profiler's document; an object's text is its JSON."""

COMMANDS: Mapping[str, tuple[Path, Path]] = {
    "command": (("attr", "command"), ("command",)),
    "originating": (("attr", "originatingCommand"), ("originatingCommand",)),
}
"""The command, and the one that opened the cursor of a getMore; of both only what is named here is taken."""

OPENING = (
    "find", "aggregate", "filter", "pipeline", "sort", "projection", "limit", "skip", "hint", "collation", "min", "max",
    "let",
)  # fmt: skip
PARTS = (
    "find", "aggregate", "findAndModify", "count", "distinct", "insert", "query", "q", *OPENING[2:], "fields", "key",
    "u", "update", "remove", "multi", "upsert", "arrayFilters",
)  # fmt: skip
"""What a command asks, by name and in the order in which it is written out, and what one asks that opens a cursor; each
is JSON."""
OF_BULK = {
    "u": 'coalesce(command.u, command."updateMods")',
    "update": 'CASE WHEN NOT bulk THEN command."update" END',
    "insert": "CASE WHEN NOT bulk THEN command.insert END",
}
"""Parts that the statements of a bulkWrite name otherwise, or that are places in its namespaces."""
_FIELDS: Mapping[str, Any] = {
    "command": {
        **dict.fromkeys((*PARTS, "delete", "getMore", "bulkWrite", "updateMods", "autocommit"), "JSON"),
        **dict.fromkeys(("$db", "comment", "txnNumber"), "VARCHAR"),
        "lsid": {"id": {"$uuid": "VARCHAR", "$binary": {"base64": "VARCHAR"}}},
    },
    "originating": dict.fromkeys(OPENING, "JSON"),
}
"""A command as read: its parts, what else tells its kind, and the session and comment that drivers add."""

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


def columns(kind: Kind) -> str:
    """The ``columns`` that ``read_json`` takes out of a line: nested structs with the facts, all else passed over."""
    found: dict[str, Any] = {}
    for name, path in _paths(kind).items():
        place = found
        for step in path[:-1]:
            place = place.setdefault(step, {})
        place[path[-1]] = _FIELDS.get(name, "VARCHAR")
    return "{" + ", ".join(f"'{name}': '{_type(inner)}'" for name, inner in found.items()) + "}"


def selection(kind: Kind) -> str:
    """The SELECT list that takes every fact out of :func:`columns`, and ``facts_missing`` where a line is no JSON."""
    taken = {
        name: '"' + path[0] + '"' + "".join(f"['{step}']" for step in path[1:]) for name, path in _paths(kind).items()
    }
    # Extended JSON may wrap counts.
    wrapped = "coalesce(TRY_CAST({0} AS BIGINT), TRY_CAST(regexp_extract({0}, '-?\\d+') AS BIGINT))"
    taken |= {name: wrapped.format(taken[name]) for name in NUMBERS}
    missing = " AND ".join(f'"{name}" IS NULL' for name in dict.fromkeys(path[0] for path in _paths(kind).values()))
    return ", ".join([*(f"{text} AS {name}" for name, text in taken.items()), f"{missing} AS facts_missing"])


def written_out() -> str:
    """An expression for a command as JSON: its parts, or those of the command that opened a getMore's cursor."""
    parts = [
        f"""'"{name}":' || """
        + (
            f'coalesce(originating."{name}", command."{name}")'
            if name in OPENING
            else OF_BULK.get(name, f'command."{name}"')
        )
        for name in PARTS
    ]
    parts.insert(
        0,
        """CASE WHEN operation = 'findAndModify' AND command."findAndModify" IS NULL
        THEN '"findAndModify":' || to_json(substr(ns, instr(ns, '.') + 1)) END""",
    )
    # The namespace tells the database, but for a router's of another.
    parts.append("""CASE WHEN NOT starts_with(ns, command."$db" || '.') THEN '"$db":' || to_json(command."$db") END""")
    return "'{' || concat_ws(',', " + ", ".join(parts) + ") || '}'"


def _type(inner: Any) -> str:
    if isinstance(inner, str):
        return inner
    return "STRUCT(" + ", ".join(f'"{name}" {_type(part)}' for name, part in inner.items()) + ")"


def _paths(kind: Kind) -> Mapping[str, Path]:
    column = 0 if kind is Kind.LOG else 1
    return {name: pair[column] for name, pair in {**TEXTS, **COMMANDS, **NUMBERS}.items()}
