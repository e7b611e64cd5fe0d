"""PostgreSQL's lexical structure (manual, section 4.1): text -> tokens, without a parser.

Everything that must hold for text that no parser reads (fingerprints, renumbered values) is built on these tokens.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What a token is."""

    WORD = "word"  # keyword or identifier; text folded to lower case
    QUOTED = "quoted"  # "identifier", as written
    STRING = "string"
    NUMBER = "number"
    PARAMETER = "parameter"  # $n; $0 is a literal whose value was taken out
    OPERATOR = "operator"
    PUNCTUATION = "punctuation"
    OTHER = "other"  # what cannot be read (an unterminated string, a stray character)


class Token(NamedTuple):
    """One token; ``text`` is folded for words, ``raw`` as written; ``spaced`` when white space stood before it."""

    kind: Kind
    text: str
    raw: str
    spaced: bool

    @property
    def is_value(self) -> bool:
        """Whether it is a literal or parameter."""
        return self.kind in VALUES


def words(text: str) -> frozenset[str]:
    """A set of words given as one text."""
    return frozenset(text.split())


VALUES = frozenset({Kind.STRING, Kind.NUMBER, Kind.PARAMETER})

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*)
  | (?P<comment>/\*)
  | (?P<string>[eE]'(?:[^'\\]|\\.|'')*'|(?:[uU]&|[bBxXnN])?'(?:[^']|'')*')
  | (?P<quoted>(?:[uU]&)?"(?:[^"]|"")*")
  | (?P<dollar>\$(?P<tag>(?:[A-Za-z_\u0080-\uffff][\w]*)?)\$.*?\$(?P=tag)\$)
  | (?P<parameter>\$\d+)
  | (?P<number>0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*(?:\.(?!\.)[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)
  | (?P<word>[^\W\d][\w$]*)
  | (?P<operator>::|:=|=>|(?:(?!--|/\*)[+\-*/<>=~!@\#%^&|`?])+)
  | (?P<punctuation>[(),;.\[\]:])
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS = {
    "string": Kind.STRING,
    "dollar": Kind.STRING,
    "quoted": Kind.QUOTED,
    "parameter": Kind.PARAMETER,
    "number": Kind.NUMBER,
    "word": Kind.WORD,
    "operator": Kind.OPERATOR,
    "punctuation": Kind.PUNCTUATION,
    "other": Kind.OTHER,
}
_COMMENT_EDGE = re.compile(r"/\*|\*/")
# An operator may end in + or - only when it has one of these characters (manual, 4.1.3): `=-1` is `=` and `-`.
_MAY_END_IN_SIGN = frozenset("~!@#%^&|`?")


def tokens(text: str) -> list[Token]:
    """Read ``text`` into tokens; comments and white space are dropped. Never fails: what cannot be read is OTHER."""
    found: list[Token] = []
    position, end, spaced = 0, len(text), False
    match = _TOKEN.match
    while position < end:
        part = match(text, position)
        assert part is not None  # the last alternative takes any character
        group = part.lastgroup or "other"
        position = part.end()
        if group == "space":
            spaced = True
            continue
        if group == "comment":
            position, spaced = _comment_end(text, position), True
            continue
        raw = part.group()
        if group == "operator":
            _operators(found, raw, spaced)
        else:
            found.append(Token(_KINDS[group], raw.lower() if group == "word" else raw, raw, spaced))
        spaced = False
    return found


def _operators(found: list[Token], raw: str, spaced: bool) -> None:
    signs = ""
    while len(raw) > 1 and raw[-1] in "+-" and not _MAY_END_IN_SIGN & set(raw):
        raw, signs = raw[:-1], raw[-1] + signs
    found.append(Token(Kind.OPERATOR, raw, raw, spaced))
    found.extend(Token(Kind.OPERATOR, sign, sign, spaced=False) for sign in signs)


def _comment_end(text: str, position: int) -> int:
    depth = 1
    while depth:
        edge = _COMMENT_EDGE.search(text, position)
        if edge is None:
            return len(text)
        depth += 1 if edge.group() == "/*" else -1
        position = edge.end()
    return position


def closing(items: Sequence[Token], opening: int) -> int:
    """The index of the parenthesis or bracket that closes the one at ``opening``; the last token's when none does."""
    depth = 0
    for place in range(opening, len(items)):
        text = items[place].text
        if items[place].kind is Kind.PUNCTUATION:
            if text in "([":
                depth += 1
            elif text in ")]":
                depth -= 1
                if depth == 0:
                    return place
    return len(items) - 1


_TYPE_TAILS = {
    "double": ("precision",),
    "character": ("varying",),
    "char": ("varying",),
    "bit": ("varying",),
    "national": ("character", "char", "varying"),
}
_INTERVAL_FIELDS = frozenset({"year", "month", "day", "hour", "minute", "second", "to"})


def type_end(items: Sequence[Token], start: int) -> int:
    """The index just after the type name that begins at ``start`` (``numeric(10,2)[]``, ``timestamp with time zone``).

    Equal to ``start`` when no type name stands there.
    """
    place, end = start, len(items)
    if place >= end or items[place].kind not in (Kind.WORD, Kind.QUOTED):
        return start
    first = items[place].text
    place += 1
    while place + 1 < end and items[place].text == "." and items[place + 1].kind in (Kind.WORD, Kind.QUOTED):
        first = items[place + 1].text
        place += 2
    while place < end and items[place].text in _TYPE_TAILS.get(first, ()):
        place += 1
    if place < end and items[place].text == "(":
        place = closing(items, place) + 1
    if first in ("timestamp", "time") and place + 2 < end and items[place].text in ("with", "without"):
        place += 3 if items[place + 1].text == "time" else 0
    while first == "interval" and place < end and items[place].text in _INTERVAL_FIELDS:
        place += 1
    while place < end and items[place].text == "[":
        place = closing(items, place) + 1
    if place < end and first != "interval" and items[place].text == "array":
        place += 1
    return place


# Types whose name may stand before a literal (manual, 4.1.2.7: `type 'string'`).
LITERAL_TYPES = words(
    "interval date time timetz timestamp timestamptz uuid json jsonb inet cidr macaddr point box circle line lseg "
    "path polygon bytea text varchar bpchar name numeric decimal int integer bigint smallint int2 int4 int8 real "
    "float4 float8 float boolean bool money oid regclass regtype regconfig tsvector tsquery tsrange tstzrange "
    "daterange int4range int8range numrange geometry geography citext hstore ltree vector"
)


def is_literal(items: Sequence[Token], place: int) -> bool:
    """Whether a literal stands at ``place``, shown or taken out; a parameter that was sent as one is none."""
    if not 0 <= place < len(items):
        return False
    return items[place].kind in (Kind.STRING, Kind.NUMBER) or items[place].text == "$0"


def typed_literal(items: Sequence[Token], place: int) -> tuple[int, int]:
    """For a type's name before a literal (``interval '1' day``): the literal's place and that after it; else (0, 0).

    ``interval $3`` is one too: no client can send it, pg_stat_statements writes its literals so.
    """
    first = items[place].text
    if first not in LITERAL_TYPES and first != "double":
        return 0, 0
    if place and items[place - 1].text in (".", "as", "::", "at"):
        return 0, 0
    literal = place + 1
    while literal < len(items) and items[literal].text in ("precision", "with", "without", "time", "zone"):
        literal += 1
    if literal >= len(items) or items[literal].kind not in (Kind.STRING, Kind.PARAMETER):
        return 0, 0
    after = literal + 1
    while first == "interval" and after < len(items) and items[after].text in _INTERVAL_FIELDS:
        after += 1
    return literal, after
