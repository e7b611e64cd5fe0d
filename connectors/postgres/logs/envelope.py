"""stderr lines inside an envelope (JSON objects, syslog headers), opened by SQL into the lines that PostgreSQL wrote.

An envelope's SQL yields one column ``l``. Line feeds inside a message become ``chr(30)``, as ``stderr`` reads them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from advisor.captures import quoted
from connectors.postgres.logs import stderr
from connectors.postgres.logs.damage import REJECTS
from connectors.postgres.logs.format import Format, Piece, as_it_is
from connectors.postgres.logs.prefix import SECONDARY, SEVERITIES

MARKED = rf"\b(?:{SEVERITIES}|{SECONDARY}):  "
"""Matches a line that begins a record or one of its parts, anywhere in its first part."""


TIMED = r"^[<\[]?\s?\d{4}-\d\d-\d\d "
"""Matches a line that has a time of its own in its ``log_line_prefix``."""

_FIRST = re.compile(rb"\b(?:LOG|ERROR|FATAL|WARNING|PANIC):  ")
_LATER_PART = re.compile(rb"\[\d+-(?:[2-9]|\d\d+)\]")


def before_last_message(piece: bytes) -> int:
    """Before the last line that begins a message, so that all lines of those before it are in ``piece``."""
    end = len(piece)
    while end > 0:
        start = piece.rfind(b"\n", 0, end - 1) + 1
        line = piece[start : start + 1000]
        if start and _FIRST.search(line) and not _LATER_PART.search(line[:200]):
            return start
        end = start
    return 0


def after_last_object(piece: bytes) -> int:
    """After the last line that is an object by itself, or that ends one in an array indented by two blanks, as gcloud
    and jq print it; 0 when there is none: then the whole file is one object."""
    end = piece.rfind(b"\n") + 1
    start = piece.rfind(b"\n", 0, max(0, end - 1)) + 1
    if piece.startswith(b"{", start) and piece[start:end].rstrip().endswith(b"}"):
        return end
    return piece.rfind(_NEXT) + len(_NEXT) if _NEXT in piece else 0


def without_array(chunk: bytes) -> bytes:
    """A part of an indented array as objects without commas between them; any other chunk as it is."""
    if not chunk.startswith((b"[\n", b"  {\n")):
        return chunk
    return chunk.removeprefix(b"[\n").replace(_NEXT, b"\n  }\n").rstrip().removesuffix(b"]")


_NEXT = b"\n  },\n"


def json_lines(piece: Piece, columns: dict[str, str]) -> str:
    """SQL: the objects of a piece, one a line or in an array, with ``columns`` (name -> DuckDB type)."""
    return (
        f"read_json('{quoted(piece.path)}', format = 'auto', columns = {columns}, ignore_errors = true,"
        f" maximum_object_size = {piece.longest})"
    )


def raw_lines(piece: Piece) -> str:
    """SQL: the lines of a piece as the column ``l``."""
    return (
        f"read_csv('{quoted(piece.path)}', columns = {{'l': 'VARCHAR'}}, header = false, auto_detect = false,"
        f" delim = '\x01', quote = '', escape = '', buffer_size = {piece.buffer}, max_line_size = {piece.longest},"
        f" {REJECTS})"
    )


def one_line(text: str) -> str:
    """SQL: the expression ``text`` without a line feed at its end and with ``chr(30)`` for those inside."""
    return f"replace(replace(rtrim({text}, chr(10)), chr(10) || chr(9), chr(30)), chr(10), chr(30))"


def of_objects(name: str, looks: Callable[[bytes], float], unwrap: Callable[[Piece], str]) -> Format:
    """The format ``name`` whose JSON objects, one a line or in an array, hold stderr lines."""
    return of_lines(name, looks, unwrap, after_last_object, without_array)


def of_lines(
    name: str,
    looks: Callable[[bytes], float],
    unwrap: Callable[[Piece], str],
    border: Callable[[bytes], int] = before_last_message,
    unpacked: Callable[[bytes], bytes] = as_it_is,
) -> Format:
    """The format ``name`` whose envelopes hold stderr lines."""
    return Format(
        name=name,
        looks=looks,
        unwrap=unwrap,
        border=border,
        unpacked=unpacked,
        prepare=stderr.prepare,
        setup=stderr.setup,
        settle=stderr.settle,
        relation=stderr.relation,
    )
