"""A scan of one index: bounds for each field, skipping from interval to interval, filters on keys, orders, coverage."""

from __future__ import annotations

import heapq
import itertools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.mongo_index_bounds import HIGHEST, LOWEST, Conjunct, Interval
from tests.benchmarks.mongo_index_probe import Collection, Key, Probe, Result, cut

MAX_SCANS = 200
"""Points that are merged in the order of a sort (internalQueryMaxScansToExplode)."""


@dataclass
class Bounded:
    """An index with its bounds for a probe."""

    key: Key
    intervals: list[list[Interval]]
    on_key: list[tuple[int, Conjunct]]
    on_document: list[Conjunct]
    multikey: bool
    whole: bool = False


def bounded_by(collection: Collection, asked: Sequence[Conjunct], key: Key) -> Bounded | None:
    multikey = any(collection.field(name).array for name, _ in key)
    found = Bounded(key, [], [], [], multikey)
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


class TooDear(ValueError):
    """More keys were read than were to be."""


def scan(
    collection: Collection, probe: Probe, asked: Sequence[Conjunct], key: Key, most: float = HIGHEST
) -> Result | None:
    """What a scan of one index examines; ``None`` where it cannot serve. Raises TooDear beyond ``most`` keys."""
    entries = collection.entries(key)
    bounded = bounded_by(collection, asked, key)
    if probe.distinct and not asked:
        return _distinct(collection, probe, key)
    if bounded is None:
        if not probe.sort or not _provides(_points([]), key, probe.sort):
            return None
        bounded = Bounded(key, [[(LOWEST, HIGHEST)]] * len(key), [], list(asked), False, whole=True)
    turned = False
    explode = 1
    if probe.sort:
        way = _provides(_points(bounded.intervals), key, probe.sort)
        explode = _exploded(bounded.intervals, key, probe.sort) if not way else 1
        blocked = bounded.multikey and any(collection.field(n).array for n, _ in probe.sort)
        if (not way and not explode) or blocked:
            return _sorted(collection, probe, bounded, _counted(skipping(entries, bounded.intervals), most))
        turned = way < 0
    if turned:
        entries = [(tuple(-r for r in ranks), number) for ranks, number in reversed(entries)]
        bounded.intervals = [[(-high, -low) for low, high in reversed(part)] for part in bounded.intervals]
    if explode > 1:
        return _merged(collection, probe, bounded, entries)
    return _run(collection, probe, bounded, _counted(skipping(entries, bounded.intervals), most))


def _counted(entries: Iterable[Any], most: float) -> Iterator[Any]:
    for number, entry in enumerate(entries):
        if number > most:
            raise TooDear
        yield entry


def in_order(bounded: Bounded, key: Key, probe: Probe) -> bool:
    """Whether the scan yields the probe's order."""
    return bool(_provides(_points(bounded.intervals), key, probe.sort))


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


def skipping(
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
            if ranks[back] + 1 <= intervals[back][-1][1]:
                return (*ranks[:back], ranks[back] + 1, *(p[0][0] for p in intervals[back + 1 :]))
        return "done"
    return "valid"


def passes(collection: Collection, bounded: Bounded, number: int) -> bool:
    return all(collection.holding(conjunct)[number] for _, conjunct in bounded.on_key)


def _matches(collection: Collection, bounded: Bounded, number: int) -> bool:
    return all(collection.holding(conjunct)[number] for conjunct in bounded.on_document)


def _covers(probe: Probe, bounded: Bounded) -> bool:
    held = {name for name, _ in bounded.key}
    return bool(probe.covered) and set(probe.covered) <= held and not bounded.on_document and not bounded.multikey


def _run(collection: Collection, probe: Probe, bounded: Bounded, entries: Iterable[Any]) -> Result:
    keys = documents = found = 0
    seen: set[int] = set()
    wanted = probe.skip + probe.limit if probe.limit else HIGHEST
    covered = _covers(probe, bounded)
    for entry in entries:
        keys += 1
        if entry is None or entry[1] in seen or not passes(collection, bounded, entry[1]):
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
    return Result(True, keys, documents, cut(found, probe))


def _sorted(collection: Collection, probe: Probe, bounded: Bounded, entries: Iterable[Any]) -> Result:
    keys, numbers = 0, []
    seen: set[int] = set()
    for entry in entries:
        keys += 1
        if entry is not None and entry[1] not in seen and passes(collection, bounded, entry[1]):
            numbers.append(entry[1])
            if bounded.multikey:
                seen.add(entry[1])
    held = {name for name, _ in bounded.key}
    if not bounded.on_document and not bounded.multikey and all(name in held for name, _ in probe.sort):
        returned = cut(len(numbers), probe)
        wanted = min(len(numbers), probe.skip + probe.limit) if probe.limit else len(numbers)
        return Result(True, keys, 0 if _covers(probe, bounded) else wanted, returned, True)
    found = sum(_matches(collection, bounded, number) for number in numbers)
    return Result(True, keys, len(numbers), cut(found, probe), True)


def _merged(collection: Collection, probe: Probe, bounded: Bounded, entries: Sequence[Any]) -> Result:
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
        counted(skipping(entries, [*([point] for point in combination), *bounded.intervals[count:]]))
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
