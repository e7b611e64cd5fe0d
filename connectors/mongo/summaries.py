"""A log line's ``planSummary`` and figures -> a Plan: what the server did, without its tree of stages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from advisor.model.catalog import Catalog, Table, TableName
from advisor.model.plan import Access, Plan, PlanNode

PLANNER = "MongoDB (log and profiler)"
_LARGEST = (
    ("most_bytes", "largest response"), ("most_returned", "most returned"), ("most_keys_written", "most keys written"),
)  # fmt: skip

_LEAF = re.compile(r"(?P<stage>[A-Z][A-Z0-9_]+)(?:\s*\{(?P<keys>[^}]*)\})?")
_KEY = re.compile(r"\s*(?P<field>[^:]+?)\s*:\s*(?P<way>-?\d+(?:\.\d+)?|\"[^\"]*\"|'[^']*')\s*(?:,|\Z)")

ACCESS: Mapping[str, Access] = {
    "COLLSCAN": Access.SEQUENTIAL,
    "CLUSTERED_IXSCAN": Access.INDEX,
    "IXSCAN": Access.INDEX,
    "IDHACK": Access.INDEX,
    "COUNT_SCAN": Access.INDEX_ONLY,
    "DISTINCT_SCAN": Access.INDEX_ONLY,
    "EXPRESS_IXSCAN": Access.INDEX,
    "EXPRESS_CLUSTERED_IXSCAN": Access.INDEX,
    "EXPRESS_UPDATE": Access.INDEX,
    "EXPRESS_DELETE": Access.INDEX,
    "GEO_NEAR_2D": Access.INDEX,
    "GEO_NEAR_2DSPHERE": Access.INDEX,
    "INDEX_PROBE_NODE": Access.INDEX,
    "TEXT": Access.INDEX,
    "TEXT_MATCH": Access.INDEX,
    "TEXT_OR": Access.INDEX,
    "SEEK": Access.INDEX,
    "IXSEEK": Access.INDEX,
    "SCAN": Access.SEQUENTIAL,
    "PHYSICALSCAN": Access.SEQUENTIAL,
    "INDEXSCAN": Access.INDEX,
}
"""Stages that read a collection or index, in the server's words."""


def key_pattern(text: str) -> tuple[tuple[str, str], ...]:
    """``{ a: 1, b: -1 }`` as pairs of field and direction (or kind), both as text."""
    return tuple((found["field"].strip("\"'"), found["way"].strip("\"'")) for found in _KEY.finditer(text.strip(" {}")))


def leaves(summary: str) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """The stages of a plan summary with their key patterns.

    >>> leaves("IXSCAN { a: 1 }, IXSCAN { b: -1, c: 1 }")
    [('IXSCAN', (('a', '1'),)), ('IXSCAN', (('b', '-1'), ('c', '1')))]
    """
    return [(found["stage"], key_pattern(found["keys"] or "")) for found in _LEAF.finditer(summary)]


def index_name(table: Table | None, keys: tuple[tuple[str, str], ...], stage: str) -> str:
    """The name of the index with these keys: the catalog's, else the one that the server would give it."""
    if not keys:
        return "_id_" if stage in ("IDHACK", "EXPRESS_CLUSTERED_IXSCAN") else ""
    if keys == (("_id", "1"),):
        return "_id_"
    for index in table.indexes if table else ():
        if tuple((c.key, "-1" if c.descending else c.opclass or "1") for c in index.columns) == keys:
            return index.name
    return "_".join(f"{field}_{way}" for field, way in keys)


def plans_of(figures: Iterable[Mapping[str, Any]], catalog: Catalog | None) -> tuple[Plan, ...]:
    """One plan a text, that of most time; its figures are of all executions of the text, by the mean of a call."""
    by_text: dict[str, list[Mapping[str, Any]]] = {}
    for row in figures:
        by_text.setdefault(row["text"], []).append(row)
    return tuple(_plan(text, rows, catalog) for text, rows in sorted(by_text.items()))


def namespace(text: str) -> TableName | None:
    """The collection that a canonical text names first."""
    try:
        command = json.loads(text)
    except ValueError:
        return None
    name = next(iter(command.values()), "")
    return TableName(str(command.get("$db", "")), name) if isinstance(name, str) and name else None


def _plan(text: str, rows: list[Mapping[str, Any]], catalog: Catalog | None) -> Plan:
    name = namespace(text)
    table = catalog.find(name.name, name.schema) if catalog and name else None
    told = [row for row in rows if row["plan_summary"]] or rows
    calls = sum(row["calls"] for row in rows)
    summary = told[0]["plan_summary"]
    means = {key: sum(row[key] or 0 for row in rows) / calls for key in ("ms", "keys", "documents", "returned")}
    nodes = list(_leaves(summary, name, table))
    node = _with_figures(nodes, means, name)
    if any(row["has_sort_stage"] for row in rows):
        spilled = 1 if any(row["used_disk"] for row in rows) else None
        node = PlanNode("SORT", actual_rows=means["returned"], spilled_bytes=spilled, children=(node,))
    summaries = sorted({row["plan_summary"] for row in rows if row["plan_summary"]})
    attributes = {"calls": str(calls), "plan summary": " | ".join(summaries)}
    for key, label in _LARGEST:
        largest = max((row[key] or 0 for row in rows), default=0)
        if largest:
            attributes[label] = str(largest)
    names = sorted(
        {n for row in rows for stage, keys in leaves(row["plan_summary"]) if (n := index_name(table, keys, stage))}
    )
    if len(names) > 1:
        attributes["indexes of all executions"] = ", ".join(names)
    if limited := sum(row["limited"] for row in rows):
        attributes["limit reached"] = f"{sum(row['cut'] for row in rows) / limited:.2f}"
    root = PlanNode(
        node.kind, node.access, node.table, index=node.index, rows=means["returned"], actual_rows=means["returned"],
        actual_ms=means["ms"], loops=1.0, spilled_bytes=node.spilled_bytes, keys_examined=node.keys_examined,
        documents_examined=node.documents_examined, attributes={**node.attributes, **attributes},
        children=node.children,
    )  # fmt: skip
    return Plan(root, PLANNER, text=text, generic=True, execution_ms=means["ms"])


def _leaves(summary: str, name: TableName | None, table: Table | None) -> Iterator[PlanNode]:
    for stage, keys in leaves(summary):
        if stage in ("EXPRESS_UPDATE", "EXPRESS_DELETE") and "," in summary:
            continue
        pattern = ", ".join(f"{field}: {way}" for field, way in keys)
        attributes = {"key pattern": "{ " + pattern + " }"} if pattern else {}
        yield PlanNode(stage, ACCESS.get(stage), name, index=index_name(table, keys, stage), attributes=attributes)


def _with_figures(nodes: list[PlanNode], means: Mapping[str, float], name: TableName | None) -> PlanNode:
    keys, documents = round(means["keys"]), round(means["documents"])
    if not nodes:
        return PlanNode("COMMAND", table=name, keys_examined=keys, documents_examined=documents)
    if len(nodes) == 1:
        node = nodes[0]
        if node.kind != "IXSCAN":
            return _copy(node, node.access, keys, documents)
        if not documents and keys:
            return _copy(node, Access.INDEX_ONLY, keys, 0)
        leaf = _copy(node, Access.INDEX, keys, None)
        return PlanNode(
            "FETCH", table=name, documents_examined=documents, actual_rows=means["returned"], children=(leaf,)
        )
    return PlanNode("OR", table=name, keys_examined=keys, documents_examined=documents, children=tuple(nodes))


def _copy(node: PlanNode, access: Access | None, keys: int | None, documents: int | None) -> PlanNode:
    return PlanNode(
        node.kind, access, node.table, index=node.index, keys_examined=keys, documents_examined=documents,
        attributes=node.attributes,
    )  # fmt: skip
