"""The choice of indexes as a mixed-integer program for HiGHS."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import highspy

from advisor.recommend.cost_table import CostTable

BYTE_CHARGE = 1e-9
"""Charge of building every candidate, as a part of the workload's cost: among equals the smaller set wins."""


class Program:
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
