"""Which of a collection's indexes nothing needs: by their keys, options and uses."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping

from advisor.model.catalog import Index, Table
from advisor.model.mongosh import key_document
from advisor.model.shape import QueryShape
from advisor.model.workload import Query

_SPECIAL = frozenset(
    {"sparse", "expireAfterSeconds", "collation", "weights", "wildcardProjection", "hidden", "clustered"}
)


def used_indexes(queries: Iterable[Query]) -> frozenset[tuple[str, str]]:
    """(collection, index) of every index that an execution of the queries used, if only one of many."""
    found: set[tuple[str, str]] = set()
    for query in queries:
        for node in query.plan.nodes() if query.plan is not None else ():
            names = [node.index, *node.attributes.get("indexes of all executions", "").split(", ")]
            found |= {(node.table.name, name) for name in names if name and node.table is not None}
    return frozenset(found)


def hint_of(shape: QueryShape) -> str | Mapping[str, object] | None:
    """The index that a query insists on, by name or by keys."""
    if '"hint"' not in shape.text:
        return None
    try:
        given = json.loads(shape.text).get("hint")
    except (ValueError, AttributeError):
        return None
    return given if isinstance(given, str | Mapping) else None


def is_hinted(index: Index, shape: QueryShape) -> bool:
    """Whether the query insists on this index: without it, or while it is hidden, the query fails."""
    hint = hint_of(shape)
    return index.table in shape.tables and hint in (index.name, key_document(index))


def superfluous(table: Table, used: Collection[tuple[str, str]]) -> Iterator[tuple[Index, str, str]]:
    """(index, why, the index that serves its queries or ``""``), each index once, in the order of names.

    ``used``: (collection, index) that the workload's plans use. A text, geo, hashed, wildcard, unique, TTL, sparse,
    partial or hidden index is kept whatever its uses, and so is the index of a shard key.
    """
    gone: set[str] = set()
    needed: set[str] = set()
    for index in sorted(table.indexes, key=lambda index: (len(index.columns), index.name)):
        if not _plain(index) or _is_shard_key(index, table):
            continue
        others = [o for o in table.indexes if o.name != index.name and o.name not in gone and _answers(o)]
        wider = next((other for other in others if _begins(other, index)), None)
        if wider is not None:
            gone.add(index.name)
            needed.add(wider.name)
            yield index, f"{wider.name} begins with its keys and serves its queries", wider.name
        elif index.scans == 0 and index.name not in needed and (table.name.name, index.name) not in used:
            gone.add(index.name)
            since = index.options.get("since", "")
            told = f" since {since[:16].replace('T', ' ')}" if since else ""
            members = int(index.options.get("members", "1"))
            yield index, f"it was not used once{told} on {members} member{'s' if members > 1 else ''}", ""


def _plain(index: Index) -> bool:
    return not (
        index.primary or index.unique or index.predicate or index.method != "btree" or _SPECIAL & set(index.options)
    )


def _answers(index: Index) -> bool:
    """Whether an index can stand in for a plain one: it holds every document and may be used."""
    odd = {"sparse", "collation", "hidden", "weights", "wildcardProjection"} & set(index.options)
    return index.method == "btree" and not index.predicate and not odd


def _begins(longer: Index, index: Index) -> bool:
    own = [(column.key, column.descending) for column in index.columns]
    first = [(column.key, column.descending) for column in longer.columns[: len(own)]]
    turned = [(name, not way) for name, way in first]
    return first == own or turned == own


def _is_shard_key(index: Index, table: Table) -> bool:
    key = table.options.get("shard key", "")
    return bool(key) and f'"{index.keys[0]}"' in key
