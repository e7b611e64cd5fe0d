"""An aggregation's stages -> a chain of PlanNodes, the first stage at its bottom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from advisor.model.plan import Access, PlanNode
from connectors.mongo.plan.nodes import listed, number, table_name

Parse = Callable[[Mapping[str, Any]], PlanNode | None]


def pipeline_tree(stages: Any, parse: Parse, below: PlanNode | None = None) -> PlanNode | None:
    """Fold the stages onto ``below``; ``$cursor`` carries the plan of what the query system does itself."""
    for stage in listed(stages):
        name = next((key for key in stage if key.startswith("$")), "")
        value = stage.get(name)
        if name in ("$cursor", "$geoNearCursor") and isinstance(value, Mapping):
            below = parse(value)
        elif name:
            below = _stage(name, value if isinstance(value, Mapping) else {}, stage, below, parse)
    return below


def _stage(
    name: str, value: Mapping[str, Any], stage: Mapping[str, Any], below: PlanNode | None, parse: Parse
) -> PlanNode:
    children = [below] if below is not None else []
    if name in ("$lookup", "$graphLookup"):
        children += _foreign(value, stage, below)
    elif name == "$unionWith":
        children += _union(value, parse)
    elif name == "$facet":
        children += [node for inner in value.values() if (node := pipeline_tree(inner, parse))]
    elif name == "$geoNear":
        children += [PlanNode("GEO_NEAR", Access.INDEX, attributes={"key": str(value.get("key", ""))})]
    spilled = stage.get("usedDisk")
    rows = number(stage["nReturned"]) if "nReturned" in stage else None
    return PlanNode(
        name,
        rows=rows or 0.0,
        actual_rows=rows,
        actual_ms=number(stage["executionTimeMillisEstimate"]) if "executionTimeMillisEstimate" in stage else None,
        sort_keys=_sort_keys(name, value),
        spilled_bytes=int(number(stage.get("spilledBytes", 1))) if spilled else None,
        attributes=_attributes(name, value, stage),
        children=tuple(children),
    )


def _sort_keys(name: str, value: Mapping[str, Any]) -> tuple[str, ...]:
    if name != "$sort":
        return ()
    keys = value.get("sortKey", value)
    if not isinstance(keys, Mapping):
        return ()
    return tuple(f"{key} {'desc' if number(way) < 0 else 'asc'}" for key, way in keys.items() if key != "limit")


def _attributes(name: str, value: Mapping[str, Any], stage: Mapping[str, Any]) -> dict[str, str]:
    kept = ("from", "as", "localField", "foreignField", "connectFromField", "connectToField", "strategy", "coll")
    found = {key: str(value[key]) for key in kept if isinstance(value.get(key), str)}
    if name in ("$lookup", "$graphLookup") and "collectionScans" in stage:
        found["collection scans"] = str(int(number(stage["collectionScans"])))
        found["indexes used"] = ", ".join(_names(stage.get("indexesUsed")))
    return found


def _foreign(value: Mapping[str, Any], stage: Mapping[str, Any], below: PlanNode | None) -> list[PlanNode]:
    """The foreign side, told at executionStats from 5.0 on: how it was read is in what it used."""
    if "totalDocsExamined" not in stage or not isinstance(value.get("from"), str):
        return []
    schema = next((node.table.schema for node in below.walk() if node.table), "") if below else ""
    documents, keys = int(number(stage["totalDocsExamined"])), int(number(stage.get("totalKeysExamined", 0)))
    used = _names(stage.get("indexesUsed"))
    scanned = number(stage.get("collectionScans", 0)) > 0 or (not used and documents > 0)
    return [
        PlanNode(
            "COLLSCAN" if scanned else "IXSCAN",
            Access.SEQUENTIAL if scanned else Access.INDEX,
            table_name(f"{schema}.{value['from']}"),
            index=used[0] if used and not scanned else "",
            keys_examined=keys,
            documents_examined=documents,
            attributes={"side": "foreign"},
        )
    ]


def _names(value: Any) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else []


def _union(value: Mapping[str, Any], parse: Parse) -> list[PlanNode]:
    inner = value.get("pipeline")
    node = parse(inner) if isinstance(inner, Mapping) else pipeline_tree(inner, parse)
    return [node] if node else []
