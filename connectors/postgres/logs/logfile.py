"""One log file on its way into events: cut, cleaned, unwrapped, loaded, and what cannot be read reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb

from advisor.captures import quoted
from advisor.ports import Progress, Step
from connectors.postgres.logs.damage import clock_steps, empty_records, rejected, report, strange_lines, whole_records
from connectors.postgres.logs.events import EventWriter
from connectors.postgres.logs.files import HEAD, Lines, Unread, cleaned, has_long_record, head, opened, pieces
from connectors.postgres.logs.format import Format, Piece
from connectors.postgres.logs.languages import Language, language_of, unknown
from connectors.postgres.logs.prefix import Prefix, inferred

_BUFFER = 4 << 20
"""Bytes that DuckDB parses at a time, on each core; records longer than this make the piece one buffer."""


@dataclass
class LogFile:
    """A file, how to read it, and where to: ``prefix`` is found in its first piece unless it is given."""

    path: Path
    form: Format
    writer: EventWriter
    unread: Unread
    scratch: Path
    prefix: Prefix | None
    language: Language | None = None
    columns: int = 0
    year: int = 1970

    def read(self, before: int, total: int, progress: Progress) -> None:
        """Read all pieces; ``before`` and ``total`` are bytes of all files, for the progress shown."""
        with opened(self.path) as (stream, _, _):
            start = head(stream)
        self.language = language_of(start)
        if self.language is None and unknown(start):
            self.unread.add("words in a language that is not known here (set lc_messages = 'C')", 1, self.path.name)
        self.columns = self.form.columns(self.language.to_english(start) if self.language else start)
        lines = Lines(self.path)
        self.year = datetime.fromtimestamp(self.path.stat().st_mtime, UTC).year
        with opened(self.path) as (stream, consumed, limit):
            for data, place in pieces(stream, limit, self.form.border, self.unread, self.path.name):
                self._piece(data, partial(lines.at, place))
                progress(Step(f"Reading {self.path.name}", before + consumed(), total, "B"))

    def _piece(self, data: bytes, line: Callable[[], int]) -> None:
        good = cleaned(data, line, self.path.name, self.unread)
        if self.language is not None:
            good = self.language.to_english(good)
        if self.form.unwrap is not None:
            good = self._unwrapped(good, line)
        good = self.form.prepare(good)
        if self.form.lines and self.prefix is None:
            self.prefix = inferred(good[:HEAD].decode("utf-8", "replace"))
        table, carried = self._loaded(good, line)
        database = self.writer.database
        if self.form.lines:
            strange_lines(database, self.unread, line, self.path.name)
        else:
            empty_records(database, table, carried, self.unread, line, self.path.name)
        clock_steps(database, table, carried, self.unread, self.path.name)
        self.writer.base += len(good)
        self.writer.add(table, self.path.name)

    def _loaded(self, good: bytes, line: Callable[[], int]) -> tuple[str, int]:
        """Load a piece; a second time without its damaged records when there are any."""
        target = self._written(good)
        longest = len(good) + 1 if has_long_record(good, _BUFFER, self.form.record) else 0
        table, carried, refused = self._load(self._at(target, longest))
        if (table is None or refused) and self.form.record is not None:
            whole = whole_records(good, self.form.record, line, self.path.name, self.unread)
            self._written(whole)
            table, carried, refused = self._load(self._at(target, len(good) + 1))
        report(self.unread, refused, line, self.path.name)
        if table is None:
            self.unread.add("piece that could not be read at all", 1, f"{self.path.name}:{line()}")
            self._written(b"")
            table, carried, _ = self._load(self._at(target))
            assert table is not None
        return table, carried

    def _load(self, piece: Piece) -> tuple[str | None, int, list[tuple[int, str]]]:
        database = self.writer.database
        try:
            for statement in self.form.setup(piece):
                database.execute(statement)
            if self.form.settle is not None:
                self.form.settle(database)
            table, carried = self.writer.load(self.form.relation(piece))
        except (duckdb.InvalidInputException, duckdb.OutOfRangeException, duckdb.ConversionException):
            rejected(database)
            return None, 0, []
        return table, carried, rejected(database)

    def _unwrapped(self, good: bytes, line: Callable[[], int]) -> bytes:
        target, plain = self._written(good), self.scratch / "unwrapped"
        assert self.form.unwrap is not None
        database = self.writer.database
        longest = len(good) + 1 if has_long_record(good, _BUFFER, None) else 0
        try:
            database.execute(
                f"COPY ({self.form.unwrap(self._at(target, longest))}) TO '{quoted(plain)}'"
                " (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')"
            )
        except (duckdb.InvalidInputException, duckdb.OutOfRangeException):
            rejected(database)
            self.unread.add("piece that could not be read at all", 1, f"{self.path.name}:{line()}")
            return b""
        report(self.unread, rejected(database), line, self.path.name)
        return plain.read_bytes()

    def _written(self, data: bytes) -> Path:
        """The file from which DuckDB reads a piece, over the one before: its room is not given back and taken again."""
        target = self.scratch / "piece"
        with target.open("r+b" if target.exists() else "wb") as file:
            file.write(data)
            file.truncate()
        return target

    def _at(self, path: Path, longest: int = _BUFFER) -> Piece:
        longest = max(longest, _BUFFER)
        return Piece(path, self.columns, longest, longest, self.prefix, self.year, self.writer.base)
