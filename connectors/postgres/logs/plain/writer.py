"""Writes the pieces that the compiled reader has read, together with the records that it left to SQL."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb

from connectors.parquet import Joined
from connectors.postgres.logs.damage import rejected
from connectors.postgres.logs.events import PIECES, EventWriter
from connectors.postgres.logs.literals import literal
from connectors.postgres.logs.plain import EXECUTIONS, LINKS, OPEN, STREAM, TEXTS, PlainPiece, PlainReader, queries
from connectors.postgres.logs.sessions import COLUMNS, Piece, carried, joined
from connectors.postgres.logs.texts import judge, judged


class PlainEventWriter(EventWriter):
    """An :class:`EventWriter` that takes such pieces too; ``reader`` makes them."""

    def __init__(
        self, database: duckdb.DuckDBPyConnection, folder: Path, target: Joined, keep_values: bool, only: str = ""
    ) -> None:
        super().__init__(database, folder, target, keep_values, only)
        self.reader = PlainReader(self.key)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self.reader.close()

    def add_plain(self, plain: PlainPiece, relation: str, source: str) -> bool:
        """Write the executions of a piece; ``relation``: the records that were left to SQL, or ``""``. False: SQL must
        read the piece, and nothing was done."""
        piece = Piece(self._table, self._base)
        rows = ""
        if relation or self._carried:
            self.load(relation)
            if rejected(self.database):
                return False
            row = self.database.execute(queries.told(piece.records)).fetchone()
            rows = row[0] if row else ""
        zones = plain.zones()
        offsets = self._offsets(zones)
        shifts = [offsets.get(zone, 0) * 60_000_000 for zone in zones]
        if not plain.others(rows, self._carried) or not plain.link(shifts, self.base):
            return False
        summary = plain.summary
        self.found.lone += summary.lone
        self.found.lone_ms += summary.lone_took / 1000
        if rows:
            self._run(plain, LINKS, queries.links(piece))
            self._count_lone(piece)
        others = self._others(piece, source) if relation else ""
        self._carry(plain, piece, bool(rows))
        if self.only:
            self._leave_out(plain)
        self._run(plain, TEXTS, f"CREATE OR REPLACE TABLE {piece.plain_texts} AS {judged(STREAM)}")
        events = queries.events(source, piece.plain_texts, self.only)
        self._base += summary.records
        self._submit(piece, f"{events} UNION ALL BY NAME {others} ORDER BY place" if others else events, plain)
        return True

    def _others(self, piece: Piece, source: str) -> str:
        """SQL: the events among the records left to SQL, with their place in the piece."""
        logged = self._resolved(piece.records, self._facts(piece.records))
        judge(self.database, piece.records, piece.texts)
        return self._events(logged, source, joined(piece, (*COLUMNS, "place")), piece.texts, ", place")

    def _carry(self, plain: PlainPiece, piece: Piece, mixed: bool) -> None:
        """Make the table ``carry`` of what is open at the end of the piece."""
        self.database.execute(carried(replace(piece, parts=True)) if mixed else "TRUNCATE carry")
        self._run(plain, OPEN, queries.CARRIED)
        self._count_carried()

    def _leave_out(self, plain: PlainPiece) -> None:
        """Count the executions of other databases than :attr:`only`."""
        others = f"SELECT database, count(*) FROM {STREAM} WHERE database <> {literal(self.only)} GROUP BY database"
        self.found.elsewhere.update(dict(self._run(plain, EXECUTIONS, others)))

    def _run(self, plain: PlainPiece, which: int, statement: str) -> list[Any]:
        """Run a statement over a stream."""
        with self.database.cursor() as database:
            database.execute(f"USE {PIECES}")
            database.register(STREAM, plain.stream(which))
            return database.execute(statement).fetchall()
