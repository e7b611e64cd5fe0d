"""What a shell prints -> documents: the notation of mongo, mongosh and Node (JavaScript's), of Python and of Ruby.

Names without quotes, single quotes, ``ObjectId('…')``, ``NumberLong(5)``, ``ISODate('…')``, ``Long('5')``, dates
without quotes, regular expressions, trailing commas and comments are read, as extended JSON has them; numbers come out
as numbers. Around the documents anything may stand: a prompt, the command, what was printed after; and they themselves
may stand in comments or be quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

ELIDED = "…"
"""What stands for a part that the shell itself left out (``[Object]``, ``[Array]``, ``… 3 more items``)."""
_TOKEN = re.compile(
    r"""(?P<space>(?:\s|//[^\n]*|/\*.*?\*/)+)
    |(?P<text>b?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`))
    |(?P<cut>\[(?:Object|Array|Circular)[^\]]*\]|(?:\.\.\.|…)(?:\s*\d+\ more\ items?)?|<[^<>\n]*>)
    |(?P<sign>=>|[{}\[\](),:=])
    |(?P<date>\d{4}-\d\d-\d\dT[\d:.]+Z?)
    |(?P<regex>/(?:[^/\\\n]|\\.)+/[a-z]*)
    |(?P<word>-?[\w$.+-]+(?:::\w+)*)""",
    re.X | re.S,
)
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\Z")
_LONGEST = 40
"""Digits of a Decimal128, whose 34 are the most of any number in BSON, with its sign and to spare."""
_WORDS = {
    "true": True, "false": False, "null": None, "undefined": None, "True": True, "False": False, "None": None,
    "nil": None,
}  # fmt: skip
_NUMBERS = frozenset({"NumberLong", "NumberInt", "NumberDecimal", "Long", "Int32", "Double", "Decimal128", "Int64"})
_WRAPPERS = {
    "ObjectId": "$oid", "ISODate": "$date", "Date": "$date", "datetime.datetime": "$date", "UUID": "$uuid",
    "Timestamp": "$timestamp", "BinData": "$binary", "Binary": "$binary", "Binary.createFromBase64": "$binary",
    "MinKey": "$minKey", "MaxKey": "$maxKey", "Code": "$code",
}  # fmt: skip
_DOCUMENT = re.compile(r"(?:^[^\S\n]*(?:/\*+[^\S\n]*)?(?:[\w.:$@\[\]() -]+>\s*)?|(?<=[=(>])\s*)(?=[{\[])", re.M)
"""Where a document may begin: on its own line, behind a prompt, an assignment, a bracket, a comment's opening."""
PATIENCE = 8
"""How often the length of a text is read in vain: each bracket of a thousand that nobody closed may open a document."""
_MARKS = ("//", ">", "#", "*")
"""What stands before each line of a comment, or of what was quoted."""
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.S)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}


class NoDocument(ValueError):
    """The text at this place is no document."""


def documents(text: str) -> Iterator[dict[str, Any]]:
    """The documents in a shell's text, those of a list one by one; what is none is passed over."""
    for part in _parts(text):
        yield from _documents(part)


def _documents(text: str) -> Iterator[dict[str, Any]]:
    place, patience = 0, PATIENCE * len(text)
    while patience >= 0 and (found := _DOCUMENT.search(text, place)):
        place = found.end()
        reader = _Reader(text, place)
        try:
            value, end = reader.read()
        except NoDocument:
            patience -= reader.place - place
            place += 1
            continue
        yield from (part for part in (value if isinstance(value, list) else [value]) if isinstance(part, dict))
        place = max(end, place + 1)


def _parts(text: str) -> Iterator[str]:
    """The text without its comments and quotations, then each of these without the marks before its lines."""
    lines = [line for line in text.splitlines() if line.strip()]
    yield "\n".join(line for line in lines if not _mark(line))
    for mark, run in groupby(lines, key=_mark):
        if mark:
            yield "\n".join(line.lstrip().removeprefix(mark) for line in run)


def _mark(line: str) -> str:
    return next((mark for mark in _MARKS if line.lstrip().startswith(mark)), "")


class _Reader:
    """One value at a place in a text."""

    def __init__(self, text: str, place: int) -> None:
        self._text = text
        self.place = place

    def read(self) -> tuple[Any, int]:
        """The value, and where it ends. Raises :class:`NoDocument` when there is none."""
        try:
            return self._value(), self.place
        except RecursionError:
            raise NoDocument from None

    def _next(self) -> tuple[str, str]:
        while found := _TOKEN.match(self._text, self.place):
            self.place = found.end()
            if found.lastgroup != "space":
                return str(found.lastgroup), found[0]
        raise NoDocument

    def _peek(self) -> str:
        place = self.place
        _, word = self._next()
        self.place = place
        return word

    def _value(self) -> Any:
        kind, word = self._next()
        match kind, word:
            case _, "{":
                return self._document()
            case _, "[" | "(":
                return self._list("]" if word == "[" else ")")
            case "text", _:
                return _unquoted(word)
            case "cut", _:
                return ELIDED
            case "regex", _:
                return _expression(word)
            case "date", _:
                return {"$date": word}
            case "word", _:
                return self._word(word)
        raise NoDocument

    def _word(self, word: str) -> Any:
        if word in _WORDS:
            return _WORDS[word]
        if _NUMBER.match(word):
            return _number(word)
        name = self._next()[1] if word == "new" else word
        if self._peek() != "(":
            return name
        self._next()
        arguments = self._list(")")
        name = name.rpartition("::")[2]
        if name in _NUMBERS and arguments:
            return _number(str(arguments[0]))
        return {_WRAPPERS[name]: arguments[0] if arguments else 1} if name in _WRAPPERS else name

    def _document(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while True:
            kind, word = self._next()
            if word == "}":
                return found
            if word == "," or kind == "cut":
                continue
            if kind not in ("text", "word"):
                raise NoDocument
            if self._next()[1] not in (":", "=>"):
                raise NoDocument
            found[_unquoted(word) if kind == "text" else word] = self._value()

    def _list(self, end: str) -> list[Any]:
        found: list[Any] = []
        while True:
            word = self._peek()
            if word in (end, ",", "="):
                self._next()
                if word == end:
                    return found
            else:
                found.append(self._value())


def _expression(word: str) -> dict[str, Any]:
    pattern, _, options = word[1:].rpartition("/")
    return {"$regularExpression": {"pattern": pattern, "options": options}}


def _number(word: str) -> Any:
    if not _NUMBER.match(word):
        return word
    return int(word) if word.lstrip("-").isdecimal() and len(word) < _LONGEST else float(word)


def _unquoted(word: str) -> str:
    def plain(found: re.Match[str]) -> str:
        code = found[1]
        return chr(int(code[1:], 16)) if len(code) > 1 else _ESCAPES.get(code, code)

    return _ESCAPE.sub(plain, word.removeprefix("b")[1:-1])
