"""The target's planner statistics as calls of PostgreSQL 18's ``pg_restore_*_stats`` functions (manual, 9.28.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import asyncpg

from connectors.postgres.shadow.extract.schema import MINE, marked

# Sizes are the file system's of this moment, as the planner of the target would see them, and rows follow them
# (estimate_rel_size in plancat.c); without the right to ask, those of the last ANALYZE.
_RELATIONS = f"""
SELECT n.nspname, c.relname, c.relpages, c.reltuples, c.relallvisible, {{pages}} AS pages
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'i', 'p') AND c.relpersistence <> 't' AND {MINE} ORDER BY c.oid
"""
_PAGES = (
    "CASE WHEN c.relkind <> 'p' THEN pg_relation_size(c.oid) / current_setting('block_size')::int END",
    "c.relpages",
)

# Booleans and enums have the values that the schema says they have; telling them tells nothing of any row.
_ATTRIBUTES = f"""
SELECT s.schemaname, s.tablename, s.attname, s.inherited, s.null_frac, s.avg_width, s.n_distinct, s.correlation,
    CASE WHEN c.relkind = 'i' THEN a.attnum END AS attnum,
    {{values}} OR a.atttypid = 'boolean'::regtype OR t.typtype = 'e' AS open,
    s.most_common_vals::text, s.most_common_freqs::text, s.histogram_bounds::text,
    s.most_common_elems::text, s.most_common_elem_freqs::text, s.elem_count_histogram::text,
    to_jsonb(s) ->> 'range_empty_frac' AS range_empty_frac
FROM pg_stats s JOIN pg_namespace n ON n.nspname = s.schemaname
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname JOIN pg_type t ON t.oid = a.atttypid
WHERE {MINE} ORDER BY c.oid, a.attnum, s.inherited
"""

_VALUE_COLUMNS = (
    ("most_common_vals", ""),
    ("most_common_freqs", "real[]"),
    ("histogram_bounds", ""),
    ("most_common_elems", ""),
    ("most_common_elem_freqs", "real[]"),
)
_FACTS = ("schemaname", "inherited", "null_frac", "avg_width", "n_distinct", "correlation", "elem_count_histogram")
_ARGUMENTS = {
    "schemaname": "",
    "relname": "",
    "attname": "",
    "attnum": "smallint",
    "relpages": "integer",
    "reltuples": "real",
    "relallvisible": "integer",
    "inherited": "boolean",
    "null_frac": "real",
    "avg_width": "integer",
    "n_distinct": "real",
    "correlation": "real",
    **dict(_VALUE_COLUMNS),
    "elem_count_histogram": "real[]",
}
"""The functions' arguments that the planner's figures come in, in this order, each with its type."""


async def statistics_script(connection: Any, relations: Sequence[Mapping[str, Any]], keep_values: bool) -> str:
    """Return the statistics as a script, one call a relation and a column."""
    calls = [_relation_call(row) for row in relations]
    query = _ATTRIBUTES.format(values="true" if keep_values else "false")
    calls += [_attribute_call(row) for row in await connection.fetch(marked(query))]
    return "\n".join(calls) + "\n"


async def relation_sizes(connection: Any) -> Sequence[Mapping[str, Any]]:
    """Relations with pages and rows; when somebody has locked a table, sizes are those of the last ANALYZE."""
    try:
        rows: Sequence[Mapping[str, Any]] = await connection.fetch(marked(_RELATIONS.format(pages=_PAGES[0])))
    except (asyncpg.InsufficientPrivilegeError, asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError):
        rows = await connection.fetch(marked(_RELATIONS.format(pages=_PAGES[1])))
    return rows


def _relation_call(row: Mapping[str, Any]) -> str:
    pages = row["relpages"] if row["pages"] is None else row["pages"]
    rows = row["reltuples"]
    if rows > 0 and row["relpages"] > 0:
        rows *= pages / row["relpages"]
    names = {"schemaname": row["nspname"], "relname": row["relname"]}
    return relation_call({**names, "relpages": pages, "reltuples": rows, "relallvisible": row["relallvisible"]})


def _attribute_call(row: Mapping[str, Any]) -> str:
    named = {"attname": row["attname"]} if row["attnum"] is None else {"attnum": row["attnum"]}
    facts = {name: row[name] for name in _FACTS}
    values = {name: row[name] for name, _ in _VALUE_COLUMNS} if row["open"] else {}
    return attribute_call({"relname": row["tablename"], **named, **facts, **values})


def relation_call(facts: Mapping[str, Any]) -> str:
    """The call that sets a relation's ``relpages``, ``reltuples`` and ``relallvisible``."""
    return _call("pg_restore_relation_stats", facts)


def attribute_call(facts: Mapping[str, Any]) -> str:
    """The call that sets a column's statistics, named as in ``pg_stats``; what is missing or null is left out."""
    return _call("pg_restore_attribute_stats", facts)


def _call(function: str, facts: Mapping[str, Any]) -> str:
    arguments = [(name, facts.get(name), kind) for name, kind in _ARGUMENTS.items()]
    return f"SELECT pg_catalog.{function}({', '.join(_spelled(arguments))});"


def _spelled(arguments: list[tuple[str, Any, str]]) -> Iterator[str]:
    for name, value, kind in arguments:
        if value is not None:
            told = ("t" if value else "f") if isinstance(value, bool) else str(value)
            literal = "'" + told.replace("'", "''") + "'"
            yield f"'{name}', {literal}" + (f"::{kind}" if kind else "")
