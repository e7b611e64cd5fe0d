"""syslog, RFC 3164 and RFC 5424: ``Nov 21 13:50:20 host postgres[123]: [5-1] …``.

PostgreSQL cuts a message at every line feed and at 900 bytes and numbers the parts ``[n-m]``
(``syslog_sequence_numbers``); syslog daemons write its tabs as ``#011``.
"""

from __future__ import annotations

import re

from connectors.postgres.logs.envelope import MARKED, of_lines, raw_lines
from connectors.postgres.logs.format import Piece
from connectors.postgres.logs.literals import literal

_3164 = r"(?:<\d+>)?(?:([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d))"
_5424 = r"(?:<\d+>)?(?:1 )?(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\d*(Z|[+-]\d\d:\d\d)"
_HEADER = rf"^(?:{_3164}|{_5424}) \S+ [\w./-]+(?:\[(\d+)\]: |(?: (\d+) (?:\S+) (?:-|\[.*?\]) ?))(?:\[\d+-(\d+)\] ?)?"
_LINE = re.compile((_HEADER + r".{0,400}?(?:LOG|ERROR|FATAL|DETAIL):  ").encode(), re.MULTILINE)
_NAMES = "['whole', 'month', 'day3', 'time3', 'day', 'time', 'part', 'zone', 'pid3', 'pid', 'number']"
_MONTHS = "['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']"


def _looks(head: bytes) -> float:
    return 0.85 if _LINE.search(head) else 0.0


def _unwrap(piece: Piece) -> str:
    header = literal("(" + _HEADER[1:] + ")")
    said = "replace(substr(l, length(m.whole) + 1), '#011', chr(9))"
    month = f"lpad(CAST(list_position({_MONTHS}, m.month) AS VARCHAR), 2, '0')"
    short = f"'{piece.year}-' || {month} || '-' || lpad(m.day3, 2, '0') || ' ' || m.time3 || '.000 UTC'"
    zone = "CASE WHEN m.zone = 'Z' THEN '+00' ELSE m.zone END"
    full = f"m.day || ' ' || m.time || '.' || rpad(left(m.part, 3), 3, '0') || ' ' || {zone}"
    stamp = f"CASE WHEN m.month <> '' THEN {short} ELSE {full} END"
    return f"""
    SELECT CASE WHEN pid = '' THEN l
                WHEN number > 1 AND starts_with(said, chr(9)) THEN said
                WHEN number > 1 AND NOT regexp_matches(left(said, 400), {literal(MARKED)}) THEN chr(29) || said
                WHEN regexp_matches(said, '^<?\\s?\\d{{4}}-\\d\\d-\\d\\d ') THEN said
                ELSE {stamp} || ' [' || pid || '] ' || said END AS l
    FROM (SELECT l, m, {said} AS said, m.pid3 || m.pid AS pid, coalesce(TRY_CAST(m.number AS INTEGER), 1) AS number,
                 row
          FROM (SELECT l, regexp_extract(left(l, 300), {header}, {_NAMES}) AS m, row_number() OVER () AS row
                FROM {raw_lines(piece)}))
    ORDER BY max(CASE WHEN number = 1 THEN row END) OVER (PARTITION BY pid ORDER BY row), row"""


def _border(piece: bytes) -> int:
    """Before the last line that is the first part of a message."""
    end = len(piece)
    while end > 0:
        start = piece.rfind(b"\n", 0, end - 1) + 1
        line = piece[start : start + 1000]
        if (
            start
            and re.search(rb"(?:LOG|ERROR|FATAL|WARNING|PANIC):  ", line)
            and not re.search(rb"\[\d+-(?:[2-9]|\d\d+)\]", line[:200])
        ):
            return start
        end = start
    return 0


FORMAT = of_lines("syslog", _looks, _unwrap, _border)
