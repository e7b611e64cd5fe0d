"""A stage and what is below it -> PlanNode."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from advisor.model.catalog import TableName
from advisor.model.plan import Access, PlanNode
from connectors.mongo.commands import predicate
from connectors.mongo.summaries import ACCESS, key_pattern

_CHILDREN = ("inputStage", "outerStage", "innerStage", "thenStage", "elseStage")
_LOOKUPS: Mapping[str, Access] = {
    "NestedLoopJoin": Access.SEQUENTIAL,
    "HashJoin": Access.SEQUENTIAL,
    "IndexedLoopJoin": Access.INDEX,
    "DynamicIndexedLoopJoin": Access.INDEX,
}
_KEPT = (
    "direction",
    "strategy",
    "isMultiKey",
    "isPartial",
    "isSparse",
    "isUnique",
    "isCached",
    "type",
    "memLimit",
    "limitAmount",
)
"""What of a stage is kept as it stands: it holds no value of a document."""


def tree(stage: Mapping[str, Any], namespace: str, fetched: bool = False) -> PlanNode:
    """The node of a stage, with all below it; ``fetched``: a stage above reads the documents."""
    if "shards" in stage and not isinstance(stage["shards"], Mapping):
        return _sharded(stage, namespace)
    kind = str(stage.get("stage", ""))
    below = fetched or kind.upper() in ("FETCH", "TEXT_OR", "UPDATE", "DELETE") or "docsExamined" in stage
    children = [tree(stage[name], namespace, below) for name in _CHILDREN if isinstance(stage.get(name), Mapping)]
    for name in ("inputStages", "children"):
        children += [tree(part, namespace, below) for part in stage.get(name) or () if isinstance(part, Mapping)]
    rows = _optional(stage, "nReturned", "advanced", "nWouldModify", "nMatched")
    return PlanNode(
        kind,
        access=_access(kind.upper(), stage, fetched),
        table=_table(kind, stage, namespace),
        index=str(stage.get("indexName") or ("_id_" if kind in ("IDHACK", "EXPRESS_CLUSTERED_IXSCAN") else "")),
        rows=rows or 0.0,
        actual_rows=rows,
        actual_ms=_optional(stage, "executionTimeMillisEstimate", "executionTimeMicros"),
        filter=_filter(stage),
        index_condition=bounds(stage.get("indexBounds")),
        sort_keys=tuple(f"{key} {'desc' if number(way) < 0 else 'asc'}" for key, way in _sort(stage)),
        spilled_bytes=_spilled(stage),
        keys_examined=_count(stage, "keysExamined"),
        documents_examined=_count(stage, "docsExamined"),
        attributes=_attributes(stage),
        children=tuple(children),
    )


def with_totals(root: PlanNode, stats: Mapping[str, Any]) -> PlanNode:
    """Put a whole plan's counts where they were read: keys at the index scan, documents at the fetch or whole scan.

    SBE's stages and the express paths do not count by node of the plan.
    """
    keys, documents = _count(stats, "totalKeysExamined"), _count(stats, "totalDocsExamined")
    if keys is None and documents is None:
        return root
    returned = _optional(stats, "nReturned")
    nodes = list(root.walk())
    by_index = next((node for node in nodes if node.access in (Access.INDEX, Access.INDEX_ONLY)), None)
    reader = next((node for node in nodes if node.kind.upper() == "FETCH" or node.access is Access.SEQUENTIAL), None)

    def placed(node: PlanNode) -> PlanNode:
        own = replace(node, children=tuple(placed(child) for child in node.children))
        if node is by_index:
            own = replace(own, keys_examined=keys)
        if node is (reader or by_index or root):
            own = replace(own, documents_examined=documents)
        return own

    found = placed(root)
    spent = _optional(stats, "executionTimeMillis")
    return replace(found, actual_rows=returned, rows=returned or 0.0, actual_ms=found.actual_ms or spent)


def bounds(given: Any) -> str:
    """Index bounds in words without their values: ``status: =, total: range, created_at: all``."""
    if not isinstance(given, Mapping):
        return ""
    return ", ".join(f"{field}: {_bound(parts)}" for field, parts in given.items())


def _bound(parts: Any) -> str:
    if not isinstance(parts, Sequence) or isinstance(parts, str):
        return "special"
    if any("MinKey, MaxKey" in str(part) or "MaxKey, MinKey" in str(part) for part in parts):
        return "all"
    points = [_is_point(str(part)) for part in parts]
    if all(points):
        return "=" if len(parts) == 1 else f"{len(parts)} points"
    return "range" if len(parts) == 1 else f"{len(parts)} ranges"


def _is_point(bound: str) -> bool:
    if not (bound.startswith("[") and bound.endswith("]")):
        return False
    inner = bound[1:-1]
    half = (len(inner) - 2) // 2
    return len(inner) % 2 == 0 and inner[:half] == inner[half + 2 :]


def number(value: Any) -> float:
    """A number, plain or in extended JSON."""
    if isinstance(value, Mapping):
        value = next(iter(value.values()), 0)
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def table_name(namespace: str) -> TableName | None:
    """``shop.orders`` as a table's name."""
    database, _, collection = namespace.partition(".")
    return TableName(database, collection) if collection else None


def _sharded(stage: Mapping[str, Any], namespace: str) -> PlanNode:
    children = []
    for part in stage["shards"]:
        own = str(part.get("namespace") or namespace)
        if "sbe" in part:
            plan, stats = part["sbe"]
            children.append(with_totals(tree(plan, own), stats))
            continue
        inner = part.get("executionStages") or part.get("winningPlan") or {}
        inner = inner.get("queryPlan", inner) if isinstance(inner, Mapping) else {}
        if inner:
            children.append(tree(inner, own))
    rows = _optional(stage, "nReturned")
    names = ", ".join(str(part["shardName"]) for part in stage["shards"] if part.get("shardName"))
    return PlanNode(
        str(stage.get("stage", "SHARDS")),
        rows=rows or 0.0,
        actual_rows=rows,
        attributes={"shards": names} if names else {},
        children=tuple(children),
    )


def _access(kind: str, stage: Mapping[str, Any], fetched: bool) -> Access | None:
    if kind in ("EQ_LOOKUP", "EQ_LOOKUP_UNWIND"):
        return _LOOKUPS.get(str(stage.get("strategy", "")))
    access = ACCESS.get(kind)
    if kind == "IXSCAN" and not fetched:
        return Access.INDEX_ONLY
    return access


def _table(kind: str, stage: Mapping[str, Any], namespace: str) -> TableName | None:
    if kind.startswith("EQ_LOOKUP"):
        foreign = str(stage.get("foreignCollection", ""))
        return table_name(foreign if "." in foreign else f"{namespace.partition('.')[0]}.{foreign}")
    return table_name(namespace)


def _attributes(stage: Mapping[str, Any]) -> dict[str, str]:
    found = {
        name: str(stage[name]).lower() if isinstance(stage[name], bool) else str(stage[name])
        for name in _KEPT
        if name in stage
    }
    pattern = stage.get("keyPattern")
    if isinstance(pattern, str):
        found["key pattern"] = "{ " + ", ".join(f"{field}: {way}" for field, way in key_pattern(pattern)) + " }"
    elif isinstance(pattern, Mapping):
        found["key pattern"] = "{ " + ", ".join(f"{field}: {way}" for field, way in pattern.items()) + " }"
    if isinstance(stage.get("collation"), Mapping):
        found["collation"] = str(stage["collation"].get("locale", ""))
    return found


def _filter(stage: Mapping[str, Any]) -> str:
    given = stage.get("filter")
    if not isinstance(given, Mapping) or not given:
        return ""
    return json.dumps(predicate(given), separators=(", ", ": "), default=str)


def _sort(stage: Mapping[str, Any]) -> list[tuple[str, Any]]:
    pattern = stage.get("sortPattern")
    return list(pattern.items()) if isinstance(pattern, Mapping) else []


def _spilled(stage: Mapping[str, Any]) -> int | None:
    if not stage.get("usedDisk"):
        return None
    told = stage.get("spilledBytes") or stage.get("spilledDataStorageSize") or stage.get("totalDataSizeSorted")
    return int(number(told)) if told else 1


def _optional(stage: Mapping[str, Any], *names: str) -> float | None:
    return next((number(stage[name]) for name in names if name in stage), None)


def _count(stage: Mapping[str, Any], name: str) -> int | None:
    return int(number(stage[name])) if name in stage else None
