"""EXPLAIN's properties, from whatever form they came in, as a tree of PlanNodes.

Every reader of a form brings its nodes into the names of ``EXPLAIN (FORMAT JSON)``; here alone is what they mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from advisor.errors import SourceError
from advisor.model.catalog import TableName
from advisor.model.plan import Access, Plan, PlanNode
from connectors.postgres.placeholders import masked

Properties = Mapping[str, Any]

_ACCESS = {
    "Seq Scan": Access.SEQUENTIAL,
    "Sample Scan": Access.SEQUENTIAL,
    "Index Scan": Access.INDEX,
    "Index Only Scan": Access.INDEX_ONLY,
    "Bitmap Heap Scan": Access.BITMAP,
    "Bitmap Index Scan": Access.BITMAP,
    "Tid Scan": Access.INDEX,
    "Tid Range Scan": Access.INDEX,
}
_JOIN_CONDITIONS = ("Hash Cond", "Merge Cond", "Join Filter")
_INDEX_CONDITIONS = ("Index Cond", "TID Cond")
_REMOVED = ("Rows Removed by Filter", "Rows Removed by Join Filter")
_BLOCK = 8192
_KB = 1024

# What stands in fields of its own, or says nothing that a rule or a reader needs.
_TAKEN = frozenset([
    "Node Type", "Plans", "Schema", "Relation Name", "Alias", "Index Name", "Startup Cost", "Total Cost", "Plan Rows",
    "Plan Width", "Actual Rows", "Actual Total Time", "Actual Startup Time", "Actual Loops", "Filter", "Index Cond",
    "TID Cond", "Sort Key", "Shared Hit Blocks", "Shared Read Blocks", "Output", "Workers", "Hash Cond", "Merge Cond",
])  # fmt: skip
# Conditions, whose literals are values of the user's.
_CONDITIONS = frozenset([
    "Recheck Cond", "Join Filter", "One-Time Filter", "Order By", "Group Key", "Cache Key", "Presorted Key", "Hash Key",
    "Function Call", "Run Condition", "Conflict Filter", "Remote SQL", "Table Function Call", "Repeatable Seed",
    "Sampling Parameters", "Window",
])  # fmt: skip
# Deeper than any real plan, and well within Python's own limit.
_DEPTH = 100


def build(document: Properties, *, keep_values: bool, text: str = "", planner: str = "PostgreSQL") -> Plan:
    """Build a Plan from one EXPLAIN document (``{"Plan": {...}, "Planning Time": ...}`` or a bare node).

    Literals in conditions become ``$0`` unless ``keep_values``; a ``text`` that is given is kept as it is.
    Raises :class:`SourceError` when the document holds no plan.
    """
    top = document.get("Plan", document)
    if not isinstance(top, Mapping) or not isinstance(top.get("Node Type"), str):
        raise SourceError("This is no execution plan: no node was found in it; paste the whole output of EXPLAIN.")
    clean: Callable[[str], str] = (lambda value: value) if keep_values else masked
    return Plan(
        root=_node(top, clean, 0),
        planner=planner,
        text=text or clean(str(document.get("Query Text", ""))),
        generic="Actual Rows" not in top,
        planning_ms=_number(document.get("Planning Time")),
        execution_ms=_number(document.get("Execution Time", document.get("Duration"))),
    )


def _node(properties: Properties, clean: Callable[[str], str], depth: int) -> PlanNode:
    if depth > _DEPTH:
        raise SourceError(f"The plan is nested more than {_DEPTH} levels deep; this is no plan of PostgreSQL.")
    kind = str(properties.get("Node Type", ""))
    children = [child for child in _listed(properties.get("Plans")) if isinstance(child, Mapping)]
    return PlanNode(
        kind=kind,
        access=_ACCESS.get(kind),
        table=_table(properties),
        alias=str(properties.get("Alias", "")),
        index=str(properties.get("Index Name", "")),
        startup_cost=_number(properties.get("Startup Cost")) or 0.0,
        total_cost=_number(properties.get("Total Cost")) or 0.0,
        rows=_number(properties.get("Plan Rows")) or 0.0,
        width=int(_number(properties.get("Plan Width")) or 0),
        actual_rows=_number(properties.get("Actual Rows")),
        actual_ms=_number(properties.get("Actual Total Time")),
        loops=_number(properties.get("Actual Loops")),
        filter=clean(_text(properties.get("Filter", ""))),
        index_condition=clean(_joined(properties, _INDEX_CONDITIONS)),
        join_condition=clean(_joined(properties, _JOIN_CONDITIONS)),
        sort_keys=tuple(clean(_text(key)) for key in _listed(properties.get("Sort Key"))),
        spilled_bytes=_spilled(properties),
        rows_removed=_sum(properties, _REMOVED),
        buffers_hit=_whole(properties.get("Shared Hit Blocks")),
        buffers_read=_whole(properties.get("Shared Read Blocks")),
        attributes=_attributes(properties, clean),
        children=tuple(_node(child, clean, depth + 1) for child in children),
    )


def _table(properties: Properties) -> TableName | None:
    name = properties.get("Relation Name")
    return TableName(str(properties.get("Schema", "")), str(name)) if name else None


def _attributes(properties: Properties, clean: Callable[[str], str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for name in sorted(properties):
        value = properties[name]
        if name in _TAKEN or value in (None, "", False, "false") or isinstance(value, Mapping):
            continue
        text = _text(value)
        if text not in ("0", "0.0", "0.000") and text:
            kept[name] = clean(text) if name in _CONDITIONS else text
    return kept


def _spilled(properties: Properties) -> int | None:
    """Bytes written to temporary files: by the node's own account, its workers' included, else by its buffers."""
    own = 0.0
    for part in (properties, *(worker for worker in _listed(properties.get("Workers")) if isinstance(worker, Mapping))):
        if part.get("Sort Space Type") == "Disk":
            own += _number(part.get("Sort Space Used")) or 0.0
        own += _number(part.get("Disk Usage")) or 0.0
        if part.get("Storage") == "Disk":
            own += _number(part.get("Maximum Storage")) or 0.0
    if own:
        return int(own * _KB)
    if properties.get("Node Type") == "Hash" and (_number(properties.get("Hash Batches")) or 1) > 1:
        return int((_number(properties.get("Temp Written Blocks")) or 0) * _BLOCK) or None
    return None


def _sum(properties: Properties, names: Sequence[str]) -> float | None:
    present = [value for name in names if (value := _number(properties.get(name))) is not None]
    return sum(present) if present else None


def _joined(properties: Properties, names: Sequence[str]) -> str:
    return " AND ".join(_text(properties[name]) for name in names if properties.get(name))


def _listed(value: Any) -> Sequence[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value if not isinstance(item, Mapping))
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _number(value: Any) -> float | None:
    if value is None or isinstance(value, bool | list | Mapping):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)
