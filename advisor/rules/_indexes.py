"""What the rules about superfluous indexes share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from advisor.model.catalog import Catalog, Index, IndexColumn, Table
from advisor.model.finding import EvidenceValue

KINDS = frozenset({"table", "partitioned table", "partition", "materialized view"})


def indexed_tables(catalog: Catalog) -> Iterator[Table]:
    """Tables that hold indexes, in order of name."""
    return (t for t in sorted(catalog.tables, key=lambda table: table.name) if t.kind in KINDS and t.indexes)


def comparable(index: Index) -> Index:
    """The index with defaults spelled out, so that equal definitions are equal: `ASC` and `ASC NULLS LAST`."""
    columns = tuple(
        IndexColumn(
            name=column.name,
            expression=column.expression,
            descending=column.descending,
            nulls_first=column.descending if column.nulls_first is None else column.nulls_first,
            opclass=column.opclass,
            collation=column.collation,
        )
        for column in index.columns
    )
    return replace(index, columns=columns)


def is_bound(index: Index) -> bool:
    """Whether something else depends on the index: a constraint, replica identity, clustering, a partitioned parent."""
    return bool(index.primary or index.constraint or index.replica_identity or index.clustered or index.parent)


def facts(index: Index) -> dict[str, EvidenceValue]:
    """An index's definition, size and use, as evidence."""
    told: dict[str, EvidenceValue] = {"index": index.name, "columns": ", ".join(index.keys)}
    if index.size_bytes is not None:
        told["size (bytes)"] = index.size_bytes
    if index.scans is not None:
        told["scans"] = index.scans
    return told
