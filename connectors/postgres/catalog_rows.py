"""Rows of the system catalogs as nouns. Pure: what the statements of ``queries.sql`` gave, in our own words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from advisor.model.catalog import Column, ColumnStats, ForeignKey, IndexColumn, TableName, TableUsage

UNKNOWN = "unknown: the table is locked"
"""Stands for an expression that cannot be read while a DDL holds its table; equal to nothing that a query asks."""

_ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_DESCENDING, _NULLS_FIRST = 1, 2  # bits of pg_index.indoption (pg_index.h)


def column(row: Mapping[str, Any], default: str | None, statistics: Mapping[str, Any] | None, rows: float) -> Column:
    """A column with its default and its statistics; ``rows`` are its table's."""
    return Column(
        name=row["name"],
        type=row["type"],
        nullable=row["nullable"],
        generated=row["generated"],
        collation=row["collation"],
        default=default,
        stats=_column_stats(statistics, rows) if statistics else None,
    )


def _column_stats(row: Mapping[str, Any], rows: float) -> ColumnStats:
    distinct = row["n_distinct"]
    return ColumnStats(
        null_fraction=row["null_frac"],
        # pg_stats: a negative number is minus the share of rows that have a value of their own.
        n_distinct=round(-distinct * rows, 1) if distinct < 0 else distinct,
        average_width=row["avg_width"],
        correlation=row["correlation"],
        most_common_frequencies=tuple(round(float(share), 7) for share in array_elements(row["frequencies"] or "")),
        most_common_values=array_elements(row["values"] or ""),
    )


def array_elements(text: str) -> tuple[str, ...]:
    """Split an array's output form (``{a,"b,c",NULL}``) into its outermost elements, unquoted.

    >>> array_elements('{1,"a,\\\\"b",{2,3}}')
    ('1', 'a,"b', '{2,3}')
    """
    if len(text) < 3:
        return ()
    elements, current, depth, quoted, escaped = [], "", 0, False, False
    for char in text[1:-1] + ",":
        if escaped:
            current, escaped = current + char, False
        elif char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == "," and not quoted and depth == 0:
            elements.append(current)
            current = ""
        else:
            depth += 0 if quoted else {"{": 1, "}": -1}.get(char, 0)
            current += char
    return tuple(elements)


def index_key(row: Mapping[str, Any]) -> IndexColumn:
    """One key of an index; what is the default is left out."""
    descending = bool(row["option"] & _DESCENDING)
    nulls_first = bool(row["option"] & _NULLS_FIRST)
    return IndexColumn(
        name=row["name"] or "",
        expression="" if row["name"] else without_outer_parentheses(row["expression"] or UNKNOWN),
        descending=descending,
        nulls_first=None if nulls_first == descending else nulls_first,
        opclass=row["opclass"] or "",
        collation=row["collation"] or "",
    )


def without_outer_parentheses(expression: str) -> str:
    """Take off parentheses that enclose the whole of an SQL expression as PostgreSQL prints it.

    >>> without_outer_parentheses("((a + b))"), without_outer_parentheses("(a) OR (b)")
    ('a + b', '(a) OR (b)')
    """
    while expression.startswith("(") and _closing(expression) == len(expression) - 1:
        expression = expression[1:-1].strip()
    return expression


def predicate_of(definition: str) -> str:
    """The predicate at the end of a partial index's definition, as ``pg_get_indexdef`` prints it.

    >>> predicate_of("CREATE INDEX i ON t USING btree (f(' WHERE (')) WHERE ((a > 1) AND (b = 2))")
    '(a > 1) AND (b = 2)'
    """
    mark, position = " WHERE ", definition.find(" WHERE (")
    while position >= 0:
        rest = definition[position + len(mark) :]
        if _closing(rest) == len(rest) - 1:
            return without_outer_parentheses(rest)
        position = definition.find(" WHERE (", position + 1)
    return ""


def _closing(expression: str) -> int:
    depth, quote = 0, ""
    for position, char in enumerate(expression):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "()":
            depth += 1 if char == "(" else -1
            if depth == 0:
                return position
    return -1


def storage_options(options: str | None) -> dict[str, str]:
    """Storage parameters (``fillfactor=90``), given as a JSON array."""
    return dict(option.partition("=")[::2] for option in sorted(json.loads(options or "[]")))


def table_usage(row: Mapping[str, Any] | None) -> TableUsage:
    """A table's counters; unknown without a row."""
    if row is None:
        return TableUsage()
    return TableUsage(
        sequential_scans=row["seq_scan"],
        sequential_rows_read=row["seq_tup_read"],
        index_scans=row["idx_scan"],
        inserts=row["n_tup_ins"],
        updates=row["n_tup_upd"],
        deletes=row["n_tup_del"],
        hot_updates=row["n_tup_hot_upd"],
        modified_since_analyze=row["n_mod_since_analyze"],
        last_analyzed_at=row["analyzed_at"],
    )


def foreign_key(row: Mapping[str, Any], names: Mapping[int, TableName]) -> ForeignKey:
    """A foreign key between tables whose names are known by oid."""
    return ForeignKey(
        name=row["name"],
        table=names[row["table_oid"]],
        columns=tuple(json.loads(row["columns"])),
        referenced=names[row["referenced_oid"]],
        referenced_columns=tuple(json.loads(row["referenced_columns"])),
        on_delete=_ACTIONS.get(row["on_delete"], "NO ACTION"),
        on_update=_ACTIONS.get(row["on_update"], "NO ACTION"),
    )
