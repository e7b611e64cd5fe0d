"""What an index must save to be worth having at all: indexes are not free, and small help goes unnoticed."""

from __future__ import annotations

from advisor.model.catalog import Catalog, Index
from advisor.recommend._weights import Calibration
from advisor.recommend.cost_table import CostTable

MIN_SHARE = 0.01
"""An index must save this part of ``min_improvement`` of the whole workload's cost (0.05 % by default), whatever it
does for one query: indexes are not free."""
WIDER = 0.2
"""What each further key column adds to that: of two indexes that do the same, the narrower one."""
COVERING_SHARE = 0.1
"""The same for one whose point is to spare visits to the table (INCLUDE, or more columns behind a unique key): it
is larger, more updates lose HOT, and how much it saves depends on how well the table is vacuumed."""
NOTICED_MS = 5.0
"""Milliseconds that an index must spare a call for somebody to notice."""
UNNOTICED = 10.0
"""At most so many times as much of the workload's cost an index must save that nobody would notice in a single call."""
FAIR_PART = 1 / 3
"""That part of a query's even share of the workload is enough, however many queries there are: with thousands of them
no index saves much of the whole."""


def noticed_indexes(table: CostTable, calibration: Calibration) -> frozenset[str]:
    """The indexes that spare a call :data:`NOTICED_MS` or more; all of them where nothing was timed."""
    if calibration.median is None:
        return frozenset(table.sizes)
    found: set[str] = set()
    for query, sets in table.sets.items():
        least = NOTICED_MS / calibration.ratio(query)
        for used, cost in sets.items():
            if table.base[query] - cost < least:
                continue
            for key in used - found:
                without = min([table.base[query], *(other for rest, other in sets.items() if rest <= used - {key})])
                if without - cost >= least:
                    found.add(key)
    return frozenset(found)


def standing_share(index: Index, catalog: Catalog, min_improvement: float, queries: int) -> float:
    """The part of the workload's cost that ``index`` must save to be worth having at all.

    ``queries``: how many share the workload, for an index that nobody would notice in a call; 0 for one that shows.
    """
    keys = set(index.keys[:-1])
    behind_unique = any(set(unique) <= keys for unique in catalog.by_name[index.table].unique_keys())
    covering = bool(index.include) or behind_unique
    share = COVERING_SHARE if covering else MIN_SHARE * (1 + WIDER * (len(index.columns) - 1))
    least = min_improvement * MIN_SHARE
    factor = min(UNNOTICED, max(1.0, FAIR_PART / (queries * least))) if queries and least else 1.0
    return min_improvement * share * factor
