"""Read log files into ``events.parquet``."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import duckdb

from advisor.captures import quoted, write_events
from advisor.errors import LogFormatError
from advisor.model.capture import Coverage
from advisor.model.plan import Plan
from advisor.ports import Progress, Step, silent
from advisor.registry import with_attribute
from connectors.postgres.logs.events import EventWriter
from connectors.postgres.logs.files import Unread, cleaned, opened, pieces
from connectors.postgres.logs.format import Format, Piece
from connectors.postgres.logs.prefix import Prefix, compiled, inferred

HEAD = 256 << 10
"""Bytes looked at to tell the format."""


@dataclass(frozen=True, slots=True)
class LogReading:
    """What was read. Times are UTC; ``unread``: (reason, how many, first places as ``file:line``)."""

    events: int
    coverage: tuple[Coverage, ...] = ()
    plans: tuple[Plan, ...] = ()
    window_started_at: datetime | None = None
    window_ended_at: datetime | None = None
    unread: tuple[tuple[str, int, tuple[str, ...]], ...] = ()
    formats: tuple[tuple[str, str], ...] = ()


def formats() -> dict[str, Format]:
    """The known formats by name."""
    return {
        module.FORMAT.name: module.FORMAT for module in with_attribute("connectors.postgres.logs", "FORMAT").values()
    }


def by_looking(path: Path) -> str | None:
    """The name of the log format that ``path`` has, compressed or not; ``None`` when it looks like no log.

    Raises :class:`~advisor.errors.SourceError` when the file cannot be opened.
    """
    with opened(path) as (stream, _, _):
        head = _head(stream)
    scores = sorted(((form.looks(head), name) for name, form in formats().items()), reverse=True)
    return scores[0][1] if scores and scores[0][0] > 0 else None


def read(
    paths: Sequence[Path],
    events: Path,
    *,
    keep_values: bool = False,
    log_format: str = "",
    log_line_prefix: str = "",
    progress: Progress = silent,
) -> LogReading:
    """Read ``paths``, rotated files of one log in the order of time, and write ``events`` (Parquet).

    Raises :class:`~advisor.errors.SourceError` when a file cannot be opened, :class:`LogFormatError` when it looks like
    no log that is known.
    """
    unread = Unread()
    seen: list[tuple[str, str]] = []
    with (
        tempfile.TemporaryDirectory(dir=events.parent, prefix=".logs-") as scratch,
        duckdb.connect(config={"memory_limit": "600MB", "temp_directory": scratch}) as database,
        ExitStack() as stack,
    ):
        database.execute("SET TimeZone = 'UTC'")
        writer = stack.enter_context(EventWriter(database, Path(scratch), keep_values))
        total = sum(path.stat().st_size for path in paths if path.exists())
        before = 0
        for path in paths:
            name = log_format or by_looking(path)
            if name not in formats():
                known = ", ".join(sorted(formats()))
                raise LogFormatError(
                    f"{path} looks like no PostgreSQL log that is known; name its form with --log-format ({known})."
                )
            assert name is not None
            seen.append((path.name, name))
            prefix = compiled(log_line_prefix) if log_line_prefix else None
            file = _File(path, formats()[name], writer, unread, Path(scratch), prefix)
            file.read(before, total, progress)
            before += path.stat().st_size
        writer.close(paths[-1].name if paths else "")
        _join(database, writer.parts, events)
        found = writer.found
        started_at, ended_at = _window(database, events)
    return LogReading(
        events=found.events,
        coverage=_coverage(found.events, unread),
        window_started_at=started_at,
        window_ended_at=ended_at,
        unread=tuple(
            (reason, count, tuple(unread.examples[reason])) for reason, count in sorted(unread.counts.items())
        ),
        formats=tuple(seen),
    )


@dataclass
class _File:
    """One file on its way: what is needed to read its pieces."""

    path: Path
    form: Format
    writer: EventWriter
    unread: Unread
    scratch: Path
    prefix: Prefix | None
    columns: int = 0
    year: int = 1970

    def read(self, before: int, total: int, progress: Progress) -> None:
        """Read all pieces; ``before`` and ``total`` are bytes of all files, for the progress shown."""
        with opened(self.path) as (stream, _, _):
            self.columns = self.form.columns(_head(stream))
        self.year = datetime.fromtimestamp(self.path.stat().st_mtime, UTC).year
        with opened(self.path) as (stream, consumed, limit):
            for data, line in pieces(stream, limit, self.form.border, self.unread, self.path.name):
                self._piece(data, line)
                progress(Step(f"Reading {self.path.name}", before + consumed(), total, "B"))

    def _piece(self, data: bytes, line: int) -> None:
        target = self.scratch / "piece"
        good = cleaned(data, line, self.path.name, self.unread)
        database = self.writer.database
        if self.form.unwrap is not None:
            target.write_bytes(good)
            plain = self.scratch / "unwrapped"
            database.execute(
                f"COPY ({self.form.unwrap(Piece(target, year=self.year))}) TO '{quoted(plain)}'"
                " (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')"
            )
            good = plain.read_bytes()
        good = self.form.prepare(good)
        if self.form.lines and self.prefix is None:
            self.prefix = inferred(good[:HEAD].decode("utf-8", "replace"))
        target.write_bytes(good)
        piece = Piece(target, self.columns, prefix=self.prefix, year=self.year)
        for statement in self.form.setup(piece):
            database.execute(statement)
        self.writer.add(self.form.relation(piece), self.path.name)


def _head(stream: BinaryIO) -> bytes:
    try:
        return stream.read(HEAD)
    except (EOFError, OSError):
        return b""


def _join(database: duckdb.DuckDBPyConnection, parts: Sequence[Path], events: Path) -> None:
    if not parts:
        write_events(events, [])
    elif len(parts) == 1:
        parts[0].replace(events)
    else:
        names = ", ".join(f"'{quoted(part)}'" for part in parts)
        database.execute(
            f"COPY (FROM read_parquet([{names}])) TO '{quoted(events)}' (FORMAT parquet, COMPRESSION zstd)"
        )


def _window(database: duckdb.DuckDBPyConnection, events: Path) -> tuple[datetime | None, datetime | None]:
    row = database.execute(
        f"SELECT epoch_us(min(started_at)), epoch_us(max(ended_at)) FROM read_parquet('{quoted(events)}')"
    ).fetchone()
    first, last = row if row else (None, None)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return (
        None if first is None else epoch + timedelta(microseconds=first),
        None if last is None else epoch + timedelta(microseconds=last),
    )


def _coverage(events: int, unread: Unread) -> tuple[Coverage, ...]:
    found = [Coverage("log events", events > 0, f"{events} executions were read from logs", count=events)]
    for reason, count in sorted(unread.counts.items()):
        places = ", ".join(unread.examples[reason])
        found.append(Coverage(f"log: {reason}", False, f"{count} times, first at {places}", count=count))
    return tuple(found)
