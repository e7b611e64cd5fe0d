"""Reading an SQL script as psql would: statement by statement, data sections and psql's own commands left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Everything in which a semicolon does not end a statement, longest reading first (manual, 4.1).
_TOKEN = re.compile(
    r"""
    (?P<line_comment>--[^\n]*)
  | (?P<block_comment>/\*)
  | (?P<escape>\b[eE]'(?:[^'\\]|\\.|'')*')
  | (?P<string>'(?:[^']|'')*')
  | (?P<identifier>"(?:[^"]|"")*")
  | (?P<dollar>(?<![\w$])\$(?P<tag>[A-Za-z_\x80-\uffff][\w\x80-\uffff]*)?\$)
  | (?P<open>\()
  | (?P<close>\))
  | (?P<atomic>\bBEGIN\s+ATOMIC\b)
  | (?P<case>\bCASE\b)
  | (?P<end>\bEND\b)
  | (?P<semicolon>;)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_META_COMMAND = re.compile(r"[ \t]*\\[^\n]*(?:\n|\Z)")
_COPY_DATA = re.compile(r"COPY\b.*\bFROM\s+stdin\b", re.IGNORECASE | re.DOTALL)
_BLOCK_EDGE = re.compile(r"/\*|\*/")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement without its semicolon, and the line it starts on."""

    text: str
    line: int


def statements(script: str) -> Iterator[Statement]:
    r"""Split a script as ``psql`` does. Comments before a statement, COPY data and backslash commands are left out.

    >>> [s.text for s in statements("-- hi\nSELECT ';'; CREATE TABLE t (a int);\n\\restrict x\n")]
    ["SELECT ';'", 'CREATE TABLE t (a int)']
    """
    position = counted = 0
    line = 1
    while True:
        position = _skip_blank(script, position)
        if position >= len(script):
            return
        line += script.count("\n", counted, position)
        counted = position
        end = _end_of_statement(script, position)
        text = script[position:end].rstrip()
        position = end + 1
        if _COPY_DATA.match(text):
            position = _end_of_data(script, position)
        elif text:
            yield Statement(text, line)


def _skip_blank(script: str, position: int) -> int:
    while position < len(script):
        if script[position].isspace():
            position += 1
        elif script.startswith("--", position):
            position = _after(script, "\n", position)
        elif script.startswith("/*", position):
            position = _end_of_comment(script, position + 2)
        elif match := _META_COMMAND.match(script, position):
            position = match.end()
        else:
            break
    return position


def _end_of_statement(script: str, position: int) -> int:
    parentheses = atomic = 0
    while match := _TOKEN.search(script, position):
        kind, position = match.lastgroup, match.end()
        if kind == "tag":
            kind = "dollar"
        if kind == "block_comment":
            position = _end_of_comment(script, position)
        elif kind == "dollar":
            position = _after(script, match["dollar"], position)
        elif kind in {"open", "close"}:
            parentheses += 1 if kind == "open" else -1
        elif kind == "atomic" or (kind == "case" and atomic):
            atomic += 1
        elif kind == "end" and atomic:
            atomic -= 1
        elif kind == "semicolon" and parentheses <= 0 and not atomic:
            return match.start()
    return len(script)


def _end_of_comment(script: str, position: int) -> int:
    depth = 1
    while depth and (match := _BLOCK_EDGE.search(script, position)):
        depth += 1 if match[0] == "/*" else -1
        position = match.end()
    return len(script) if depth else position


def _end_of_data(script: str, position: int) -> int:
    match = re.compile(r"^\\\.[ \t\r]*$", re.MULTILINE).search(script, position)
    return match.end() if match else len(script)


def _after(script: str, mark: str, position: int) -> int:
    found = script.find(mark, position)
    return len(script) if found < 0 else found + len(mark)
