"""Statements as text: their values taken out, their parameters numbered, without knowing SQL's grammar.

Only the lexical rules are used (manual, 4.1), so that any statement gets through, the unparsable ones too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>/\*|--[^\n]*)
  | (?P<string>(?:[eE]'(?:[^'\\]|\\.|'')*'|(?:[uU]&|[bBxXnN])?'(?:[^']|'')*'))
  | (?P<quoted>(?:[uU]&)?"(?:[^"]|"")*")
  | (?P<parameter>\$\d+)
  | (?P<word>[A-Za-z_\x80-\uffff][\w$\x80-\uffff]*)
  | (?P<number>0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)
  | (?P<other>.)
    """,
    re.DOTALL | re.VERBOSE,
)
_DOLLAR = re.compile(r"\$([A-Za-z_\x80-\uffff][\w\x80-\uffff]*)?\$")
_NESTED = re.compile(r"/\*|\*/")
# PostgreSQL 18 writes a squashed list as `$1 /*, ... */` (manual, F.32.4).
_SQUASHED = re.compile(r"/\*,\s*\.\.\.\s*\*/")

# Types that take a literal behind their name, which no parameter may follow: `date '2020-01-01'`.
_LITERAL_TYPES = frozenset([
    "bool", "bytea", "date", "float8", "inet", "interval", "json", "jsonb", "numeric", "point", "regclass", "text",
    "time", "timestamp", "timestamptz", "timetz", "uuid", "xml",
])  # fmt: skip
_PARAMETER = re.compile(r"\$\d+")
_TYPELESS = re.compile(r"\b(?:ARRAY\s*\[|generate_series\s*\()\s*\$\d+(?:\s*,\s*\$\d+)*\s*[\])]", re.IGNORECASE)
_LIST_TYPES = ("integer", "uuid", "timestamptz")
_INTERVAL_FIELDS = frozenset(["year", "month", "day", "hour", "minute", "second", "to"])
# Types whose parentheses hold a length or precision, which must be a literal.
_SIZED_TYPES = frozenset([
    "bit", "char", "character", "bpchar", "decimal", "float", "interval", "numeric", "nchar", "time", "timestamp",
    "timestamptz", "varbit", "varchar", "varying",
])  # fmt: skip
EXPLAINABLE = frozenset(["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "WITH", "TABLE"])
"""First words of the statements that EXPLAIN takes and that are of interest (manual, EXPLAIN)."""

Token = tuple[str, str]


def tokens(text: str) -> Iterator[Token]:
    """Split a statement into (kind, text). Unfinished quotes and comments run to the end, as the server reads them."""
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        assert match is not None  # `other` takes any character
        kind, end = match.lastgroup or "other", match.end()
        if kind == "comment" and text[position] == "/":
            end = _comment_end(text, end)
        elif kind == "other" and text[position] in "'\"":
            kind, end = ("string" if text[position] == "'" else "quoted"), len(text)
        elif kind == "other" and text[position] == "$" and (tag := _DOLLAR.match(text, position)):
            kind, end = "dollar", text.find(tag.group(), tag.end())
            end = len(text) if end < 0 else end + len(tag.group())
        yield kind, text[position:end]
        position = end


def _comment_end(text: str, position: int) -> int:
    depth = 1
    while depth:
        match = _NESTED.search(text, position)
        if match is None:
            return len(text)
        depth += 1 if match.group() == "/*" else -1
        position = match.end()
    return position


def masked(text: str, *, numbers: bool = True) -> str:
    """Replace every literal by ``$0``, comments by a space; white space becomes one space. Linear in the text.

    Without ``numbers`` these stay: in pg_stat_statements' texts only structural ones are left (``ORDER BY 1``).

    >>> masked("SELECT 'a' || b, 1.5 FROM t1 -- note")
    'SELECT $0 || b, $0 FROM t1'
    """
    parts: list[str] = []
    for kind, piece in tokens(text):
        if kind == "comment" and _SQUASHED.fullmatch(piece):
            parts.append(", $0")
        elif kind in ("space", "comment"):
            if parts and parts[-1] != " ":
                parts.append(" ")
        elif kind in ("string", "dollar") or (numbers and kind == "number"):
            parts.append("$0")
        else:
            parts.append(piece)
    return "".join(parts).replace(" , $0", ", $0").strip()


def command(text: str) -> str:
    """Return the statement's first word in capitals; a leading parenthesis is passed over."""
    for kind, piece in tokens(text):
        if kind == "word":
            return piece.upper()
        if kind not in ("space", "comment") and piece != "(":
            return ""
    return ""


def is_single(text: str) -> bool:
    """Whether the text is one statement: no semicolon but at the end."""
    ended = False
    for kind, piece in tokens(text):
        if ended and kind not in ("space", "comment") and piece != ";":
            return False
        ended = ended or (kind == "other" and piece == ";")
    return True


def numbered(text: str) -> tuple[str, int]:
    """Make a captured text a statement with parameters: ``$0`` becomes the next free ``$n``; returns it and n.

    A typed literal (``date $0``, ``interval $1 day``) becomes a cast and a type's size in parentheses is left out,
    since no parameter may stand there.

    >>> numbered("SELECT $0 + $2, date $0")
    ('SELECT $3 + $2, CAST($4 AS date)', 4)
    """
    pieces = [("space", " ") if piece[0] == "comment" else piece for piece in tokens(text)]
    count = max((int(piece[1:]) for kind, piece in pieces if kind == "parameter"), default=0)
    written: list[str] = []
    position = 0
    while position < len(pieces):
        kind, piece = pieces[position]
        if kind == "other" and piece == "(" and (end := _size_end(pieces, position)):
            position = end
            continue
        if kind == "parameter":
            if piece == "$0":
                count += 1
                piece = f"${count}"
            position = _typed(written, pieces, position, piece)
            continue
        written.append(piece)
        position += 1
    return "".join(written).strip().rstrip(";").rstrip(), count


def with_types(statement: str) -> Iterator[str]:
    """Variants of a numbered statement whose lists of parameters have a type, most likely type first.

    ``ARRAY[1, 2]`` and ``generate_series(1, 9)`` told the server their type by their literals; without these
    ``ARRAY[$1, $2]`` is an array of text. None where the statement has no such list.

    >>> next(with_types("SELECT * FROM t WHERE id = ANY(ARRAY[$1, $2])"))
    'SELECT * FROM t WHERE id = ANY(ARRAY[$1::integer, $2::integer])'
    """
    found = list(_TYPELESS.finditer(statement))
    for kind in _LIST_TYPES if found else ():
        parts, end = [], 0
        for match in found:
            parts += [statement[end : match.start()], _PARAMETER.sub(rf"\g<0>::{kind}", match.group())]
            end = match.end()
        yield "".join([*parts, statement[end:]])


def _size_end(pieces: list[Token], position: int) -> int:
    """The position behind ``($1)`` or ``($1, $2)`` when it follows a type that takes a size, else 0."""
    before = _words_before(pieces, position, 1)
    if not before or before[-1] not in _SIZED_TYPES:
        return 0
    position += 1
    while position < len(pieces) and (pieces[position][0] in ("parameter", "space") or pieces[position][1] == ","):
        position += 1
    if position >= len(pieces) or pieces[position][1] != ")":
        return 0
    return position + 1


def _words_before(pieces: list[Token], position: int, wanted: int) -> list[str]:
    """Up to ``wanted`` words right before ``position``, in order, in small letters."""
    words: list[str] = []
    position -= 1
    while position >= 0 and len(words) < wanted:
        kind, piece = pieces[position]
        if kind == "word":
            words.append(piece.lower())
        elif kind != "space":
            break
        position -= 1
    return words[::-1]


def _typed(written: list[str], pieces: list[Token], position: int, parameter: str) -> int:
    """Write ``parameter``, as a cast where a type's name stands before it; returns the next position."""
    words = _words_before(pieces, position, 4)
    position += 1
    cast = ""
    if (
        words[-1:] == ["zone"]
        and len(words) == 4
        and words[-3] in ("with", "without")
        and words[0] in ("time", "timestamp")
    ):
        cast = " ".join(words)
        _take_words(written, 4)
    elif words and words[-1] in _LITERAL_TYPES and not _is_column(words):
        cast = words[-1]
        _take_words(written, 1)
        if cast == "interval":
            position = _without_fields(pieces, position)
    written.append(f"CAST({parameter} AS {cast})" if cast else parameter)
    return position


def _is_column(words: list[str]) -> bool:
    # `date` and the like directly behind these words can only be a column that an operator word was put after.
    return len(words) > 1 and words[-2] in ("as",)


def _take_words(written: list[str], count: int) -> None:
    while count and written:
        if not written.pop().isspace():
            count -= 1


def _without_fields(pieces: list[Token], position: int) -> int:
    """Pass over the fields behind an interval's literal: ``interval $1 day to second``."""
    end = position
    while position < len(pieces):
        kind, piece = pieces[position]
        if kind == "word" and piece.lower() in _INTERVAL_FIELDS:
            end = position + 1
        elif kind != "space":
            break
        position += 1
    return end
