"""What a piece of a log holds that cannot be read: counted with line numbers, and cut out so that the rest is read."""

from __future__ import annotations

import re
from collections.abc import Callable

import duckdb

from connectors.postgres.logs.files import EXAMPLES, Unread

REJECTS = "ignore_errors = true, store_rejects = true, rejects_table = 'rejected', rejects_scan = 'rejected_scan'"
"""Options of ``read_csv`` under which damaged records are listed in the table ``rejected`` and the rest is read."""

_CLOCK_SAMPLES = 4_000
"""Lines of a piece whose times are compared."""

_REASONS = {
    "UNQUOTED VALUE": "record cut off or with broken quotes",
    "MISSING COLUMNS": "record cut off",
    "TOO MANY COLUMNS": "record with too many columns",
    "LINE SIZE OVER MAXIMUM": "record too long",
    "INVALID ENCODING": "record that is not UTF-8",
}


def rejected(database: duckdb.DuckDBPyConnection) -> list[tuple[int, str]]:
    """The records that ``read_csv`` refused since the last call: (line in the piece, reason)."""
    known = database.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'rejected'").fetchone()
    if known is None:
        return []
    rows = database.execute("SELECT DISTINCT line, error_type FROM rejected ORDER BY line").fetchall()
    if rows:
        database.execute("DELETE FROM rejected")
        database.execute("DELETE FROM rejected_scan")
    return [(line, _REASONS.get(str(reason), f"record refused ({str(reason).lower()})")) for line, reason in rows]


def report(unread: Unread, found: list[tuple[int, str]], first_line: Callable[[], int], name: str) -> None:
    """Count what was refused; ``first_line`` tells the piece's first line in the file ``name``."""
    for line, reason in found:
        unread.add(reason, 1, f"{name}:{first_line() + line - 1}")


def whole_records(
    piece: bytes, start: re.Pattern[bytes], first_line: Callable[[], int], name: str, unread: Unread
) -> bytes:
    """The records of a damaged csvlog piece that have all their quotes; the others are counted."""
    places = [match.start() for match in start.finditer(piece)]
    kept = []
    if places[:1] != [0]:
        places.insert(0, 0)
    for begin, end in zip(places, [*places[1:], len(piece)], strict=True):
        record = piece[begin:end]
        if start.match(record) and record.count(b'"') % 2 == 0 and record.endswith(b"\n"):
            kept.append(record)
        elif record.strip():
            line = first_line() + piece.count(b"\n", 0, begin)
            unread.add("record cut off or with broken quotes", 1, f"{name}:{line}")
    return b"".join(kept)


def strange_lines(
    database: duckdb.DuckDBPyConnection, unread: Unread, first_line: Callable[[], int], name: str
) -> None:
    """Count the lines of the table ``line`` under which no prefix was found; a message's lines were joined before."""
    row = database.execute("SELECT count(*) FROM line WHERE head = '' AND said <> ''").fetchone()
    count = row[0] if row else 0
    if count:
        places = database.execute(
            f"""SELECT {first_line()} + rid + coalesce(joined, 0)
                FROM (SELECT rowid AS rid, head, said,
                             sum(strlen(said) - strlen(replace(said, chr(30), ''))) OVER (
                                 ORDER BY rowid ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS joined FROM line)
                WHERE head = '' AND said <> '' ORDER BY rid LIMIT {EXAMPLES}"""
        ).fetchall()
        unread.add("line without the log's prefix", count, *(f"{name}:{int(line)}" for (line,) in places))


def clock_steps(database: duckdb.DuckDBPyConnection, table: str, carried: int, unread: Unread, name: str) -> None:
    """Count the places where the clock went back by more than a second; the order of the lines is kept."""

    def steps(window: str, every: int) -> list[tuple[str]]:
        return database.execute(
            f"""SELECT strftime(logged, '%Y-%m-%d %H:%M:%S')
                FROM (SELECT logged, zone, lag(logged) OVER ({window}) AS before,
                             lag(zone) OVER ({window}) AS zone_before
                      FROM {table} WHERE rowid >= {carried} AND rowid % {every} = 0)
                WHERE logged < before - INTERVAL 1 SECOND AND zone = zone_before ORDER BY logged"""
        ).fetchall()

    # A clock that went back stays back, so that a part of the lines shows it. Sessions write side by side, and DuckDB
    # may turn large JSON objects round: what was seen so is a suspicion only.
    row = database.execute(f"SELECT count(*) FROM {table}").fetchone()
    every = max(1, (row[0] if row else 0) // _CLOCK_SAMPLES)
    rows = steps("", every) and steps("PARTITION BY session ORDER BY coalesce(line, rowid)", 1)
    if rows:
        unread.add("clock went back", len(rows), *(f"{name}, at {at}" for (at,) in rows[:EXAMPLES]))


def empty_records(
    database: duckdb.DuckDBPyConnection,
    table: str,
    carried: int,
    unread: Unread,
    first_line: Callable[[], int],
    name: str,
) -> None:
    """Count JSON lines that were no object of the log; each record was a line."""
    row = database.execute(f"SELECT count(*) FROM {table} WHERE kind = '?'").fetchone()
    count = row[0] if row else 0
    if count:
        places = database.execute(
            f"""SELECT {first_line()} + rowid - {carried} FROM {table}
                WHERE kind = '?' ORDER BY rowid LIMIT {EXAMPLES}"""
        ).fetchall()
        unread.add("line that is no record of the log", count, *(f"{name}:{line}" for (line,) in places))
