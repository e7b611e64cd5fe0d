"""PyMongo 4, sync and async (Beanie too): a ``CommandListener``, the driver's public hook."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any

from connectors.mongo.commands import MAX_SCANS_TO_EXPLODE, NAMES, canonical

if TYPE_CHECKING:
    from advisor.record.recorder import Recorder

RECORDED = frozenset(
    {"find", "aggregate", "count", "distinct", "insert", "update", "delete", "findAndModify", "getMore"}
)  # fmt: skip
MOST_WAITING = 10_000
"""Commands and cursors that are remembered while they are under way; those of lost connections would pile up."""

# Types of BSON by their class's name, as extended JSON writes them: what the driver's own types are is its business.
_VALUES: Mapping[str, Any] = {
    "ObjectId": {"$oid": ""}, "datetime": {"$date": ""}, "DatetimeMS": {"$date": ""}, "UUID": {"$uuid": ""},
    "Binary": {"$binary": {}}, "bytes": {"$binary": {}}, "Decimal128": {"$numberDecimal": ""}, "Int64": 2,
    "Timestamp": {"$timestamp": {}}, "Code": {"$code": ""}, "MinKey": {"$minKey": 1}, "MaxKey": {"$maxKey": 1},
}  # fmt: skip
_WRITTEN = {"update": "updates", "delete": "deletes"}
# What of a command has values, what stands in its text as it is, and what a text leaves out.
_ASKED = ("filter", "query", "pipeline", "limit", "skip")
_SHAPED = frozenset({"filter", "query", "q", "pipeline", "u", "update", "projection", "fields", "limit", "skip"})
_AS_THEY_ARE = frozenset({"sort", "hint", "collation", "key", "new", "remove", "upsert", "multi"})
_LEFT_OUT = ("documents", "lsid", "$clusterTime", "$readPreference", "comment", "let")
_KEPT = NAMES | {"$regex", "$options"}
_SHORT = 8
"""Lists up to this length are told apart element by element, longer ones by the kinds of their elements."""


def listener(recorder: Recorder) -> tuple[Any, Callable[[], None]]:
    """``(a CommandListener, what stops it)``."""
    monitoring: Any = import_module("pymongo.monitoring")  # the application's own driver: nothing here depends on it
    commands = Commands(recorder)

    class Listener(monitoring.CommandListener):  # type: ignore[misc]  # the base is Any
        def started(self, event: Any) -> None:
            try:
                commands.started(event)
            except Exception:
                recorder.failures += 1

        def succeeded(self, event: Any) -> None:
            try:
                commands.succeeded(event)
            except Exception:
                recorder.failures += 1

        def failed(self, event: Any) -> None:
            try:
                commands.failed(event)
            except Exception:
                recorder.failures += 1

    return Listener(), commands.stop


class Commands:
    """From the start of a command to its end; the batches of a cursor are one command."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._under_way: dict[int, tuple[str, Mapping[str, Any]]] = {}
        self._cursors: dict[int, tuple[int, str, str]] = {}
        self._texts: dict[Any, str] = {}
        self._active = True

    def stop(self) -> None:
        """Pass over what comes from now on."""
        self._active = False

    def started(self, event: Any) -> None:
        """Remember what was asked: the end does not tell it."""
        if self._active and event.command_name in RECORDED:
            if len(self._under_way) >= MOST_WAITING:
                self._under_way.clear()
            self._under_way[event.request_id] = event.database_name, event.command

    def succeeded(self, event: Any) -> None:
        """Keep it, with how many documents came back or were changed."""
        found = self._under_way.pop(event.request_id, None)
        if found is None:
            return
        reply, seconds = event.reply, event.duration_micros / 1_000_000
        cursor = reply.get("cursor") or {}
        if event.command_name == "getMore":
            self._more(found[1]["getMore"], len(cursor.get("nextBatch", ())), seconds, bool(cursor.get("id")))
            return
        session, text = self._keep(*found, event, seconds, _rows(reply, cursor))
        if cursor.get("id"):
            if len(self._cursors) >= MOST_WAITING:
                self._cursors.clear()
            self._cursors[cursor["id"]] = len(self._recorder.events) - 1, session, text

    def failed(self, event: Any) -> None:
        """Keep it with the server's code."""
        found = self._under_way.pop(event.request_id, None)
        if found is not None and event.command_name != "getMore":
            code = str(event.failure.get("code") or "network")
            self._keep(*found, event, event.duration_micros / 1_000_000, None, code)

    def _keep(
        self, database: str, command: Mapping[str, Any], event: Any, seconds: float, rows: int | None, error: str = ""
    ) -> tuple[str, str]:
        statements = command.get(_WRITTEN.get(event.command_name, ""), ())
        values = [part["q"] for part in statements] or [command[part] for part in _ASKED if part in command]
        lsid = command.get("lsid")
        session = bytes(lsid["id"]).hex() if lsid else str(event.connection_id)
        text = self._text(database, command, statements)
        self._recorder.add(session, text, values, seconds, rows, error=error)
        return session, text

    def _more(self, cursor: int, rows: int, seconds: float, open_still: bool) -> None:
        """Add a batch to the command that opened the cursor."""
        told = self._cursors.get(cursor) if open_still else self._cursors.pop(cursor, None)
        if told is None:
            return
        place, session, text = told
        event = next(iter(self._recorder.events[place : place + 1]), None)
        if event is not None and (event.session, event.text) == (session, text):
            added = event._replace(seconds=event.seconds + seconds, rows=(event.rows or 0) + rows)
            self._recorder.events[place] = added

    def _text(self, database: str, command: Mapping[str, Any], statements: Sequence[Mapping[str, Any]]) -> str:
        name = next(iter(command))
        asked = statements[0] if statements else command
        found: list[Any] = [database, name, command[name], len(statements) > 1]
        for part, value in asked.items():
            if part in _AS_THEY_ARE:
                found += part, repr(value)
            elif part in _SHAPED:
                found += part, _skeleton(value)
        key = tuple(found)
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = _canonical(database, name, command, statements)
        return text


def _canonical(database: str, name: str, command: Mapping[str, Any], statements: Sequence[Mapping[str, Any]]) -> str:
    if statements:
        given = {**_extended(statements[0]), "$op": name, "$collection": command[name]}
    else:
        given = {part: _extended(value) for part, value in command.items() if part not in _LEFT_OUT}
    text = canonical(given, database)
    return f'{text[:-1]},"batch":true}}' if len(statements) > 1 else text


def _rows(reply: Mapping[str, Any], cursor: Mapping[str, Any]) -> int | None:
    if "firstBatch" in cursor:
        return len(cursor["firstBatch"])
    if "values" in reply:
        return len(reply["values"])
    rows = reply.get("n", (reply.get("lastErrorObject") or {}).get("n"))
    return rows if isinstance(rows, int) else None


def _extended(value: Any) -> Any:
    """A value as extended JSON, without what a canonical text leaves out: the end of a long list, and every value."""
    if isinstance(value, Mapping):
        return {key: _extended(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_extended(inner) for inner in islice(value, MAX_SCANS_TO_EXPLODE + 1)]
    if hasattr(value, "pattern"):
        flags = value.flags if isinstance(value.flags, int) else 0
        return {"$regularExpression": {"pattern": str(value.pattern), "options": "i" if flags & 2 else ""}}
    return _VALUES.get(type(value).__name__, value)


def _skeleton(value: Any) -> Any:
    """A key that is never coarser than the canonical text, cheap enough to be made with every command."""
    kind = value.__class__
    if kind is str:
        return value if value[:1] == "$" else "s"
    if kind is int or kind is float:
        return value if value in (0, 1, -1) else 2
    if kind is dict or isinstance(value, Mapping):
        return tuple([(k, v if k in _KEPT and isinstance(v, str) else _skeleton(v)) for k, v in value.items()])
    if kind is list or kind is tuple:
        kinds = [_skeleton(inner) for inner in islice(value, MAX_SCANS_TO_EXPLODE + 1)]
        return tuple(kinds) if len(kinds) <= _SHORT else (len(value) > MAX_SCANS_TO_EXPLODE, *dict.fromkeys(kinds))
    if kind is bool or value is None:
        return value
    return (value.pattern, value.flags) if hasattr(value, "pattern") else kind.__name__
