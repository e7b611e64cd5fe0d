"""Heroku Postgres through logplex: ``TIME app[postgres.PID]: [COLOR] [n-m] …`` or as syslog frames (RFC 5424).

Logplex cuts a message at every line feed and numbers the parts ``[n-m]``; before the level stands
``sql_error_code = …``.
"""

from __future__ import annotations

import re

from connectors.postgres.logs.envelope import of_lines, raw_lines
from connectors.postgres.logs.format import Piece
from connectors.postgres.logs.literals import literal

_HEADER = (
    r"^(?:\d+ )?(?:<\d+>1 )?(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d) "
    r"(?:\S+ )?app(?:\[postgres\.?| postgres\.)(\d+)(?:\]:| -) \[[A-Z_]+\] (?:\[\d+-(\d+)\])? ?"
)
_LINE = re.compile(_HEADER.encode(), re.MULTILINE)


def _looks(head: bytes) -> float:
    return 0.95 if _LINE.search(head) else 0.0


def _unwrap(piece: Piece) -> str:
    header = literal("(" + _HEADER[1:] + ")")
    names = "['whole', 'day', 'time', 'part', 'zone', 'pid', 'number']"
    said = "regexp_replace(substr(l, length(m.whole) + 1), '^\\s*sql_error_code = ([0-9A-Z]{5}) ', '\\1 ')"
    fraction = "rpad(left(m.part, 3), 3, '0')"
    zone = "CASE WHEN m.zone = 'Z' THEN '+00' ELSE m.zone END"
    prefix = f"m.day || ' ' || m.time || '.' || {fraction} || ' ' || {zone} || ' [' || m.pid || '] '"
    return f"""
    SELECT CASE WHEN m.whole = '' THEN l
                WHEN coalesce(TRY_CAST(m.number AS INTEGER), 1) > 1
                     AND NOT regexp_matches(left({said}, 60), '^[0-9A-Z]{{5}} [A-Z]+:  ')
                THEN chr(9) || regexp_replace(substr(l, length(m.whole) + 1), '^\\t', '')
                ELSE {prefix} || {said} END AS l
    FROM (SELECT l, regexp_extract(left(l, 300), {header}, {names}) AS m FROM {raw_lines(piece)})"""


FORMAT = of_lines("heroku", _looks, _unwrap)
