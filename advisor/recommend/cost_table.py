"""What the queries of a workload cost with the index sets that were priced for them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class CostTable:
    """What each query costs with each priced index set. Keys of indexes and queries are strings.

    ``base`` is the cost without any of the indexes; ``sets`` the priced sets of each query. ``sizes`` are bytes.
    ``upkeep`` is what one execution of a (writing) query pays more for each index that exists; ``charges`` what an
    index costs the workload besides, in weighted cost. ``table_of`` says which table an index is on.
    """

    base: Mapping[str, float]
    sets: Mapping[str, Mapping[frozenset[str], float]]
    sizes: Mapping[str, float]
    weights: Mapping[str, float] = field(default_factory=dict)
    upkeep: Mapping[tuple[str, str], float] = field(default_factory=dict)
    charges: Mapping[str, float] = field(default_factory=dict)
    table_of: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        rows: Iterable[tuple[str, Collection[str], float]],
        sizes: Mapping[str, float],
        weights: Mapping[str, float] | None = None,
    ) -> CostTable:
        """Build a table from plain rows; the row with the empty set is the query's base cost.

        A query that has no such row takes its dearest one as base. Of two rows for one set the cheaper counts.
        """
        base: dict[str, float] = {}
        sets: dict[str, dict[frozenset[str], float]] = {}
        for query, indexes, cost in rows:
            known = sets.setdefault(query, {})
            if indexes:
                key = frozenset(indexes)
                known[key] = min(cost, known.get(key, math.inf))
            else:
                base[query] = min(cost, base.get(query, math.inf))
        for query, known in sets.items():
            base.setdefault(query, max(known.values(), default=0.0))
        return cls(base, sets, dict(sizes), dict(weights or {}))

    def weight(self, query: str) -> float:
        """How much one execution's cost of ``query`` counts."""
        return self.weights.get(query, 1.0)

    def cost(self, query: str, chosen: frozenset[str]) -> float:
        """One execution's cost of ``query`` when ``chosen`` exist, upkeep included."""
        base = self.base[query]
        read = min((cost for key, cost in self.sets.get(query, {}).items() if key <= chosen), default=base)
        upkeep = self.upkeep_of(query)
        return min(read, base) + (math.fsum(upkeep.get(index, 0.0) for index in chosen) if upkeep else 0.0)

    def upkeep_of(self, query: str) -> Mapping[str, float]:
        """Index -> what one execution of ``query`` pays for it."""
        return self._upkeep.get(query, {})

    def served(self, index: str) -> Collection[str]:
        """The queries that some priced set holding ``index`` serves, sorted."""
        return self._served.get(index, ())

    @cached_property
    def _upkeep(self) -> Mapping[str, Mapping[str, float]]:
        by_query: dict[str, dict[str, float]] = {}
        for (query, index), cost in self.upkeep.items():
            by_query.setdefault(query, {})[index] = cost
        return by_query

    @cached_property
    def _served(self) -> Mapping[str, Collection[str]]:
        by_index: dict[str, dict[str, None]] = {}
        for query in sorted(self.sets):
            for key in self.sets[query]:
                for index in key:
                    by_index.setdefault(index, {})[query] = None
        return by_index

    def total(self, chosen: frozenset[str] = frozenset()) -> float:
        """The workload's weighted cost when ``chosen`` exist, charges included."""
        queries = math.fsum(self.weight(query) * self.cost(query, chosen) for query in self.base)
        return queries + math.fsum(self.charges.get(index, 0.0) for index in chosen)

    def saving(self, index: str, beside: frozenset[str]) -> float:
        """The weighted cost that ``index`` saves when all others of ``beside`` exist; negative when it costs more."""
        without, together = beside - {index}, beside | {index}
        queries = {*self.served(index), *(query for query, pays in self._upkeep.items() if index in pays)}
        saved = math.fsum(
            self.weight(query) * (self.cost(query, without) - self.cost(query, together)) for query in sorted(queries)
        )
        return saved - self.charges.get(index, 0.0)
