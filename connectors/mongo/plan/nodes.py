"""A stage and what is below it -> PlanNode."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from advisor.model.catalog import TableName
from advisor.model.plan import Access, PlanNode
from connectors.mongo.commands import predicate
from connectors.mongo.plan.bounds import bounds
from connectors.mongo.plan.counts import CHILDREN, counted, with_totals
from connectors.mongo.plan.figures import count, listed, number, optional
from connectors.mongo.summaries import ACCESS, key_pattern

_WRITES = (
    "UPDATE", "DELETE", "BATCHED_DELETE", "TS_MODIFY", "TIMESERIES_MODIFY", "EXPRESS_UPDATE", "EXPRESS_DELETE",
)  # fmt: skip
_CHANGED = (
    "nWouldModify", "nWouldDelete", "nMeasurementsUpdated", "nMeasurementsDeleted", "nMatched", "nWouldUpsert",
)  # fmt: skip
"""What a stage that writes tells of its documents (PlanExplainerImpl); of a time series it counts measurements."""
_BUCKETS = "system.buckets."
BY_ID = ("IDHACK", "CLUSTERED_IXSCAN", "EXPRESS_CLUSTERED_IXSCAN")
"""Stages that reach documents by ``_id`` and name no index."""
_LOOKUPS: Mapping[str, Access | None] = {
    "NestedLoopJoin": Access.SEQUENTIAL,
    "HashJoin": Access.SEQUENTIAL,
    "IndexedLoopJoin": Access.INDEX,
    "DynamicIndexedLoopJoin": Access.INDEX,
    "NonExistentForeignCollection": None,
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
    children = [tree(stage[name], namespace, below) for name in CHILDREN if isinstance(stage.get(name), Mapping)]
    for name in ("inputStages", "children"):
        children += [tree(part, namespace, below) for part in listed(stage.get(name))]
    changed = _CHANGED if kind.upper() in _WRITES else ()
    rows = optional(stage, *changed, "nReturned", "advanced")
    return PlanNode(
        kind,
        access=_access(kind.upper(), stage, fetched),
        table=_table(kind, stage, namespace),
        index=str(stage.get("indexName") or ("_id_" if kind in BY_ID else "")),
        rows=rows or 0.0,
        actual_rows=rows,
        actual_ms=optional(stage, "executionTimeMillisEstimate", "executionTimeMicros"),
        filter=_filter(stage),
        index_condition=bounds(stage.get("indexBounds")),
        sort_keys=tuple(f"{key} {'desc' if number(way) < 0 else 'asc'}" for key, way in _sort(stage)),
        spilled_bytes=_spilled(stage),
        keys_examined=count(stage, "keysExamined"),
        documents_examined=count(stage, "docsExamined"),
        attributes=_attributes(stage),
        children=tuple(children),
    )


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
            children.append(counted(tree(plan, own), stats))
            continue
        inner = part.get("executionStages") or part.get("winningPlan") or {}
        inner = inner.get("queryPlan", inner) if isinstance(inner, Mapping) else {}
        if isinstance(inner, Mapping) and inner:
            children.append(with_totals(tree(inner, own), part))
    rows = optional(stage, "nReturned")
    if stage.get("stage") == "SHARD_WRITE" and rows is not None:
        rows = sum(child.actual_rows or 0.0 for child in children)
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
        return _LOOKUPS.get(str(stage.get("strategy", "")), Access.INDEX if stage.get("indexName") else None)
    access = ACCESS.get(kind)
    if (kind == "IXSCAN" and not fetched) or stage.get("projectionCovered") is True:
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
