"""Plans as rows of a table and as EXPLAIN's text: which step costs most, by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from advisor.model.plan import Plan, PlanNode
from advisor.report import words

MAX_DEPTH = 15


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One step of a plan, parents first. ``own`` is its part of the whole without its children, in [0, 1].

    ``detail`` are labelled conditions; ``hottest`` marks the one step with the largest own part.
    """

    number: int
    depth: int
    title: str
    detail: tuple[tuple[str, str], ...]
    rows: float
    actual_rows: float | None
    cost: float
    milliseconds: float | None
    loops: float | None
    own: float
    hottest: bool
    sequential: bool
    misjudged: float | None


def plan_rows(plan: Plan) -> tuple[PlanRow, ...]:
    """The plan's steps with each one's own share: of the time where it was executed, else of the cost."""
    nodes = list(_walk(plan.root, 0))
    own = list(_own_parts(plan.root, 1.0))
    total = sum(own) or 1.0
    hottest = max(range(len(own)), key=own.__getitem__)
    return tuple(
        PlanRow(
            number=number,
            depth=min(depth, MAX_DEPTH),
            title=title(node),
            detail=tuple(_detail(node)),
            rows=node.rows,
            actual_rows=node.actual_rows,
            cost=node.total_cost,
            milliseconds=node.actual_ms,
            loops=node.loops,
            own=own[number] / total,
            hottest=number == hottest and len(nodes) > 1,
            sequential=node.access == "sequential",
            misjudged=_misjudged(node),
        )
        for number, (node, depth) in enumerate(nodes)
    )


def plan_text(plan: Plan) -> tuple[str, ...]:
    """One line a step as EXPLAIN writes it, in the order of :func:`plan_rows`."""
    lines = []
    for node, depth in _walk(plan.root, 0):
        arrow = "  " * depth + "->  " if depth else ""
        estimated = f"(cost={node.startup_cost:.2f}..{node.total_cost:.2f} rows={node.rows:.0f} width={node.width})"
        lines.append(f"{arrow}{title(node)}  {estimated}")
    return tuple(lines)


def title(node: PlanNode) -> str:
    """``Index Scan using ix_orders_customer_id on orders``."""
    using = f" using {node.index}" if node.index else ""
    on = f" on {node.table.name}" if node.table else ""
    alias = f" {node.alias}" if node.table and node.alias and node.alias != node.table.name else ""
    return f"{node.kind}{using}{on}{alias}"


def _walk(node: PlanNode, depth: int) -> Iterator[tuple[PlanNode, int]]:
    yield node, depth
    for child in node.children:
        yield from _walk(child, depth + 1)


def _own_parts(node: PlanNode, times: float) -> Iterator[float]:
    """What each step takes by itself, in the order of :func:`_walk`; ``times`` is how often this one runs."""
    repeats = [times * factor for factor in _repeats(node)]
    if node.actual_ms is not None:
        whole = node.actual_ms * (node.loops or 1)
        parts = sum((child.actual_ms or 0.0) * (child.loops or 1) for child in node.children)
    else:
        whole = node.total_cost * times
        parts = sum(child.total_cost * often for child, often in zip(node.children, repeats, strict=True))
    yield max(whole - parts, 0.0)
    for child, often in zip(node.children, repeats, strict=True):
        yield from _own_parts(child, often)


def _repeats(node: PlanNode) -> list[float]:
    """How often each child runs in one run of ``node``: the inner side of a nested loop once for each outer row.

    A cached or cut-off inner side runs less often; it never costs more than the join has beside its outer side.
    """
    if node.kind.startswith("Nested Loop") and len(node.children) == 2:
        outer, inner = node.children
        room = max(node.total_cost - outer.total_cost, 0.0)
        return [1.0, min(max(outer.rows, 1.0), room / inner.total_cost if inner.total_cost else 1.0)]
    return [1.0] * len(node.children)


def _misjudged(node: PlanNode) -> float | None:
    """How many times the planner was wrong about the rows, where that is ten times or more."""
    if node.actual_rows is None:
        return None
    low, high = sorted((max(node.rows, 1.0), max(node.actual_rows, 1.0)))
    return high / low if high / low >= 10 else None


def _detail(node: PlanNode) -> Iterator[tuple[str, str]]:
    if node.index_condition:
        yield "Index condition", node.index_condition
    if node.join_condition:
        yield "Join condition", node.join_condition
    if node.filter:
        yield "Filter", node.filter
    if node.rows_removed:
        yield "Rows thrown away", words.count(node.rows_removed)
    if node.sort_keys:
        yield "Sort by", ", ".join(node.sort_keys)
    if node.spilled_bytes:
        yield "Written to disk", words.size(node.spilled_bytes)
    if node.keys_examined is not None:
        yield "Keys examined", words.count(node.keys_examined)
    if node.documents_examined is not None:
        yield "Documents examined", words.count(node.documents_examined)
