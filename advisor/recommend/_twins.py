"""Which of several indexes that do nearly the same is the better one, whatever a solver took by chance or guess."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from advisor.model.catalog import Catalog, Index
from advisor.model.workload import Query
from advisor.recommend._needs import Need, needs
from advisor.recommend.cost_table import CostTable

TOLERANCE = 0.1
"""Part of its saving that an index may seem to give up for its better twin. Orders of the same equalities find the same
entries, but the planner takes the first column's correlation for the whole index (btcostestimate); and a range of
unknown bounds costs what the planner guesses (a third of the table, or a two-hundredth between two bounds)."""


def better_twins(
    table: CostTable,
    names: Mapping[str, Index],
    queries: Mapping[str, Query],
    catalog: Catalog,
    unsure: Collection[str],
) -> dict[str, list[str]]:
    """For an index of ``table`` those that are better than it, best first, and itself; others have none.

    ``unsure``: queries whose ranges the planner guesses. Better are other orders of the same equalities, for what a
    foreign key's checks can use or for the column with more values; and equalities in front of a guessed range.
    """
    asked = {name: _needs_of(name, index, table, queries, catalog) for name, index in names.items()}
    better = _orders(names, asked, catalog)
    ending: dict[Index, list[str]] = {}
    for name, index in sorted(names.items()):
        for cut in range(1, len(index.columns)):
            ending.setdefault(replace(index, columns=index.columns[cut:]), []).append(name)
    for name, index in sorted(names.items()):
        guessed = set(table.served(name)) <= set(unsure) and all(index.keys[0] in need.ranges for need in asked[name])
        if guessed and asked[name]:
            longer = [one for one in ending.get(index, ()) if _only_equalities(names[one], index, asked[name])]
            better[name] = [*longer, *better.get(name, [name])]
    return better


def _needs_of(
    name: str, index: Index, table: CostTable, queries: Mapping[str, Query], catalog: Catalog
) -> tuple[Need, ...]:
    """What the queries that ``index`` serves ask of its table, where they ask for its first column at all."""

    def found() -> Iterator[Need]:
        for query in table.served(name):
            for need in needs(queries[query].shape, catalog):
                if need.table.name == index.table and index.keys[0] in need.keys:
                    yield need

    return tuple(found())


def _orders(
    names: Mapping[str, Index], asked: Mapping[str, tuple[Need, ...]], catalog: Catalog
) -> dict[str, list[str]]:
    alike: dict[Index, list[str]] = {}
    for name, index in sorted(names.items()):
        keys = set(index.keys)
        if len(keys) > 1 and asked[name] and all(keys <= set(need.equal) for need in asked[name]):
            columns = tuple(sorted(index.columns, key=repr))
            alike.setdefault(replace(index, columns=columns), []).append(name)
    groups = [sorted(group, key=lambda name: _merit(names[name], catalog)) for group in alike.values()]
    return {name: group for group in groups if len(group) > 1 for name in group}


def _merit(index: Index, catalog: Catalog) -> tuple[bool, float]:
    """Sort key, best first."""
    keys = (key.columns for key in catalog.foreign_keys_of(index.table))
    supports = any(set(index.keys[: len(columns)]) == set(columns) for columns in keys)
    column = catalog.by_name[index.table].by_column.get(index.keys[0])
    return not supports, -(column.stats.n_distinct if column and column.stats else 0.0)


def _only_equalities(longer: Index, index: Index, asked: tuple[Need, ...]) -> bool:
    front = set(longer.keys[: len(longer.columns) - len(index.columns)])
    return all(front <= set(need.equal) for need in asked)
