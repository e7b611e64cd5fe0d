"""stderr lines behind what container runtimes and services put before each: Kubernetes' CRI (``TIME stderr F …``),
``docker logs -t`` and ``kubectl logs --timestamps``, ``docker compose logs`` (``db-1  | …``), ``kubectl logs --prefix``
(``[pod/db-0/postgres] …``), ``aws logs tail`` (``TIME stream …``), Fly.

CRI cuts lines at 16 KiB: a part marked P goes on in the next one.
"""

from __future__ import annotations

import re

from connectors.postgres.logs.envelope import ISO, MARKED, TIMED, of_lines, raw_lines
from connectors.postgres.logs.format import Piece
from connectors.postgres.logs.literals import literal

_SOURCE = r"(?:\[pod/[\w./-]+\] |[\w.-]+ +\| )"
_CRI = rf"{ISO} (?:stdout|stderr) [FP] "
_FLY = rf"{ISO} app\[\w+\] \w+ \[\w+\] ?(?:\w+ +\| )?"
_STREAM = rf"{ISO} [\w.:/-]+ "
_OWN = r"(?:[<\[]?\d{4}-\d\d-\d\d |\[\d+\] |\t)"
"""What a line begins with by itself: a time, a process, the tab of a message's later line."""

_HEAD = rf"^(?:{_SOURCE}(?:{ISO} )?|{_SOURCE}?(?:{_CRI}|{_FLY}))"
_BEFORE_OWN = rf"^({ISO} (?:[\w.:/-]+ )??){_OWN}"
_LINE = re.compile(
    rf"(?:{_HEAD}|{_BEFORE_OWN})[^\n]{{0,400}}?\b(?:LOG|ERROR|FATAL|DETAIL|STATEMENT):  ".encode(), re.MULTILINE
)
_MESSAGE = rf"^[^\t].*{MARKED}"
_AT = r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:?\d\d)"


def _looks(head: bytes) -> float:
    return 0.9 if _LINE.search(head) else 0.0


def _unwrap(piece: Piece) -> str:
    start = "left(l, 300)"
    bare = f"regexp_extract({start}, {literal(_BEFORE_OWN)}, 1)"
    found = f"regexp_extract(head, {literal(_AT)}, ['day', 'time', 'part', 'zone'])"
    zone = "CASE WHEN m.zone = 'Z' THEN '+00' ELSE m.zone END"
    stamp = f"m.day || ' ' || m.time || '.' || rpad(left(m.part, 3), 3, '0') || ' ' || {zone} || ' '"
    untimed = f"NOT regexp_matches(said, {literal(TIMED)}) AND regexp_matches(left(said, 400), {literal(_MESSAGE)})"
    return f"""
    SELECT CASE WHEN regexp_matches(head, '(?:stdout|stderr) P $') THEN said || chr(29)
                WHEN m.day <> '' AND {untimed} THEN {stamp} || said
                ELSE said END AS l
    FROM (SELECT head, substr(l, length(head) + 1) AS said, {found} AS m
          FROM (SELECT l, CASE WHEN head <> '' THEN head ELSE {bare} END AS head
                FROM (SELECT l, regexp_extract({start}, {literal(_HEAD)}) AS head FROM {raw_lines(piece)})))"""


FORMAT = of_lines("headed", _looks, _unwrap)
