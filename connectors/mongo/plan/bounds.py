"""Index bounds in words without their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def bounds(given: Any) -> str:
    """Index bounds in words without their values: ``status: =, total: range, created_at: all``."""
    if not isinstance(given, Mapping):
        return ""
    first, last = given.get("startKey"), given.get("endKey")
    if isinstance(first, Mapping) and isinstance(last, Mapping):  # of a COUNT_SCAN
        return ", ".join(f"{field}: {_between(low, last.get(field))}" for field, low in first.items())
    return ", ".join(f"{field}: {_bound(parts)}" for field, parts in given.items())


def _between(low: Any, high: Any) -> str:
    if low == high:
        return "="
    ends = {str(key) for end in (low, high) for key in (end if isinstance(end, Mapping) else [end])}
    return "all" if ends in ({"$minKey", "$maxKey"}, {"MinKey", "MaxKey"}) else "range"


def _bound(parts: Any) -> str:
    if not isinstance(parts, Sequence) or isinstance(parts, str):
        return "special"
    if any("MinKey, MaxKey" in str(part) or "MaxKey, MinKey" in str(part) for part in parts):
        return "all"
    points = [_is_point(str(part)) for part in parts]
    if all(points):
        return "=" if len(parts) == 1 else f"{len(parts)} points"
    return "range" if len(parts) == 1 else f"{len(parts)} ranges"


def _is_point(bound: str) -> bool:
    if not (bound.startswith("[") and bound.endswith("]")):
        return False
    inner = bound[1:-1]
    half = (len(inner) - 2) // 2
    return len(inner) % 2 == 0 and inner[:half] == inner[half + 2 :]
