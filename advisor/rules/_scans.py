"""Sequential scans in plans: how many rows each reads, how many it keeps, and of which table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from advisor.model.catalog import Catalog, Table
from advisor.model.plan import Access, Plan, PlanNode
from advisor.rules._tables import resolved

ROW_COST = 0.0125
"""cpu_tuple_cost + cpu_operator_cost at their defaults (manual, 20.7.2)."""
ROWS_A_PAGE = 60
"""Rows of some hundred bytes in a page of 8 kB, where nothing better is known."""

_JOINS = frozenset({"Nested Loop", "Hash Join", "Merge Join"})


@dataclass(frozen=True, slots=True)
class Scan:
    """One sequential scan. ``read`` and ``kept`` are rows over all loops; ``kept_by_join``: what the join above uses.

    ``share`` is its part of the whole plan's cost, in [0, 1]; ``measured``: the rows were counted, not estimated.
    """

    node: PlanNode
    table: Table
    read: float
    kept: float
    share: float
    measured: bool
    joined: bool = False
    stopped_early: bool = False

    @property
    def fraction(self) -> float:
        """Kept of read."""
        return self.kept / self.read if self.read else 1.0


def sequential_scans(plan: Plan, catalog: Catalog) -> Iterator[Scan]:
    """Every sequential scan of a known table, with what its plan says of it."""
    yield from _below(plan.root, None, plan, catalog, 1.0, False)


def _below(
    node: PlanNode, join: PlanNode | None, plan: Plan, catalog: Catalog, workers: float, limited: bool
) -> Iterator[Scan]:
    if node.kind in ("Gather", "Gather Merge"):
        # The leader takes part too, less the more workers there are (get_parallel_divisor in costsize.c).
        planned = float(node.attributes.get("Workers Planned", "2"))
        workers = planned + max(0.0, 1.0 - 0.3 * planned)
    limited = (limited or node.kind == "Limit") and node.kind not in ("Sort", "Aggregate", "Hash")
    if node.access is Access.SEQUENTIAL and (table := _table(catalog, node)) is not None:
        yield _scan(node, join, plan, table, workers, limited)
    above = node if node.kind in _JOINS else join if node.kind in _PASSED else None
    for child in node.children:
        yield from _below(child, above, plan, catalog, workers, limited)


_PASSED = frozenset({"Hash", "Materialize", "Memoize", "Gather", "Append", "Sort", "Gather Merge"})


def _table(catalog: Catalog, node: PlanNode) -> Table | None:
    """The scanned table; of a plan that came without any catalog, what its own figures tell of the table's size.

    Such a scan's cost is a page each and 0.0125 a row with one condition (cost_seqscan in costsize.c).
    """
    if catalog.tables or node.table is None:
        return resolved(catalog, node.table)
    if node.actual_rows is not None:
        rows = (node.actual_rows + (node.rows_removed or 0.0)) * max(node.loops or 1.0, 1.0)
    else:
        rows = node.total_cost / (1 / ROWS_A_PAGE + ROW_COST)
    return Table(node.table, (), rows=rows, pages=round(max(node.total_cost - rows * ROW_COST, 1.0)))


def _scan(node: PlanNode, join: PlanNode | None, plan: Plan, table: Table, workers: float, limited: bool) -> Scan:
    loops = max(node.loops or 1.0, 1.0)
    share = min(node.total_cost / plan.cost, 1.0) if plan.cost > 0 else 1.0
    if node.actual_rows is not None:
        kept = node.actual_rows * loops
        read = kept + (node.rows_removed or 0.0) * loops
        if join is not None and join.actual_rows is not None and not node.filter:
            joined = join.actual_rows * max(join.loops or 1.0, 1.0)
            return Scan(node, table, read, min(kept, joined), share, measured=True, joined=joined < kept)
        early = limited and read < table.rows * 0.9
        return Scan(node, table, read, kept, share, measured=True, stopped_early=early)
    kept = node.rows * workers
    read = max(table.rows, kept)
    if join is not None and not node.filter and join.rows < kept:
        return Scan(node, table, read, join.rows * workers, share, measured=False, joined=True)
    return Scan(node, table, read, kept, share, measured=False, stopped_early=limited)
