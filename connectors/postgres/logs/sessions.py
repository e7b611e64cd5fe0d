"""What belongs together inside one session, as DuckDB SQL over narrow columns of the table ``record``.

Parse and bind belong to the execution after them, a lone ``duration`` line to the statement before it (or, in the
extended protocol, also to the one after it), an error to the statement that it ended, everything between BEGIN and
COMMIT to one transaction. The order of the lines is that of ``exec_parse_message``, ``exec_bind_message`` and
``exec_execute_message`` in PostgreSQL's ``postgres.c``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.postgres.logs.records import EVENTS, STARTS

COLUMNS = ("extra", "paired", "ended", "failed", "opened", "line_")
"""What ``linked`` tells of an execution: microseconds of parse and bind, microseconds of its own ``duration`` line,
when that line came, the SQLSTATE of the error that ended it, the line of its transaction's BEGIN, its line."""

OPEN_AT_MOST = 20_000
"""Open transactions remembered from piece to piece, those last heard of; more than any ``max_connections``. The others
are of sessions that ended without a COMMIT, and would become more and more."""

TRANSACTION = r"""
CASE WHEN kind = 'T' THEN 'b'
     WHEN head IN ('BEGIN', 'START') THEN CASE WHEN NOT regexp_matches(body, '(?i);\s*(commit|end|rollback|abort)\b')
                                          THEN 'b' END
     WHEN head = 'ABORT' OR starts_with(head, 'END') THEN 'e'
     WHEN head = 'COMMI' THEN 'e'
     WHEN head = 'ROLLB' THEN CASE WHEN NOT regexp_matches(body, '(?i)^\s*rollback\s+(\w+\s+)?to\b') THEN 'e' END
     WHEN head = 'PREPA' THEN CASE WHEN regexp_matches(body, '(?i)^\s*prepare\s+transaction\b') THEN 'e' END END
"""
"""SQL: ``b`` where a transaction begins, ``e`` where it ends."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one piece of a log holds, so that nothing is computed that cannot occur in it.

    ``records``: the table of its records; ``parts``: parse or bind lines;
    ``starts``: statements logged before they ran, or durations without text;
    ``transactions``: a BEGIN, here or still open from before. ``base`` numbers the records of formats without line
    numbers; ``waiting`` says that statements at a session's end wait for a duration in the next piece; ``last`` that
    there is none.
    """

    records: str
    base: int = 0
    parts: bool = False
    starts: bool = False
    transactions: bool = False
    waiting: bool = False
    last: bool = False

    @property
    def links(self) -> str:
        """The table that :func:`linked` makes."""
        return f"{self.records}_links"

    @property
    def texts(self) -> str:
        """The table of its different statements, see :func:`texts.judge`."""
        return f"{self.records}_texts"

    @property
    def plain_texts(self) -> str:
        """The table of the statements that the compiled reader has met, see :func:`texts.judged`."""
        return f"{self.records}_plain_texts"

    @property
    def linked(self) -> bool:
        """Whether records of this piece can belong together at all."""
        return self.parts or self.starts or self.transactions


def alone(piece: Piece) -> str:
    """SQL: the executions of a piece in which no two records belong together, with :data:`COLUMNS`."""
    return f"""
    (SELECT *, NULL::BIGINT AS extra, NULL::BIGINT AS paired, NULL::TIMESTAMP AS ended, NULL::VARCHAR AS failed,
            NULL::BIGINT AS opened, coalesce(line, {piece.base} + rowid) AS line_
     FROM {piece.records} WHERE contains('{EVENTS}', kind)) r"""


def linked(piece: Piece) -> str:
    """SQL that makes the table ``piece.links``: one row a record that is or may become part of an execution.

    ``emit``: an execution to write now; ``waits``: goes into the next piece as it is; ``lone``: microseconds of a
    parse or bind that no execution follows; ``opens``: the last record of a session whose transaction is still open,
    or is ended by a statement that waits.
    """
    # A record's microseconds and kind make one number, so that one window function brings both.
    near = {"k1": "lag(packed)", "k2": "lag(packed, 2)", "n1": "lead(packed)", "n2": "lead(packed, 2)"}
    if piece.starts:
        near |= {"k3": "lag(packed, 3)", "n3": "lead(packed, 3)"}
    columns = [f"{value} OVER w AS p{name}" for name, value in near.items()]
    if piece.starts:
        columns += ["lead(logged) OVER w AS next_logged", "lead(code) OVER w AS next_code"]
    if piece.transactions:
        columns.append("lag(CASE tx WHEN 'b' THEN line_ WHEN 'e' THEN -1 END IGNORE NULLS) OVER w AS open_")
    said = ", ".join(f"chr((p{name} & 127)::INTEGER) AS {name}, p{name} >> 7 AS us_{name}" for name in near)
    opened = "CASE tx WHEN 'b' THEN line_ ELSE nullif(open_, -1) END"
    return f"""
    CREATE TABLE {piece.links} AS
    SELECT rid, line_, kind, {_extra(piece)} AS extra,
           {_paired("us_n1", "'D'") if piece.starts else "NULL::BIGINT"} AS paired,
           {_paired("next_logged", "'D', 'E'") if piece.starts else "NULL::TIMESTAMP"} AS ended,
           {_paired("next_code", "'E'") if piece.starts else "NULL::VARCHAR"} AS failed,
           opened, {_waits(piece)} AS waits, {_emit(piece)} AS emit, {_lone(piece)} AS lone,
           coalesce(n1 IS NULL AND opened IS NOT NULL AND (coalesce(tx <> 'e', true) OR {_waits(piece)}), false)
               AS opens
    FROM (SELECT *, {said}, {opened if piece.transactions else "NULL::BIGINT"} AS opened
    FROM (SELECT *, {", ".join(columns)}
          FROM (SELECT rowid AS rid, hash(session) AS s, coalesce(line, {piece.base} + rowid) AS line_, kind,
                       (CAST(round(coalesce(ms, 0) * 1000) AS BIGINT) << 7) + ascii(kind) AS packed, logged, code,
                       {TRANSACTION if piece.transactions else "NULL"} AS tx
                FROM {piece.records} WHERE kind NOT IN ('O', 'A', 'a', '?'))
          WINDOW w AS (PARTITION BY s ORDER BY line_, rid)))"""


def joined(piece: Piece, columns: Sequence[str] = COLUMNS) -> str:
    """SQL: the executions of a piece with what belongs to them."""
    found = ", ".join(f"l.{name}" for name in columns)
    return f"(SELECT r.*, {found} FROM {piece.records} r JOIN {piece.links} l ON r.rowid = l.rid WHERE l.emit) r"


def carried(piece: Piece) -> str:
    """SQL that makes the table ``carry``: what the next piece begins with (kind ``T``: an open transaction)."""
    joined = f"FROM {piece.records} r JOIN {piece.links} l ON r.rowid = l.rid"
    line = f"coalesce(line, {piece.base} + rowid)"
    plans = f"SELECT * REPLACE ({line} AS line, 'A' AS kind) FROM {piece.records} WHERE kind = 'a'"
    if not piece.linked:
        return f"CREATE OR REPLACE TABLE carry AS {plans}"
    return f"""
    CREATE OR REPLACE TABLE carry AS
    {plans} UNION ALL
    SELECT r.* REPLACE (l.opened AS line, 'T' AS kind, NULL AS body, NULL AS head) {joined}
    WHERE l.opens AND l.rid >= (SELECT min(rid) FROM (SELECT rid FROM {piece.links} WHERE opens
                                                      ORDER BY rid DESC LIMIT {OPEN_AT_MOST}))
    UNION ALL
    SELECT r.* REPLACE (l.line_ AS line) {joined} WHERE l.waits"""


def _extra(piece: Piece) -> str:
    if not piece.starts:
        return "CASE k1 WHEN 'B' THEN us_k1 + CASE WHEN k2 = 'P' THEN us_k2 ELSE 0 END WHEN 'P' THEN us_k1 END"
    first = f"(k1 IN ('P', 'B') OR k1 = 'D' AND coalesce(k2 NOT IN ({STARTS}), true))"
    second = f"(k2 = 'P' OR k2 = 'D' AND coalesce(k3 NOT IN ({STARTS}), true))"
    return (
        f"CASE WHEN kind NOT IN ('s', 'S') AND {first} THEN us_k1 + CASE WHEN k1 <> 'P' AND {second}"
        f" THEN us_k2 ELSE 0 END END"
    )


def _paired(column: str, kinds: str) -> str:
    return f"CASE WHEN kind IN ({STARTS}) AND n1 IN ({kinds}) THEN {column} END"


def _waits(piece: Piece) -> str:
    waits = "kind = 'B' AND n1 IS NULL OR kind = 'P' AND (n1 IS NULL OR n1 = 'B' AND n2 IS NULL)"
    if piece.starts:
        waits += f" OR kind = 'D' AND coalesce(k1 NOT IN ({STARTS}), true) AND (n1 IS NULL OR n1 = 'D' AND n2 IS NULL)"
    if piece.waiting:
        waits += f" OR kind IN ({STARTS}) AND n1 IS NULL"
        before = f"(n1 IN ({STARTS}) AND n2 IS NULL OR n1 IN ('B', 'D') AND n2 IN ({STARTS}) AND n3 IS NULL)"
        waits += f" OR kind IN ('P', 'B', 'D') AND coalesce(k1 NOT IN ({STARTS}), true) AND {before}"
    return f"({waits})"


def _lone(piece: Piece) -> str:
    after = "CASE WHEN kind = 'P' AND n1 = 'B' THEN n2 ELSE n1 END"
    without = f"coalesce({after} IN ('P', 'B', 'S', 's'), {str(piece.last).lower()})"
    return f"CASE WHEN kind IN ('P', 'B') AND {without} THEN packed >> 7 END"


def _emit(piece: Piece) -> str:
    emit = f"contains('{EVENTS}', kind)"
    if piece.starts:
        emit += f" AND NOT (kind = 'E' AND coalesce(k1 IN ({STARTS}), false))"
    if piece.waiting:
        emit += f" AND NOT (kind IN ({STARTS}) AND n1 IS NULL)"
    return emit
