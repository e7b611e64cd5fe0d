"""What a MongoDB server would examine with a given index: a model of its scans, for probes that no server recorded.

    python -m tests.benchmarks.mongo_index_model DATASET.py      compares the model with the recorded oracle, row by row

DATASET.py is the generator of the recorded data (``COLLECTIONS``: name -> function of a scale that yields documents).
The model has bounds for each field of a compound index, a scan that skips from interval to interval, filters on keys,
fetches, sorts provided, exploded ($in up to 200 points) or in memory, limits, coverage, multikey keys, $or by branches.
It has no choice between indexes: each is judged alone, as the oracle does.
"""

from __future__ import annotations

import gzip
import heapq
import itertools
import json
import re
import runpy
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.benchmarks.mongo_index_bounds import HIGHEST, LOWEST, Conjunct, Field, Interval, conjuncts, holds

MAX_SCANS = 200
"""Points that are merged in the order of a sort (internalQueryMaxScansToExplode)."""
Key = tuple[tuple[str, int], ...]


@dataclass
class Collection:
    """Documents with their paths, ranked once."""

    name: str
    documents: list[dict[str, Any]]
    _fields: dict[str, Field] = field(default_factory=dict)
    _entries: dict[Key, list[tuple[tuple[int, ...], int]]] = field(default_factory=dict)

    def field(self, path: str) -> Field:
        if path not in self._fields:
            self._fields[path] = Field(self.documents, path)
        return self._fields[path]

    def entries(self, key: Key) -> list[tuple[tuple[int, ...], int]]:
        """The index's entries in its order: (ranks, number of the document). Raises ValueError for two arrays."""
        if key not in self._entries:
            self._entries[key] = sorted(self._made(key))
        return self._entries[key]

    def _made(self, key: Key) -> Iterator[tuple[tuple[int, ...], int]]:
        fields = [(self.field(name), way) for name, way in key]
        if len({own.array for own, _ in fields if own.array}) > 1:
            raise ValueError("two arrays in one index")
        for number in range(len(self.documents)):
            ranks = [own.ranks[number] for own, _ in fields]
            longest = max(map(len, ranks))
            made = {tuple(way * (r[min(i, len(r) - 1)]) for r, (_, way) in zip(ranks, fields, strict=True))
                    for i in range(longest)}  # fmt: skip
            yield from ((entry, number) for entry in made)


@dataclass
class Result:
    """What an execution examined and returned; ``used``: whether the index serves it at all."""

    used: bool
    keys: int
    documents: int
    returned: int
    sorted_in_memory: bool = False

    @property
    def effort(self) -> float:
        return self.keys + 2 * self.documents + (self.documents // 2 if self.sorted_in_memory else 0)


@dataclass
class Probe:
    """A query: a find in its parts; ``covered`` names all fields that the answer needs, where they are few."""

    collection: str
    condition: dict[str, Any]
    sort: list[tuple[str, int]] = field(default_factory=list)
    limit: int = 0
    skip: int = 0
    covered: tuple[str, ...] = ()
    distinct: str = ""

    @cached_property
    def fields(self) -> list[str]:
        """Every field that an index could hold."""
        own, arms = conjuncts(self.condition)
        named = [*own, *(part for arm in arms for part in conjuncts(arm)[0])]
        return list(dict.fromkeys([n for n, op, _ in named if op != "$elemObject"]
                                  + [n for n, _ in self.sort] + list(self.covered)))  # fmt: skip


def explain(collection: Collection, probe: Probe, indexes: Sequence[Key]) -> Result:
    """What the probe examines where only these indexes exist. Raises ValueError for an index that cannot be built."""
    own, arms = conjuncts(probe.condition)
    if arms:
        return _either(collection, probe, own, arms, indexes)
    found = [result for key in indexes if (result := _scan(collection, probe, own, key)) is not None]
    return min(found, key=lambda result: result.effort) if found else _whole(collection, probe, own, arms)


def matching(collection: Collection, asked: Iterable[Conjunct], arms: Sequence[dict[str, Any]] = ()) -> list[int]:
    """The documents that match, by number."""
    tests = [(collection.field(name), operator, given) for name, operator, given in asked]
    parts = [[(collection.field(n), op, g) for n, op, g in conjuncts(arm)[0]] for arm in arms]
    return [
        number
        for number in range(len(collection.documents))
        if all(holds(own.values[number], op, given) for own, op, given in tests)
        and (not parts or any(all(holds(f.values[number], op, g) for f, op, g in part) for part in parts))
    ]


def _whole(
    collection: Collection, probe: Probe, asked: Sequence[Conjunct], arms: Sequence[dict[str, Any]] = ()
) -> Result:
    found = matching(collection, asked, arms)
    if probe.limit and not probe.sort and len(found) > probe.skip + probe.limit:
        return Result(False, 0, found[probe.skip + probe.limit - 1] + 1, probe.limit)
    returned = _cut(len(found), probe)
    return Result(False, 0, len(collection.documents), returned, bool(probe.sort))


def _cut(count: int, probe: Probe) -> int:
    left = max(count - probe.skip, 0)
    return min(left, probe.limit) if probe.limit else left


@dataclass
class _Bounded:
    """An index with its bounds for a probe."""

    key: Key
    intervals: list[list[Interval]]
    on_key: list[tuple[int, Conjunct]]
    on_document: list[Conjunct]
    multikey: bool
    whole: bool = False


def _bounded(collection: Collection, asked: Sequence[Conjunct], key: Key) -> _Bounded | None:
    multikey = any(collection.field(name).array for name, _ in key)
    found = _Bounded(key, [], [], [], multikey)
    taken: set[int] = set()
    roots: set[str] = set()
    for place, (name, way) in enumerate(key):
        own = collection.field(name)
        ranges: list[Interval] = [(LOWEST, HIGHEST)]
        mine = [(n, c) for n, c in enumerate(asked) if c[0] == name and c[1] != "$elemObject"]
        joined = own.array and own.array in roots and not all(c[1].endswith("*") for _, c in mine)
        for number, conjunct in mine if not joined else ():
            if own.array and ranges != [(LOWEST, HIGHEST)] and not conjunct[1].endswith("*"):
                continue  # bounds on an array are not intersected
            own_ranges, sure = own.bounds(conjunct[1], conjunct[2])
            if conjunct[1] == "$elemMatch":
                own_ranges, sure = [(LOWEST, HIGHEST)], "fetch"
                for op, given in conjunct[2].items():
                    own_ranges = _intersected(own_ranges, own.bounds(op, given)[0])
            ranges = _intersected(ranges, own_ranges)
            if own.array:
                roots.add(own.array)
            exact = sure == "exact" and not (own.array and conjunct[1] in ("$ne", "$nin"))
            if exact or (sure == "key" and not own.array):
                taken.add(number)
            if sure == "key" and not own.array:
                found.on_key.append((place, conjunct))
        if place == 0 and (not mine or all(c[1] in ("$mod", "$size") for _, c in mine)):
            return None
        found.intervals.append(ranges if way > 0 else [(-high, -low) for low, high in reversed(ranges)])
    found.on_document = [conjunct for number, conjunct in enumerate(asked) if number not in taken]
    return found


def _intersected(left: list[Interval], right: list[Interval]) -> list[Interval]:
    found = [(max(a, c), min(b, d)) for a, b in left for c, d in right]
    return sorted({(low, high) for low, high in found if low <= high}) or [(1, 0)]


def _scan(collection: Collection, probe: Probe, asked: Sequence[Conjunct], key: Key) -> Result | None:
    entries = collection.entries(key)
    bounded = _bounded(collection, asked, key)
    if probe.distinct and not asked:
        return _distinct(collection, probe, key)
    if bounded is None:
        if not probe.sort or not _provides(_points([]), key, probe.sort):
            return None
        bounded = _Bounded(key, [[(LOWEST, HIGHEST)]] * len(key), [], list(asked), False, whole=True)
    turned = False
    explode = 1
    if probe.sort:
        way = _provides(_points(bounded.intervals), key, probe.sort)
        explode = _exploded(bounded.intervals, key, probe.sort) if not way else 1
        blocked = bounded.multikey and any(collection.field(n).array for n, _ in probe.sort)
        if (not way and not explode) or blocked:
            return _sorted(collection, probe, bounded, entries)
        turned = way < 0
    if turned:
        entries = [(tuple(-r for r in ranks), number) for ranks, number in reversed(entries)]
        bounded.intervals = [[(-high, -low) for low, high in reversed(part)] for part in bounded.intervals]
    if explode > 1:
        return _merged(collection, probe, bounded, entries)
    return _run(collection, probe, bounded, _skipping(entries, bounded.intervals))


def _points(intervals: Sequence[Sequence[Interval]]) -> list[bool]:
    return [len(part) == 1 and part[0][0] == part[0][1] for part in intervals]


def _provides(points: Sequence[bool], key: Key, sort: Sequence[tuple[str, int]]) -> int:
    """1: the index, its equal fields left out, begins with the sort; -1: in reverse; 0: it does not."""
    equal = {name for (name, _), point in zip(key, points, strict=False) if point}
    rest = [(name, way) for name, way in sort if name not in equal]
    own = [(name, way) for name, way in key if name not in equal][: len(rest)]
    if own == rest:
        return 1
    return -1 if [(name, -way) for name, way in own] == rest else 0


def _exploded(intervals: Sequence[Sequence[Interval]], key: Key, sort: Sequence[tuple[str, int]]) -> int:
    """How many scans are merged to give the order; 0 when it cannot be had so."""
    unions = [all(low == high for low, high in part) for part in intervals]
    prefix = list(itertools.takewhile(bool, unions))
    if not prefix or not _provides(prefix, key, sort):
        return 0
    scans = 1
    for part in intervals[: len(prefix)]:
        scans *= len(part)
    return scans if scans <= MAX_SCANS else 0


def _skipping(
    entries: Sequence[tuple[tuple[int, ...], int]], intervals: Sequence[Sequence[Interval]]
) -> Iterator[tuple[tuple[int, ...], int] | None]:
    """The entries within bounds; ``None`` for a key that was read only to be skipped."""
    start = tuple(part[0][0] for part in intervals)
    place = bisect_left(entries, (start, -1))
    simple = _simple(intervals)
    while place < len(entries):
        ranks, number = entries[place]
        jump = _checked(ranks, intervals)
        if jump == "valid":
            yield ranks, number
            place += 1
            continue
        if jump == "done" and simple:
            return
        yield None
        if jump == "done":
            return
        place = max(bisect_left(entries, (jump, -1)), place + 1)


def _simple(intervals: Sequence[Sequence[Interval]]) -> bool:
    """One interval: points, then one range, then everything."""
    if any(len(part) > 1 for part in intervals):
        return False
    shapes = ["=" if low == high else "*" if (low, high) == (LOWEST, HIGHEST) else "-" for ((low, high),) in intervals]
    return re.fullmatch(r"=*-?\**", "".join(shapes)) is not None


def _checked(ranks: tuple[int, ...], intervals: Sequence[Sequence[Interval]]) -> Any:
    for place, (rank, part) in enumerate(zip(ranks, intervals, strict=True)):
        at = bisect_right(part, (rank, HIGHEST + 1)) - 1
        if at >= 0 and rank <= part[at][1]:
            continue
        if at + 1 < len(part):  # before the next interval of this field
            return (*ranks[:place], part[at + 1][0], *(p[0][0] for p in intervals[place + 1 :]))
        for back in range(place - 1, -1, -1):
            if ranks[back] + 1 <= max(high for _, high in intervals[back]):
                return (*ranks[:back], ranks[back] + 1, *(p[0][0] for p in intervals[back + 1 :]))
        return "done"
    return "valid"


def _passes(collection: Collection, bounded: _Bounded, number: int) -> bool:
    return all(holds(collection.field(c[0]).values[number], c[1], c[2]) for _, c in bounded.on_key)


def _matches(collection: Collection, bounded: _Bounded, number: int) -> bool:
    return all(holds(collection.field(n).values[number], op, given) for n, op, given in bounded.on_document)


def _covers(probe: Probe, bounded: _Bounded) -> bool:
    held = {name for name, _ in bounded.key}
    return bool(probe.covered) and set(probe.covered) <= held and not bounded.on_document and not bounded.multikey


def _run(collection: Collection, probe: Probe, bounded: _Bounded, entries: Iterable[Any]) -> Result:
    keys = documents = found = 0
    seen: set[int] = set()
    wanted = probe.skip + probe.limit if probe.limit else HIGHEST
    covered = _covers(probe, bounded)
    for entry in entries:
        keys += 1
        if entry is None or entry[1] in seen or not _passes(collection, bounded, entry[1]):
            continue
        if bounded.multikey:
            seen.add(entry[1])
        if not bounded.on_document and found < probe.skip and not covered:
            found += 1  # a skip that nothing filters is done on keys
            continue
        documents += not covered
        found += _matches(collection, bounded, entry[1])
        if found >= wanted:
            break
    return Result(True, keys, documents, _cut(found, probe))


def _sorted(collection: Collection, probe: Probe, bounded: _Bounded, entries: Sequence[Any]) -> Result:
    keys, numbers = 0, []
    seen: set[int] = set()
    for entry in _skipping(entries, bounded.intervals):
        keys += 1
        if entry is not None and entry[1] not in seen and _passes(collection, bounded, entry[1]):
            numbers.append(entry[1])
            if bounded.multikey:
                seen.add(entry[1])
    held = {name for name, _ in bounded.key}
    if not bounded.on_document and not bounded.multikey and all(name in held for name, _ in probe.sort):
        returned = _cut(len(numbers), probe)
        wanted = min(len(numbers), probe.skip + probe.limit) if probe.limit else len(numbers)
        return Result(True, keys, 0 if _covers(probe, bounded) else wanted, returned, True)
    found = sum(_matches(collection, bounded, number) for number in numbers)
    return Result(True, keys, len(numbers), _cut(found, probe), True)


def _merged(collection: Collection, probe: Probe, bounded: _Bounded, entries: Sequence[Any]) -> Result:
    names = {name for name, _ in probe.sort}
    count = next((n for n, (name, _) in enumerate(bounded.key) if name in names), len(bounded.key))
    read = 0

    def counted(stream: Iterable[Any]) -> Iterator[Any]:
        nonlocal read
        for entry in stream:
            read += 1
            if entry is not None:
                yield entry[0][count:], entry[1]

    points = itertools.product(*bounded.intervals[:count])
    streams = [
        counted(_skipping(entries, [*([point] for point in combination), *bounded.intervals[count:]]))
        for combination in points
    ]
    result = _run(collection, probe, bounded, heapq.merge(*streams))
    result.keys = read
    return result


def _distinct(collection: Collection, probe: Probe, key: Key) -> Result | None:
    if key[0][0] != probe.distinct:
        return None
    count = len(collection.field(probe.distinct).distinct)
    return Result(True, count, 0, count)


def _either(
    collection: Collection,
    probe: Probe,
    own: Sequence[Conjunct],
    arms: Sequence[dict[str, Any]],
    indexes: Sequence[Key],
) -> Result:
    """The best of: one index for the conjuncts, or one for each arm."""
    plans: list[Result] = []
    for key in indexes:
        bounded = _bounded(collection, own, key)
        if bounded is not None:
            matched = set(matching(collection, own, arms))
            keys, numbers = 0, set()
            for entry in _skipping(collection.entries(key), bounded.intervals):
                keys += 1
                if entry is not None and _passes(collection, bounded, entry[1]):
                    numbers.add(entry[1])
            plans.append(Result(True, keys, len(numbers), _cut(len(matched & numbers), probe), bool(probe.sort)))
    branches = [_branch(collection, probe, own, conjuncts(arm)[0], indexes) for arm in arms]
    served = [branch for branch in branches if branch is not None]
    if len(served) == len(arms):
        plans.append(_union(collection, probe, matching(collection, own, arms), served))
    return min(plans, key=lambda result: result.effort) if plans else _whole(collection, probe, own, arms)


Branch = tuple[int, list[int], bool]
"""Keys read, documents that pass them in the index's order, whether that is the order of the sort."""


def _branch(
    collection: Collection, probe: Probe, own: Sequence[Conjunct], arm: Sequence[Conjunct], indexes: Sequence[Key]
) -> Branch | None:  # fmt: skip
    """The best index that holds a field of the arm; the other conjuncts are pushed down into it."""
    found = []
    for key in indexes:
        bounded = _bounded(collection, [*arm, *own], key)
        if bounded is None or not {name for name, _ in key} & {name for name, _, _ in arm}:
            continue
        entries = list(_skipping(collection.entries(key), bounded.intervals))
        numbers = [e[1] for e in entries if e is not None and _passes(collection, bounded, e[1])]
        ordered_so = not probe.sort or bool(_provides(_points(bounded.intervals), key, probe.sort))
        found.append((len(entries), list(dict.fromkeys(numbers)), ordered_so))
    return min(found, key=lambda branch: (not branch[2], branch[0] + 2 * len(branch[1]))) if found else None


def _union(collection: Collection, probe: Probe, matched: list[int], branches: Sequence[Branch]) -> Result:
    """Arms are read one after the other, or merged in the order of the sort; no document is fetched twice."""
    keys, numbers = sum(branch[0] for branch in branches), set[int]().union(*(branch[1] for branch in branches))
    blocking = bool(probe.sort) and not all(branch[2] for branch in branches)
    returned = _cut(len(matched), probe)
    if probe.limit and not blocking and matched:
        part = min((probe.limit + probe.skip) / len(matched), 1.0)  # read until enough match
        keys, fetched = round(keys * part) + len(branches), round(len(numbers) * part)
        return Result(True, keys, fetched, returned)
    return Result(True, keys, len(numbers), returned, blocking)


def candidates(collection: Collection, probe: Probe, most: int = 4) -> Iterator[Key]:
    """Every index over up to four of the probe's fields, in every order and the directions that matter."""
    sorts = dict(probe.sort)
    for count in range(1, min(most, len(probe.fields)) + 1):
        for names in itertools.permutations(probe.fields, count):
            mixed = len(set(sorts.values())) > 1
            yield tuple((name, sorts.get(name, 1) if mixed or name in sorts else 1) for name in names)


def probe_of(command: dict[str, Any], fields: Sequence[str]) -> Probe | None:
    """The recorded oracle's command as a probe; ``None`` for what the model does not speak of."""
    command = json.loads(json.dumps(command), object_hook=_date)
    name, collection = next(iter(command.items()))
    if name == "aggregate":
        return None
    condition = command.get("filter") or command.get("query") or {}
    if name == "update":
        condition = command["updates"][0]["q"]
    covered: tuple[str, ...] = tuple(fields) if name == "count" else ()
    if command.get("projection"):
        covered = tuple(field for field, way in command["projection"].items() if way)
    single = name == "findAndModify"
    return Probe(
        collection, condition, list(command.get("sort", {}).items()), 1 if single else command.get("limit", 0),
        command.get("skip", 0), covered, command.get("key", "") if name == "distinct" else "",
    )  # fmt: skip


def _date(found: dict[str, Any]) -> Any:
    return datetime.fromisoformat(found["$date"]) if set(found) == {"$date"} else found


def main(dataset: Path) -> None:
    """Print how many of the recorded rows the model tells: to the key, and within 5 % of the effort."""
    made = runpy.run_path(str(dataset))["COLLECTIONS"]
    oracle = Path(__file__).parents[1] / "cases" / "mongo" / "recorded" / "oracle.jsonl.gz"
    collections: dict[str, Collection] = {}
    probes: dict[str, Probe | None] = {}
    exact = close = total = 0
    with gzip.open(oracle, "rt") as lines:
        for row in map(json.loads, lines):
            if "command" in row:
                probes[row["probe"]] = probe_of(row["command"], row["fields"])
            probe = probes[row["probe"]]
            if probe is None or "all_of" in row or "error" in row:
                continue
            if probe.collection not in collections:
                collections[probe.collection] = Collection(probe.collection, list(made[probe.collection](1.0)))
            keys = [tuple((name, int(way)) for name, way in key) for key in row["indexes"]]
            result = explain(collections[probe.collection], probe, keys)
            documents = row["docs_examined"] or 0
            served = (row["keys_examined"] or 0) + 2 * documents + (documents // 2 if row["sort_in_memory"] else 0)
            same = (result.keys, result.documents) == (row["keys_examined"] or 0, documents)
            near = abs(result.effort - served) <= 0.05 * served + 5
            total, exact, close = total + 1, exact + same, close + near
            if not near:
                print(f"{row['probe']:18} {row['indexes']} server {row['keys_examined']}/{documents}"
                      f"{'s' if row['sort_in_memory'] else ''} model {result.keys}/{result.documents}"
                      f"{'s' if result.sorted_in_memory else ''}")  # fmt: skip
    print(f"{total} rows: {exact} equal in keys and documents, {close} within 5 % of the effort")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
