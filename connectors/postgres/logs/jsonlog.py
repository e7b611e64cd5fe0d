"""jsonlog, PostgreSQL 15 to 18: one object a line (documentation, section 20.8.5)."""

from __future__ import annotations

import re

from advisor.captures import quoted
from connectors.postgres.logs.format import Format, Piece
from connectors.postgres.logs.plain import PlainPiece

_START = re.compile(rb'^\{"timestamp":\s?"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d')
_FIELDS = (
    *("timestamp", "user", "dbname", "remote_host", "remote_port", "session_id", "line_num", "error_severity"),
    *("state_code", "message", "detail", "context", "statement", "application_name", "query_id"),
)


def _looks(head: bytes) -> float:
    return 1.0 if any(_START.match(line) and b'"error_severity"' in line for line in head.split(b"\n")[:200]) else 0.0


def _relation(piece: Piece) -> str:
    columns = dict.fromkeys(_FIELDS, "VARCHAR")
    return f"""
    SELECT TRY_CAST(left("timestamp", 23) AS TIMESTAMP) AS logged, substr("timestamp", 25) AS zone, "user",
           dbname AS database, application_name AS application,
           CASE WHEN remote_port IS NULL THEN remote_host ELSE remote_host || ':' || remote_port END AS client,
           session_id AS session, TRY_CAST(line_num AS BIGINT) AS line, error_severity AS severity,
           state_code AS code, message, detail, context, statement, query_id
    FROM read_json('{quoted(piece.path)}', format = 'newline_delimited', columns = {columns}, ignore_errors = true,
                   maximum_object_size = {piece.longest})"""


FORMAT = Format(name="jsonlog", looks=_looks, relation=_relation, plain=PlainPiece.json)
