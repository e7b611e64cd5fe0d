"""A statement's fingerprint, from its tokens alone: parsable or not, whatever the parser's version.

What falls together: literals, `$n`, casts, IN / ANY / VALUES lists of any length, comments, white space, letter case
of words, `!=` and `<>`, optional noise words. What does not: every other keyword. JSON keys and date units count as
literals, since most captures and pg_stat_statements have taken them out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b

from advisor.shape._sql_tokens import Kind, Token, closing, type_end, typed_literal, words

_PLAIN = re.compile(r'"[a-z_][a-z0-9_$]*"\Z')
JSON_ACCESS = frozenset({"->", "->>", "#>", "#>>"})
# Functions whose first of two arguments is configuration and not data (manual, 9.9, 9.13).
UNIT_FIRST = frozenset({"date_trunc", "date_part", "date_bin", "to_tsvector", "to_tsquery", "plainto_tsquery"})
# Words after which an operand begins, so that a sign there is unary.
BEFORE_OPERAND = words(
    "select where and or not then else when case in between like ilike limit offset by on having returning values "
    "set distinct all any some is from using as with return to"
)

_LIST = re.compile(r"\bin \( \?(?: , \?)+ \)")
_ROWS = re.compile(r"(\bin \( )(\( \?(?: , \?)* \))(?: , \2)+ \)")
_ANY = re.compile(r"= (?:any|some) \( (?:\( )?(?:array \[ )?\?(?: , \?)*(?: \])?(?: \))? \)")
_ALL = re.compile(r"<> all \( (?:\( )?(?:array \[ )?\?(?: , \?)*(?: \])?(?: \))? \)")
_VALUES = re.compile(
    r"(\bvalues )(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))(?: , \((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))+"
)
_REPEATED = re.compile(r"\bor (.{3,}?)(?: or \1)+(?= |$)")


def is_unary(items: Sequence[Token], place: int) -> bool:
    """Whether the `-` or `+` at ``place`` is a sign and not a subtraction."""
    if place == 0:
        return True
    before = items[place - 1]
    if before.kind is Kind.WORD:
        return before.text in BEFORE_OPERAND
    return before.kind is Kind.OPERATOR or before.text in ("(", ",", "[")


def is_structural(items: Sequence[Token], place: int) -> bool:
    """Whether the literal at ``place`` names what is read (a JSON key, a date unit) rather than a value."""
    token = items[place]
    if place == 0 or token.kind is Kind.PARAMETER:
        return False
    before = items[place - 1]
    if before.text in JSON_ACCESS:
        return True
    following = items[place + 1].text if place + 1 < len(items) else ""
    if before.text == "(" and place > 1:
        function = items[place - 2].text
        return (function in UNIT_FIRST and following == ",") or (function == "extract" and following == "from")
    return token.kind is Kind.STRING and before.text == "zone" and items[place - 2].text == "time"


def fingerprint(items: Sequence[Token]) -> str:
    """16 hex digits over the normal form."""
    return blake2b(normal_form(items).encode(), digest_size=8).hexdigest()


def normal_form(items: Sequence[Token]) -> str:
    """The text that the fingerprint is taken of: tokens one space apart, values as ``?``, lists collapsed."""
    text = " ".join(_words(items))
    for pattern, replacement in (
        (_ANY, "in ( ? )"),
        (_ALL, "not in ( ? )"),
        (_LIST, "in ( ? )"),
        (_ROWS, r"\1\2 )"),
        (_VALUES, r"\1\2"),
        (_REPEATED, r"or \1"),
    ):
        if pattern.groups or pattern.search(text):
            text = pattern.sub(replacement, text)
    return text


def _words(items: Sequence[Token]) -> list[str]:
    written: list[str] = []
    skipped: set[int] = set()
    place, end = 0, len(items)
    while place < end:
        token = items[place]
        if place in skipped:
            place += 1
        elif token.text == "::":
            place = max(type_end(items, place + 1), place + 1)
        elif token.text == "cast" and place + 1 < end and items[place + 1].text == "(":
            place = _enter_cast(items, place, skipped)
        elif token.kind is Kind.WORD and (literal := typed_literal(items, place))[0]:
            _append(written, items, literal[0])
            place = literal[1]
        else:
            _append(written, items, place)
            place += 1
    return written


def _enter_cast(items: Sequence[Token], place: int, skipped: set[int]) -> int:
    """Leave out ``cast ( … as type )`` around its operand."""
    close = closing(items, place + 1)
    depth = 0
    for inner in range(place + 2, close):
        depth += {"(": 1, ")": -1}.get(items[inner].text, 0)
        if depth == 0 and items[inner].text == "as":
            skipped.update(range(inner, close + 1))
    return place + 2


def _append(written: list[str], items: Sequence[Token], place: int) -> None:
    token = items[place]
    if token.is_value:
        written.append("?")
    elif token.kind is Kind.QUOTED:
        written.append(token.raw[1:-1] if _PLAIN.match(token.raw) else token.raw)
    elif token.kind is Kind.OPERATOR:
        if token.text == "!=":
            written.append("<>")
        elif not (token.text in "+-" and is_unary(items, place) and _value_follows(items, place)):
            written.append(token.text)
    elif _is_noise(items, place):
        pass
    else:
        written.append(token.text)


def _value_follows(items: Sequence[Token], place: int) -> bool:
    return place + 1 < len(items) and items[place + 1].is_value


def _is_noise(items: Sequence[Token], place: int) -> bool:
    """Words that change nothing: INNER and OUTER before JOIN, ASC, the last semicolon."""
    token = items[place]
    following = items[place + 1].text if place + 1 < len(items) else ""
    if token.text == ";":
        return all(item.text == ";" for item in items[place:])
    return (token.text in ("inner", "outer") and following == "join") or (token.text == "asc" and following != ".")
