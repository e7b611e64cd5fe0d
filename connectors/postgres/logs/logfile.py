"""One log file on its way into events: cut, cleaned, unwrapped, loaded, and what cannot be read reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from itertools import cycle
from pathlib import Path
from typing import BinaryIO

import duckdb

from advisor.captures import quoted
from advisor.ports import Progress, Step
from connectors.postgres.logs.carriers import Carrier, carriers_of
from connectors.postgres.logs.damage import clock_steps, empty_records, rejected, report, strange_lines, whole_records
from connectors.postgres.logs.events import EventWriter
from connectors.postgres.logs.files import (
    HEAD,
    PIECE,
    Lines,
    Unread,
    ahead,
    chunks,
    cleaned,
    has_long_record,
    head,
    opened,
)
from connectors.postgres.logs.format import Format, Piece
from connectors.postgres.logs.languages import Language, language_of, unknown
from connectors.postgres.logs.plain import PlainPiece
from connectors.postgres.logs.plain.writer import PlainEventWriter
from connectors.postgres.logs.prefix import Prefix, inferred

_BUFFER = 8 << 20
"""Bytes that DuckDB parses at a time, on each core; records longer than this make the piece one buffer."""

_UNREADABLE = (duckdb.InvalidInputException, duckdb.OutOfRangeException, duckdb.ConversionException)
"""What DuckDB raises for a piece that it cannot read."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A file of whole records, cleaned and in English: its ``size``, its first byte's ``place`` in the log's unpacked
    data, and whether one of its records may be longer than DuckDB's buffer; ``plain``: what the compiled reader has
    read of it, and ``data``: what goes into the file, ``size`` bytes, should SQL have to read it."""

    path: Path
    place: int
    size: int
    long: bool
    plain: PlainPiece | None = None
    data: BytesIO | None = None

    def stored(self) -> Cleaned:
        """The same with all of it in the file."""
        if self.data is not None:
            with _over(self.path) as file:
                file.write(self.data.getbuffer()[: self.size])
        return replace(self, plain=None, data=None)


@dataclass
class LogFile:
    """A file, how to read it, and where to: ``prefix`` is found in its first piece unless it is given."""

    path: Path
    form: Format
    writer: EventWriter
    unread: Unread
    scratch: Path
    prefix: Prefix | None
    carriers: tuple[Carrier, ...] = ()
    language: Language | None = None
    columns: int = 0
    year: int = 1970

    def read(self, before: int, total: int, progress: Progress) -> None:
        """Read all pieces; ``before`` and ``total`` are bytes of all files, for the progress shown."""
        with opened(self.path) as (stream, _, _):
            start = head(stream)
        self.carriers = carriers_of(start)
        for carrier in self.carriers:
            start = carrier.opened(start)
        self.language = language_of(start)
        if self.language is None and unknown(start):
            self.unread.add("words in a language that is not known here (set lc_messages = 'C')", 1, self.path.name)
        self.columns = self.form.columns(self.language.to_english(start) if self.language else start)
        lines = Lines(self.path)
        self.year = datetime.fromtimestamp(self.path.stat().st_mtime, UTC).year
        with opened(self.path) as (stream, consumed, limit):
            border = self.form.border
            for carrier in self.carriers:
                border = carrier.border(border)
            found = chunks(stream, limit, border, self.unread, self.path.name)
            for piece in ahead(self._cleaned(found)):
                self._piece(piece, partial(lines.at, piece.place))
                progress(Step(f"Reading {self.path.name}", before + consumed(), total, "B"))

    def _cleaned(self, found: Iterator[tuple[bytes, int]]) -> Iterator[Cleaned]:
        """Put chunks into the pieces from which DuckDB reads, two files by turns, or the compiled reader."""
        lines = Lines(self.path)
        for path, kept in cycle(((self.scratch / "piece", BytesIO()), (self.scratch / "other", BytesIO()))):
            chunk = next(found, None)
            if chunk is None:
                return
            begin, size, long = chunk[1], 0, False
            plain = self._plain()
            kept.seek(0)
            with _over(path) as file:
                while chunk is not None:
                    data, place = chunk
                    good = self._clean(data, partial(lines.at, place))
                    long = long or has_long_record(good, _BUFFER, self.form.record)
                    size += len(good)
                    if plain is None or self.form.plain is None:
                        file.write(good)
                    else:
                        self._look(good)
                        self.form.plain(plain, good, self.columns, self.prefix.text if self.prefix else "")
                        kept.write(good)
                    chunk = next(found, None) if size < PIECE else None
            yield Cleaned(path, begin, size, long, plain, kept if plain else None)

    def _plain(self) -> PlainPiece | None:
        if self.form.plain is None or not isinstance(self.writer, PlainEventWriter):
            return None
        return self.writer.reader.piece()

    def _clean(self, data: bytes, line: Callable[[], int]) -> bytes:
        good = cleaned(data, line, self.path.name, self.unread)
        for carrier in self.carriers:
            good = carrier.opened(good)
        if self.language is not None:
            good = self.language.to_english(good)
        return self.form.prepare(good) if self.form.unwrap is None else self.form.unpacked(good)

    def _look(self, start: bytes) -> None:
        """Find the prefix of the lines that the log begins with."""
        if self.form.lines and self.prefix is None:
            self.prefix = inferred(start[:HEAD].decode("utf-8", "replace"))

    def _piece(self, piece: Cleaned, line: Callable[[], int]) -> None:
        if self.form.unwrap is not None:
            piece = self._unwrapped(piece, line)
        if self._written(piece):
            return
        piece = piece.stored()
        with piece.path.open("rb") as file:
            self._look(file.read(HEAD))
        table, carried = self._loaded(piece, line)
        database = self.writer.database
        if self.form.lines:
            strange_lines(database, self.unread, line, self.path.name)
        else:
            empty_records(database, table, carried, self.unread, line, self.path.name)
        clock_steps(database, table, carried, self.unread, self.path.name)
        self.writer.base += piece.size
        self.writer.add(table, self.path.name)

    def _written(self, piece: Cleaned) -> bool:
        """Write a piece by the compiled reader, unless it holds too much that is not plain."""
        plain = piece.plain
        if plain is None or not isinstance(self.writer, PlainEventWriter):
            return False
        if piece.long or not plain.is_worth_it:
            plain.close()
            return False
        try:
            done = self.writer.add_plain(plain, self._left(piece, plain), self.path.name)
        except _UNREADABLE:
            done = False
        if done:
            self.writer.base += piece.size
        else:
            plain.close()
            rejected(self.writer.database)
        return done

    def _left(self, piece: Cleaned, plain: PlainPiece) -> str:
        """SQL: what the compiled reader has left of a piece, "" for nothing."""
        if not plain.summary.left:
            return ""
        rest = self._at(replace(piece, path=piece.path.with_suffix(".rest")))
        rest.path.write_bytes(plain.rest())
        self._set_up(rest)
        return self.form.relation(rest)

    def _set_up(self, piece: Piece) -> None:
        for statement in self.form.setup(piece):
            self.writer.database.execute(statement)
        if self.form.settle is not None:
            self.form.settle(self.writer.database)

    def _loaded(self, piece: Cleaned, line: Callable[[], int]) -> tuple[str, int]:
        """Load a piece; a second time without its damaged records when there are any."""
        table, carried, refused = self._load(self._at(piece))
        if (table is None or refused) and self.form.record is not None:
            whole = whole_records(piece.path.read_bytes(), self.form.record, line, self.path.name, self.unread)
            piece.path.write_bytes(whole)
            table, carried, refused = self._load(self._at(replace(piece, long=True)))
        report(self.unread, refused, line, self.path.name)
        if table is None:
            self.unread.add("piece that could not be read at all", 1, f"{self.path.name}:{line()}")
            piece.path.write_bytes(b"")
            table, carried, _ = self._load(self._at(piece))
            assert table is not None
        return table, carried

    def _load(self, piece: Piece) -> tuple[str | None, int, list[tuple[int, str]]]:
        database = self.writer.database
        try:
            self._set_up(piece)
            table, carried = self.writer.load(self.form.relation(piece))
        except _UNREADABLE:
            rejected(database)
            return None, 0, []
        return table, carried, rejected(database)

    def _unwrapped(self, piece: Cleaned, line: Callable[[], int]) -> Cleaned:
        """The stderr lines in a piece's envelopes."""
        plain = self.scratch / "unwrapped"
        assert self.form.unwrap is not None
        database = self.writer.database
        try:
            database.execute(
                f"COPY ({self.form.unwrap(self._at(piece))}) TO '{quoted(plain)}'"
                " (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')"
            )
        except (duckdb.InvalidInputException, duckdb.OutOfRangeException):
            rejected(database)
            self.unread.add("piece that could not be read at all", 1, f"{self.path.name}:{line()}")
            plain.write_bytes(b"")
        report(self.unread, rejected(database), line, self.path.name)
        good = self.form.prepare(plain.read_bytes())
        plain.write_bytes(good)
        return Cleaned(plain, piece.place, len(good), has_long_record(good, _BUFFER, self.form.record))

    def _at(self, piece: Cleaned) -> Piece:
        longest = piece.size + 1 if piece.long else _BUFFER
        longest = max(longest, _BUFFER)
        return Piece(piece.path, self.columns, longest, longest, self.prefix, self.year, self.writer.base)


@contextmanager
def _over(path: Path) -> Iterator[BinaryIO]:
    """Write over the file that was there: its room is not given back and taken again."""
    with path.open("r+b" if path.exists() else "wb") as file:
        yield file
        file.truncate()
