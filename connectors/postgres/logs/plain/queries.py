"""The SQL around the compiled reader's streams: what SQL's records tell it, and what becomes of its own."""

from __future__ import annotations

from connectors.postgres.logs.literals import literal
from connectors.postgres.logs.plain import STREAM
from connectors.postgres.logs.records import EVENTS
from connectors.postgres.logs.sessions import TRANSACTION, Piece
from connectors.postgres.logs.tags import TAGS, parts


def told(records: str) -> str:
    """SQL: the table ``records`` as ``plain_others`` reads it; without a session or line a row is missing."""
    took = "CAST(round(coalesce(ms, 0) * 1000) AS BIGINT)"
    return f"""
    SELECT coalesce(string_agg(kind || ' ' || coalesce({TRANSACTION}, '-') || ' ' || {took} || ' ' || line || ' '
                               || session || chr(10), '' ORDER BY rowid), '') FROM {records}"""


def links(piece: Piece) -> str:
    """SQL that makes the table ``piece.links``, as :func:`sessions.linked` does, with the records' ``place``."""
    return f"""
    CREATE TABLE {piece.links} AS
    SELECT rid, line_, chr(kind::INTEGER) AS kind, extra, NULL::BIGINT AS paired, NULL::TIMESTAMP AS ended,
           NULL::VARCHAR AS failed, opened, waits = 1 AS waits, contains('{EVENTS}', chr(kind::INTEGER)) AS emit,
           lone, opens = 1 AS opens, place
    FROM {STREAM}"""


CARRIED = f"""
INSERT INTO carry BY NAME
SELECT logged, zone, "user", database, application, client, session, CASE w WHEN 0 THEN opened ELSE line END AS line,
       CASE w WHEN 0 THEN 'T' ELSE chr(kind::INTEGER) END AS kind, took / 1000.0 AS ms, '' AS comment
FROM {STREAM}, range(2) r(w) WHERE CASE w WHEN 0 THEN opens ELSE waits END = 1"""
"""SQL: what the next piece begins with, see :func:`sessions.carried`."""


def events(source: str, texts: str, only: str) -> str:
    """SQL: the executions read here, with the columns of ``EVENT_COLUMNS``, and ``place``; ``only``: of this database,
    and of none."""
    return f"""
    SELECT {literal(source)} AS source, database, "user", application, client, session, line, unit, started_at,
           ended_at, took / 1000.0 AS duration_ms, NULL::BIGINT AS "rows", t.command, t.text, params_digest,
           params_distinct_key, CASE WHEN comment IS NULL THEN tags ELSE {TAGS} END AS tags,
           NULL::VARCHAR AS error_code, nullif(server_query_id, '0') AS server_query_id, place
    FROM (SELECT *, CASE WHEN comment IS NOT NULL THEN {parts("comment")} END AS tag_parts FROM {STREAM}) p
         JOIN {texts} t USING (code)
    {f"WHERE coalesce(database, {literal(only)}) = {literal(only)}" if only else ""}"""
