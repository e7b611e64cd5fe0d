"""What a MongoDB server would examine with given indexes: a model of its scans, for probes that no server recorded.

The model has bounds for each field of a compound index, a scan that skips from interval to interval, filters on keys,
fetches, sorts provided, exploded ($in up to 200 points) or in memory, limits, coverage, multikey keys, $or by branches.
It has no choice between indexes: each is judged alone, as the recorded oracle does, with which ``mongo_index_check``
compares it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from tests.benchmarks.mongo_index_bounds import HIGHEST, Conjunct, conjuncts
from tests.benchmarks.mongo_index_probe import Collection, Key, Probe, Result, cut, matching
from tests.benchmarks.mongo_index_scan import bounded_by, in_order, passes, scan, skipping


def explain(collection: Collection, probe: Probe, indexes: Sequence[Key], most: float = HIGHEST) -> Result:
    """What the probe examines where only these indexes exist.

    Raises ValueError for an index that cannot be built, and where one would read more than ``most`` keys.
    """
    own, arms = conjuncts(probe.condition)
    if arms:
        return _either(collection, probe, own, arms, indexes)
    found = [result for key in indexes if (result := scan(collection, probe, own, key, most)) is not None]
    return min(found, key=lambda result: result.effort) if found else _whole(collection, probe, own, arms)


def _whole(
    collection: Collection, probe: Probe, asked: Sequence[Conjunct], arms: Sequence[dict[str, Any]] = ()
) -> Result:
    found = matching(collection, asked, arms)
    if probe.limit and not probe.sort and len(found) > probe.skip + probe.limit:
        return Result(False, 0, found[probe.skip + probe.limit - 1] + 1, probe.limit)
    returned = cut(len(found), probe)
    return Result(False, 0, len(collection.documents), returned, bool(probe.sort))


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
        bounded = bounded_by(collection, own, key)
        if bounded is not None:
            matched = set(matching(collection, own, arms))
            keys, numbers = 0, set()
            for entry in skipping(collection.entries(key), bounded.intervals):
                keys += 1
                if entry is not None and passes(collection, bounded, entry[1]):
                    numbers.add(entry[1])
            plans.append(Result(True, keys, len(numbers), cut(len(matched & numbers), probe), bool(probe.sort)))
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
        bounded = bounded_by(collection, [*arm, *own], key)
        if bounded is None or not {name for name, _ in key} & {name for name, _, _ in arm}:
            continue
        entries = list(skipping(collection.entries(key), bounded.intervals))
        numbers = [e[1] for e in entries if e is not None and passes(collection, bounded, e[1])]
        ordered_so = not probe.sort or in_order(bounded, key, probe)
        found.append((len(entries), list(dict.fromkeys(numbers)), ordered_so))
    return min(found, key=lambda branch: (not branch[2], branch[0] + 2 * len(branch[1]))) if found else None


def _union(collection: Collection, probe: Probe, matched: list[int], branches: Sequence[Branch]) -> Result:
    """Arms are read one after the other, or merged in the order of the sort; no document is fetched twice."""
    keys, numbers = sum(branch[0] for branch in branches), set[int]().union(*(branch[1] for branch in branches))
    blocking = bool(probe.sort) and not all(branch[2] for branch in branches)
    returned = cut(len(matched), probe)
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
