"""Which of a collection's indexes nothing needs: by their keys, options and uses."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from advisor.model.catalog import Index, Table

_SPECIAL = frozenset(
    {"sparse", "expireAfterSeconds", "collation", "weights", "wildcardProjection", "hidden", "clustered"}
)


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
