"""An aggregation's stages -> a chain of PlanNodes, the first stage at its bottom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from advisor.model.plan import Access, PlanNode
from connectors.mongo.plan.figures import count, listed, number, optional
from connectors.mongo.plan.nodes import table_name

Parse = Callable[[Mapping[str, Any]], PlanNode | None]
_SEARCHES = ("$_internalSearchMongotRemote", "$search", "$searchBeta", "$searchMeta", "$vectorSearch")
"""Stages that ask mongot, which keeps the search indexes."""
_BY_IDENTITY = "$_internalSearchIdLookup"
"""Reads the documents that mongot found, by their ``_id``; from 8.2 on it tells how many."""


def pipeline_tree(stages: Any, parse: Parse, below: PlanNode | None = None, namespace: str = "") -> PlanNode | None:
    """Fold the stages onto ``below``; ``$cursor`` carries the plan of what the query system does itself.

    ``namespace``: what the pipeline is over, which stages that begin without a ``$cursor`` do not tell.
    """
    for stage in listed(stages):
        name = next((key for key in stage if key.startswith("$")), "")
        value = stage.get(name)
        if name in ("$cursor", "$geoNearCursor") and isinstance(value, Mapping):
            below = parse(value)
        elif name in (*_SEARCHES, _BY_IDENTITY):
            below = _search(name, value if isinstance(value, Mapping) else {}, stage, below, namespace)
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
    rows = optional(stage, "nReturned")
    return PlanNode(
        name,
        rows=rows or 0.0,
        actual_rows=rows,
        actual_ms=optional(stage, "executionTimeMillisEstimate"),
        sort_keys=_sort_keys(name, value),
        spilled_bytes=int(number(stage.get("spilledBytes", 1))) if spilled else None,
        attributes=_attributes(name, value, stage),
        children=tuple(children),
    )


def _search(
    name: str, value: Mapping[str, Any], stage: Mapping[str, Any], below: PlanNode | None, namespace: str
) -> PlanNode:
    query = value.get("mongotQuery", value)
    asked = query.get("$search", query) if isinstance(query, Mapping) else {}
    named = asked.get("index") if isinstance(asked, Mapping) else None
    rows = optional(stage, "nReturned")
    return PlanNode(
        name,
        Access.INDEX,
        table_name(namespace),
        index="_id_" if name == _BY_IDENTITY else str(named or "default"),  # manual, $search: index
        rows=rows or 0.0,
        actual_rows=rows,
        actual_ms=optional(stage, "executionTimeMillisEstimate"),
        keys_examined=count(value, "totalKeysExamined"),
        documents_examined=count(value, "totalDocsExamined"),
        children=() if below is None else (below,),
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
