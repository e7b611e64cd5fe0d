"""What a log format is: how it looks, where a piece of it may be cut, and its DuckDB relation."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from connectors.postgres.logs.plain import PlainPiece
from connectors.postgres.logs.prefix import Prefix


@dataclass(frozen=True, slots=True)
class Piece:
    """A cleaned piece of a log on disk: whole records, valid UTF-8, no NUL. Sizes are bytes.

    ``prefix`` is for formats made of stderr lines; ``year`` for those whose times have none; ``base`` numbers
    the records of those without line numbers, on from the piece before.
    """

    path: Path
    columns: int = 0
    buffer: int = 4 << 20
    longest: int = 4 << 20
    prefix: Prefix | None = None
    year: int = 1970
    base: int = 0


def last_line(piece: bytes) -> int:
    """Where the last whole line of ``piece`` ends; 0 when there is none."""
    return piece.rfind(b"\n") + 1


def as_it_is(piece: bytes) -> bytes:
    """Formats whose records are lines already."""
    return piece


@dataclass(frozen=True, slots=True)
class Format:
    """One log format; a module with the attribute ``FORMAT`` is found by ``connectors.postgres.logs``.

    ``looks`` tells from a file's first 256 KiB how surely it is this format (0 to 1); ``border`` where a piece may
    be cut; ``prepare`` makes records lines; ``unwrap`` is SQL with the one column ``l``, the stderr lines inside an
    envelope, of chunks that ``unpacked`` has made readable by themselves; ``setup`` is SQL to run before; ``relation``
    is SQL with the columns of ``RECORD_COLUMNS``; ``record`` matches where a record starts, to find the good ones in a
    damaged piece; ``columns`` counts columns in the head; ``settle`` is for formats of stderr lines: it reads again
    what was not understood in the table ``line``; ``plain`` has the compiled reader read whole records
    of so many columns, or under such a prefix.
    """

    name: str
    looks: Callable[[bytes], float]
    relation: Callable[[Piece], str]
    border: Callable[[bytes], int] = last_line
    prepare: Callable[[bytes], bytes] = as_it_is
    unpacked: Callable[[bytes], bytes] = as_it_is
    unwrap: Callable[[Piece], str] | None = None
    setup: Callable[[Piece], tuple[str, ...]] = lambda piece: ()
    columns: Callable[[bytes], int] = lambda head: 0
    record: re.Pattern[bytes] | None = None
    settle: Callable[[duckdb.DuckDBPyConnection], None] | None = None
    plain: Callable[[PlainPiece, bytes, int, str], None] | None = None

    @property
    def lines(self) -> bool:
        """Whether its records are stderr lines under a ``log_line_prefix``."""
        return self.settle is not None
