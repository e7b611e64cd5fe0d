"""Which indexes to build for a whole workload: an exact choice over a table of what-if costs.

:func:`choose` is pure and knows nothing of databases. Feeding it a published cost table takes a few lines::

    from advisor.recommend.cost_table import CostTable
    from advisor.recommend.selection import choose

    table = CostTable.of(
        rows=[("q1", (), 100.0), ("q1", ("a",), 40.0), ("q1", ("a", "b"), 10.0)],  # (query, index set, cost)
        sizes={"a": 8_000_000, "b": 4_000_000},                                    # bytes
        weights={"q1": 50.0},                                                      # how often; 1 where absent
    )
    print(choose(table, 10_000_000).chosen)

The model is CoPhy's (Dash, Polyzotis, Ailamaki: "CoPhy: A Scalable, Portable, and Interactive Index Advisor for Large
Workloads", VLDB 2011): a binary variable for each index, at most one priced index set for each query, and a set is
open only when all of its indexes are built. It is solved as a mixed-integer program by HiGHS, so indexes that help
only in pairs are found, and the answer carries a bound that says how far from the optimum it can be.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from advisor.recommend._program import Program
from advisor.recommend.cost_table import CostTable

MAX_NODES = 20_000
"""Branch-and-bound nodes before the best answer so far is taken. A count, not a clock: the answer stays the same
on a slower machine."""


@dataclass(frozen=True)
class Selection:
    """The indexes to build, sorted by key. ``gain`` maps each to the weighted cost that would come back without it.

    ``before`` and ``after`` are the workload's weighted cost; no choice can bring it below ``bound``.
    """

    chosen: tuple[str, ...]
    before: float
    after: float
    bound: float
    gain: Mapping[str, float]
    size: float

    @property
    def relative(self) -> float:
        """Cost afterwards as a part of the cost before."""
        return self.after / self.before if self.before else 1.0

    @property
    def optimal(self) -> bool:
        """Whether no better choice exists, to one in a thousand of the saving."""
        return self.after - self.bound <= 1e-3 * max(self.before - self.after, 0.0) + 1e-9 * abs(self.before)


def choose(
    cost_table: CostTable,
    budget: float | None = None,
    *,
    max_indexes: int | None = None,
    max_per_table: int | None = None,
    min_improvement: float = 0.0,
    max_regression: float | None = None,
    gap: float = 1e-4,
    max_nodes: int = MAX_NODES,
) -> Selection:
    """Choose the indexes with the least weighted cost of the workload within ``budget`` bytes.

    ``min_improvement`` in [0, 1] is the part of a query's cost that a set must save, against every set within it,
    before it counts for that query; ``max_regression`` caps how much dearer (as a part) upkeep may make any query.
    ``gap`` is how far from the optimum the answer may be, as a part of the saving.
    Deterministic: the same table gives the same answer.
    """
    usable = {query: _worthwhile(cost_table, query, min_improvement) for query in sorted(cost_table.base)}
    indexes = sorted({index for sets in usable.values() for key in sets for index in key})
    if budget is not None:
        indexes = [index for index in indexes if cost_table.sizes.get(index, 0.0) <= budget]
    open_to = set(indexes)
    usable = {query: {key: cost for key, cost in sets.items() if key <= open_to} for query, sets in usable.items()}
    if not any(usable.values()):
        return _selection(cost_table, frozenset(), cost_table.total())
    program = Program(cost_table, indexes, usable)
    if budget is not None:
        program.at_most({index: cost_table.sizes.get(index, 0.0) for index in indexes}, budget)
    if max_indexes is not None:
        program.at_most(dict.fromkeys(indexes, 1.0), max_indexes)
    if max_per_table is not None:
        for table in sorted({cost_table.table_of.get(index, "") for index in indexes}):
            program.at_most(
                {index: 1.0 for index in indexes if cost_table.table_of.get(index, "") == table}, max_per_table
            )
    if max_regression is not None:
        program.cap_regressions(max_regression)
    chosen, bound = program.solve(gap, max_nodes)
    return _selection(cost_table, _pruned(cost_table, chosen), bound)


def exchanged(
    cost_table: CostTable, selection: Selection, preferred: Mapping[str, Sequence[str]], tolerance: float
) -> Selection:
    """Put each chosen index's first preferred twin in its place, where that one gives back nearly as much.

    ``preferred`` maps an index to those that could stand for it, best first. ``tolerance`` is the part of the index's
    own saving that may be lost: a solver stops within its gap, so which of several like indexes it takes is chance.
    """
    chosen = frozenset(selection.chosen)
    for index in selection.chosen:
        rest = chosen - {index}
        least = cost_table.saving(index, chosen) * (1 - tolerance)
        for twin in preferred.get(index, ()):
            if twin == index:
                break
            if twin not in chosen and cost_table.saving(twin, rest | {twin}) >= least:
                chosen = rest | {twin}
                break
    return _selection(cost_table, chosen, selection.bound)


def _worthwhile(table: CostTable, query: str, min_improvement: float) -> dict[frozenset[str], float]:
    """The priced sets of ``query`` that no smaller set matches within ``min_improvement``."""
    base = table.base[query]
    kept: dict[frozenset[str], float] = {}
    for key, cost in sorted(table.sets.get(query, {}).items(), key=lambda row: (len(row[0]), row[1], sorted(row[0]))):
        below = min((kept[other] for other in _within(key, kept)), default=base)
        if below - cost >= max(min_improvement, 1e-9) * abs(below):
            kept[key] = cost
    return kept


def _within(key: frozenset[str], kept: Mapping[frozenset[str], float]) -> Iterator[frozenset[str]]:
    """The members of ``kept`` that are proper subsets of ``key``."""
    if 2 ** len(key) > len(kept):
        yield from (other for other in kept if other < key)
        return
    for size in range(1, len(key)):
        yield from (part for part in map(frozenset, combinations(sorted(key), size)) if part in kept)


def _pruned(table: CostTable, chosen: frozenset[str]) -> frozenset[str]:
    """``chosen`` without what saves nothing beside the others."""
    while True:
        idle = next((index for index in sorted(chosen) if table.saving(index, chosen) <= 0), None)
        if idle is None:
            return chosen
        chosen -= {idle}


def _selection(table: CostTable, chosen: frozenset[str], bound: float) -> Selection:
    before, after = table.total(), table.total(chosen)
    return Selection(
        chosen=tuple(sorted(chosen)),
        before=before,
        after=after,
        bound=min(bound, after),
        gain={index: table.saving(index, chosen) for index in sorted(chosen)},
        size=math.fsum(table.sizes.get(index, 0.0) for index in chosen),
    )
