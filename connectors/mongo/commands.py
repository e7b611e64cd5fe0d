"""A command as sent -> its canonical text: JSON with a mark for every value, so that equal questions are equal texts.

Marks tell a value's BSON type (``"?string"``, ``"?number"``, …), as ``$queryStats`` writes its shapes. What the planner
treats differently stays different: one value in ``$in``, several, more than it explodes for a sort; a regular
expression that starts with a literal prefix or not; null; ``$exists: true`` or ``false``. Nothing of a value is kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

MAX_SCANS_TO_EXPLODE = 200
"""internalQueryMaxScansToExplode: up to so many point intervals are merged in the order of a sort (manual, $in)."""

READ_FIELDS = (
    "filter",
    "query",
    "q",
    "pipeline",
    "sort",
    "projection",
    "fields",
    "hint",
    "collation",
    "min",
    "max",
    "key",
)
"""What of a command makes its shape, beside the namespace."""

COMMANDS = ("find", "aggregate", "count", "distinct", "findAndModify", "findandmodify", "insert", "update", "delete")

_WRAPPERS: Mapping[str, str] = {
    "$oid": "objectId",
    "$date": "date",
    "$numberLong": "number",
    "$numberInt": "number",
    "$numberDouble": "number",
    "$numberDecimal": "number",
    "$uuid": "uuid",
    "$binary": "binData",
    "$timestamp": "timestamp",
    "$regularExpression": "regex",
    "$minKey": "minKey",
    "$maxKey": "maxKey",
    "$symbol": "string",
    "$code": "code",
    "$dbPointer": "dbPointer",
    "$undefined": "null",
}
ANCHORED = re.compile(r"\^\w(?:[^\"|\\]|\\[^|\"])*\Z")
"""A regular expression that an index can seek: a literal prefix after ``^`` and no alternative (manual, $regex)."""
_KEPT_FLAGS = frozenset({"$exists", "multi", "upsert", "remove", "new", "preserveNullAndEmptyArrays"})
# Strings in a pipeline that name something; every other string is a value.
NAMES = frozenset(
    {"from", "localField", "foreignField", "as", "connectFromField", "connectToField", "coll", "into", "path", "db",
     "locale", "includeArrayIndex", "distanceField", "unit", "key", "newRoot", "field"}
)  # fmt: skip


def canonical(command: Mapping[str, Any], database: str, originating: Mapping[str, Any] | None = None) -> str:
    """The text of a command (extended JSON, as a log or the profiler shows it); a getMore's is its originating one.

    A profiler's or log's write entry (``{q, u, multi}``) is written as ``{"update": …}`` by its caller through
    ``$op`` and ``$collection``, which this function takes from the command.
    """
    if originating:
        command = originating
    name = next((key for key in (*COMMANDS, "remove") if isinstance(command.get(key), str)), "")
    text: dict[str, Any] = {}
    operation, collection = (name, command.get(name, "")) if name else ("other", "")
    if "$op" in command:
        operation, collection = command["$op"], command["$collection"]
    operation = "findAndModify" if operation == "findandmodify" else operation
    text[operation] = collection
    text["$db"] = command.get("$db") or database
    condition = next((command[key] for key in ("filter", "query", "q") if key in command), None)
    if condition is not None:
        text["filter"] = predicate(condition)
    if isinstance(command.get("pipeline"), Sequence):
        text["pipeline"] = [stage(part) for part in command["pipeline"] if isinstance(part, Mapping)]
    _options(command, text)
    _written(command, text)
    return json.dumps(text, separators=(",", ":"), ensure_ascii=False)


def _options(command: Mapping[str, Any], text: dict[str, Any]) -> None:
    if isinstance(command.get("key"), str):
        text["key"] = command["key"]
    for key in ("sort", "hint", "collation"):
        if command.get(key):
            text[key] = command[key]
    projection = command.get("projection") or command.get("fields")
    if projection:
        text["projection"] = expression(projection)
    for key in ("limit", "skip"):
        if command.get(key):
            text[key] = 1 if command[key] == 1 else "?number"


def _written(command: Mapping[str, Any], text: dict[str, Any]) -> None:
    change = command.get("u", command.get("update") if not isinstance(command.get("update"), str) else None)
    if isinstance(change, Mapping):
        operators = {
            key: sorted(value) for key, value in change.items() if key[:1] == "$" and isinstance(value, Mapping)
        }
        text["u"] = operators or "?document"
    elif isinstance(change, Sequence) and not isinstance(change, str):
        text["u"] = [stage(part) for part in change if isinstance(part, Mapping)]
    for flag in ("multi", "upsert", "remove"):
        if command.get(flag) is True:
            text[flag] = True


def mark(value: Any) -> str:
    """The mark of one value's type."""
    if isinstance(value, bool):
        return "?bool"
    if isinstance(value, str):
        return "?string"
    if isinstance(value, int | float):
        return "?number"
    if isinstance(value, Mapping):
        wrapper = next(iter(value), "")
        return "?" + _WRAPPERS.get(wrapper, "object")
    return "?array" if isinstance(value, Sequence) else "?" + type(value).__name__.lower()


def is_value(value: Any) -> bool:
    """Whether an extended-JSON mapping stands for one BSON value."""
    return isinstance(value, Mapping) and 0 < len(value) <= 2 and next(iter(value)) in _WRAPPERS


def regex_mark(pattern: Any, options: Any) -> str:
    """``?regex^`` when an index can seek it, ``?regexi`` when it ignores case, else ``?regex``."""
    if "i" in str(options or ""):
        return "?regexi"
    return "?regex^" if isinstance(pattern, str) and ANCHORED.match(pattern) else "?regex"


def predicate(condition: Any) -> Any:
    """A filter with its values as marks, fields in alphabetical order (their order means nothing to the planner)."""
    if not isinstance(condition, Mapping):
        return mark(condition)
    found = {}
    for key, value in sorted(condition.items(), key=lambda item: item[0]):
        if key in ("$and", "$or", "$nor") and isinstance(value, Sequence):
            found[key] = [predicate(arm) for arm in value]
        elif key == "$expr":
            found[key] = expression(value)
        elif key in ("$comment", "comment"):
            continue
        elif key in ("$text", "$where", "$jsonSchema"):
            found[key] = "?" + key[1:]
        else:
            found[key] = _comparison(value)
    return found


def _comparison(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, Mapping) and not is_value(value):
        if not any(key.startswith("$") for key in value):
            return "?object"
        if "$regex" in value:
            kept = {key: _operator(key, part) for key, part in value.items() if key not in ("$regex", "$options")}
            return {"$regex": regex_mark(_pattern(value["$regex"]), value.get("$options")), **kept}
        return {key: _operator(key, part) for key, part in sorted(value.items())}
    if isinstance(value, Mapping) and "$regularExpression" in value:
        return {"$regex": _regex(value)}
    return mark(value)


def _regex(value: Mapping[str, Any]) -> str:
    inner = value["$regularExpression"]
    return regex_mark(inner.get("pattern"), inner.get("options")) if isinstance(inner, Mapping) else "?regex"


def _pattern(value: Any) -> Any:
    inner = value.get("$regularExpression") if isinstance(value, Mapping) else {"pattern": value}
    return inner.get("pattern") if isinstance(inner, Mapping) else None


def _operator(key: str, value: Any) -> Any:
    if key in _KEPT_FLAGS or key == "$type":
        return value if isinstance(value, bool | str | int) else "?type"
    if key in ("$in", "$nin", "$all") and isinstance(value, Sequence) and not isinstance(value, str):
        marks = sorted({_element(part) for part in value}) or ["?null"]
        return marks * 1 if len(value) == 1 else [marks[0]] * (3 if len(value) > MAX_SCANS_TO_EXPLODE else 2)
    if key == "$elemMatch" and isinstance(value, Mapping):
        bare = any(part.startswith("$") and part not in ("$and", "$or", "$nor") for part in value)
        return _comparison(value) if bare else predicate(value)
    if key == "$not":
        return _comparison(value)
    if key in ("$geoWithin", "$geoIntersects", "$near", "$nearSphere", "$within"):
        return "?geometry"
    return None if value is None else mark(value)


def _element(value: Any) -> str:
    if isinstance(value, Mapping) and "$regularExpression" in value:
        return _regex(value)
    return "?null" if value is None else mark(value)


def stage(part: Mapping[str, Any]) -> dict[str, Any]:
    """One pipeline stage."""
    found: dict[str, Any] = {}
    for key, value in part.items():
        if key == "$match":
            found[key] = predicate(value)
        elif key in ("$limit", "$skip", "$sample"):
            found[key] = 1 if value == 1 else "?number"
        elif key == "$sort":
            found[key] = value
        elif key == "$facet" and isinstance(value, Mapping):
            found[key] = {name: _pipeline(inner) for name, inner in value.items()}
        elif key in ("$lookup", "$unionWith", "$graphLookup") and isinstance(value, Mapping):
            found[key] = {name: _join_part(name, inner) for name, inner in value.items()}
        elif key == "$geoNear" and isinstance(value, Mapping):
            found[key] = {"query": predicate(value.get("query", {})), "key": value.get("key", "")}
        else:
            found[key] = expression(value)
    return found


def _pipeline(value: Any) -> list[Any]:
    return [stage(part) for part in value if isinstance(part, Mapping)] if isinstance(value, Sequence) else []


def _join_part(name: str, value: Any) -> Any:
    if name == "pipeline":
        return _pipeline(value)
    return predicate(value) if name == "restrictSearchWithMatch" else expression(value, name)


def expression(value: Any, key: str = "") -> Any:
    """An aggregation expression: field paths, operators and the numbers 0, 1, -1 stay; other constants are marks."""
    if isinstance(value, Mapping):
        if is_value(value):
            return mark(value)
        return {name: expression(inner, name) for name, inner in value.items()}
    if isinstance(value, str):
        return value if value.startswith("$") or key in NAMES else "?string"
    if isinstance(value, bool) or value is None or value in (0, 1, -1):
        return value
    if isinstance(value, Sequence):
        parts = [expression(inner, key) for inner in value]
        marks = parts and all(isinstance(part, str) and part.startswith("?") for part in parts)
        return ["?array"] if marks and len(parts) > 1 else parts
    return mark(value)
