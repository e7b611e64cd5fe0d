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
from connectors.postgres.logs.plain import PlainPiece
from connectors.postgres.logs.prefix import FIELDS, SECONDARY, SEVERITIES, Prefix, inferred

_LINE = re.compile(rb"^(?=[^\t\n]{1,400}(?:" + SEVERITIES.encode() + rb"):  )", re.MULTILINE)
_INNER = re.compile(rb"\n(?:\t|(?=[ \n]))")
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
    """Join the lines of one message. In edited or copied logs indented and blank lines belong to a message too."""
    if b"\r" in piece:
        piece = piece.replace(b"\r\n", b"\n")
    piece = piece.replace(b"\x01", b" ")
    if _INNER.search(piece):
        piece = _INNER.sub(JOINT, piece)
    if CUT in piece:
        piece = piece.replace(b"\n" + CUT, b"").replace(CUT + b"\n", b"")
    return piece


def looks(head: bytes) -> float:
    """How many lines begin as a PostgreSQL record; never quite as sure as a format with a shape of its own."""
    prefix = inferred(head.decode("utf-8", "replace"))
    if prefix is not None:
        return 0.5
    return 0.2 if re.search(rb"(?:LOG|ERROR|FATAL):  ", head) else 0.0


_FRONT = ("stamp", "zone", "epoch", "pid", "line")
"""Fields that change from line to line, or stand between such: kept with each line, see :class:`Prefix`."""

_MARK = rf"\b({SEVERITIES}|{SECONDARY}):  "


def setup(piece: Piece) -> tuple[str, ...]:
    """SQL that makes the tables ``line``: a piece's lines, with what changes from line to line in their prefix, and
    ``head``: the rests of their prefixes, of which there are few, each with its fields."""
    raw = f"""SELECT l FROM read_csv('{quoted(piece.path)}', columns = {{'l': 'VARCHAR'}}, header = false,
              auto_detect = false, delim = '\x01', quote = '', escape = '', buffer_size = {piece.buffer},
              max_line_size = {piece.longest}, {REJECTS})"""
    return (
        f"CREATE OR REPLACE TABLE line AS {_lines(piece.prefix, raw)}",
        f"CREATE OR REPLACE TABLE head AS {_heads(piece.prefix, 'SELECT DISTINCT head FROM line')}",
    )


def _lines(prefix: Prefix | None, raw: str) -> str:
    """SQL: the lines of ``raw`` (column ``l``) as fields of the front, ``head`` ('' without prefix) and ``said``. Of a
    prefix that is not known the front is empty."""
    if prefix is None:
        none = ", ".join(f'NULL::VARCHAR AS "{name}"' for name in _FRONT)
        return f"""
        SELECT {none}, head, substr(l, length(head) + 1) AS said
        FROM (SELECT l, regexp_extract(left(l, 500), {literal("^.*?" + _MARK)}) AS head FROM ({raw}))"""
    names = _names(prefix.front)
    fields = ", ".join(f'm.{name} AS "{name}"' if name in names else f'NULL::VARCHAR AS "{name}"' for name in _FRONT)
    front = f"regexp_extract(l, {_groups(prefix.front)}, {names})" if names else "NULL"
    length = " + ".join([str(prefix.fixed), *(f"length(m.{name})" for name in names)])
    return f"""
    SELECT {fields}, CASE WHEN m IS NULL THEN whole ELSE substr(whole, {length} + 1) END AS head,
           substr(l, length(whole) + 1) AS said
    FROM (SELECT l, CASE WHEN strict = '' THEN NULL ELSE {front} END AS m,
                 CASE WHEN strict = '' THEN regexp_extract(left(l, 500), {_groups(prefix.loose)}) ELSE strict END
                     AS whole
          FROM (SELECT l, regexp_extract(l, {_groups(prefix.strict)}) AS strict FROM ({raw})))"""


def _heads(prefix: Prefix | None, heads: str) -> str:
    """SQL: the fields in ``heads`` (column ``head``); ``part`` tells whether a record begins there ('p') or goes on
    with its DETAIL and the like ('s')."""
    if prefix is None:
        fields = ", ".join(f'regexp_extract(head, {literal(_LOOSE[name])}, 1) AS "{name}"' for name in FIELDS)
        said = f"SELECT head, {fields}, regexp_extract(head, {literal(_MARK)}, 1) AS severity FROM ({heads})"
    else:
        found = {name: _names(pattern) for name, pattern in (("r", prefix.rest), ("w", prefix.loose))}
        matched = ", ".join(
            f"regexp_extract(head, {_groups(pattern)}, {found[name]}) AS {name}"
            for name, pattern in (("r", prefix.rest), ("w", prefix.loose))
        )
        fields = ", ".join(
            f"CASE WHEN r.severity = '' THEN {_field('w', name, found)} ELSE {_field('r', name, found)} END"
            f' AS "{name}"'
            for name in (*FIELDS, "severity")
        )
        said = f"SELECT head, {fields} FROM (SELECT head, {matched} FROM ({heads}))"
    part = f"CASE WHEN severity = '' THEN '' WHEN contains('{SECONDARY}', severity) THEN 's' ELSE 'p' END"
    return f"SELECT *, {part} AS part FROM ({said})"


def _field(struct: str, name: str, found: dict[str, list[str]]) -> str:
    return f"{struct}.{name}" if name in found[struct] else "NULL::VARCHAR"


def _names(pattern: str) -> list[str]:
    return re.findall(r"\?P<(\w+)>", pattern)


def _groups(pattern: str) -> str:
    """``pattern`` as DuckDB's literal, its groups without names."""
    return literal(re.sub(r"\(\?P<\w+>", "(", pattern))


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
    strange = f"FROM line WHERE head = '' AND regexp_matches(left(said, 500), {literal(_MARK)})"
    tried: set[str] = set()
    for _ in range(_OTHER_PREFIXES):
        lines = database.execute(f"SELECT said {strange} LIMIT 500").fetchall()
        prefix = inferred("\n".join(said for (said,) in lines)) if lines else None
        if not lines or "" in tried or (prefix and prefix.text in tried):
            return
        tried.add(prefix.text if prefix else "")
        raw = f"SELECT said AS l {strange} ORDER BY rowid"
        database.execute(f"CREATE OR REPLACE TABLE strange AS SELECT rowid AS rid {strange} ORDER BY rowid")
        database.execute(f"CREATE OR REPLACE TABLE read_again AS {_lines(prefix, raw)}")
        values = ", ".join(f'"{name}" = n."{name}"' for name in (*_FRONT, "head", "said"))
        database.execute(
            f"""UPDATE line SET {values}
                FROM (SELECT s.rid, a.* FROM strange s JOIN read_again a ON s.rowid = a.rowid) n
                WHERE line.rowid = n.rid"""
        )
        new = "SELECT DISTINCT head FROM read_again ANTI JOIN head USING (head)"
        database.execute(f"INSERT INTO head {_heads(prefix, new)}")


_OTHER_PREFIXES = 4
"""Prefixes looked for in one piece beside the file's own."""


def relation(piece: Piece) -> str:
    """SQL over the tables ``line`` and ``head``: records with what follows them, ``RECORD_COLUMNS``."""
    own = ", ".join(f'coalesce(l."{name}", h."{name}") AS "{name}"' for name in _FRONT)
    others = ", ".join(f'h."{name}"' for name in (*FIELDS, "severity", "part") if name not in _FRONT)
    lines = f"(SELECT l.rowid AS rid, l.said, {own}, {others} FROM line l JOIN head h USING (head))"
    said = "CASE WHEN contains({0}, chr(30)) THEN replace({0}, chr(30), chr(10)) ELSE {0} END"
    parts = ", ".join(
        f"max(CASE WHEN s.severity = '{name.upper()}' THEN s.said END) AS {name}"
        for name in ("detail", "context", "statement")
    )
    after = f"""
    SELECT p.rid, {parts}
    FROM (SELECT rid, pid, severity, said FROM {lines} WHERE part = 's') s
    ASOF JOIN (SELECT rid, pid FROM {lines} WHERE part = 'p') p
    ON s.pid IS NOT DISTINCT FROM p.pid AND s.rid > p.rid GROUP BY p.rid"""
    remote = r"CASE WHEN contains(remote, '(') THEN replace(rtrim(remote, ')'), '(', ':') ELSE remote END"
    unknown = "nullif(nullif({0}, '[unknown]'), '')"
    return f"""
    SELECT coalesce(TRY_CAST(stamp AS TIMESTAMP),
                    make_timestamp(CAST(TRY_CAST(epoch AS DECIMAL(18, 6)) * 1000000 AS BIGINT))) AS logged,
           coalesce(zone, '') AS zone, {unknown.format('"user"')} AS "user", {unknown.format("database")} AS database,
           {unknown.format("application")} AS application, {unknown.format(remote)} AS client,
           coalesce(nullif(session, ''), nullif(pid, ''), '') AS session,
           coalesce(TRY_CAST(line AS BIGINT), {piece.base} + p.rid) AS line,
           severity, coalesce(code, '') AS code, {said.format("said")} AS message, {said.format("a.detail")} AS detail,
           {said.format("a.context")} AS context, {said.format("a.statement")} AS statement, query_id
    FROM {lines} p LEFT JOIN ({after}) a ON p.rid = a.rid WHERE part = 'p'"""


FORMAT = Format(
    name="stderr",
    looks=looks,
    border=border,
    prepare=prepare,
    setup=setup,
    settle=settle,
    relation=relation,
    plain=PlainPiece.stderr,
)
