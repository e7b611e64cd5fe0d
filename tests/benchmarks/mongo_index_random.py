"""Probes by chance, of the recorded index oracle's kinds: a seed makes some hundreds, which nobody has seen.

Fields, values, shares, directions, limits and commands are drawn over the recorded shop's documents and over two
made-up domains of other distributions (``mongo_clinic``, ``mongo_fleet``). Nothing here knows what the advisor would
say; ``mongo_oracle_random`` labels the probes by the model of the server's scans, and scores its advice.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from tests.benchmarks import mongo_clinic, mongo_fleet, mongo_shop
from tests.benchmarks.mongo_index_bounds import reached
from tests.benchmarks.mongo_index_probe import Probe
from tests.benchmarks.mongo_kindred import changed, piped

SHOP = ("orders", "users", "products", "events", "reviews")
OTHERS = (*mongo_clinic.MAKERS, *mongo_fleet.MAKERS)
LIMITS = (1, 5, 10, 10, 20, 20, 50, 100)
FEW, MANY = 60, 400
"""Distinct values up to which a field is a state, and from which it names things."""

Condition = dict[str, Any]


@dataclass(frozen=True)
class Path:
    """A field that queries ask for: its values in the order of documents, ``None`` where it is missing."""

    name: str
    values: list[Any]
    distinct: list[Any]
    array: str
    missing: float

    def kind(self) -> type:
        return type(self.distinct[0])

    def names(self) -> bool:
        """Whether queries compare it with one value: no date, no amount."""
        return not self.array and self.kind() not in (datetime, float)

    def measures(self) -> bool:
        return not self.array and self.kind() in (datetime, float, int) and len(self.distinct) > FEW


class Asker:
    """Draws conditions over one collection; equalities come from one document, so that something matches."""

    def __init__(self, name: str, rng: random.Random) -> None:
        self.name, self.rng, self.paths = name, rng, _paths(name)
        self.at = rng.randrange(len(self.paths[0].values))
        self.taken: set[str] = set()

    def path(self, fits: Callable[[Path], bool]) -> Path:
        """Raises IndexError where the collection has no such field left."""
        found = self.rng.choice([path for path in self.paths if path.name not in self.taken and fits(path)])
        self.taken |= {path.name for path in self.paths if found.name.split(".")[0] == path.name.split(".")[0]
                       and (path.array or path.name == found.name)}  # fmt: skip
        return found

    def value(self, path: Path) -> Any:
        """Of the anchor document, now and then any of the field's values."""
        own = path.values[self.at]
        return own if own is not None and self.rng.random() < 0.8 else self.rng.choice(path.distinct)

    def equal(self, count: int = 1, fits: Callable[[Path], bool] = Path.names) -> Condition:
        return {path.name: self.value(path) for path in (self.path(fits) for _ in range(count))}

    def few(self) -> Condition:
        return self.equal(fits=lambda path: path.names() and len(path.distinct) <= FEW)

    def bounds(self, path: Path, *, rare: bool = False) -> Condition:
        """A range over a share of the values, from a thousandth to nearly all; rarely with both ends."""
        chosen = rare or self.rng.random() < 0.5
        share = math.exp(self.rng.uniform(math.log(0.001), 0.0)) if chosen else self.rng.uniform(0.05, 0.95)
        values = sorted(value for value in path.values if value is not None)
        count = max(1, int(share * (len(values) - 1)))
        if self.rng.random() < 0.25:
            start = self.rng.randrange(len(values) - count)
            return {"$gte": values[start], "$lt": values[start + count]}
        return {"$gte": values[-count]} if self.rng.random() < 0.65 else {"$lt": values[count]}

    def range(self, count: int = 1, *, rare: bool = False) -> Condition:
        return {path.name: self.bounds(path, rare=rare) for path in (self.path(Path.measures) for _ in range(count))}

    def order(self, count: int = 1) -> list[tuple[str, int]]:
        """Measures mostly, the second one either way."""
        found = [self.path(lambda p: not p.array and p.missing < 0.5 and (p.measures() or (count > 1 and p.names())))
                 for _ in range(count)]  # fmt: skip
        return [(path.name, self.rng.choice((1, -1))) for path in found]

    def listed(self, path: Path, count: int) -> Condition:
        some = self.rng.sample(path.distinct, min(count, max(len(path.distinct) // 2, 2)))
        return {path.name: {"$in": list(dict.fromkeys([self.value(path), *some]))[: max(count, 2)]}}

    def long(self, least: int, most: int) -> Condition:
        path = self.path(lambda path: path.names() and len(path.distinct) >= 2 * most)
        return self.listed(path, self.rng.randint(least, most))

    def short(self) -> Condition:
        return self.listed(self.path(lambda path: path.names() and len(path.distinct) > 2), self.rng.randint(2, 6))

    def negated(self) -> Condition:
        path = self.path(lambda path: path.names() and 2 <= len(path.distinct) <= FEW)
        usual = max(path.distinct, key=path.values.count)
        if self.rng.random() < 0.6 or len(path.distinct) < 4:
            return {path.name: {"$ne": usual}}
        return {path.name: {"$nin": list(dict.fromkeys([usual, self.rng.choice(path.distinct)]))}}

    def absent(self) -> Condition:
        path = self.path(lambda path: not path.array and path.missing > 0)
        asked = [{"$exists": True}, {"$exists": False}, None, {"$ne": None}]
        kinds: dict[type, Any] = {str: "string", datetime: "date", int: "number", float: "number"}
        return {path.name: self.rng.choice([*asked, *({"$type": kinds[k]} for k in kinds if path.kind() is k)])}

    def pattern(self) -> Condition:
        path = self.path(lambda path: path.names() and path.kind() is str and len(path.distinct) > FEW)
        word = str(self.value(path))
        way = self.rng.random()
        if way < 0.6:
            return {path.name: {"$regex": "^" + word[: self.rng.randint(max(1, len(word) - 4), len(word))]}}
        if way < 0.8:
            return {path.name: {"$regex": "^" + word.swapcase(), "$options": "i"}}
        return {path.name: {"$regex": word[-3:]}}

    def inside(self) -> Condition:
        """An array's element, one of several, all of several, or an element of several parts."""
        path = self.path(lambda path: bool(path.array))
        first = path.values[self.at] if path.values[self.at] is not None else self.rng.choice(path.distinct)
        way, more = self.rng.random(), self.rng.sample(path.distinct, min(2, len(path.distinct)))
        parts = [other for other in self.paths if other.array == path.array != other.name and other.name != path.name]
        if parts and way < 0.4:
            other = self.rng.choice(parts)
            cut = len(path.array) + 1
            asked = {path.name[cut:]: first, other.name[cut:]: {"$gte": self.rng.choice(other.distinct)}}
            return {path.array: {"$elemMatch": asked}}
        if way < 0.6:
            return {path.name: first}
        if way < 0.8:
            return {path.name: {"$in": [first, *more]}}
        return {path.name: {"$all": [first, more[0]]}}

    def any_few(self, count: int) -> tuple[str, ...]:
        """Fields that an answer is made of."""
        return tuple(self.path(lambda path: not path.array).name for _ in range(count))


@cache
def _documents(name: str) -> list[dict[str, Any]]:
    makers: dict[str, Any] = {**mongo_clinic.MAKERS, **mongo_fleet.MAKERS}
    return list(makers[name]() if name in makers else mongo_shop.MAKERS[name](1.0))


@cache
def _paths(name: str) -> list[Path]:
    documents = _documents(name)
    names = dict.fromkeys(path for document in documents[:300] for path in _named(document))
    found = []
    for path in names:
        held = [reached(document, path) for document in documents]
        values = [own[0] for own, _ in held]
        kept = sorted({value for own, _ in held for value in own if value is not None}, key=str)
        if kept and not isinstance(kept[0], dict):
            array = next((array for _, array in held if array), "")
            found.append(Path(path, values, kept, array, values.count(None) / len(values)))
    return found


def _named(value: dict[str, Any], prefix: str = "") -> list[str]:
    found: list[str] = []
    for name, inner in value.items():
        part = inner[0] if isinstance(inner, list) and inner else inner
        if isinstance(part, dict):
            found += _named(part, f"{prefix}{name}.")
        elif name != "_id" and not (isinstance(inner, list) and not inner):
            found.append(prefix + name)
    return found


def _limit(a: Asker, share: float = 0.75) -> int:
    return a.rng.choice(LIMITS) if a.rng.random() < share else 0


def _two(a: Asker) -> int:
    return 2 if a.rng.random() < 0.35 else 1


def _or(a: Asker, *, sort: bool, both: bool) -> Probe:
    arms = [a.equal() for _ in range(2 + (a.rng.random() < 0.25))]
    own = a.few() if both else {}
    return Probe(a.name, {**own, "$or": arms}, a.order() if sort else [], _limit(a) if sort else 0)


def _group(a: Asker) -> Probe:
    condition = {**a.equal(_two(a)), **(a.range() if a.rng.random() < 0.3 else {})}
    key, summed = a.any_few(2)
    stages = [{"$match": condition}, {"$group": {"_id": f"${key}", "sum": {"$sum": f"${summed}"}}}]
    return Probe(a.name, condition, covered=(*condition, key, summed), sent=piped(a.name, *stages), answer=5)


def _facet(a: Asker) -> Probe:
    condition = a.equal(2)
    return Probe(
        a.name,
        condition,
        sent=piped(a.name, {"$match": condition}, {"$facet": {"all": [{"$limit": 3}], "n": [{"$count": "n"}]}}),
        answer=1,
    )


def _lookup(a: Asker) -> Probe:
    condition, order, limit = a.equal(_two(a)), a.order(), a.rng.choice(LIMITS)
    join = {"from": "elsewhere", "localField": order[0][0], "foreignField": "_id", "as": "joined"}
    return Probe(
        a.name,
        condition,
        order,
        limit,
        sent=piped(a.name, {"$match": condition}, {"$sort": dict(order)}, {"$limit": limit}, {"$lookup": join}),
    )


def _sorted_pipeline(a: Asker) -> Probe:
    condition, order, limit = {**a.equal(), **(a.range() if a.rng.random() < 0.4 else {})}, a.order(), _limit(a)
    last = [{"$limit": limit}] if limit else []
    return Probe(
        a.name, condition, order, limit, sent=piped(a.name, {"$match": condition}, {"$sort": dict(order)}, *last)
    )


def _projected(a: Asker) -> Probe:
    condition = a.equal(2)
    return Probe(
        a.name,
        condition,
        sent=piped(a.name, {"$project": {**dict.fromkeys(condition, 1), "more": 1}}, {"$match": condition}),
    )


def _written(a: Asker) -> Probe:
    condition = {**a.equal(_two(a)), **(a.range() if a.rng.random() < 0.4 else {})}
    way = a.rng.random()
    if way < 0.4:
        return Probe(a.name, condition, sent=changed(condition, multi=True))
    if way < 0.7:
        return Probe(a.name, condition, limit=1, sent=changed(condition), answer=1)
    return Probe(a.name, condition, sent={"q": condition, "limit": 0})


def _modified(a: Asker) -> Probe:
    condition, order = a.equal(_two(a)), a.order(_two(a))
    return Probe(
        a.name,
        condition,
        order,
        1,
        answer=1,
        sent={"findAndModify": a.name, "query": condition, "sort": dict(order), "update": {"$set": {"flag": 1}}},
    )


def _covered(a: Asker) -> Probe:
    condition = {**a.equal(), **(a.range() if a.rng.random() < 0.4 else {})}
    order = a.order() if a.rng.random() < 0.3 else []
    names = (*condition, *(name for name, _ in order), *a.any_few(_two(a)))
    return Probe(a.name, condition, order, _limit(a) if order else 0, covered=names)


def _counted(a: Asker) -> Probe:
    condition = {**a.equal(_two(a)), **a.rng.choice([dict, a.range, a.short])()}
    return Probe(a.name, condition, covered=tuple(condition))


def _distinct(a: Asker) -> Probe:
    condition = a.equal() if a.rng.random() < 0.5 else {}
    key = a.path(lambda path: path.names() and len(path.distinct) <= MANY).name
    return Probe(a.name, condition, distinct=key, covered=(key, *condition))


def _collated(a: Asker) -> Probe:
    condition = a.equal(fits=lambda path: path.names() and path.kind() is str)
    order = a.order() if a.rng.random() < 0.5 else []
    sent = {"find": a.name, "filter": condition, **({"sort": dict(order), "limit": 10} if order else {}),
            "collation": {"locale": "en", "strength": 2}}  # fmt: skip
    return Probe(a.name, condition, order, 10 if order else 0, sent=sent)


def _ranged_order(a: Asker) -> Probe:
    own = a.equal() if a.rng.random() < 0.8 else {}
    path = a.path(Path.measures)
    return Probe(a.name, {**own, path.name: a.bounds(path)}, [(path.name, a.rng.choice((1, -1)))], _limit(a, 0.6))


KINDS: dict[str, Callable[[Asker], Probe]] = {
    "eq": lambda a: Probe(a.name, a.equal()),
    "eq-two": lambda a: Probe(a.name, a.equal(2)),
    "eq-three": lambda a: Probe(a.name, a.equal(3)),
    "range": lambda a: Probe(a.name, a.range(rare=True)),
    "eq-range": lambda a: Probe(a.name, {**a.equal(_two(a)), **a.range()}),
    "eq-ranges-two": lambda a: Probe(a.name, {**(a.few() if a.rng.random() < 0.5 else {}), **a.range(2)}),
    "sort": lambda a: Probe(a.name, {}, a.order(_two(a)), a.rng.choice(LIMITS)),
    "eq-sort": lambda a: Probe(a.name, a.equal(), a.order(_two(a)), _limit(a)),
    "eq-two-sort": lambda a: Probe(a.name, a.equal(2), a.order(), _limit(a)),
    "esr": lambda a: Probe(a.name, {**a.equal(_two(a)), **a.range()}, a.order(), a.rng.choice(LIMITS)),
    "esr-whole": lambda a: Probe(a.name, {**a.equal(), **a.range()}, a.order()),
    "range-is-sort": _ranged_order,
    "range-sort": lambda a: Probe(a.name, a.range(), a.order(), _limit(a, 0.6)),
    "in": lambda a: Probe(a.name, {**a.short(), **(a.few() if a.rng.random() < 0.5 else {})}),
    "in-two": lambda a: Probe(a.name, {**a.short(), **a.short(), **(a.few() if a.rng.random() < 0.5 else {})}),
    "in-range": lambda a: Probe(a.name, {**a.short(), **a.range()}),
    "in-sort": lambda a: Probe(
        a.name, {**a.short(), **(a.few() if a.rng.random() < 0.4 else {})}, a.order(), _limit(a)
    ),
    "in-sort-merged": lambda a: Probe(a.name, a.long(20, 200), a.order(), _limit(a)),
    "in-sort-long": lambda a: Probe(a.name, a.long(201, 600), a.order(), _limit(a)),
    "in-sort-two": lambda a: Probe(a.name, {**a.long(20, 200), **a.short()}, a.order(), _limit(a)),
    "in-range-sort": lambda a: Probe(a.name, {**a.short(), **a.range()}, a.order(), _limit(a)),
    "or": lambda a: _or(a, sort=False, both=False),
    "or-and": lambda a: _or(a, sort=False, both=True),
    "or-sort": lambda a: _or(a, sort=True, both=False),
    "ne": lambda a: Probe(a.name, {**a.negated(), **a.equal()}),
    "ne-range": lambda a: Probe(a.name, {**a.negated(), **a.range()}),
    "ne-sort": lambda a: Probe(a.name, {**a.negated(), **a.equal()}, a.order(), _limit(a)),
    "absent": lambda a: Probe(a.name, {**a.absent(), **(a.equal() if a.rng.random() < 0.75 else {})}),
    "absent-sort": lambda a: Probe(a.name, {**a.absent(), **a.equal()}, a.order(), _limit(a)),
    "regex": lambda a: Probe(a.name, {**a.pattern(), **(a.few() if a.rng.random() < 0.4 else {})}),
    "regex-sort": lambda a: Probe(a.name, {**a.pattern(), **a.few()}, a.order(), _limit(a)),
    "array": lambda a: Probe(a.name, {**a.inside(), **(a.equal() if a.rng.random() < 0.5 else {})}),
    "array-sort": lambda a: Probe(a.name, a.inside(), a.order(), _limit(a)),
    "covered": _covered,
    "count": _counted,
    "distinct": _distinct,
    "agg-group": _group,
    "agg-sort": _sorted_pipeline,
    "agg-project": _projected,
    "agg-facet": _facet,
    "agg-lookup": _lookup,
    "write": _written,
    "modify": _modified,
    "skip": lambda a: Probe(a.name, a.few(), a.order(), a.rng.choice(LIMITS), a.rng.choice((100, 500, 1_000, 3_000))),
    "collation": _collated,
}


def probes(seed: int, each: int = 8, collections: Sequence[str] = ()) -> dict[str, Probe]:
    """``each`` probes of every kind, half of them over the recorded shop; the same for the same seed."""
    found: dict[str, Probe] = {}
    for kind, make in KINDS.items():
        for number in range(each):
            rng = random.Random(f"{seed} {kind} {number}")
            while f"{kind}-{number}" not in found:
                name = rng.choice(collections or (SHOP, OTHERS)[number % 2])
                try:
                    found[f"{kind}-{number}"] = make(Asker(name, rng))
                except IndexError:  # the collection has no such fields
                    continue
    return found
