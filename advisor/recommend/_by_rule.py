"""Prices by rule of thumb, for when no planner can be asked: the shape of PostgreSQL's cost model, none of its detail.

The constants are PostgreSQL's defaults (manual, 19.7.2): a page read in order costs 1, at random 4, a row 0.01, an
index entry 0.005, an operator 0.0025. Unknown selectivities are the planner's defaults: 0.005 for ``=``, a third for
a range, a thousandth for containment. Advice priced this way is marked as estimated.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from advisor.model.capture import Coverage
from advisor.model.catalog import Catalog, Index, Table
from advisor.model.index_size import estimated_size, key_column
from advisor.model.recommendation import Cost, WhatIf
from advisor.model.workload import Query
from advisor.recommend._needs import Need, fixed_condition, needs

RANDOM_PAGE, ROW, ENTRY, OPERATOR = 4.0, 0.01, 0.005, 0.0025
EQUAL_DEFAULT, RANGE_DEFAULT, SEARCH_DEFAULT = 0.005, 1 / 3, 0.001
LIST_LENGTH = 5
OUTER_ROWS = 20
PAGE_ROWS = 20
"""Rows fetched under a LIMIT whose number is a parameter: a page of a list."""
PAGE = 8192


class ByRule:
    """A :class:`~advisor.ports.CostEstimator` over the parsed shapes of ``queries``; asks nobody."""

    planner = "rule of thumb"
    coverage: tuple[Coverage, ...] = ()

    def __init__(self, queries: Sequence[Query], catalog: Catalog) -> None:
        self._needs: Mapping[str, tuple[Need, ...]] = {
            query.shape.fingerprint: tuple(needs(query.shape, catalog)) for query in queries
        }
        self._catalog = catalog

    def costs(self, questions: Sequence[WhatIf]) -> list[Cost]:
        """Price each question; never fails."""
        return [self._cost(question) for question in questions]

    def sizes(self, indexes: Sequence[Index]) -> list[int]:
        """Computed from the statistics."""
        return [estimated_size(index, self._catalog) for index in indexes]

    def close(self) -> None:
        """Nothing is held."""

    def _cost(self, question: WhatIf) -> Cost:
        total = 1.0
        used: set[Index] = set()
        for need in self._needs.get(question.fingerprint, ()):
            cost, index = _cheapest(need, question.indexes, question.hidden)
            total += cost
            if index in question.indexes and index is not None:
                used.add(index)
        return Cost(total, self.planner, used=frozenset(used))


def _cheapest(need: Need, hypothetical: Iterable[Index], hidden: frozenset[str]) -> tuple[float, Index | None]:
    table = need.table
    existing = [i for i in table.indexes if i.valid and f"{i.table.schema}.{i.name}" not in hidden]
    others = sorted((index for index in hypothetical if index.table == table.name), key=repr)
    best: tuple[float, Index | None] = (_sequential(need), None)
    for index in [*existing, *others]:
        cost = _through(need, index)
        if cost < best[0] * (1 - 1e-9):
            best = (cost, index)
    return best


def _pages(table: Table) -> float:
    return table.pages or max(table.rows * sum(key_column(column).width for column in table.columns) / PAGE, 1.0)


def _selectivity(need: Need, key: str, operator: str) -> float:
    column = need.table.by_column.get(key)
    distinct = column.stats.n_distinct if column and column.stats else 0.0
    equal = 1 / distinct if distinct >= 1 else EQUAL_DEFAULT
    return {"equal": equal, "many": min(1.0, LIST_LENGTH * equal), "range": RANGE_DEFAULT}[operator]


def _operators(need: Need) -> dict[str, str]:
    return {
        **dict.fromkeys((key for key, _ in need.joins), "equal"),
        **dict.fromkeys([*need.ranges, *need.patterns], "range"),
        **dict.fromkeys(need.many, "many"),
        **dict.fromkeys(need.equal, "equal"),
    }


def _sequential(need: Need) -> float:
    table = need.table
    operators = _operators(need)
    rows = table.rows * math.prod(_selectivity(need, key, operator) for key, operator in operators.items())
    return _pages(table) + table.rows * (ROW + OPERATOR * len(operators)) + _sorting(need, rows)


def _sorting(need: Need, rows: float) -> float:
    return 2 * OPERATOR * rows * math.log2(max(rows, 2)) if need.sort or need.group else 0.0


def _through(need: Need, index: Index) -> float:
    table = need.table
    if index.predicate and index.predicate not in {fixed_condition(one, need.table) for one in need.fixed}:
        return math.inf
    if index.method != "btree":
        asked = {*(p.key for p in need.special), *(need.ranges if index.method == "brin" else ())}
        return _fetch(table, SEARCH_DEFAULT, covered=False) if index.keys[0] in asked else math.inf
    operators = _operators(need)
    selectivity, fixed = _prefix(need, index, operators)
    covered = need.read is not None and set(need.read) <= {*index.keys, *index.include}
    ordered = bool(need.sort) and [c.key for c in index.columns[fixed:]][: len(need.sort)] == [
        column.key for column in need.sort
    ]
    if selectivity >= 1.0 and not covered and not ordered:
        return math.inf
    cost = _fetch(table, selectivity, covered=covered)
    rows = table.rows * math.prod(_selectivity(need, key, operator) for key, operator in operators.items())
    if not ordered:
        cost += _sorting(need, rows)
    elif need.limited:
        cost *= min(1.0, PAGE_ROWS / max(rows, 1.0))
    outer = OUTER_ROWS if {key for key, _ in need.joins} & set(index.keys[:fixed]) - set(need.equal) else 1
    return cost * outer


def _prefix(need: Need, index: Index, operators: Mapping[str, str]) -> tuple[float, int]:
    """(share of the rows that the leading keys select, how many leading keys are fixed to one value)."""
    selectivity, fixed = 1.0, 0
    for column in index.columns:
        operator = operators.get(column.key)
        if operator is None:
            break
        selectivity *= _selectivity(need, column.key, operator)
        if operator != "equal":
            break
        fixed += 1
    return selectivity, fixed


def _fetch(table: Table, selectivity: float, *, covered: bool) -> float:
    rows = table.rows * selectivity
    heap = 0.0 if covered else RANDOM_PAGE * min(rows, _pages(table))
    descent = RANDOM_PAGE + OPERATOR * math.log2(max(table.rows, 2)) * 50
    return descent + rows / 200 + rows * (ENTRY + ROW) + heap
