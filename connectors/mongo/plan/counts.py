"""What an execution examined -> the nodes of the plan that examined it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from advisor.model.plan import Access, PlanNode
from connectors.mongo.plan.figures import count, listed, number, optional

CHILDREN = ("inputStage", "outerStage", "innerStage", "thenStage", "elseStage", "child", "leftChild", "rightChild")
"""Fields of a stage that hold the one below it, in the classic engine's trees and in SBE's."""


def with_totals(root: PlanNode, stats: Mapping[str, Any]) -> PlanNode:
    """Put a whole plan's counts where they were read: keys at the index scan, documents at the fetch or whole scan.

    That is for what no node of the plan tells: a scan tells no keys, SBE nothing where :func:`counted` finds no counts
    of nodes, and of a plan that was cut by hand only the totals may be left. An index whose documents were read does
    not cover the query, though the fetch itself is not told.
    """
    nodes = list(root.walk())
    keys = None if any(node.keys_examined is not None for node in nodes) else count(stats, "totalKeysExamined")
    documents = None if any(n.documents_examined is not None for n in nodes) else count(stats, "totalDocsExamined")
    by_index = next((node for node in nodes if node.access in (Access.INDEX, Access.INDEX_ONLY)), None)
    reader = next((node for node in nodes if node.kind.upper() == "FETCH" or node.access is Access.SEQUENTIAL), None)

    def placed(node: PlanNode) -> PlanNode:
        own = replace(node, children=tuple(placed(child) for child in node.children))
        if keys is not None and node is (by_index or root):
            own = replace(own, keys_examined=keys)
        if documents is not None and node is (reader or by_index or root):
            covered = own.access is Access.INDEX_ONLY and documents
            own = replace(own, documents_examined=documents, access=Access.INDEX if covered else own.access)
        return own

    found = placed(root)
    returned = optional(stats, "nReturned")
    if found.actual_rows is not None or returned is None:
        return found
    return replace(
        found,
        actual_rows=returned,
        rows=returned,
        actual_ms=found.actual_ms if found.actual_ms is not None else optional(stats, "executionTimeMillis"),
    )


def counted(found: PlanNode, stats: Mapping[str, Any]) -> PlanNode:
    """SBE: the tree of ``queryPlan`` with what its stages of execution read, which name their node of the plan.

    ``ixseek`` and its kin read keys, ``seek``, ``scan`` and ``fetch`` (8.3) documents; a node of a join has its foreign
    side's reads.
    """
    reads: dict[str, list[int]] = {}
    _reads(stats.get("executionStages"), reads)
    totals = [count(stats, "totalKeysExamined") or 0, count(stats, "totalDocsExamined") or 0]
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
    returned = optional(stats, "nReturned")
    return replace(root, actual_rows=returned, rows=returned or 0.0, actual_ms=optional(stats, "executionTimeMillis"))


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
    for name in CHILDREN:
        _reads(stage.get(name), found)
    for part in listed(stage.get("inputStages")):
        _reads(part, found)
