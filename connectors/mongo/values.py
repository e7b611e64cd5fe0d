"""Values for the marks of a filter, taken from a sample's documents.

They live in memory for the length of one explain and go nowhere else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from bson import Binary, Decimal128, ObjectId, Regex, Timestamp

from connectors.mongo.commands import MAX_SCANS_TO_EXPLODE

SEVERAL = 5
"""Elements of an ``$in`` that had more than one."""
BEYOND, BAND = 0.9, 0.45
"""A range with one border asks for the outer tenth of the values, one with two for the tenth in the middle."""

Document = Mapping[str, Any]

_LOWER, _UPPER = frozenset({"$gt", "$gte"}), frozenset({"$lt", "$lte"})
_KINDS: Mapping[str, tuple[type, ...]] = {
    "?string": (str,), "?number": (int, float, Decimal128), "?bool": (bool,), "?objectId": (ObjectId,),
    "?uuid": (UUID, Binary), "?binData": (bytes, Binary), "?timestamp": (Timestamp,), "?object": (Mapping,),
    "?array": (list,), "?date": (datetime,), "?null": (type(None),),
}  # fmt: skip
_DEFAULTS: Mapping[str, Any] = {
    "?string": "x", "?number": 1, "?bool": True, "?objectId": ObjectId("0" * 24), "?array": [], "?object": {},
    "?null": None, "?type": "string", "?date": datetime(2020, 1, 1, tzinfo=UTC),
}  # fmt: skip

# Values that fill up a long list where a sample has too few: the server merges short ones in the order of a sort.
_NOBODYS: Mapping[str, Callable[[int], Any]] = {
    "?number": lambda number: -1_000_000_007 - number,
    "?string": "\uffff{}".format,
    "?objectId": lambda number: ObjectId(f"{number:024x}"),
}


class Unfillable(ValueError):
    """No value can be made for a part of the command."""


def expression(value: Any) -> Any:
    """An expression or projection with any value of the right type for each mark: no index depends on it."""
    if isinstance(value, Mapping):
        return {key: expression(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [expression(inner) for inner in value]
    return _default(value) if isinstance(value, str) and value.startswith("?") else value


def _default(mark: str) -> Any:
    if mark not in _DEFAULTS:
        raise Unfillable(f"no value can be made for a {mark[1:]}")
    return _DEFAULTS[mark]


class Filler:
    """Puts values into one collection's conditions. Fields compared for equality get those of one document."""

    def __init__(self, documents: Sequence[Document], seed: int = 0) -> None:
        self._documents = documents
        self._seed = seed

    def predicate(self, condition: Any) -> Any:
        """A filter with values."""
        if not isinstance(condition, Mapping):
            return condition
        return self._all(condition, self._anchor(dict(_wanted(condition))))

    def _all(self, condition: Document, anchor: Document) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in condition.items():
            if key == "$and":
                found[key] = [self._all(part, anchor) for part in value]
            elif key in ("$or", "$nor"):
                found[key] = [self.predicate(part) for part in value]
            elif key == "$expr":
                found[key] = expression(value)
            elif key.startswith("$"):
                raise Unfillable(f"no value can be made for {key}")
            else:
                found[key] = self._comparison(key, value, anchor)
        return found

    def _anchor(self, wanted: Mapping[str, Any]) -> Document:
        """A document that has all fields that are compared, and lies in the ranges where one does."""
        having = [doc for doc in self._documents if all(any(True for _ in at(doc, path)) for path in wanted)]
        for path, value in wanted.items():
            for name in sorted((_LOWER | _UPPER) & set(value)) if isinstance(value, Mapping) else ():
                border = _key(self._border(path, name, value[name], value))
                within = [doc for doc in having if _beyond(_values_of(doc, path, value[name]), name, border)]
                having = within or having
        return having[(2 * self._seed + 1) * len(having) // 6 % len(having)] if having else {}

    def _comparison(self, path: str, value: Any, anchor: Document) -> Any:
        if isinstance(value, Mapping):
            if "$regex" in value:
                return {**self._operators(path, value, anchor), **self._regex(path, str(value["$regex"]), anchor)}
            return self._operators(path, value, anchor)
        if isinstance(value, str) and value.startswith("?regex"):
            return self._regex(path, value, anchor)
        return self._value(path, value, anchor) if isinstance(value, str) else value

    def _operators(self, path: str, value: Document, anchor: Document) -> dict[str, Any]:
        return {
            name: self._operand(path, name, part, value, anchor) for name, part in value.items() if name != "$regex"
        }

    def _operand(self, path: str, name: str, part: Any, operators: Document, anchor: Document) -> Any:
        if name in ("$in", "$nin", "$all"):
            return self._list(path, part, anchor)
        if name in _LOWER | _UPPER:
            return self._border(path, name, part, operators)
        if name == "$ne":
            return self._usual(path, part)
        if name == "$not":
            return self._comparison(path, part, anchor)
        if name == "$elemMatch":
            return self._element(path, part)
        if name == "$mod":
            return [2, 0]
        if name == "$size":
            return next((len(value) for value in at(anchor, path, whole=True) if isinstance(value, list)), 1)
        if isinstance(part, str) and part.startswith("?"):
            return self._value(path, part, anchor)
        return part

    def _element(self, path: str, part: Document) -> Any:
        arrays = (value for doc in self._documents for value in at(doc, path, whole=True) if isinstance(value, list))
        elements = [element for array in arrays for element in array]
        if any(key.startswith("$") and key not in ("$and", "$or", "$nor") for key in part):
            inner = Filler([{"element": element} for element in elements], self._seed)
            return inner.predicate({"element": part})["element"]
        return Filler([element for element in elements if isinstance(element, Mapping)], self._seed).predicate(part)

    def _list(self, path: str, marks: Sequence[Any], anchor: Document) -> list[Any]:
        mark = marks[0] if marks else "?null"
        if not isinstance(mark, str):
            return list(marks)
        if mark.startswith("?regex"):
            found = self._regex(path, mark, anchor)
            return [Regex(found["$regex"], found.get("$options", ""))]
        wanted = {1: 1, 2: SEVERAL}.get(len(marks), MAX_SCANS_TO_EXPLODE + 1)
        values = [self._value(path, mark, anchor), *self._values(path, mark)]
        if wanted > SEVERAL and mark in _NOBODYS:
            values += map(_NOBODYS[mark], range(wanted))
        return list({_key(value): value for value in values}.values())[:wanted]

    def _border(self, path: str, name: str, mark: Any, operators: Document) -> Any:
        if not isinstance(mark, str):
            return mark
        values = sorted(self._values(path, mark), key=_key)
        if not values:
            return _default(mark)
        both = _LOWER & set(operators) and _UPPER & set(operators)
        share = BAND if both else BEYOND
        return values[int((share if name in _LOWER else 1 - share) * (len(values) - 1))]

    def _usual(self, path: str, mark: Any) -> Any:
        """The commonest value: what is excluded is mostly the state that most documents are in."""
        if not isinstance(mark, str):
            return mark
        found = self._values(path, mark)
        counted = Counter(_key(value) for value in found)
        return next((value for value in found if _key(value) == counted.most_common(1)[0][0]), _default(mark))

    def _regex(self, path: str, mark: str, anchor: Document) -> dict[str, Any]:
        text = str(self._value(path, "?string", anchor))
        if mark == "?regex^":
            return {"$regex": "^" + re.escape(text[:3])}
        return {"$regex": re.escape(text[1:4] or text), **({"$options": "i"} if mark == "?regexi" else {})}

    def _value(self, path: str, mark: str, anchor: Document) -> Any:
        if not mark.startswith("?"):
            return mark
        found = [*_values_of(anchor, path, mark), *self._values(path, mark)]
        return found[0] if found else _default(mark)

    def _values(self, path: str, mark: str) -> list[Any]:
        return [value for document in self._documents for value in _values_of(document, path, mark)]


def at(document: Any, path: str, *, whole: bool = False) -> Iterator[Any]:
    """The values at a dotted path, arrays walked as the server walks them; ``whole``: the arrays themselves too."""
    yield from _at(document, path.split("."), whole)


def _at(value: Any, parts: list[str], whole: bool) -> Iterator[Any]:
    if isinstance(value, list):
        if not parts and whole:
            yield value
            return
        if parts and parts[0].isdigit():
            if int(parts[0]) < len(value):
                yield from _at(value[int(parts[0])], parts[1:], whole)
            return
        for element in value:
            yield from _at(element, parts, whole)
    elif not parts:
        yield value
    elif isinstance(value, Mapping) and parts[0] in value:
        yield from _at(value[parts[0]], parts[1:], whole)


def _values_of(document: Document, path: str, mark: str) -> list[Any]:
    return [value for value in at(document, path, whole=mark in ("?array", "?object")) if _is(value, mark)]


def _beyond(values: list[Any], name: str, border: Any) -> bool:
    return any(_key(value) >= border if name in _LOWER else _key(value) <= border for value in values)


def _wanted(condition: Document) -> Iterator[tuple[str, Any]]:
    """Fields whose values must come from one document, with what is asked; arms of an ``$or`` see to themselves."""
    for key, value in condition.items():
        if key == "$and":
            for part in value:
                yield from _wanted(part)
        elif not key.startswith("$"):
            excluding = isinstance(value, Mapping) and {"$ne", "$nin", "$exists", "$not"} & set(value)
            if value is not None and not excluding:
                yield key, value


def _is(value: Any, mark: str) -> bool:
    if mark == "?number" and isinstance(value, bool):
        return False
    return isinstance(value, _KINDS.get(mark, ()))


def _key(value: Any) -> Any:
    """What values of one type are sorted and told apart by."""
    if isinstance(value, Decimal128):
        return float(value.to_decimal())
    return value if isinstance(value, str | int | float | datetime | ObjectId | bytes) else repr(value)
