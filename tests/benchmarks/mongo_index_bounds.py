"""Filters as MongoDB's planner sees them: conjuncts, whether a document matches, and each field's bounds in an index.

Values are ranked in BSON's order, so that bounds are pairs of whole numbers. Used by ``mongo_index_model``.
"""

from __future__ import annotations

import itertools
import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np

LOWEST, HIGHEST = -(1 << 60), 1 << 60
Interval = tuple[int, int]
Conjunct = tuple[str, str, Any]
"""(path, operator, operand); an operator with ``*`` is part of an ``$elemMatch``."""
_NULL, _NUMBER, _STRING, _OBJECT, _ARRAY, _BOOL, _DATE = range(7)
_TYPES = {"number": _NUMBER, "int": _NUMBER, "string": _STRING, "bool": _BOOL, "date": _DATE}


def ordered(value: Any) -> tuple[Any, ...]:
    """A value as BSON sorts it: its type first."""
    if value is None:
        return (_NULL,)
    if isinstance(value, bool):
        return (_BOOL, value)
    if isinstance(value, int | float):
        return (_NUMBER, value)
    if isinstance(value, str):
        return (_STRING, value)
    if isinstance(value, datetime):
        return (_DATE, value.timestamp())
    return (_OBJECT if isinstance(value, dict) else _ARRAY, json.dumps(value, default=str))


def reached(document: Any, path: str) -> tuple[list[Any], str]:
    """The values at a path, with the path of the array that they come from (empty: none)."""
    head, _, rest = path.partition(".")
    value = document.get(head) if isinstance(document, dict) else None
    if isinstance(value, list):
        found = [reached(part, rest)[0][0] if rest else part for part in value]
        return found or [None], head
    if rest:
        below, array = reached(value, rest)
        return below, f"{head}.{array}" if array else ""
    return [value], ""


def conjuncts(condition: dict[str, Any]) -> tuple[list[Conjunct], list[dict[str, Any]]]:
    """(conjuncts, arms of the $or) of a filter."""
    found: list[Conjunct] = []
    arms: list[dict[str, Any]] = []
    for name, value in condition.items():
        if name == "$and":
            for part in value:
                more, other = conjuncts(part)
                found += more
                arms += other
        elif name == "$or":
            arms = value
        elif isinstance(value, dict) and next(iter(value), "").startswith("$"):
            found += _operators(name, value)
        else:
            found.append((name, "$eq", value))
    return found, arms


def _operators(name: str, value: dict[str, Any]) -> Iterator[Conjunct]:
    for operator, given in value.items():
        if operator == "$regex":
            yield name, operator, (given, value.get("$options", ""))
        elif operator == "$elemMatch" and next(iter(given)).startswith("$"):
            yield name, operator, given
        elif operator == "$elemMatch":
            yield name, "$elemObject", given
            yield from ((f"{name}.{inner}", f"{how}*", what) for inner, how, what in conjuncts(given)[0])
        elif operator == "$all":
            yield from ((name, "$eq", part) for part in given)
        elif operator != "$options":
            yield name, operator, given


def holds(values: list[Any], operator: str, given: Any) -> bool:
    """Whether a document with these values at the path matches."""
    if operator.endswith("*"):
        return True  # part of an $elemMatch, judged whole
    if operator == "$elemObject":
        asked = conjuncts(given)[0]
        return any(isinstance(v, dict) and all(holds(reached(v, n)[0], op, g) for n, op, g in asked) for v in values)
    positive = {"$ne": "$eq", "$nin": "$in"}.get(operator, operator)
    return any(_holds(value, positive, given) for value in values) == (positive == operator)


def _holds(value: Any, operator: str, given: Any) -> bool:
    if operator == "$eq":
        return ordered(value) == ordered(given)
    if operator == "$in":
        return any(ordered(value) == ordered(part) for part in given)
    if operator == "$elemMatch":
        return all(holds([value], op, part) for op, part in given.items())
    if operator == "$exists":
        return bool((value is not None) == given)
    if operator == "$type":
        return bool(ordered(value)[0] == _TYPES[given])
    if operator == "$mod":
        return isinstance(value, int) and value % given[0] == given[1]
    if operator == "$regex":
        flags = re.IGNORECASE if "i" in given[1] else 0
        return isinstance(value, str) and re.search(given[0], value, flags) is not None
    own, bound = ordered(value), ordered(given)
    if own[0] != bound[0]:
        return False
    return {"$gt": own > bound, "$gte": own >= bound, "$lt": own < bound, "$lte": own <= bound}[operator]


class Field:
    """One path of a collection: its values by document, and the rank of each distinct one (even; odd lies between)."""

    def __init__(self, documents: Sequence[dict[str, Any]], path: str) -> None:
        found = [reached(document, path) for document in documents]
        self.values = [values for values, _ in found]
        self.array = next((array for _, array in found if array), "")
        raw = {ordered(value): value for values in self.values for value in values}
        self.distinct = sorted(raw)
        self._raw = [raw[value] for value in self.distinct]
        self._holding: dict[str, bytes] = {}
        place = {value: 2 * number for number, value in enumerate(self.distinct)}
        self.ranks = [[place[ordered(value)] for value in values] for values in self.values]
        self.first = np.array([ranks[0] for ranks in self.ranks])

    def holding(self, operator: str, given: Any) -> bytes:
        """For each document whether it matches; each distinct value is judged once."""
        asked = f"{operator} {given}"
        if asked not in self._holding:
            self._holding[asked] = bytes(self._held(operator, given))
        return self._holding[asked]

    def _held(self, operator: str, given: Any) -> Iterator[bool]:
        if operator.endswith("*") or operator == "$elemObject":
            return (holds(values, operator, given) for values in self.values)
        positive = {"$ne": "$eq", "$nin": "$in"}.get(operator, operator)
        listed = {ordered(part) for part in given} if positive == "$in" else set()
        each = [value in listed if listed else _holds(raw, positive, given)
                for value, raw in zip(self.distinct, self._raw, strict=True)]  # fmt: skip
        return (any(each[rank // 2] for rank in ranks) == (positive == operator) for ranks in self.ranks)

    def rank(self, value: tuple[Any, ...]) -> int:
        number = bisect_left(self.distinct, value)
        present = number < len(self.distinct) and self.distinct[number] == value
        return 2 * number if present else 2 * number - 1

    def bounds(self, operator: str, given: Any) -> tuple[list[Interval], str]:
        """(intervals, how sure they are: exact, key when the key must be tested too, fetch when the document must)."""
        operator = operator.removesuffix("*")
        if operator in ("$eq", "$in"):
            values = [given] if operator == "$eq" else given
            points = sorted({self.rank(ordered(value)) for value in values})
            return [(p, p) for p in points], "fetch" if None in values else "exact"
        if operator in ("$ne", "$nin"):
            points = sorted({self.rank(ordered(value)) for value in ([given] if operator == "$ne" else given)})
            edges = [LOWEST, *itertools.chain.from_iterable((p - 1, p + 1) for p in points), HIGHEST]
            return list(zip(edges[::2], edges[1::2], strict=True)), "exact"
        if operator == "$exists":
            return ([(LOWEST, HIGHEST)] if given else [(self.rank((_NULL,)),) * 2]), "fetch"
        if operator == "$type":
            return [self._bracket(_TYPES[given])], "fetch"
        if operator == "$regex":
            return self._regex(*given)
        if operator in ("$gt", "$gte", "$lt", "$lte"):
            low, high = self._bracket(ordered(given)[0])
            at = self.rank(ordered(given))
            ends = {"$gt": (at + 1, high), "$gte": (at, high), "$lt": (low, at - 1), "$lte": (low, at)}
            return [ends[operator]], "exact"
        return [(LOWEST, HIGHEST)], "fetch"

    def _bracket(self, kind: int) -> Interval:
        return self.rank((kind,)), self.rank((kind + 1,)) - 1

    def _regex(self, pattern: str, options: str) -> tuple[list[Interval], str]:
        found = re.match(r"\^([\w@ -]+)(.*)", pattern)
        if "i" in options or not found:
            return [self._bracket(_STRING)], "key"
        prefix, rest = found.groups()
        if rest[:1] in ("*", "?"):
            prefix = prefix[:-1]
        above = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        return [(self.rank((_STRING, prefix)), self.rank((_STRING, above)) - 1)], "key" if rest else "exact"
