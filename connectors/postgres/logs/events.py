"""Records to events, one piece of the log at a time, in DuckDB.

A piece becomes the table ``record``. What belongs together in one session (parse, bind and execute; a statement and
its ``duration`` line; a statement and the error that ended it; BEGIN … COMMIT) is found by windows over narrow columns
only, and what is still open at the end of a piece is carried into the next one, so that memory does not grow
with the log.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from advisor.captures import quoted
from advisor.model.workload import EVENT_COLUMNS
from connectors.postgres.logs.literals import comments, folded, literal, without_comments, without_values
from connectors.postgres.logs.records import EVENTS, classified
from connectors.postgres.logs.tags import MACRO, tags
from connectors.postgres.logs.zones import minutes_east

CARRY_AT_MOST = 200_000
"""Open statements carried from piece to piece; beyond that the oldest go out without their duration."""

_LIMIT = r"(?i)\b(limit|offset)\s+"
_VERBS = """
CASE verb WHEN 'START' THEN 'BEGIN' WHEN 'END' THEN 'COMMIT' WHEN 'ABORT' THEN 'ROLLBACK'
          WHEN 'WITH' THEN coalesce(nullif(upper(regexp_extract(plain,
               '(?i)\\b(?:insert\\s+into|update|delete\\s+from|merge\\s+into)\\b')[:6]), ''), 'SELECT')
          ELSE nullif(verb, '') END
"""
_TX = """
CASE WHEN kind = 'T' THEN 'b'
     WHEN verb IN ('BEGIN', 'START') THEN CASE WHEN regexp_matches(body, '(?i);\\s*(commit|end|rollback|abort)\\b')
                                          THEN NULL ELSE 'b' END
     WHEN verb IN ('COMMIT', 'END', 'ABORT') THEN 'e'
     WHEN verb = 'ROLLBACK' THEN CASE WHEN regexp_matches(body, '(?i)^\\s*rollback\\s+(\\w+\\s+)?to\\b')
                                 THEN NULL ELSE 'e' END
     WHEN verb = 'PREPARE' THEN CASE WHEN regexp_matches(body, '(?i)^\\s*prepare\\s+transaction\\b') THEN 'e' END END
"""


@dataclass
class Found:
    """What the pieces added up to. Times are UTC."""

    events: int = 0
    records: int = 0
    unknown_zones: set[str] = field(default_factory=set)
    lone_durations: int = 0
    untold: int = 0


class EventWriter:
    """Writes the pieces of one log as Parquet parts under ``folder``; ``keep_values`` leaves literals in the texts."""

    def __init__(self, database: duckdb.DuckDBPyConnection, folder: Path, keep_values: bool) -> None:
        self.database = database
        self.folder = folder
        self.keep_values = keep_values
        self.key = secrets.token_hex(16)
        self.found = Found()
        self.parts: list[Path] = []
        self._base = 0
        self._durations = False
        self._carried = 0
        database.execute(MACRO)

    def add(self, relation: str, source: str) -> None:
        """Read one piece: ``relation`` is SQL with the columns of ``RECORD_COLUMNS``."""
        database = self.database
        sql = classified(relation)
        if self._carried:
            database.execute("CREATE OR REPLACE TEMP TABLE record AS FROM carry")
            database.execute(f"INSERT INTO record BY NAME {sql}")
        else:
            database.execute(f"CREATE OR REPLACE TEMP TABLE record AS {sql}")
        self._finish_piece(source, last=False)

    def close(self, source: str) -> None:
        """Write what was still waiting for its duration."""
        if self._carried:
            self.database.execute("CREATE OR REPLACE TEMP TABLE record AS FROM carry")
            self._finish_piece(source, last=True)

    def _facts(self) -> dict[str, Any]:
        row = self.database.execute(
            f"""SELECT count(*), bool_or(kind IN ('P', 'B')), bool_or(kind = 'D'), bool_or(kind = 'E'),
                       bool_or(verb IN ('BEGIN', 'START') OR kind = 'T'), bool_or(kind IN ({EVENTS})),
                       bool_or(kind IN ('s', 'x', 'f'))
                FROM record"""
        ).fetchone()
        assert row is not None
        names = ("records", "parts", "durations", "errors", "begins", "events", "starts")
        return dict(zip(names, row, strict=True))

    def _finish_piece(self, source: str, last: bool) -> None:
        facts = self._facts()
        carried, self._carried = self._carried, 0
        self.found.records += facts["records"] - carried
        self._durations = self._durations or bool(facts["durations"])
        if facts["records"]:
            at = self._at()
            wide = facts["parts"] or facts["durations"] or facts["begins"] or (facts["errors"] and facts["starts"])
            if wide or (self._durations and facts["starts"]):
                self._steps(last)
                joined = "record r JOIN step t ON r.rowid = t.rid"
            else:
                joined = self._alone()
            self._write(at, source, joined)
        self._base += facts["records"]

    def _at(self) -> str:
        zones = [z for (z,) in self.database.execute("SELECT DISTINCT zone FROM record ORDER BY zone").fetchall()]
        offsets = {}
        for zone in zones:
            minutes = minutes_east(zone or "")
            if minutes is None:
                self.found.unknown_zones.add(zone)
            elif minutes:
                offsets[zone] = minutes
        shift = " ".join(f"WHEN {literal(zone)} THEN {minutes}" for zone, minutes in offsets.items())
        return f"(r.logged - to_minutes(CASE r.zone {shift} ELSE 0 END))" if shift else "r.logged"

    def _alone(self) -> str:
        """SQL: the records of a piece where no two records belong together, with the columns of ``step``."""
        return f"""(SELECT *, NULL::BIGINT AS extra, NULL::BIGINT AS paired, NULL::TIMESTAMP AS ended,
                    NULL::VARCHAR AS failed, NULL::BIGINT AS opened, coalesce(line, {self._base} + rowid) AS line_
                    FROM record WHERE kind IN ({EVENTS})) r"""

    def _steps(self, last: bool) -> None:
        """Make ``step`` (one row an event of this piece) and ``carry`` (the records still open)."""
        database = self.database
        database.execute(
            f"""
        CREATE OR REPLACE TEMP TABLE narrow AS
        SELECT *, sum(CASE WHEN kind IN ('P', 'B') THEN us END) OVER w AS spent,
               lag(kind, 1, '') OVER w AS k1, lag(kind, 2, '') OVER w AS k2, lag(kind, 3, '') OVER w AS k3,
               lag(us, 1) OVER w AS us1, lag(us, 2) OVER w AS us2,
               lead(kind, 1, '') OVER w AS next_kind, lead(us) OVER w AS next_us, lead(logged) OVER w AS next_at,
               lead(code) OVER w AS next_code
        FROM (SELECT rowid AS rid, hash(session) AS s, coalesce(line, {self._base} + rowid) AS line_, kind,
                     CAST(round(ms * 1000) AS BIGINT) AS us, logged, code, {_TX} AS tx
              FROM record WHERE kind NOT IN ('O', 'A'))
        WINDOW w AS (PARTITION BY s ORDER BY line_, rid)"""
        )
        waits = "kind IN ('s', 'x', 'f') AND next_kind = ''" if self._durations and not last else "false"
        database.execute(
            f"""
        CREATE OR REPLACE TEMP TABLE step AS
        SELECT rid, extra, paired, ended, failed, line_, s,
               CASE WHEN begun > coalesce(done, -1) THEN begun END AS opened, kind = 'T' OR {waits} AS kept
        FROM (SELECT *,
                     CASE WHEN kind <> 's' THEN coalesce(spent, 0) - coalesce(lag(spent) OVER w, 0) END
                     + CASE WHEN kind = 'x' AND k1 = 'D' AND k2 NOT IN ('s', 'x', 'f') THEN us1
                            + CASE WHEN k2 = 'D' AND k3 NOT IN ('s', 'x', 'f') THEN us2 ELSE 0 END ELSE 0 END AS extra,
                     CASE WHEN kind IN ('s', 'x', 'f') AND next_kind = 'D' THEN next_us END AS paired,
                     CASE WHEN kind IN ('s', 'x', 'f') AND next_kind IN ('D', 'E') THEN next_at END AS ended,
                     CASE WHEN kind IN ('s', 'x', 'f') AND next_kind = 'E' THEN next_code END AS failed,
                     max(CASE WHEN tx = 'b' THEN line_ END) OVER w AS begun,
                     max(CASE WHEN tx = 'e' THEN line_ END) OVER (PARTITION BY s ORDER BY line_, rid
                         ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS done
              FROM narrow
              WHERE kind IN ({EVENTS}, 'T') AND NOT (kind = 'E' AND k1 IN ('s', 'x', 'f'))
              WINDOW w AS (PARTITION BY s ORDER BY line_, rid))"""
        )
        if not last:
            self._carry()
        database.execute("DELETE FROM step WHERE kept")

    def _carry(self) -> None:
        """Keep for the next piece: parts of an execution, statements without duration yet, open transactions."""
        database = self.database
        database.execute(
            f"""
        CREATE OR REPLACE TEMP TABLE carry AS
        WITH whole AS (SELECT s, max(CASE WHEN kind IN ({EVENTS}) THEN line_ END) AS event,
                              max(CASE WHEN tx = 'b' THEN line_ END) AS begun,
                              max(CASE WHEN tx = 'e' THEN line_ END) AS done
                       FROM narrow GROUP BY s),
             open AS (SELECT rid, line_, 'T' AS as_kind FROM narrow JOIN whole USING (s)
                      WHERE tx = 'b' AND line_ = begun AND begun > coalesce(done, -1)
                      UNION ALL
                      SELECT rid, line_, kind FROM narrow JOIN whole USING (s)
                      WHERE kind IN ('P', 'B', 'D') AND line_ > coalesce(event, -1)
                      UNION ALL
                      SELECT * FROM (SELECT rid, line_, kind FROM step JOIN narrow USING (rid, line_)
                                     WHERE kept AND kind <> 'T' ORDER BY rid DESC LIMIT {CARRY_AT_MOST}))
        SELECT r.* REPLACE (o.line_ AS line, o.as_kind AS kind,
                            CASE WHEN o.as_kind IN ('s', 'x', 'f') THEN r.body END AS body)
        FROM open o JOIN record r ON r.rowid = o.rid ORDER BY o.rid"""
        )
        row = database.execute("SELECT count(*) FROM carry").fetchone()
        self._carried = row[0] if row else 0
        database.execute(
            f"""UPDATE step SET kept = false WHERE kept AND rid NOT IN (SELECT rid FROM step WHERE kept
                ORDER BY rid DESC LIMIT {CARRY_AT_MOST}) AND rid IN (SELECT rid FROM narrow WHERE kind <> 'T')"""
        )

    def _write(self, at: str, source: str, joined: str) -> None:
        part = self.folder / f"part{len(self.parts):06}.parquet"
        columns = ", ".join(f'"{name}"' for name in EVENT_COLUMNS)
        row = self.database.execute(
            f"COPY (SELECT {columns} FROM ({self._events(at, source, joined)}))"
            f" TO '{quoted(part)}' (FORMAT parquet, COMPRESSION zstd)"
        ).fetchone()
        written = row[0] if row else 0
        if written:
            self.parts.append(part)
            self.found.events += written
        else:
            part.unlink(missing_ok=True)

    def _events(self, at: str, source: str, joined: str) -> str:
        tail_comment = (
            "ends_with(rtrim(body, E' ;\\n\\t'), '*/') AND NOT contains(body, '--')"
            " AND NOT contains(substr(body, instr(body, '/*') + 2), '/*')"
        )
        cut = f"""
        SELECT *, CASE WHEN commented = 0 THEN body WHEN commented = 1 THEN left(body, instr(body, '/*') - 1)
                       ELSE {without_comments("body")} END AS uncommented,
                  CASE WHEN commented = 0 THEN '' WHEN commented = 1 THEN substr(body, instr(body, '/*'))
                       ELSE {comments("body")} END AS comment
        FROM (SELECT *, CASE WHEN NOT contains(body, '/*') AND NOT contains(body, '--') THEN 0
                             WHEN {tail_comment} THEN 1 ELSE 2 END AS commented
              FROM (SELECT * EXCLUDE (logged), {at} AS logged FROM {joined}))"""
        replaced = f"""
        SELECT *, {without_values("plain")} AS replaced,
               CASE WHEN starts_with(lower(left(detail, 12)), 'parameters: ') THEN detail END AS bound
        FROM (SELECT *, trim(uncommented, E' ;\\n\\r\\t') AS plain FROM ({cut}))"""
        digested = f"""
        SELECT *, CASE WHEN replaced <> plain OR bound IS NOT NULL
                       THEN {self._md5("CASE WHEN replaced <> plain THEN plain ELSE '' END", "coalesce(bound, '')")}
                       END AS params_digest,
               {folded("replaced")} AS text_,
               regexp_matches(replaced, {literal(_LIMIT + "[$]")}) AS limited
        FROM ({replaced})"""
        skipped = f"regexp_extract_all(replaced, {literal(_LIMIT + '[$]([1-9][0-9]*)')}, 2)"
        others = (
            f"array_to_string(list_filter(string_split(substr(bound, 14), ', $'),"
            f" lambda p: NOT list_contains({skipped}, split_part(p, ' = ', 1))), ', ')"
        )
        limitless = "regexp_replace(plain, " + literal(_LIMIT + r"\d+") + ", '', 'g')"
        distinct = self._md5(f"CASE WHEN replaced <> plain THEN {limitless} ELSE '' END", f"coalesce({others}, '')")
        ms = "CASE WHEN kind IN ('s', 'x', 'f') THEN paired / 1000.0 ELSE ms END"
        whole = f"({ms} + coalesce(extra, 0) / 1000.0)"
        end = "CASE WHEN kind IN ('s', 'x', 'f') THEN coalesce(ended, logged) ELSE logged END"
        start = """CASE WHEN kind IN ('s', 'x', 'f') THEN logged
                         ELSE logged - to_microseconds(CAST(coalesce(total, 0) * 1000 AS BIGINT)) END"""
        return f"""
        SELECT {literal(source)} AS source, nullif(database, '') AS database, nullif("user", '') AS "user",
               nullif(application, '') AS application, nullif(client, '') AS client, session, line_ AS line,
               CASE WHEN opened IS NOT NULL THEN session || '/' || opened END AS unit,
               make_timestamptz(epoch_us({start})) AS started_at,
               make_timestamptz(epoch_us({end})) AS ended_at,
               CASE WHEN kind <> 'E' THEN total END AS duration_ms, NULL::BIGINT AS "rows",
               CASE WHEN kind IN ('F', 'f') THEN 'FETCH' ELSE {_VERBS} END AS command,
               {"plain" if self.keep_values else "text_"} AS text, params_digest,
               CASE WHEN limited AND params_digest IS NOT NULL THEN {distinct} ELSE params_digest END
                   AS params_distinct_key,
               {tags("comment")} AS tags,
               CASE WHEN kind = 'E' THEN coalesce(nullif(code, ''), 'ERROR') ELSE nullif(failed, '') END AS error_code,
               nullif(nullif(query_id, '0'), '') AS server_query_id
        FROM (SELECT *, round({whole}, 3) AS total FROM ({digested}))"""

    def _md5(self, *parts: str) -> str:
        joined = " || chr(31) || ".join(parts)
        return f"left(md5('{self.key}' || {joined}), 16)"
