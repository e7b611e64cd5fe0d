"""Records to events, one piece of the log at a time, in DuckDB.

A piece becomes a table of records. What belongs together in one session is found over narrow columns only
(``sessions``), and what is still open at the end of a piece is carried into the next one, so that memory does not
grow with the log. Writing a piece needs nothing of the next, so that it runs beside the reading of the next.
"""

from __future__ import annotations

import secrets
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import duckdb

from advisor.captures import quoted
from advisor.model.workload import EVENT_COLUMNS
from connectors.postgres.logs import cursors, explained
from connectors.postgres.logs.cursors import resolve_cursors, resolve_prepared
from connectors.postgres.logs.explained import resolve_plans
from connectors.postgres.logs.literals import comments, folded, literal, without_comments, without_values
from connectors.postgres.logs.records import PARAMETERISED, STARTS, classified
from connectors.postgres.logs.sessions import COLUMNS, Piece, alone, carried, linked
from connectors.postgres.logs.sides import collect
from connectors.postgres.logs.tags import TAGS, names, values
from connectors.postgres.logs.zones import minutes_east

CARRY_AT_MOST = 200_000
"""Open statements carried from piece to piece; beyond that the oldest go out without their duration."""

WRITERS = 1
"""Pieces written at a time, beside the one that is read. Each more takes half a gigabyte."""

_COMMENTED = """
CASE WHEN contains(body, '/*') THEN
          CASE WHEN ends_with(rtrim(body, E' ;\\n\\t'), '*/') AND NOT contains(body, '--')
                    AND NOT contains(substr(body, instr(body, '/*') + 2), '/*') THEN 1 ELSE 2 END
     WHEN contains(body, '--') THEN 2 ELSE 0 END
"""
"""0: no comment; 1: one at the end, as sqlcommenter writes; 2: anything else, to be cut by tokens."""

_LOOSE_ENDS = " OR ".join(
    f"{test}(uncommented, {end})"
    for test, ends in (("ends_with", ("';'", "' '", r"E'\n'", r"E'\t'")), ("starts_with", ("' '", r"E'\n'", r"E'\t'")))
    for end in ends
)
_LIMIT = r"(?i)\b(limit|offset)\s+"
_LIMITED_PLAINLY = " OR ".join(f"contains(replaced, '{word} $')" for word in ("LIMIT", "limit", "OFFSET", "offset"))
_LIMITED = " OR ".join(f"contains(replaced, '{word}')" for word in ("LIMIT", "limit", "OFFSET", "offset", "Limit"))
_WITHOUT_LIMIT = (
    f"CASE WHEN literals <> '' THEN regexp_replace(literals, {literal(_LIMIT + r'[0-9]+')}, '', 'g') ELSE '' END"
)
_SKIPPED = f"CASE WHEN limited THEN regexp_extract_all(replaced, {literal(_LIMIT + '[$]([1-9][0-9]*)')}, 2) END"


def _without_parameter(bound: str, number: str) -> str:
    """SQL: the parameter list ``bound`` without parameter ``number``, up to the next one (or NULL: all of it)."""
    place = f"instr({bound}, '$' || {number} || ' = ')"
    rest = f"instr(substr({bound}, {place} + 1), ', $')"
    return (
        f"CASE WHEN {number} IS NULL OR {place} = 0 THEN {bound} WHEN {rest} = 0 THEN left({bound}, {place} - 1)"
        f" ELSE left({bound}, {place} - 1) || substr({bound}, {place} + {rest}) END"
    )


_VERBS = """
CASE verb WHEN 'START' THEN 'BEGIN' WHEN 'END' THEN 'COMMIT' WHEN 'ABORT' THEN 'ROLLBACK'
          WHEN 'WITH' THEN coalesce(nullif(upper(regexp_extract(plain,
               '(?i)\\b(?:insert\\s+into|update|delete\\s+from|merge\\s+into)\\b')[:6]), ''), 'SELECT')
          ELSE nullif(verb, '') END
"""
_TOTAL = f"round(CASE WHEN kind IN ({STARTS}) THEN paired / 1000.0 ELSE ms END + coalesce(extra, 0) / 1000.0, 3)"
_ENDED = f"CASE WHEN kind IN ({STARTS}) THEN coalesce(ended, logged) ELSE logged END"
_STARTED = f"""
CASE WHEN kind IN ({STARTS}) THEN logged
     ELSE logged - to_microseconds(CAST(coalesce(total, 0) * 1000 AS BIGINT)) END
"""


_FACTS = f"""
SELECT count(*), coalesce(bool_or(kind IN ('P', 'B')), false), coalesce(bool_or(kind = 'D'), false),
       coalesce(bool_or(kind IN ({STARTS})), false),
       coalesce(bool_or(verb IN ('BEGIN', 'START') OR kind = 'T'), false),
       coalesce(bool_or(verb IN ('DECLARE', 'FETCH', 'MOVE')), false), coalesce(bool_or(verb = 'EXECUTE'), false),
       coalesce(bool_or(kind = 'A'), false), count(*) FILTER (kind = 'O'),
       count(*) FILTER (kind IN ({PARAMETERISED})), approx_count_distinct(body) FILTER (kind IN ({PARAMETERISED}))
FROM {{table}}
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a piece holds, in the order of ``_FACTS``."""

    records: int
    parts: bool
    durations: bool
    starts: bool
    transactions: bool
    cursors: bool
    prepared: bool
    plans: bool
    others: int
    parameterised: int
    texts: int


@dataclass
class Found:
    """What the pieces added up to. Times are UTC."""

    events: int = 0
    records: int = 0
    unknown_zones: set[str] = field(default_factory=set)
    others: int = 0


class EventWriter:
    """Writes the pieces of one log as Parquet parts under ``folder``; ``keep_values`` leaves literals in the texts.

    ``lines`` counts the lines of the pieces so far, to number records that have no number of their own.
    """

    def __init__(self, database: duckdb.DuckDBPyConnection, folder: Path, keep_values: bool) -> None:
        self.database = database
        self.folder = folder
        self.keep_values = keep_values
        self.key = secrets.token_hex(16)
        self.found = Found()
        self.parts: list[Path] = []
        self.lines = 0
        self._base = 0
        self._durations = False
        self._carried = 0
        self._piece = 0
        self._pool = ThreadPoolExecutor(WRITERS, thread_name_prefix="log-events")
        self._writing: list[Future[int]] = []
        cursors.create(database)
        explained.create(database)

    def __enter__(self) -> EventWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=error is not None)

    def load(self, relation: str) -> tuple[str, int]:
        """Make the table of a piece's records from ``relation``, SQL with the columns of ``RECORD_COLUMNS``, behind
        what the piece before left open. Returns the table and how many of its first records were left open."""
        table = f"record{self._piece + 1}"
        if self._carried:
            self.database.execute(f"CREATE OR REPLACE TABLE {table} AS FROM carry")
            self.database.execute(f"INSERT INTO {table} BY NAME {classified(relation)}")
        else:
            self.database.execute(f"CREATE OR REPLACE TABLE {table} AS {classified(relation)}")
        return table, self._carried

    def add(self, table: str, source: str, last: bool = False) -> None:
        """Write the executions of a loaded piece, beside the reading of the next one."""
        self._piece += 1
        row = self.database.execute(_FACTS.format(table=table)).fetchone()
        assert row is not None
        facts = Facts(*row)
        before, self._carried = self._carried, 0
        self.found.records += facts.records - before
        self._durations = self._durations or facts.durations
        if facts.cursors:
            resolve_cursors(self.database, table, self._base)
        if facts.prepared:
            resolve_prepared(self.database, table)
        if facts.plans:
            resolve_plans(self.database, table, self._base, last)
        logged = self._logged(table)
        if facts.others:
            self.found.others += facts.others - collect(self.database, table, logged)
        waiting = self._durations and facts.starts and not last
        piece = Piece(table, self._base, facts.parts, facts.starts or facts.durations, facts.transactions, waiting)
        self._base += facts.records
        joined = self._link(piece, facts.plans, last)
        self._drain(WRITERS - 1)
        part = self.folder / f"part{self._piece:06}.parquet"
        self.parts.append(part)
        few = facts.parameterised > 1000 and facts.texts * 10 < facts.parameterised
        events = self._events(logged, source, joined, self._known(table) if few else "")
        self._writing.append(self._pool.submit(self._write, self.database.cursor(), piece, events, part))

    def close(self, source: str) -> None:
        """Write what was still waiting for its duration, and end all writing."""
        if self._carried:
            table = f"record{self._piece + 1}"
            self.database.execute(f"CREATE OR REPLACE TABLE {table} AS FROM carry")
            self.add(table, source, last=True)
        self._drain(0)
        self.parts = [part for part in self.parts if part.exists()]

    def _link(self, piece: Piece, plans: bool, last: bool) -> str:
        """SQL: the executions of this piece with what belongs to them; what stays open goes to the table ``carry``."""
        database = self.database
        if piece.linked:
            database.execute(linked(piece))
        if not last and (piece.linked or plans):
            if piece.waiting:
                database.execute(
                    f"""UPDATE {piece.links} SET waits = false, emit = true
                        WHERE waits AND kind IN ({STARTS}) AND rid < (
                            SELECT min(rid) FROM (SELECT rid FROM {piece.links} WHERE waits AND kind IN ({STARTS})
                                                  ORDER BY rid DESC LIMIT {CARRY_AT_MOST}))"""
                )
            database.execute(carried(piece))
            row = database.execute("SELECT count(*) FROM carry").fetchone()
            self._carried = row[0] if row else 0
        if not piece.linked:
            return alone(piece)
        columns = ", ".join(f"t.{name}" for name in COLUMNS)
        return f"(SELECT r.*, {columns} FROM {piece.records} r JOIN {piece.links} t ON r.rowid = t.rid WHERE t.emit) r"

    def _known(self, table: str) -> str:
        """The table of a piece's parameterised texts, without values, each read once."""
        texts = f"{table}_texts"
        self.database.execute(
            f"""CREATE OR REPLACE TABLE {texts} AS SELECT body, {without_values("plain")} AS known
                FROM (SELECT body, trim(body, E' ;\\n\\r\\t') AS plain
                      FROM (SELECT DISTINCT body FROM {table} WHERE kind IN ({PARAMETERISED}))
                      WHERE NOT contains(body, '/*') AND NOT contains(body, '--'))"""
        )
        return texts

    def _logged(self, table: str) -> str:
        """SQL: the time of a record in UTC, from the zones that this piece names."""
        zones = [z for (z,) in self.database.execute(f"SELECT DISTINCT zone FROM {table} ORDER BY zone").fetchall()]
        offsets = {}
        for zone in zones:
            minutes = minutes_east(zone or "")
            if minutes is None:
                self.found.unknown_zones.add(zone)
            elif minutes:
                offsets[zone] = minutes
        shift = " ".join(f"WHEN {literal(zone)} THEN {minutes}" for zone, minutes in offsets.items())
        return f"(r.logged - to_minutes(CASE r.zone {shift} ELSE 0 END))" if shift else "r.logged"

    def _write(self, database: duckdb.DuckDBPyConnection, piece: Piece, events: str, part: Path) -> int:
        columns = ", ".join(f'"{name}"' for name in EVENT_COLUMNS)
        with database:
            row = database.execute(
                f"COPY (SELECT {columns} FROM ({events})) TO '{quoted(part)}' (FORMAT parquet, COMPRESSION zstd)"
            ).fetchone()
            database.execute(f"DROP TABLE {piece.records}")
            database.execute(f"DROP TABLE IF EXISTS {piece.links}")
            database.execute(f"DROP TABLE IF EXISTS {piece.records}_texts")
        written: int = row[0] if row else 0
        if not written:
            part.unlink(missing_ok=True)
        return written

    def _drain(self, keep: int) -> None:
        """Wait until at most ``keep`` pieces are being written."""
        while len(self._writing) > keep:
            self.found.events += self._writing.pop(0).result()

    def _events(self, at: str, source: str, joined: str, texts: str) -> str:
        known = "k.known" if texts else "NULL::VARCHAR AS known"
        lookup = f" LEFT JOIN {texts} k ON r.body = k.body AND r.kind IN ({PARAMETERISED})" if texts else ""
        cut = f"""
        SELECT *, CASE commented WHEN 0 THEN body WHEN 1 THEN left(body, instr(body, '/*') - 1)
                       ELSE {without_comments("body")} END AS uncommented,
                  CASE commented WHEN 0 THEN '' WHEN 1 THEN substr(body, instr(body, '/*'))
                       ELSE {comments("body")} END AS comment
        FROM (SELECT *, {_COMMENTED} AS commented
              FROM (SELECT r.* EXCLUDE (logged), {at} AS logged, {known} FROM {joined}{lookup}))"""
        replaced = f"""
        SELECT *, {f"CASE WHEN known IS NULL THEN {without_values('plain')} ELSE known END"} AS replaced,
               CASE WHEN starts_with(detail, 'parameters: $') OR starts_with(detail, 'Parameters: $') THEN detail END
                   AS bound,
               {names("comment")} AS tag_names, {values("comment")} AS tag_values
        FROM (SELECT *, CASE WHEN {_LOOSE_ENDS} THEN trim(uncommented, E' ;\n\r\t') ELSE uncommented END AS plain
              FROM ({cut}))"""
        limited = f"""
        SELECT *, {folded("replaced")} AS text_, CASE WHEN replaced <> plain THEN plain ELSE '' END AS literals,
               CASE WHEN {_LIMITED_PLAINLY} THEN true
                    WHEN {_LIMITED} THEN regexp_matches(replaced, {literal(_LIMIT + "[$]")}) ELSE false END AS limited
        FROM ({replaced})"""
        first = f"""
        SELECT *, {_without_parameter("bound", "skipped[1]")} AS bound1
        FROM (SELECT *, {_SKIPPED} AS skipped FROM ({limited}))"""
        digested = f"""
        SELECT *, {_TOTAL} AS total,
               CASE WHEN literals <> '' OR bound IS NOT NULL THEN {self._md5("literals", "coalesce(bound, '')")} END
                   AS params_digest,
               {_without_parameter("bound1", "skipped[2]")} AS bound2
        FROM ({first})"""
        return f"""
        SELECT {literal(source)} AS source, nullif(database, '') AS database, nullif("user", '') AS "user",
               nullif(application, '') AS application, nullif(client, '') AS client, session, line_ AS line,
               CASE WHEN opened IS NOT NULL THEN session || '/' || opened END AS unit,
               make_timestamptz(epoch_us({_STARTED})) AS started_at, make_timestamptz(epoch_us({_ENDED})) AS ended_at,
               CASE WHEN kind <> 'E' THEN total END AS duration_ms, row_count AS "rows",
               CASE WHEN kind IN ('F', 'f') THEN 'FETCH' ELSE {_VERBS} END AS command,
               {"plain" if self.keep_values else "text_"} AS text, params_digest,
               CASE WHEN limited AND params_digest IS NOT NULL
                    THEN {self._md5(_WITHOUT_LIMIT, "coalesce(bound2, '')")} ELSE params_digest END
                   AS params_distinct_key,
               {TAGS} AS tags,
               CASE WHEN kind = 'E' THEN coalesce(nullif(code, ''), 'ERROR') ELSE nullif(failed, '') END AS error_code,
               nullif(nullif(query_id, '0'), '') AS server_query_id
        FROM ({digested}) WHERE plain <> ''"""

    def _md5(self, *parts: str) -> str:
        joined = " || chr(31) || ".join(parts)
        return f"left(md5('{self.key}' || {joined}), 16)"
