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

_CHILDREN = ("inputStage", "outerStage", "innerStage", "thenStage", "elseStage", "child", "leftChild", "rightChild")
_WRITES = (
    "UPDATE", "DELETE", "BATCHED_DELETE", "TS_MODIFY", "TIMESERIES_MODIFY", "EXPRESS_UPDATE", "EXPRESS_DELETE",
)  # fmt: skip
_BUCKETS = "system.buckets."
BY_ID = ("IDHACK", "CLUSTERED_IXSCAN", "EXPRESS_CLUSTERED_IXSCAN")
"""Stages that reach documents by ``_id`` and name no index."""
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
    "merge",
)
"""What of a stage is kept as it stands: it holds no value of a document."""


def tree(stage: Mapping[str, Any], namespace: str, fetched: bool = False) -> PlanNode:
    """The node of a stage, with all below it; ``fetched``: a stage above reads the documents."""
    if isinstance(stage.get("shards"), Sequence):
        return _sharded(stage, namespace)
    kind = str(stage.get("stage") or stage.get("nodeType") or "UNKNOWN")
    namespace = str(stage.get("nss") or namespace)  # each stage tells its own from 8.1 on, where plans join collections
    below = fetched or kind.upper() in ("FETCH", "TEXT_OR", *_WRITES) or "docsExamined" in stage
    children = [tree(stage[name], namespace, below) for name in _CHILDREN if isinstance(stage.get(name), Mapping)]
    for name in ("inputStages", "children"):
        children += [tree(part, namespace, below) for part in listed(stage.get(name))]
    changed = ("nWouldModify", "nWouldDelete", "nMatched", "nWouldUpsert") if kind.upper() in _WRITES else ()
    rows = _optional(stage, *changed, "nReturned", "advanced")
    return PlanNode(
        kind,
        access=_access(kind.upper(), stage, fetched),
        table=_table(kind, stage, namespace),
        index=str(stage.get("indexName") or ("_id_" if kind in BY_ID else "")),
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

    The express paths do not count by node of the plan, nor does SBE where :func:`counted` finds no counts of nodes;
    where a node tells its own, the plan stays as it is.
    """
    keys, documents = _count(stats, "totalKeysExamined"), _count(stats, "totalDocsExamined")
    told = any(node.documents_examined is not None or node.keys_examined is not None for node in root.walk())
    if told or (keys is None and documents is None):
        return root
    returned = _optional(stats, "nReturned")
    nodes = list(root.walk())
    by_index = next((node for node in nodes if node.access in (Access.INDEX, Access.INDEX_ONLY)), None)
    reader = next((node for node in nodes if node.kind.upper() == "FETCH" or node.access is Access.SEQUENTIAL), None)

    def placed(node: PlanNode) -> PlanNode:
        own = replace(node, children=tuple(placed(child) for child in node.children))
        if node is by_index or (keys and by_index is None and node is root):
            own = replace(own, keys_examined=keys)
        if node is (reader or by_index or root):
            own = replace(own, documents_examined=documents)
        return own

    found = placed(root)
    spent = _optional(stats, "executionTimeMillis")
    return replace(found, actual_rows=returned, rows=returned or 0.0, actual_ms=found.actual_ms or spent)


def with_zeros(root: PlanNode, stats: Mapping[str, Any]) -> PlanNode:
    """Put the whole execution's zeros at the root: a scan does not tell that it examined no keys."""
    if _count(stats, "totalKeysExamined") == 0 and all(node.keys_examined is None for node in root.walk()):
        root = replace(root, keys_examined=0)
    if _count(stats, "totalDocsExamined") == 0 and all(node.documents_examined is None for node in root.walk()):
        root = replace(root, documents_examined=0)
    return root


def counted(plan: Mapping[str, Any], namespace: str, stats: Mapping[str, Any]) -> PlanNode:
    """SBE: the tree of ``queryPlan``, with what its stages of execution read, which name their node of the plan.

    ``ixseek`` and its kin read keys, ``seek``, ``scan`` and ``fetch`` (8.3) documents; a node of a join has its foreign
    side's reads.
    """
    found = tree(plan, namespace)
    reads: dict[str, list[int]] = {}
    _reads(stats.get("executionStages"), reads)
    totals = [_count(stats, "totalKeysExamined") or 0, _count(stats, "totalDocsExamined") or 0]
    if not reads or [sum(pair[column] for pair in reads.values()) for column in (0, 1)] != totals:
        return with_totals(found, stats)

    def placed(node: PlanNode) -> PlanNode:
        keys, documents = reads.get(node.attributes.get("node", ""), (None, None))
        reader = node.access is not None or node.kind == "FETCH"
        children = tuple(placed(child) for child in node.children)
        if not reader:
            return replace(node, children=children)
        return replace(
            node,
            keys_examined=keys if node.access is not Access.SEQUENTIAL and node.kind != "FETCH" else None,
            documents_examined=documents if node.access is not Access.INDEX_ONLY else None,
            children=children,
        )

    root = placed(found)
    if [sum(getattr(n, name) or 0 for n in root.walk()) for name in ("keys_examined", "documents_examined")] != totals:
        return with_totals(found, stats)
    returned = _optional(stats, "nReturned")
    return replace(root, actual_rows=returned, rows=returned or 0.0, actual_ms=_optional(stats, "executionTimeMillis"))


def _reads(stage: Any, found: dict[str, list[int]]) -> None:
    """Keys and documents read, by ``planNodeId``, of an SBE execution stage and all below it."""
    if not isinstance(stage, Mapping):
        return
    kind = str(stage.get("stage", ""))
    own = found.setdefault(str(int(number(stage.get("planNodeId")))), [0, 0])
    if kind.startswith("ix"):
        own[0] += int(number(stage.get("keysExamined", stage.get("numReads", 0))))
    elif kind in ("seek", "scan", "pscan", "clusteredscan", "fetch"):
        own[1] += int(number(stage.get("numReads", 0)))
    for name in _CHILDREN:
        _reads(stage.get(name), found)
    for part in listed(stage.get("inputStages")):
        _reads(part, found)


def listed(value: Any) -> list[Mapping[str, Any]]:
    """The documents in a list; none where it is no list."""
    return [part for part in value if isinstance(part, Mapping)] if isinstance(value, list | tuple) else []


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
        if {"low", "high"} <= value.keys():  # a Long that was serialized as the JavaScript object that it is
            return number(value["low"]) % 2**32 + number(value["high"]) * 2**32
        value = next(iter(value.values()), 0)
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def table_name(namespace: str) -> TableName | None:
    """``shop.orders`` as a table's name; a time series is called by its own name, not by that of its buckets."""
    database, _, collection = namespace.partition(".")
    collection = collection.removeprefix(_BUCKETS)
    return TableName(database, collection) if collection else None


def _sharded(stage: Mapping[str, Any], namespace: str) -> PlanNode:
    children = []
    shards = listed(stage["shards"])
    for part in shards:
        own = str(part.get("namespace") or namespace)
        if "sbe" in part:
            plan, stats = part["sbe"]
            children.append(counted(plan, own, stats))
            continue
        inner = part.get("executionStages") or part.get("winningPlan") or {}
        inner = inner.get("queryPlan", inner) if isinstance(inner, Mapping) else {}
        if isinstance(inner, Mapping) and inner:
            children.append(with_totals(tree(inner, own), part))
    rows = _optional(stage, "nReturned")
    names = ", ".join(str(part["shardName"]) for part in shards if part.get("shardName"))
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
    if kind == "DISTINCT_SCAN" and stage.get("isFetching"):
        return Access.INDEX
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
    if str(stage.get("stage", "")).startswith("EQ_LOOKUP"):
        found["side"] = "foreign"
    if "planNodeId" in stage:
        found["node"] = str(int(number(stage["planNodeId"])))
    pattern = stage.get("keyPattern", stage.get("indexKeyPattern"))
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
