"""systemd's journal as JSON lines (``journalctl -o json``): ``MESSAGE`` is a line of the server's stderr, or a part of
a syslog message; its process and time stand beside it. Text output of ``journalctl`` is ``syslog``.
"""

from __future__ import annotations

import re

from connectors.postgres.logs.envelope import MARKED, TIMED, json_lines, of_objects, one_line
from connectors.postgres.logs.format import Piece
from connectors.postgres.logs.literals import literal

_ENTRY = re.compile(rb'"MESSAGE"\s?:')
_NUMBERED = r"^\[\d+(?:-(\d+))?\] "


def _looks(head: bytes) -> float:
    return 0.95 if _ENTRY.search(head) and b'"__REALTIME_TIMESTAMP"' in head else 0.0


def _unwrap(piece: Piece) -> str:
    columns = {"MESSAGE": "VARCHAR", "__REALTIME_TIMESTAMP": "VARCHAR", "_PID": "VARCHAR"}
    time = "strftime(make_timestamp(TRY_CAST(__REALTIME_TIMESTAMP AS BIGINT)), '%Y-%m-%d %H:%M:%S.%g')"
    said = f"""regexp_replace({one_line("MESSAGE")}, {literal(_NUMBERED)}, '')"""
    number = f"TRY_CAST(regexp_extract(MESSAGE, {literal(_NUMBERED)}, 1) AS INTEGER)"
    marked = f"regexp_matches(left(said, 400), {literal(MARKED)})"
    return f"""
    SELECT CASE WHEN starts_with(said, chr(9)) THEN said
                WHEN number > 1 AND NOT {marked} THEN chr(29) || said
                WHEN {marked} AND NOT regexp_matches(said, {literal(TIMED)})
                THEN {time} || ' UTC [' || coalesce(_PID, '0') || '] ' || said
                ELSE said END AS l
    FROM (SELECT {said} AS said, {number} AS number, __REALTIME_TIMESTAMP, _PID
          FROM {json_lines(piece, columns)} WHERE MESSAGE IS NOT NULL)"""


FORMAT = of_objects("journal", _looks, _unwrap)
