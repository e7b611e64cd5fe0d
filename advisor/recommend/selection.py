"""Which indexes to build for a whole workload: an exact choice over a table of what-if costs.

:func:`choose` is pure and knows nothing of databases. Feeding it a published cost table takes three lines::

    from advisor.recommend.selection import CostTable, choose

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
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

import highspy

MAX_NODES = 20_000
"""Branch-and-bound nodes before the best answer so far is taken. A count, not a clock: the answer stays the same
on a slower machine."""

BYTE_CHARGE = 1e-9
"""Charge of building every candidate, as a part of the workload's cost: among equals the smaller set wins."""


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
    program = _Program(cost_table, indexes, usable)
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


class _Program:
    """The mixed-integer program: y(index) binary, x(query, set) in [0, 1], costs scaled to the workload's = 1000.

    With y whole, the best x is whole too, so only the indexes need branching. The link between them is taken
    together for each (query, index), sum of x over the sets holding the index <= y, which is tighter than a row a set.
    """

    def __init__(
        self, table: CostTable, indexes: Sequence[str], usable: Mapping[str, Mapping[frozenset[str], float]]
    ) -> None:
        self._table = table
        self._column = {index: number for number, index in enumerate(indexes)}
        self._sets = [(query, key, cost) for query, sets in usable.items() for key, cost in sets.items()]
        self._of_query: dict[str, list[int]] = {}
        for number, (query, _, _) in enumerate(self._sets):
            self._of_query.setdefault(query, []).append(len(indexes) + number)
        self._scale = 1000.0 / max(table.total(), 1e-300)
        self._lower: list[float] = []
        self._upper: list[float] = []
        self._starts: list[int] = [0]
        self._positions: list[int] = []
        self._values: list[float] = []
        for query, columns in self._of_query.items():
            self._row(dict.fromkeys(columns, 1.0), 1.0)
            self._link(query, columns, len(indexes))

    def _link(self, query: str, columns: Sequence[int], offset: int) -> None:
        holding: dict[str, list[int]] = {}
        for column in columns:
            for index in sorted(self._sets[column - offset][1]):
                holding.setdefault(index, []).append(column)
        for index, users in sorted(holding.items()):
            self._row({**dict.fromkeys(users, 1.0), self._column[index]: -1.0}, 0.0)

    def _row(self, coefficients: Mapping[int, float], upper: float) -> None:
        self._lower.append(-highspy.kHighsInf)
        self._upper.append(upper)
        self._positions.extend(coefficients)
        self._values.extend(coefficients.values())
        self._starts.append(len(self._positions))

    def at_most(self, amounts: Mapping[str, float], limit: float) -> None:
        """Sum of ``amounts`` over the built indexes <= ``limit`` (both scaled to keep the numbers near one)."""
        scale = max(*amounts.values(), 1.0)
        self._row({self._column[index]: amount / scale for index, amount in amounts.items()}, limit / scale)

    def cap_regressions(self, part: float) -> None:
        """No query's upkeep minus its saving above ``part`` of its base cost."""
        for query in sorted({query for query, _ in self._table.upkeep}):
            base = self._table.base[query]
            upkeep = self._table.upkeep_of(query)
            row = {self._column[index]: cost / base for index, cost in upkeep.items() if index in self._column}
            if not row or base <= 0:
                continue
            for column in self._of_query.get(query, ()):
                row[column] = -(base - self._sets[column - len(self._column)][2]) / base
            self._row(row, part)

    def _objective(self) -> list[float]:
        table, scale = self._table, self._scale
        every_byte = math.fsum(table.sizes.get(index, 0.0) for index in self._column) or 1.0
        charge = dict.fromkeys(self._column, 0.0)
        for (query, index), cost in table.upkeep.items():
            if index in charge:
                charge[index] += cost * table.weight(query)
        indexes = [
            scale * (table.charges.get(index, 0.0) + charge[index])
            + 1000.0 * BYTE_CHARGE * table.sizes.get(index, 0.0) / every_byte
            for index in self._column
        ]
        return indexes + [-scale * table.weight(query) * (table.base[query] - cost) for query, _, cost in self._sets]

    def solve(self, gap: float, max_nodes: int) -> tuple[frozenset[str], float]:
        """The chosen indexes, and the bound below which no choice brings the workload's cost."""
        solver = highspy.Highs()  # type: ignore[no-untyped-call]  # its stubs leave __init__ bare
        solver.silent()
        # One thread and a fixed seed: the same table, the same answer.
        for option, value in (("threads", 1), ("random_seed", 0), ("mip_rel_gap", gap), ("mip_max_nodes", max_nodes)):
            solver.setOptionValue(option, value)
        solver.passModel(self._model())
        solver.run()
        values = solver.getSolution().col_value
        chosen = frozenset(index for index, column in self._column.items() if values and values[column] > 0.5)
        bound = self._table.total() + solver.getInfo().mip_dual_bound / self._scale
        return chosen, bound

    def _model(self) -> highspy.HighsLp:
        count = len(self._column) + len(self._sets)
        model = highspy.HighsLp()
        model.num_col_ = count
        model.num_row_ = len(self._upper)
        model.col_cost_ = self._objective()
        model.col_lower_ = [0.0] * count
        model.col_upper_ = [1.0] * count
        model.row_lower_ = self._lower
        model.row_upper_ = self._upper
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = self._starts
        model.a_matrix_.index_ = self._positions
        model.a_matrix_.value_ = self._values
        whole, part = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
        model.integrality_ = [whole] * len(self._column) + [part] * len(self._sets)
        return model
