"""A filter's conditions as predicates; ``sql`` holds the marks of the values that ranges and negations compare with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from advisor.model.catalog import TableName
from advisor.model.shape import Operand, Operator, Predicate
from advisor.shape.mql_effort import MANY

_RANGES = {"$gt": ">", "$gte": ">", "$lt": "<", "$lte": "<"}
_REGEX = {"?regex^": Operator.PREFIX, "?regexi": Operator.ILIKE}
_PLAIN = {
    "$ne": Operator.NOT_EQUAL,
    "$nin": Operator.NOT_EQUAL,
    "$all": Operator.CONTAINS,
    "$near": Operator.DISTANCE,
    "$nearSphere": Operator.DISTANCE,
    "$geoWithin": Operator.DISTANCE,
    "$geoIntersects": Operator.DISTANCE,
    "$within": Operator.DISTANCE,
    "$not": Operator.NOT_EQUAL,
}


def predicates(condition: Any, table: TableName) -> tuple[Predicate, ...]:
    """Every condition of a canonical filter, conjuncts first."""
    found = list(_conditions(condition, table, 0, count(1), ""))
    return tuple(sorted(found, key=lambda predicate: predicate.branch))


def _conditions(
    condition: Any, table: TableName, branch: int, branches: Iterator[int], prefix: str
) -> Iterator[Predicate]:
    if not isinstance(condition, Mapping):
        return
    for key, value in condition.items():
        if key == "$and":
            for part in value:
                yield from _conditions(part, table, branch, branches, prefix)
        elif key == "$or" and len(value) == 1:
            yield from _conditions(value[0], table, branch, branches, prefix)
        elif key == "$or":
            for part in value:
                # Arms of an $or inside an arm are taken as part of it: the planner flattens or gives up.
                yield from _conditions(part, table, branch or next(branches), branches, prefix)
        elif key == "$text":
            yield Predicate(table, "", Operator.TEXT_SEARCH, expression="$text", branch=branch, sql=key)
        elif key.startswith("$"):
            yield Predicate(table, "", Operator.OTHER, expression=key, branch=branch, sql=key)
        else:
            yield from _field(prefix + key, value, table, branch, branches)


def _field(column: str, value: Any, table: TableName, branch: int, branches: Iterator[int]) -> Iterator[Predicate]:
    if value is None:
        yield Predicate(table, column, Operator.IS_NULL, Operand.CONSTANT, constant="null", branch=branch)
        return
    if not isinstance(value, Mapping):
        yield Predicate(table, column, Operator.EQUAL, branch=branch)
        return
    bounds = [_RANGES[name] for name in value if name in _RANGES]
    if bounds:
        way = bounds[0] if len(bounds) == 1 else "between"
        types = ",".join(sorted({str(value[name]) for name in value if name in _RANGES}))
        yield Predicate(table, column, Operator.RANGE, sql_operator=way, branch=branch, sql=types)
    for name, given in value.items():
        if name in _RANGES:
            continue
        if name == "$elemMatch" and isinstance(given, Mapping):
            yield from _elements(column, given, table, branch, branches)
        else:
            yield _single(column, name, given, table, branch)


def _elements(
    column: str, given: Mapping[str, Any], table: TableName, branch: int, branches: Iterator[int]
) -> Iterator[Predicate]:
    if any(key.startswith("$") and key not in ("$and", "$or", "$nor") for key in given):
        yield from _field(column, given, table, branch, branches)
    else:
        yield from _conditions(given, table, branch, branches, f"{column}.")


def _single(column: str, name: str, given: Any, table: TableName, branch: int) -> Predicate:
    if name == "$eq":
        return Predicate(table, column, Operator.EQUAL if given is not None else Operator.IS_NULL, branch=branch)
    if name == "$in" and isinstance(given, Sequence):
        elements = MANY if len(given) > 2 else len(given)
        return Predicate(table, column, Operator.IN, elements=elements, sql_operator=name, branch=branch)
    if name == "$regex":
        return Predicate(table, column, _REGEX.get(given, Operator.REGEX), sql_operator=name, branch=branch)
    if name == "$exists":
        operator = Operator.IS_NOT_NULL if given else Operator.IS_NULL
        return Predicate(table, column, operator, Operand.CONSTANT, constant=str(bool(given)).lower(), branch=branch)
    if name == "$type":
        return Predicate(table, column, Operator.RANGE, sql_operator="$type", branch=branch)
    types = ",".join(sorted({str(value or "?null") for value in (given if isinstance(given, list) else [given])}))
    return Predicate(table, column, _PLAIN.get(name, Operator.OTHER), sql_operator=name, branch=branch, sql=types)
