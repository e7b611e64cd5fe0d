"""stderr lines inside an envelope (JSON objects, syslog headers), opened by SQL into the lines that PostgreSQL wrote.

An envelope's SQL yields one column ``l``. Line feeds inside a message become ``chr(30)``, as ``stderr`` reads them.
"""

from __future__ import annotations

from collections.abc import Callable

from advisor.captures import quoted
from connectors.postgres.logs import stderr
from connectors.postgres.logs.damage import REJECTS
from connectors.postgres.logs.format import Format, Piece, last_line
from connectors.postgres.logs.prefix import SECONDARY, SEVERITIES

MARKED = rf"\b(?:{SEVERITIES}|{SECONDARY}):  "
"""Matches a line that begins a record or one of its parts, anywhere in its first part."""


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


def of_lines(
    name: str,
    looks: Callable[[bytes], float],
    unwrap: Callable[[Piece], str],
    border: Callable[[bytes], int] = last_line,
) -> Format:
    """The format ``name`` whose envelopes hold stderr lines."""
    return Format(
        name=name,
        looks=looks,
        unwrap=unwrap,
        border=border,
        prepare=stderr.prepare,
        setup=stderr.setup,
        settle=stderr.settle,
        relation=stderr.relation,
    )
