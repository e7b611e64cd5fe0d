"""csvlog, PostgreSQL 13 to 18: 24 to 26 columns (documentation, section 20.8.4); older servers' 22 and 23 too."""

from __future__ import annotations

import re

from advisor.captures import quoted
from connectors.postgres.logs.damage import REJECTS
from connectors.postgres.logs.files import HEAD
from connectors.postgres.logs.format import Format, Piece
from connectors.postgres.logs.plain import PlainPiece

_NAME = rb'(?:"(?:[^"]|"")*"|[^",\n]*)'
_STAMP = rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [^\",\n]{1,40}"
_START = re.compile(
    rb"^(?:\xef\xbb\xbf)?" + _STAMP + rb"," + (_NAME + rb",") * 2 + rb"\d+," + _NAME + rb",[0-9a-f]+\.[0-9a-f]+,\d+,"
)
_RECORD = re.compile(rb"^(?=" + _STAMP + rb",)", re.MULTILINE)

_WHOLE = re.compile(_STAMP + rb',(?:"[^"\n]*","[^"\n]*"),\d+,(?:"[^"\n]*")?,[0-9a-f]+\.[0-9a-f]+,\d+,"')
"""Matches a record's start that cannot be inside a quoted field, whose quotes would be doubled."""


def _looks(head: bytes) -> float:
    lines = head.split(b"\n")
    good = sum(1 for line in lines[:200] if _START.match(line))
    return 1.0 if good else 0.0


_COUNTS = range(22, 32)
"""Columns that a record may have, those of some servers to come too; another count is a damaged record's."""
_LOOKED_AT = 1 << 20
"""Bytes at a piece's end among which a record's start is looked for before all quotes are counted."""


def _border(piece: bytes) -> int:
    """Where the last record begins; where that is not to be seen, the end of the last whole one, after a line feed with
    an even number of quotes before it. 0 when there is none."""
    end = len(piece)
    while (start := piece.rfind(b"\n", max(0, len(piece) - _LOOKED_AT), end) + 1) > 0:
        if _WHOLE.match(piece, start):
            return start
        end = start - 1
    end = piece.rfind(b"\n") + 1
    odd = piece.count(b'"', 0, end) % 2
    while end and odd:
        before = piece.rfind(b"\n", 0, end - 1) + 1
        odd = (odd + piece.count(b'"', before, end)) % 2
        end = before
    return end


def _line_end(piece: Piece) -> str:
    """How records end: DuckDB would take the first line end for theirs, also one inside a statement."""
    with piece.path.open("rb") as file:
        return r"\r\n" if re.search(rb"\r\n" + _STAMP + b",", file.read(HEAD)) else r"\n"


def _relation(piece: Piece) -> str:
    columns = {f"c{i}": "VARCHAR" for i in range(piece.columns)}
    query_id = "c25" if piece.columns > 25 else "NULL"
    application = "c22" if piece.columns > 22 else "NULL"
    return f"""
    SELECT TRY_CAST(left(c0, 23) AS TIMESTAMP) AS logged, substr(c0, 25) AS zone, c1 AS "user", c2 AS database,
           {application} AS application, c4 AS client, c5 AS session, TRY_CAST(c6 AS BIGINT) AS line, c11 AS severity,
           c12 AS code, c13 AS message, c14 AS detail, c18 AS context, c19 AS statement, {query_id} AS query_id
    FROM read_csv('{quoted(piece.path)}', columns = {columns}, header = false, auto_detect = false, delim = ',',
                  quote = '"', escape = '"', new_line = '{_line_end(piece)}', buffer_size = {piece.buffer},
                  max_line_size = {piece.longest}, {REJECTS})"""


def _columns(head: bytes) -> int:
    """How many columns the records have, from the first whole one."""
    record, quotes = b"", 0
    for line in head.split(b"\n"):
        record += line
        quotes += line.count(b'"')
        if quotes % 2 == 0 and _START.match(record):
            count = len(re.findall(rb'(?:"(?:[^"]|"")*"|[^",])*(?:,|$)', record)) - (not record.endswith(b","))
            if count in _COUNTS:
                return count
        if quotes % 2 == 0:
            record = b""
    return 26


FORMAT = Format(
    name="csvlog",
    looks=_looks,
    border=_border,
    relation=_relation,
    columns=_columns,
    record=_RECORD,
    plain=PlainPiece.csv,
)
