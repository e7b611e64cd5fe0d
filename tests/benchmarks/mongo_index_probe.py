"""What the model of a server's scans speaks of: a collection's documents, a probe, and what its execution examined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tests.benchmarks.mongo_index_bounds import Conjunct, Field, conjuncts

Key = tuple[tuple[str, int], ...]
MOST_KEPT = 40
"""Indexes of a collection that are kept built: some ten megabytes each."""


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

    def holding(self, conjunct: Conjunct) -> bytes:
        """For each document whether it fulfils the condition."""
        return self.field(conjunct[0]).holding(conjunct[1], conjunct[2])

    def entries(self, key: Key) -> list[tuple[tuple[int, ...], int]]:
        """The index's entries in its order: (ranks, number of the document). Raises ValueError for two arrays."""
        if key not in self._entries:
            fields = [(self.field(name), way) for name, way in key]
            arrays = {own.array for own, _ in fields if own.array}
            if len(arrays) > 1:
                raise ValueError("two arrays in one index")
            if len(self._entries) >= MOST_KEPT:
                self._entries.clear()
            self._entries[key] = sorted(self._made(fields)) if arrays else self._plain(fields)
        return self._entries[key]

    def _plain(self, fields: Sequence[tuple[Field, int]]) -> list[tuple[tuple[int, ...], int]]:
        """One entry a document: many times faster than :meth:`_made`."""
        columns = [way * own.first for own, way in fields]
        numbers = np.lexsort(columns[::-1])
        ranks = np.column_stack([column[numbers] for column in columns]).tolist()
        return list(zip(map(tuple, ranks), numbers.tolist(), strict=True))

    def _made(self, fields: Sequence[tuple[Field, int]]) -> Iterator[tuple[tuple[int, ...], int]]:
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
    """A query: a find in its parts; ``covered`` names all fields that the answer needs, where they are few.

    ``sent`` is the command where it is no find, count or distinct, ``answer`` what it returns or changes then.
    """

    collection: str
    condition: dict[str, Any]
    sort: list[tuple[str, int]] = field(default_factory=list)
    limit: int = 0
    skip: int = 0
    covered: tuple[str, ...] = ()
    distinct: str = ""
    sent: dict[str, Any] = field(default_factory=dict)
    answer: int | None = None

    @cached_property
    def fields(self) -> list[str]:
        """Every field that an index could hold."""
        own, arms = conjuncts(self.condition)
        named = [*own, *(part for arm in arms for part in conjuncts(arm)[0])]
        return list(dict.fromkeys([n for n, op, _ in named if op != "$elemObject"]
                                  + [n for n, _ in self.sort] + list(self.covered)))  # fmt: skip


def matching(collection: Collection, asked: Iterable[Conjunct], arms: Sequence[dict[str, Any]] = ()) -> list[int]:
    """The documents that match, by number."""
    found = _all(collection, asked)
    if arms:
        found &= np.logical_or.reduce([_all(collection, conjuncts(arm)[0]) for arm in arms])
    numbers: list[int] = np.flatnonzero(found).tolist()
    return numbers


def _all(collection: Collection, asked: Iterable[Conjunct]) -> Any:
    """For each document whether it fulfils all conditions."""
    found = np.ones(len(collection.documents), dtype=bool)
    for conjunct in asked:
        found &= np.frombuffer(collection.holding(conjunct), dtype=bool)
    return found


def cut(count: int, probe: Probe) -> int:
    left = max(count - probe.skip, 0)
    return min(left, probe.limit) if probe.limit else left
