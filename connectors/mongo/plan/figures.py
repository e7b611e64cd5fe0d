"""Numbers and lists of an explain, whatever stands in their place: plain, in extended JSON, or something else."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any


def listed(value: Any) -> list[Mapping[str, Any]]:
    """The documents in a list; none where it is no list."""
    return [part for part in value if isinstance(part, Mapping)] if isinstance(value, list | tuple) else []


def number(value: Any) -> float:
    """A number, plain or in extended JSON; 0 for what is none, nor finite."""
    if isinstance(value, Mapping):
        if {"low", "high"} <= value.keys():  # a Long that was serialized as the JavaScript object that it is
            return number(value["low"]) % 2**32 + number(value["high"]) * 2**32
        value = next(iter(value.values()), 0)
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return found if isfinite(found) else 0.0


def optional(stage: Mapping[str, Any], *names: str) -> float | None:
    """The first of the fields that is told, as a number."""
    return next((number(stage[name]) for name in names if name in stage), None)


def count(stage: Mapping[str, Any], name: str) -> int | None:
    """A field that counts; ``None`` where it is not told."""
    return int(number(stage[name])) if name in stage else None
