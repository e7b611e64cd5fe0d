"""Azure Database for PostgreSQL: diagnostic entries as JSON lines (or ``{"records": […]}``), ``properties.message``.

A flexible server's message is the whole stderr line; a single server's has its prefix apart, in ``properties.prefix``.
The plain files that the portal offers are stderr.
"""

from __future__ import annotations

import re

from connectors.postgres.logs.envelope import json_lines, of_objects, one_line
from connectors.postgres.logs.format import Piece

_ENTRY = re.compile(rb'"category":\s?"PostgreSQL')


def _looks(head: bytes) -> float:
    return 0.95 if _ENTRY.search(head) and b'"properties"' in head else 0.0


def _unwrap(piece: Piece) -> str:
    names = ("message", "detail", "errorLevel", "timestamp", "processId")
    inner = "STRUCT(" + ", ".join(f'"{name}" VARCHAR' for name in names) + ")"
    entry = f"STRUCT(properties {inner}, time VARCHAR)"
    objects = json_lines(piece, {"records": f"{entry}[]", "properties": inner, "time": "VARCHAR"})
    time = "left(replace(replace(time, 'T', ' '), 'Z', ''), 19)"
    message = one_line("p.message")
    head = f"coalesce(nullif(p.timestamp, ''), {time} || '.000 UTC') || ' [' || coalesce(p.\"processId\", '0') || '] '"
    whole = r"regexp_matches(left(p.message, 400), '\b[A-Z]+:  ')"
    return f"""
    SELECT CASE WHEN {whole} THEN {message} ELSE {head} || p."errorLevel" || ':  ' || {message}
                || CASE WHEN coalesce(p.detail, '') = '' THEN ''
                        ELSE chr(10) || {head} || 'DETAIL:  ' || {one_line("p.detail")} END END AS l
    FROM (SELECT properties AS p, time FROM {objects} WHERE properties IS NOT NULL
          UNION ALL
          SELECT e.properties, e.time FROM (SELECT unnest(records) AS e FROM {objects}) WHERE e.properties IS NOT NULL)
    WHERE p.message IS NOT NULL"""


FORMAT = of_objects("azure", _looks, _unwrap)
