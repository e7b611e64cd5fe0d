"""FETCH and EXECUTE as what they run: the query of the cursor's DECLARE, the statement of the PREPARE.

An application that reads through a cursor sends one query, however many FETCHes it takes.
"""

from __future__ import annotations

import duckdb

from connectors.postgres.logs.literals import comments, literal, skeleton, without_comments
from connectors.postgres.logs.records import trimmed

KEPT = 100_000
"""Cursors remembered from piece to piece, the latest; those of sessions long gone fall out."""

_DECLARED = r'(?is)^\s*declare\s+"?([^\s"]+)"?\s.*?\bcursor\b.*?\bfor\s+(.*)$'
_FETCHED = r'(?is)^\s*(?:fetch|move)\b(?:.*\b(?:from|in))?\s+"?([^\s";]+)"?[\s;]*$'
_PREPARED = r"(?is)^prepare:\s+prepare\s+.*?\bas\s+(.*)$"
_COMMAND = "CASE head WHEN 'DECLA' THEN 'DECLARE' ELSE head END"


def create(database: duckdb.DuckDBPyConnection) -> None:
    """Make the table that remembers cursors."""
    database.execute("CREATE TABLE declared (s UBIGINT, name VARCHAR, line_ BIGINT, query VARCHAR, comment VARCHAR)")


def resolve_cursors(database: duckdb.DuckDBPyConnection, table: str, base: int) -> None:
    """Give DECLARE and FETCH in ``table`` the text of the cursor's query; ``base`` numbers records without lines."""
    line = f"coalesce(line, {base} + rowid)"
    database.execute(
        f"""INSERT INTO declared
            SELECT hash(session), lower(regexp_extract(body, {literal(_DECLARED)}, 1)), {line},
                   regexp_extract(body, {literal(_DECLARED)}, 2), comment
            FROM {table} WHERE head = 'DECLA' AND regexp_matches(body, {literal(_DECLARED)})"""
    )
    database.execute(
        f"""UPDATE {table} SET body = found.query, comment = found.comment, skeleton = {skeleton("found.query")},
                               command = trim({_COMMAND})
            FROM (SELECT f.rid, d.query, d.comment
                  FROM (SELECT rowid AS rid, hash(session) AS s, {line} AS line_,
                               lower(CASE head WHEN 'DECLA' THEN regexp_extract(body, {literal(_DECLARED)}, 1)
                                               ELSE regexp_extract(body, {literal(_FETCHED)}, 1) END) AS name
                        FROM {table} WHERE head IN ('FETCH', 'DECLA') OR starts_with(head, 'MOVE')) f
                  ASOF JOIN declared d ON f.s = d.s AND f.name = d.name AND f.line_ >= d.line_) found
            WHERE {table}.rowid = found.rid"""
    )
    database.execute(f"DELETE FROM declared WHERE rowid < (SELECT max(rowid) FROM declared) - {KEPT}")


def resolve_prepared(database: duckdb.DuckDBPyConnection, table: str) -> None:
    """Give EXECUTE in ``table`` the text that was prepared, which its DETAIL repeats; its arguments are parameters."""
    prepared = f"regexp_extract(detail, {literal(_PREPARED)}, 1)"
    database.execute(
        f"""UPDATE {table} SET body = {trimmed(without_comments(prepared))}, comment = {comments(prepared)},
                               skeleton = NULL, detail = 'parameters: $0 = ' || body, command = 'EXECUTE'
            WHERE head = 'EXECU' AND regexp_matches(detail, {literal(_PREPARED)})"""
    )
