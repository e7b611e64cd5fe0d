"""Records to events, one piece of the log at a time, in DuckDB.

A piece becomes a table of records. What belongs together in one session is found over narrow columns only
(``sessions``), and what is still open at the end of a piece is carried into the next one, so that memory does not
grow with the log. Writing a piece needs nothing of the next, so that it runs beside the reading of the next.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import duckdb

from advisor.captures import quoted
from advisor.model.workload import EVENT_COLUMNS
from connectors.parquet import Joined
from connectors.postgres.logs import cursors, explained
from connectors.postgres.logs.cursors import resolve_cursors, resolve_prepared
from connectors.postgres.logs.explained import resolve_plans
from connectors.postgres.logs.literals import literal
from connectors.postgres.logs.plain import EXECUTIONS, STREAM, PlainPiece
from connectors.postgres.logs.records import EVENTS, NOTHING, STARTS, classified
from connectors.postgres.logs.sessions import Piece, alone, carried, joined, linked
from connectors.postgres.logs.sides import collect
from connectors.postgres.logs.tags import TAGS, parts
from connectors.postgres.logs.texts import KEY, judge, without_limit, without_parameter
from connectors.postgres.logs.zones import minutes_east

CARRY_AT_MOST = 200_000
"""Open statements carried from piece to piece; beyond that the oldest go out without their duration."""

PARAMETERS = "parameters"
"""The column beyond the contract's when values are kept: ``$1 = '5', $2 = NULL``, as the log tells them."""

WRITERS = 1
"""Pieces written at a time, beside the one that is read. Each more takes half a gigabyte."""

PIECES = "pieces"
"""The DuckDB database that holds the pieces' tables."""

COMPRESSION = "COMPRESSION zstd, COMPRESSION_LEVEL 1"
"""Of what is written: a fifth less work than the usual level 3, and files 6 % larger."""

_TOOK = f"CASE WHEN kind IN ({STARTS}) THEN paired ELSE CAST(round(ms * 1000) AS BIGINT) END + coalesce(extra, 0)"
_ENDED = f"CASE WHEN kind IN ({STARTS}) THEN coalesce(ended, logged) ELSE logged END"
_STARTED = f"epoch_us(logged) - CASE WHEN kind IN ({STARTS}) THEN 0 ELSE coalesce(took, 0) END"
_VALUED = "CASE WHEN r.skeleton IS NULL THEN t.valued ELSE r.skeleton <> r.body END"
_BOUND = "CASE WHEN starts_with(detail, 'parameters: $') OR starts_with(detail, 'Parameters: $') THEN detail END"
_FACTS = f"""
SELECT count(*), coalesce(bool_or(kind IN ('P', 'B')), false), coalesce(bool_or(kind = 'D'), false),
       coalesce(bool_or(kind IN ({STARTS})), false),
       coalesce(bool_or(head IN ('BEGIN', 'START') OR kind = 'T'), false),
       coalesce(bool_or(head IN ('DECLA', 'FETCH') OR starts_with(head, 'MOVE')), false),
       coalesce(bool_or(head = 'EXECU'), false), coalesce(bool_or(kind = 'A'), false), count(*) FILTER (kind = 'O')
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


@dataclass
class Found:
    """What the pieces added up to: events written, messages that are no statement, parse and bind steps without an
    execution and their milliseconds, executions left out because they are of other databases."""

    events: int = 0
    unknown_zones: set[str] = field(default_factory=set)
    others: int = 0
    lone: int = 0
    lone_ms: float = 0.0
    elsewhere: Counter[str] = field(default_factory=Counter)


class EventWriter:
    """Writes the pieces of one log into ``target``, by way of ``folder``; ``keep_values`` leaves literals in the texts.

    ``only`` leaves out the executions of other databases; those of which the log tells no database stay.
    ``base`` counts the bytes of the pieces so far, to number records that have no number of their own.
    """

    def __init__(
        self, database: duckdb.DuckDBPyConnection, folder: Path, target: Joined, keep_values: bool, only: str = ""
    ) -> None:
        self.database = database
        self.folder = folder
        self.target = target
        self.keep_values = keep_values
        self.only = only
        self.key = secrets.token_hex(16)
        self.found = Found()
        self.base = 0
        self._base = 0
        self._durations = False
        self._carried = 0
        self._piece = 0
        self._pool = ThreadPoolExecutor(WRITERS, thread_name_prefix="log-events")
        self._writing: list[Future[int]] = []
        database.execute(f"CREATE TABLE carry AS {classified(NOTHING)}")
        cursors.create(database)
        explained.create(database)

    def __enter__(self) -> EventWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=error is not None)

    @property
    def _table(self) -> str:
        """The table of the records of the piece at hand."""
        return f"record{self._piece + 1}"

    def load(self, relation: str) -> tuple[str, int]:
        """Make the table of a piece's records from ``relation``, SQL with the columns of ``RECORD_COLUMNS``, behind
        what the piece before left open. Returns the table and how many of its first records were left open."""
        table = self._table
        start = "FROM carry" if self._carried else classified(relation)
        self.database.execute(f"CREATE OR REPLACE TABLE {table} AS {start}")
        if self._carried and relation:
            self.database.execute(f"INSERT INTO {table} {classified(relation)}")
        return table, self._carried

    def add(self, table: str, source: str, last: bool = False) -> None:
        """Write the executions of a loaded piece, beside the reading of the next one."""
        facts = self._facts(table)
        logged = self._resolved(table, facts, last)
        self._durations = self._durations or facts.durations
        waiting = self._durations and facts.starts and not last
        starts = facts.starts or facts.durations
        piece = Piece(table, self._base, facts.parts, starts, facts.transactions, waiting, last)
        self._base += facts.records
        executions = self._link(piece, facts.plans, last)
        judge(self.database, table, piece.texts)
        self._submit(piece, self._events(logged, source, executions, piece.texts))

    def _facts(self, table: str) -> Facts:
        row = self.database.execute(_FACTS.format(table=table)).fetchone()
        assert row is not None
        return Facts(*row)

    def _resolved(self, table: str, facts: Facts, last: bool = False) -> str:
        """Count and collect what is no execution in ``table``, and resolve what says something about others. Returns
        SQL for a record's time in UTC."""
        if self.only:
            self._leave_out_others(table)
        if facts.cursors:
            resolve_cursors(self.database, table, self._base)
        if facts.prepared:
            resolve_prepared(self.database, table)
        if facts.plans:
            resolve_plans(self.database, table, self._base, last)
        zones = [z for (z,) in self.database.execute(f"SELECT DISTINCT zone FROM {table} ORDER BY zone").fetchall()]
        offsets = self._offsets(zones)
        shift = " ".join(f"WHEN {literal(zone)} THEN {minutes}" for zone, minutes in offsets.items())
        logged = f"(r.logged - to_minutes(CASE r.zone {shift} ELSE 0 END))" if shift else "r.logged"
        if facts.others:
            self.found.others += facts.others - collect(self.database, table, logged)
        return logged

    def _submit(self, piece: Piece, events: str, plain: PlainPiece | None = None) -> None:
        """Have ``events`` of a piece written, once the piece before is."""
        self._piece += 1
        part = self.folder / f"part{self._piece:06}.parquet"
        self._drain(WRITERS - 1)
        self._writing.append(self._pool.submit(self._write, self.database.cursor(), piece, events, part, plain))

    def close(self, source: str) -> None:
        """Write what was still waiting for its duration, and end all writing."""
        if self._carried or not self._piece:
            self.database.execute(f"CREATE OR REPLACE TABLE {self._table} AS FROM carry")
            self.add(self._table, source, last=True)
        self._drain(0)

    def _leave_out_others(self, table: str) -> None:
        """Count the executions of other databases than :attr:`only`, which are not written."""
        self.found.elsewhere.update(
            dict(
                self.database.execute(
                    f"""SELECT database, count(*) FROM {table}
                        WHERE contains('{EVENTS}', kind) AND database <> '' AND database <> ? GROUP BY database""",
                    [self.only],
                ).fetchall()
            )
        )

    def _link(self, piece: Piece, plans: bool, last: bool) -> str:
        """SQL: the executions of this piece with what belongs to them; what stays open goes to the table ``carry``."""
        database = self.database
        self._carried = 0
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
            self._count_carried()
        if not piece.linked:
            return alone(piece)
        if piece.parts:
            self._count_lone(piece)
        return joined(piece)

    def _count_carried(self) -> None:
        row = self.database.execute("SELECT count(*) FROM carry").fetchone()
        self._carried = row[0] if row else 0

    def _count_lone(self, piece: Piece) -> None:
        row = self.database.execute(f"SELECT count(lone), coalesce(sum(lone), 0) FROM {piece.links}").fetchone()
        count, took = row if row else (0, 0)
        self.found.lone += count
        self.found.lone_ms += took / 1000

    def _offsets(self, zones: Iterable[str | None]) -> dict[str, int]:
        """Minutes east of Greenwich of those zones that are not there."""
        offsets = {}
        for zone in zones:
            minutes = minutes_east(zone or "")
            if minutes is None:
                self.found.unknown_zones.add(zone or "")
            elif zone and minutes:
                offsets[zone] = minutes
        return offsets

    def _write(
        self, database: duckdb.DuckDBPyConnection, piece: Piece, events: str, part: Path, plain: PlainPiece | None
    ) -> int:
        columns = ", ".join(f'"{name}"' for name in (*EVENT_COLUMNS, *([PARAMETERS] if self.keep_values else [])))
        with database, plain or nullcontext():
            database.execute(f"USE {PIECES}")
            if plain is not None:
                database.register(STREAM, plain.stream(EXECUTIONS))
            row = database.execute(
                f"COPY (SELECT {columns} FROM ({events})) TO '{quoted(part)}' (FORMAT parquet, {COMPRESSION})"
            ).fetchone()
            for table in (piece.records, piece.links, piece.texts, piece.plain_texts):
                database.execute(f"DROP TABLE IF EXISTS {table}")
        self.target.append(part)
        part.unlink()
        return row[0] if row else 0

    def _drain(self, keep: int) -> None:
        """Wait until at most ``keep`` pieces are being written."""
        while len(self._writing) > keep:
            self.found.events += self._writing.pop(0).result()

    def _events(self, at: str, source: str, executions: str, texts: str, more: str = "") -> str:
        """SQL: the events of ``executions``, records with :data:`sessions.COLUMNS`; ``more``: columns kept beside."""
        known = f"""
        SELECT r.* EXCLUDE (logged, skeleton, command), {at} AS logged, {_TOOK} AS took, {_BOUND} AS bound,
               coalesce(r.command, t.command) AS command, t.text AS text_, t.limited, t.cut_off, t.skipped1, t.skipped2,
               CASE WHEN {_VALUED} THEN r.body ELSE '' END AS literals,
               {parts("comment")} AS tag_parts
        FROM {executions} JOIN {texts} t ON {KEY} = t.key AND (r.skeleton IS NULL) = t.raw
        {f"WHERE coalesce(r.database, '') IN ('', {literal(self.only)})" if self.only else ""}"""
        digested = f"""
        SELECT *, {without_parameter("bound", "skipped1")} AS bound1,
               CASE WHEN literals <> '' OR bound IS NOT NULL THEN {self._md5("literals", "coalesce(bound, '')")} END
                   AS digest
        FROM ({known})"""
        literals = f"CASE WHEN cut_off THEN {without_limit('literals')} ELSE literals END"
        without = literals, f"coalesce({without_parameter('bound1', 'skipped2')}, '')"
        return f"""
        SELECT {literal(source)} AS source, nullif(database, '') AS database, nullif("user", '') AS "user",
               nullif(application, '') AS application, nullif(client, '') AS client, session, line_ AS line,
               CASE WHEN opened IS NOT NULL THEN session || '/' || opened END AS unit,
               make_timestamptz({_STARTED}) AS started_at, make_timestamptz(epoch_us({_ENDED})) AS ended_at,
               CASE WHEN kind <> 'E' THEN took / 1000.0 END AS duration_ms, row_count AS "rows", command,
               {"body" if self.keep_values else "text_"} AS text, digest AS params_digest,
               CASE WHEN limited AND digest IS NOT NULL THEN {self._md5(*without)} ELSE digest END
                   AS params_distinct_key,
               {TAGS} AS tags, substr(bound, length('parameters: ') + 1) AS {PARAMETERS},
               CASE WHEN kind = 'E' THEN coalesce(nullif(code, ''), 'ERROR') ELSE nullif(failed, '') END AS error_code,
               nullif(nullif(query_id, '0'), '') AS server_query_id{more}
        FROM ({digested})"""

    def _md5(self, *parts: str) -> str:
        joined = " || chr(31) || ".join(parts)
        return f"left(md5('{self.key}' || {joined}), 16)"
