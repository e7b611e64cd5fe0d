"""CloudNativePG: the operator's JSON lines; ``record`` holds csvlog's columns as text."""

from __future__ import annotations

from connectors.postgres.logs.envelope import json_lines
from connectors.postgres.logs.format import Format, Piece

_FIELDS = (
    *("log_time", "user_name", "database_name", "process_id", "connection_from", "session_id", "session_line_num"),
    *("error_severity", "sql_state_code", "message", "detail", "context", "query", "application_name", "query_id"),
)


def _looks(head: bytes) -> float:
    return 1.0 if b'"logger":"postgres"' in head.replace(b": ", b":") and b'"session_line_num"' in head else 0.0


def _relation(piece: Piece) -> str:
    inner = ", ".join(f'"{name}" VARCHAR' for name in _FIELDS)
    return f"""
    SELECT TRY_CAST(left(r.log_time, 23) AS TIMESTAMP) AS logged, substr(r.log_time, 25) AS zone, r.user_name AS "user",
           r.database_name AS database, r.application_name AS application, r.connection_from AS client,
           r.session_id AS session, TRY_CAST(r.session_line_num AS BIGINT) AS line, r.error_severity AS severity,
           r.sql_state_code AS code, r.message, r.detail, r.context, r.query AS statement, r.query_id
    FROM (SELECT record AS r FROM {json_lines(piece, {"record": f"STRUCT({inner})"})} WHERE record IS NOT NULL)"""


FORMAT = Format(name="cloudnativepg", looks=_looks, relation=_relation)
