"""The first line of a node in EXPLAIN's text form: ``Index Scan using a on public.b c``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NAME = re.compile(r'"(?:[^"]|"")*"|[^\s."]+')
_JOIN = re.compile(
    r"(?P<kind>Hash|Merge|Nested Loop)(?: (?P<type>Left|Right|Full|Semi|Anti|Right Anti|Right Semi))?(?: Join)?\Z"
)
_AGGREGATES = {
    "Aggregate": "Plain",
    "GroupAggregate": "Sorted",
    "HashAggregate": "Hashed",
    "MixedAggregate": "Mixed",
}
_CHANGES = ("Insert", "Update", "Delete", "Merge")
_MODES = ("Partial", "Finalize", "Simple")

_LEAVES = frozenset([
    "Seq Scan", "Sample Scan", "Index Scan", "Index Only Scan", "Bitmap Index Scan", "Tid Scan", "Tid Range Scan",
    "Function Scan", "Table Function Scan", "Values Scan", "CTE Scan", "Named Tuplestore Scan", "WorkTable Scan",
    "Foreign Scan", "Custom Scan",
])  # fmt: skip
_MANY = frozenset(["Append", "Merge Append", "BitmapAnd", "BitmapOr"])
_PAIRS = frozenset(["Nested Loop", "Hash Join", "Merge Join", "Recursive Union"])
_OTHERS = frozenset([
    "Result", "ProjectSet", "ModifyTable", "Bitmap Heap Scan", "Subquery Scan", "Materialize", "Memoize", "Sort",
    "Incremental Sort", "Group", "Aggregate", "WindowAgg", "Unique", "SetOp", "LockRows", "Limit", "Hash", "Gather",
    "Gather Merge",
])  # fmt: skip
_KNOWN = _LEAVES | _MANY | _PAIRS | _OTHERS
_PLENTY = 1 << 30


def arity(properties: Mapping[str, Any]) -> int:
    """How many inputs a node of this kind has; appends take any number."""
    kind = properties["Node Type"]
    if kind in _MANY:
        return _PLENTY
    if kind in _PAIRS:
        return 2
    return 0 if kind in _LEAVES or (kind == "Result" and "Total Cost" in properties) else 1


def is_label(name: str) -> bool:
    """Whether a line without an arrow names a node of a kind that PostgreSQL has."""
    if not name or not name[0].isupper() or len(name) > 2_000:
        return False
    return str(label(name)["Node Type"]) in _KNOWN or name.startswith("Custom Scan (")


def label(name: str) -> dict[str, Any]:
    """Take a node's first line apart, up to its costs. Linear in its length.

    >>> label("Parallel Index Only Scan Backward using a_b on zoo.animal x")["Relation Name"]
    'animal'
    """
    found: dict[str, Any] = {}
    kind, target = _parted(name, " on ")
    kind, index = _parted(kind, " using ")
    if kind.startswith("Async "):
        kind = kind.removeprefix("Async ")
    if kind.startswith("Parallel ") and kind != "Parallel ":
        kind, found["Parallel Aware"] = kind.removeprefix("Parallel "), True
    for mode in _MODES:
        if kind.startswith(mode + " "):
            kind, found["Partial Mode"] = kind.removeprefix(mode + " "), mode
    if kind.endswith(" Backward"):
        kind, found["Scan Direction"] = kind.removesuffix(" Backward"), "Backward"
    if index:
        found["Index Name"] = _unquoted(index)
    found["Node Type"] = kind
    _kind(found, kind)
    if target:
        _target(found, target)
    return found


def _parted(text: str, separator: str) -> tuple[str, str]:
    head, _, tail = text.partition(separator)
    return head.strip(), tail.strip()


def _kind(found: dict[str, Any], kind: str) -> None:
    if kind in _AGGREGATES:
        found |= {"Partial Mode": "Simple"} | found | {"Node Type": "Aggregate", "Strategy": _AGGREGATES[kind]}
    elif kind.removeprefix("Hash").startswith("SetOp"):
        found |= {"Node Type": "SetOp", "Strategy": "Hashed" if kind.startswith("Hash") else "Sorted"}
        found["Command"] = kind.partition(" ")[2]
    elif kind in _CHANGES:
        found |= {"Node Type": "ModifyTable", "Operation": kind}
    elif kind.startswith("Foreign ") and kind.partition(" ")[2] in _CHANGES:
        found |= {"Node Type": "Foreign Scan", "Operation": kind.partition(" ")[2]}
    elif kind.startswith("Custom Scan ("):
        found |= {"Node Type": "Custom Scan", "Custom Plan Provider": kind[len("Custom Scan (") :].rstrip(")")}
    elif kind != "Hash" and (join := _JOIN.match(kind)):
        found |= {"Node Type": join["kind"] + ("" if join["kind"] == "Nested Loop" else " Join")}
        found["Join Type"] = join["type"] or "Inner"


def _target(found: dict[str, Any], target: str) -> None:
    """``schema.name alias`` behind "on"; what the name is depends on the kind."""
    qualified, alias = _names(target)
    name, kind = qualified[-1], found["Node Type"]
    if kind == "Bitmap Index Scan":
        found["Index Name"] = name
        return
    found["Alias"] = alias or name
    if kind in ("CTE Scan", "WorkTable Scan"):
        found["CTE Name"] = name
    elif kind in ("Function Scan", "Table Function Scan"):
        found["Function Name"] = name
    elif kind not in ("Subquery Scan", "Values Scan", "Named Tuplestore Scan", "Result"):
        found["Relation Name"] = name
        if len(qualified) > 1:
            found["Schema"] = qualified[-2]


def _names(target: str) -> tuple[list[str], str]:
    names: list[str] = []
    position = 0
    while match := _NAME.match(target, position):
        names.append(_unquoted(match.group()))
        position = match.end()
        if target[position : position + 1] != ".":
            break
        position += 1
    rest = _NAME.match(target, position + 1)
    return names or [target], _unquoted(rest.group()) if rest else ""


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if len(name) > 1 and name[0] == name[-1] == '"' else name
