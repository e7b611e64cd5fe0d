"""The queries that PostgreSQL itself runs for foreign keys: deleting a referenced row looks for rows that point to it.

EXPLAIN does not show them (they run in a trigger), so they are priced as queries of their own. Source: PostgreSQL's
``ri_triggers.c``; manual 5.5.5, which advises an index on the referencing columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from advisor.model.catalog import Catalog, ForeignKey
from advisor.model.identifiers import quote
from advisor.model.shape import Operator, Predicate, QueryBlock, QueryShape
from advisor.model.workload import Query, QueryStats, StatsSource

PREFIX = "fk:"
"""Begins the fingerprints of these queries, which no statement of the application has."""


def foreign_key_checks(queries: Sequence[Query], catalog: Catalog) -> list[Query]:
    """The check of every foreign key whose referenced rows were seen to be deleted, or their keys changed."""
    return list(_checks(queries, catalog))


def _checks(queries: Sequence[Query], catalog: Catalog) -> Iterator[Query]:
    for key in catalog.foreign_keys:
        calls = _row_changes(key, queries, catalog)
        child = catalog.by_name.get(key.table)
        if not calls or child is None:
            continue
        condition = " AND ".join(f"{quote(column)} = ${n}" for n, column in enumerate(key.columns, 1))
        predicates = tuple(
            Predicate(key.table, column, Operator.EQUAL, columns=(column,), parameter=n)
            for n, column in enumerate(key.columns, 1)
        )
        text = f"SELECT 1 FROM {key.table.sql} WHERE {condition}"
        shape = QueryShape(
            fingerprint=f"{PREFIX}{key.table}.{key.name}",
            text=text,
            command="SELECT",
            tables=(key.table,),
            blocks=(QueryBlock((key.table,), predicates, read=((key.table, ("*",)),)),),
            parameters=len(key.columns),
        )
        yield Query(shape, QueryStats(StatsSource.STATEMENTS, calls, 0.0, 0.0))


def _row_changes(key: ForeignKey, queries: Sequence[Query], catalog: Catalog) -> int:
    """Rows of the referenced table that were deleted, or whose referenced columns were assigned."""
    seen = 0
    for query in queries:
        if query.shape.written != key.referenced:
            continue
        changes_key = query.shape.command == "UPDATE" and set(query.shape.assigned) & set(key.referenced_columns)
        if query.shape.command == "DELETE" or changes_key:
            seen += query.stats.rows or query.stats.calls
    if seen:
        return seen
    referenced = catalog.by_name.get(key.referenced)
    return (referenced.usage.deletes or 0) if referenced else 0
