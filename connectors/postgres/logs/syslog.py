"""syslog, RFC 3164 and RFC 5424: ``Nov 21 13:50:20 host postgres[123]: [5-1] …``.

Also what ``journalctl`` prints (``-o short``, ``short-precise``, ``short-iso``, ``short-iso-precise``), syslog-ng's
lines, rsyslog's with a facility, and Solaris' message ids.

PostgreSQL cuts a message at every line feed and at 900 bytes and numbers the parts ``[n-m]``
(``syslog_sequence_numbers``); syslog daemons write its tabs as ``#011``.
"""

from __future__ import annotations

import re

from connectors.postgres.logs.envelope import MARKED, TIMED, of_lines, raw_lines
from connectors.postgres.logs.format import Piece
from connectors.postgres.logs.literals import literal

_3164 = r"(?:<\d+>)?(?:([A-Z][a-z]{2}) +(\d{1,2})(?: (\d{4}))? (\d\d:\d\d:\d\d)(?:\.\d+)?)"
_ISO = r"(?:<\d+>)?(?:1 )?(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\d*(Z|[+-]\d\d:?\d\d)"
_FACILITY = r"(?:\w+\.\w+(?:<\d+>)? )?"
_5424 = r" ([\w./-]+) (\d+|-) \S+ (?:-|\[.*?\]) ?"
_NG = r" \S+ ([\w./-]+) (\d+) \[\w+\.\w+\] "
_PROGRAM = rf" {_FACILITY}([\w./-]+)(?:\[(\d+)\])?: (?:\[ID \d+ \w+\.\w+\] )?"
_HEADER = rf"^(?:{_3164}|{_ISO}) \S+(?:{_PROGRAM}|{_NG}|{_5424})(?:\[\d+(?:-(\d+))?\] ?)?"
_LINE = re.compile((_HEADER + r"[^\n]{0,400}?(?:LOG|ERROR|FATAL|DETAIL):  ").encode(), re.MULTILINE)
_NAMES = (
    "['whole', 'month', 'day3', 'year', 'time3', 'day', 'time', 'part', 'zone',"
    " 'program1', 'pid1', 'program2', 'pid2', 'program3', 'pid3', 'number']"
)
_MONTHS = "['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']"


def _looks(head: bytes) -> float:
    return 0.85 if _LINE.search(head) else 0.0


def _unwrap(piece: Piece) -> str:
    """A line without a number, as journald has it, goes on when it begins with the tab of a later line, or when no
    level stands in it though its program writes levels."""
    header = literal("(" + _HEADER[1:] + ")")
    said = "replace(substr(l, length(m.whole) + 1), '#011', chr(9))"
    month = f"lpad(CAST(list_position({_MONTHS}, m.month) AS VARCHAR), 2, '0')"
    year = f"CASE WHEN m.year = '' THEN '{piece.year}' ELSE m.year END"
    short = f"{year} || '-' || {month} || '-' || lpad(m.day3, 2, '0') || ' ' || m.time3 || '.000 UTC'"
    zone = "CASE WHEN m.zone = 'Z' THEN '+00' ELSE m.zone END"
    full = f"m.day || ' ' || m.time || '.' || rpad(left(m.part, 3), 3, '0') || ' ' || {zone}"
    stamp = f"CASE WHEN m.month <> '' THEN {short} ELSE {full} END"
    return f"""
    SELECT CASE WHEN NOT found THEN l
                WHEN starts_with(said, chr(9)) THEN said
                WHEN later THEN chr(29) || said
                WHEN regexp_matches(said, {literal(TIMED)}) THEN said
                ELSE {stamp} || ' [' || CASE WHEN pid = '' THEN '0' ELSE pid END || '] ' || said END AS l
    FROM (SELECT *, CASE WHEN NOT found OR marked THEN false WHEN number IS NULL THEN bool_or(marked) OVER (
                              PARTITION BY program) ELSE number > 1 END AS later
          FROM (SELECT *, m.whole <> '' AS found, regexp_matches(left(said, 400), {literal(MARKED)}) AS marked
                FROM (SELECT l, m, {said} AS said, m.pid1 || m.pid2 || m.pid3 AS pid, row,
                             m.program1 || m.program2 || m.program3 AS program, TRY_CAST(m.number AS INTEGER) AS number
                      FROM (SELECT l, regexp_extract(left(l, 300), {header}, {_NAMES}) AS m, row_number() OVER () AS row
                            FROM {raw_lines(piece)}))))
    ORDER BY max(CASE WHEN NOT later AND NOT starts_with(said, chr(9)) THEN row END) OVER (
                 PARTITION BY program, pid ORDER BY row), row"""


FORMAT = of_lines("syslog", _looks, _unwrap)
