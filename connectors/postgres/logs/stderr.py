"""stderr under any ``log_line_prefix``: the form of ``pg_log`` files and of most services.

PostgreSQL puts a tab after every line feed inside a message, so that joining such lines is one replacement over the
piece; then every line is a record or, with DETAIL, STATEMENT, CONTEXT, …, belongs to the record before it that has
the same process.
"""

from __future__ import annotations

import re

import duckdb

from advisor.captures import quoted
from connectors.postgres.logs.damage import REJECTS
from connectors.postgres.logs.format import Format, Piece
from connectors.postgres.logs.literals import literal
from connectors.postgres.logs.prefix import FIELDS, SECONDARY, SEVERITIES, Prefix, inferred

_LINE = re.compile(rb"^(?=[^\t\n]{1,400}(?:" + SEVERITIES.encode() + rb"):  )", re.MULTILINE)
JOINT = b"\x1e"
"""Stands for a line feed inside a message while a piece is read."""

CUT = b"\x1d"
"""Stands where an envelope cut a line: at the end of a part that goes on, or at the beginning of its continuation."""


def border(piece: bytes) -> int:
    """Where the last record ends for sure: before the last line that begins one of its own."""
    end = len(piece)
    while True:
        start = piece.rfind(b"\n", 0, end - 1) + 1 if end > 0 else 0
        if start == 0:
            return 0
        if _LINE.match(piece[start : start + 1000]):
            return start
        end = start


def prepare(piece: bytes) -> bytes:
    """Join the lines of one message."""
    piece = piece.replace(b"\r\n", b"\n").replace(b"\x01", b" ").replace(b"\n\t", JOINT)
    if CUT in piece:
        piece = piece.replace(b"\n" + CUT, b"").replace(CUT + b"\n", b"")
    if b"\n " in piece or b"\n\n" in piece:  # edited or copied logs: indented lines and blank ones belong to a message
        piece = re.sub(rb"\n(?=[ \n])", JOINT, piece)
    return piece


def looks(head: bytes) -> float:
    """How many lines begin as a PostgreSQL record; never quite as sure as a format with a shape of its own."""
    prefix = inferred(head.decode("utf-8", "replace"))
    if prefix is not None:
        return 0.5
    return 0.2 if re.search(rb"(?:LOG|ERROR|FATAL):  ", head) else 0.0


def setup(piece: Piece) -> tuple[str, ...]:
    """SQL that makes the table ``line``: the lines of a piece with the fields of their prefix."""
    return (_lines(piece, piece.prefix),)


def _lines(piece: Piece, prefix: Prefix | None) -> str:
    raw = f"""SELECT l FROM read_csv('{quoted(piece.path)}', columns = {{'l': 'VARCHAR'}}, header = false,
              auto_detect = false, delim = '\x01', quote = '', escape = '', buffer_size = {piece.buffer},
              max_line_size = {piece.longest}, {REJECTS})"""
    return f"CREATE OR REPLACE TABLE line AS {_under(prefix, raw) if prefix else _loose(raw)}"


def _under(prefix: Prefix, raw: str) -> str:
    """SQL: the lines of ``raw`` (column ``l``) with the fields of their prefix; ``severity`` is '' without prefix."""
    names = [*prefix.fields, "severity"]
    listed = "[" + ", ".join(f"'{name}'" for name in ("whole", *names)) + "]"
    strict, loose = (
        literal("(" + re.sub(r"\(\?P<\w+>", "(", pattern) + ")") for pattern in (prefix.strict, prefix.loose)
    )
    found = f"regexp_extract(left(l, 500), {strict}, {listed})"
    again = f"regexp_extract(left(l, 500), {loose}, {listed})"
    fields = ", ".join(f'm.{name} AS "{name}"' if name in names else f'NULL::VARCHAR AS "{name}"' for name in FIELDS)
    return f"""
    SELECT {fields}, coalesce(m.severity, '') AS severity,
           CASE WHEN m.whole = '' THEN l ELSE substr(l, length(m.whole) + 1) END AS said
    FROM (SELECT l, CASE WHEN m.whole = '' THEN {again} ELSE m END AS m FROM (SELECT l, {found} AS m FROM ({raw})))"""


def _loose(raw: str) -> str:
    """SQL: the same under a prefix that nobody gave and that is not known: each field is looked for by itself."""
    fields = ", ".join(f'regexp_extract(h, {literal(_LOOSE[name])}, 1) AS "{name}"' for name in FIELDS)
    mark = literal(rf"\b({SEVERITIES}|{SECONDARY}):  ")
    return f"""
    SELECT {fields}, coalesce(severity, '') AS severity,
           CASE WHEN severity = '' THEN l ELSE substr(l, place + length(severity) + 3) END AS said
    FROM (SELECT l, severity, instr(l, severity || ':  ') AS place,
                 CASE WHEN severity = '' THEN '' ELSE left(l, instr(l, severity || ':  ')) END AS h
          FROM (SELECT l, regexp_extract(left(l, 500), {mark}, 1) AS severity FROM ({raw})))"""


_LOOSE = {
    "stamp": r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?)",
    "zone": r"\d\d:\d\d:\d\d(?:\.\d+)? ([A-Z]{1,5}|[+-]\d\d:?\d*)\b",
    "epoch": r"^(?:\D{0,3})(\d{10}\.\d{3})\b",
    "user": r"(?:user|usr|u)=([^, \]]*)",
    "database": r"(?:database|db|d)=([^, \]]*)",
    "application": r"(?:application|app|a)=([^,\]]*)",
    "remote": r"(?:client|host|remote|h|r)=([^, \]]*)",
    "pid": r"\[(\d+)(?:-\d+)?\]",
    "session": r"\b([0-9a-f]{8}\.[0-9a-f]{1,8})\b",
    "line": r"\[(\d+)-\d+\]",
    "code": r"\b([0-9A-Z]{2}[0-9][0-9A-Z]{2})\b",
    "query_id": r"(?:query_?id|qid)=(-?\d+)",
}


def settle(database: duckdb.DuckDBPyConnection) -> None:
    """Read lines under another prefix than the file's (the setting was changed, or logs were put together)."""
    mark = literal(rf"\b(?:{SEVERITIES}|{SECONDARY}):  ")
    strange = f"FROM line WHERE severity = '' AND regexp_matches(left(said, 500), {mark})"
    tried: set[str] = set()
    for _ in range(_OTHER_PREFIXES):
        lines = database.execute(f"SELECT said {strange} LIMIT 500").fetchall()
        prefix = inferred("\n".join(said for (said,) in lines)) if lines else None
        if not lines or "" in tried or (prefix and prefix.text in tried):
            return
        tried.add(prefix.text if prefix else "")
        raw = f"SELECT said AS l {strange} ORDER BY rowid"
        database.execute(f"CREATE OR REPLACE TABLE strange AS SELECT rowid AS rid {strange} ORDER BY rowid")
        database.execute(f"CREATE OR REPLACE TABLE read_again AS {_under(prefix, raw) if prefix else _loose(raw)}")
        names = [*FIELDS, "severity", "said"]
        values = ", ".join(f'"{name}" = n."{name}"' for name in names)
        database.execute(
            f"""UPDATE line SET {values}
                FROM (SELECT s.rid, a.* FROM strange s JOIN read_again a ON s.rowid = a.rowid) n
                WHERE line.rowid = n.rid"""
        )


_OTHER_PREFIXES = 4
"""Prefixes looked for in one piece beside the file's own."""


def relation(piece: Piece) -> str:
    """SQL over the table ``line``: records with what follows them, ``RECORD_COLUMNS``."""
    stamp = "TRY_CAST(p.stamp AS TIMESTAMP)"
    secondary = f"contains('{SECONDARY}', severity) AND severity <> ''"  # no long IN: it loses the order
    said = "CASE WHEN contains({0}, chr(30)) THEN replace({0}, chr(30), chr(10)) ELSE {0} END"
    parts = ", ".join(
        f"max(CASE WHEN s.severity = '{name.upper()}' THEN s.said END) AS {name}"
        for name in ("detail", "context", "statement")
    )
    after = f"""
    SELECT p.rid, {parts}
    FROM (SELECT rowid AS rid, pid, severity, said FROM line WHERE {secondary}) s
    ASOF JOIN (SELECT rowid AS rid, pid FROM line WHERE NOT contains('{SECONDARY}', severity)) p
    ON s.pid IS NOT DISTINCT FROM p.pid AND s.rid > p.rid GROUP BY p.rid"""
    remote = r"CASE WHEN contains(remote, '(') THEN replace(rtrim(remote, ')'), '(', ':') ELSE remote END"
    unknown = "nullif(nullif({0}, '[unknown]'), '')"
    return f"""
    SELECT coalesce({stamp}, make_timestamp(CAST(TRY_CAST(epoch AS DECIMAL(18, 6)) * 1000000 AS BIGINT))) AS logged,
           coalesce(zone, '') AS zone, {unknown.format('"user"')} AS "user", {unknown.format("database")} AS database,
           {unknown.format("application")} AS application, {unknown.format(remote)} AS client,
           coalesce(nullif(session, ''), nullif(pid, ''), '') AS session,
           coalesce(TRY_CAST(line AS BIGINT), {piece.base} + p.rowid) AS line,
           severity, coalesce(code, '') AS code, {said.format("said")} AS message, {said.format("a.detail")} AS detail,
           {said.format("a.context")} AS context, {said.format("a.statement")} AS statement, query_id
    FROM line p LEFT JOIN ({after}) a ON p.rowid = a.rid
    WHERE NOT contains('{SECONDARY}', severity)"""


FORMAT = Format(
    name="stderr", looks=looks, border=border, prepare=prepare, setup=setup, settle=settle, relation=relation
)
