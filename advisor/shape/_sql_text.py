"""The canonical text: every value becomes ``$1`` … ``$n`` in the original tokens, so that EXPLAIN takes it as it is.

A parameter is not everywhere what a literal was: PostgreSQL knows a literal's type and refuses a bare parameter in
places (manual, 10.2 and 10.3; ``typed 'literal'``, ``sum(CASE … THEN 1)``, ``concat('a')``, ``GROUP BY`` of an
expression with a value). Each such place is rewritten with a CAST or by using one parameter twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from advisor.shape._sql_fingerprint import is_structural, is_unary
from advisor.shape._sql_items import ITEM_ENDS, shared_values
from advisor.shape._sql_tokens import Kind, Token, closing, is_literal, type_end, typed_literal, words

LIST_SHOWN = 10
"""Longer lists of values are cut to this length in the canonical text; their length is kept beside it."""

_MODIFIED_TYPES = words(
    "numeric decimal dec varchar char character varying bpchar bit varbit timestamp timestamptz time timetz float "
    "interval current_timestamp localtimestamp current_time localtime second"
)
_COMPARISONS = words("= <> != < > <= >= ~ ~* !~ !~* ~~ ~~* !~~ !~~* @> <@ && @@ ? ?| ?&")
# Operators that sqlglot reads; any other (pg_trgm's %>, pgvector's <#>, …) is written OPERATOR(…) for it.
_PARSED_OPERATORS = words(
    "+ - * / % ^ < > <= >= = <> != || | & # ~ << >> ~* !~ !~* ~~ ~~* !~~ !~~* -> ->> #> #>> #- @> <@ ? ?| ?& && @@ @? "
    "<-> :: => := ^@ <=> @ -|- &< &>"
)
_COMPARED = words("between and like ilike in limit offset first next values escape or where on not to")
# Functions that take "any" and so cannot tell a bare parameter's type.
_TAKES_ANY = words(
    "concat concat_ws format json_build_object jsonb_build_object json_build_array jsonb_build_array to_json to_jsonb "
    "num_nulls num_nonnulls array_agg json_agg jsonb_agg quote_literal quote_nullable pg_typeof min max"
)
_TAKES_NUMBERS = frozenset({"count", "generate_series"})
_ARITHMETIC = frozenset("+-*/%")
_ADDS_UP = frozenset({"sum", "avg"})
_CLAUSES = words(
    "select from where group order having limit offset values set returning on using window union except intersect "
    "fetch for insert update delete merge"
)


@dataclass(frozen=True, slots=True)
class Value:
    """What stood where ``$k`` stands now. ``parameter`` is the number as sent (0: a literal); ``literal`` its text,
    empty where the capture took it out."""

    parameter: int = 0
    literal: str = ""


@dataclass(slots=True)
class Canonical:
    """``text`` for EXPLAIN; ``parsable``: the same with ``"$k"`` identifiers, for the parser.

    ``values[k - 1]`` is what ``$k`` stands for. ``lengths`` maps the first ``$k`` of a list to
    its full length.
    """

    text: str = ""
    parsable: str = ""
    values: list[Value] = field(default_factory=list)
    lengths: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Frame:
    opener: str = ""
    clause: str = ""
    argument: int = 0
    item: int = 1
    item_start: int = 0
    united: bool = False
    inserting: bool = False


class _Split(NamedTuple):
    """A piece that the parser is spared (``parsable`` empty) or given in another spelling."""

    text: str
    parsable: str = ""


class _Writer:
    """One pass over the tokens; :attr:`pieces` are strings, and ints for parameters."""

    def __init__(self, items: Sequence[Token]) -> None:
        self.items = items
        self.out = Canonical()
        self.pieces: list[str | int | _Split] = []
        self.frames = [_Frame()]
        self.shared = shared_values(items)
        self.number_at: dict[int, int] = {}
        self.number_of: dict[str, int] = {}

    def write(self) -> Canonical:
        place = 0
        while place < len(self.items):
            place = self._step(place)
        for piece in self.pieces:
            text, parsable = piece if isinstance(piece, _Split) else (piece, piece)
            self.out.text += f"${text}" if isinstance(text, int) else text
            self.out.parsable += f'"${parsable}"' if isinstance(parsable, int) else parsable
        self.out.text, self.out.parsable = self.out.text.strip(), self.out.parsable.strip()
        return self.out

    def _step(self, place: int) -> int:
        token = self.items[place]
        if token.is_value:
            return self._value(place)
        if token.kind is Kind.PUNCTUATION:
            return self._punctuation(place)
        if token.kind is Kind.WORD:
            return self._word(place)
        if token.kind is Kind.OPERATOR and token.text in "+-" and self._signs_literal(place):
            if token.spaced:
                self.pieces.append(" ")
            return place + 1
        if token.kind is Kind.OPERATOR and token.text not in _PARSED_OPERATORS:
            self._emit(_Split(token.raw, f" OPERATOR({token.raw}) "), token)
            return place + 1
        if token.text == "::" and self.items[place - 1].is_value:
            return self._cast(place)
        self._emit(token.raw, token)
        return place + 1

    def _cast(self, place: int) -> int:
        """The type of a value: it says nothing of any column, and the parser does not know every type."""
        after = type_end(self.items, place + 1)
        start = len(self.pieces)
        self._emit("::", self.items[place])
        inner = place + 1
        while inner < after:
            inner = self._step(inner)
        written = [piece for piece in self.pieces[start:] if not isinstance(piece, int)]
        self.pieces[start:] = [_Split(piece.text if isinstance(piece, _Split) else piece) for piece in written]
        return max(after, place + 1)

    def _emit(self, piece: str | int | _Split, token: Token) -> None:
        if token.spaced and self.pieces:
            self.pieces.append(" ")
        self.pieces.append(piece)

    def _text(self, place: int) -> str:
        return self.items[place].text if 0 <= place < len(self.items) else ""

    # Words: clauses, type modifiers, typed literals, EXTRACT.

    def _word(self, place: int) -> int:
        token, frame = self.items[place], self.frames[-1]
        if token.text in _CLAUSES and self._text(place - 1) != ".":
            frame.clause, frame.item, frame.item_start = token.text, 1, place + 1
            frame.inserting = frame.inserting or token.text == "insert"
            frame.united = frame.united or token.text in ("union", "except", "intersect")
        elif token.text == "by":
            frame.item, frame.item_start = 1, place + 1
        if token.text in _MODIFIED_TYPES and self._text(place + 1) == "(":
            return self._modifier(place)
        if token.text == "extract" and self._text(place + 1) == "(" and self._text(place + 2) == "$0":
            return self._extract(place)
        return self._typed_literal(place)

    def _modifier(self, place: int) -> int:
        """``numeric(10,2)``: the numbers belong to the type. Where the capture took them out, the modifier goes."""
        close = closing(self.items, place + 1)
        inside = self.items[place + 2 : close]
        self._emit(self.items[place].raw, self.items[place])
        if not all(item.is_value or item.text == "," for item in inside):
            return place + 1
        if not any(item.text == "$0" for item in inside):
            self.pieces.extend(item.raw for item in self.items[place + 1 : close + 1])
        return close + 1

    def _typed_literal(self, place: int) -> int:
        """``interval '1 day'`` -> ``CAST($k AS interval)``."""
        token = self.items[place]
        literal, after = typed_literal(self.items, place)
        if not literal:
            self._emit(token.raw, token)
            return place + 1
        kind = " ".join(item.raw for item in (*self.items[place:literal], *self.items[literal + 1 : after]))
        self._emit("CAST(", token)
        self.pieces.extend((self._number(literal), f" AS {kind})"))
        return after

    def _extract(self, place: int) -> int:
        """``EXTRACT($0 FROM x)``: its field cannot be a parameter, that of ``date_part`` can."""
        self._emit("date_part(", self.items[place])
        self.pieces.extend((self._number(place + 2), ","))
        self.frames.append(_Frame("date_part"))
        return place + 4

    # Parentheses, brackets, commas.

    def _punctuation(self, place: int) -> int:
        token, frame = self.items[place], self.frames[-1]
        if token.text == ";" and all(item.text == ";" for item in self.items[place:]):
            return len(self.items)
        if token.text == "[" and self._text(place + 1) == "]" and self._text(place - 1) != "array":
            self.pieces.append(_Split("[]"))
            return place + 2
        if token.text in "([":
            if (after := self._list(place)) is not None:
                return after
            self.frames.append(_Frame(self._text(place - 1) if place else ""))
        elif token.text in ")]":
            if len(self.frames) > 1:
                self.frames.pop()
        elif token.text == ",":
            frame.argument += 1
            frame.item += 1
            frame.item_start = place + 1
            if frame.clause == "values" and (after := self._further_rows(place)) is not None:
                return after
        self._emit(token.raw, token)
        return place + 1

    def _list(self, place: int) -> int | None:
        """A list of values only, after IN or ANY: cut when long."""
        before = self._text(place - 1)
        if before not in ("in", "array"):
            return None
        close = closing(self.items, place)
        inside = self.items[place + 1 : close]
        if not inside or not all(item.is_value or item.text in (",", "-") for item in inside):
            return None
        values = [at for at in range(place + 1, close) if self.items[at].is_value]
        if before == "array" and self._untyped_any(place, close):
            return self._one_array(close, values)
        if before == "array" and any(self.items[at].kind is Kind.NUMBER for at in values):
            return None
        self._emit(self.items[place].raw, self.items[place])
        for position, at in enumerate(values[:LIST_SHOWN]):
            if position:
                self.pieces.append(", ")
            self.pieces.append(self._number(at))
            if not position:
                self.out.lengths[self.pieces[-1]] = len(values)  # type: ignore[index]  # just appended: a number
        self.pieces.append(self.items[close].raw)
        return close + 1

    def _untyped_any(self, place: int, close: int) -> bool:
        """``ANY (ARRAY[$0, $0])`` without a cast would be an array of text."""
        return (
            self._text(place - 2) == "("
            and self._text(place - 3) in ("any", "some", "all")
            and self._text(close + 1) == ")"
        )

    def _one_array(self, close: int, values: list[int]) -> int:
        self.pieces.pop()  # the word ARRAY
        if self.pieces and self.pieces[-1] == " ":
            self.pieces.pop()
        number = self._number(values[0])
        self.pieces.append(number)
        self.out.lengths[number] = len(values)
        return close + 1

    def _further_rows(self, place: int) -> int | None:
        """Rows after the first of an INSERT's VALUES, after the tenth of any other."""
        frame = self.frames[-1]
        if self._text(place + 1) != "(" or frame.item <= (1 if frame.inserting else LIST_SHOWN):
            return None
        while self._text(place) == "," and self._text(place + 1) == "(":
            place = closing(self.items, place + 1) + 1
        return place

    # Values.

    def _signs_literal(self, place: int) -> bool:
        return is_literal(self.items, place + 1) and is_unary(self.items, place)

    def _value(self, place: int) -> int:
        token = self.items[place]
        if self._is_kept(place):
            self._emit(token.raw, token)
        elif token.text == "$0" and (guessed := self._guessed(place)):
            self._emit(guessed, token)
        elif kind := self._cast_for(place):
            self._emit("CAST(", token)
            self.pieces.extend((self._number(place), f" AS {kind})"))
        else:
            self._emit(self._number(place), token)
        return place + 1

    def _guessed(self, place: int) -> str:
        """What a literal was that may be no parameter: GROUP BY's positions in order, a backslash after ESCAPE."""
        frame = self.frames[-1]
        if self._text(place - 1) == "escape":
            return r"'\'"
        if self._is_ordinal(place) and (frame.clause == "group" or frame.united):
            return str(frame.item)
        return ""

    def _is_kept(self, place: int) -> bool:
        token = self.items[place]
        if token.kind is Kind.PARAMETER:
            return False
        if is_structural(self.items, place) or self._text(place - 1) in ("escape", "uescape"):
            return True
        sampled = self.frames[-1].opener in ("bernoulli", "system")
        return token.kind is Kind.NUMBER and (sampled or self._is_ordinal(place))

    def _is_ordinal(self, place: int) -> bool:
        frame = self.frames[-1]
        following = self._text(place + 1)
        return (
            frame.clause in ("order", "group")
            and frame.item_start == place
            and (following in ("", ",", ")", ";", "asc", "desc", "nulls") or following in ITEM_ENDS)
        )

    def _cast_for(self, place: int) -> str:
        """The type to cast ``$k`` to; empty where PostgreSQL will find the type itself."""
        token, frame = self.items[place], self.frames[-1]
        if self._text(place + 1) == "::" or (token.kind is Kind.PARAMETER and token.text != "$0"):
            return "text" if frame.opener in _TAKES_ANY and self._alone(place) else ""
        if token.kind is Kind.NUMBER:
            if frame.opener == "exists" and self._text(place - 1) == "select":
                return ""
            return "" if self._is_compared(place) else _number_type(token.raw)
        if self._computed(place):
            return "integer"
        if not self._alone(place):
            summed = self._text(place - 1) in ("then", "else") and any(f.opener in _ADDS_UP for f in self.frames)
            return "integer" if summed and token.text == "$0" else ""
        if frame.opener in _TAKES_NUMBERS:
            return "integer"
        return "text" if frame.opener in _TAKES_ANY else ""

    def _computed(self, place: int) -> bool:
        """Whether it is calculated with another literal: nothing would tell the type of either."""
        before, after = self._text(place - 1) in _ARITHMETIC, self._text(place + 1) in _ARITHMETIC
        return (before and is_literal(self.items, place - 2)) or (after and is_literal(self.items, place + 2))

    def _alone(self, place: int) -> bool:
        """Whether the value is a whole argument."""
        return self._text(place - 1) in ("(", ",") and self._text(place + 1) in (")", ",")

    def _is_compared(self, place: int) -> bool:
        frame = self.frames[-1]
        before = place - 1
        if self._text(before) in ("-", "+") and is_unary(self.items, before):
            before -= 1
        previous, following = self._text(before), self._text(place + 1)
        if previous in _COMPARISONS or previous in _COMPARED or following in _COMPARISONS:
            return following not in ("+", "-", "*", "/", "%", "||")
        return frame.opener == "in" or (len(self.frames) > 1 and self._in_row())

    def _in_row(self) -> bool:
        """Whether the value is in a row of an IN list or of an INSERT's VALUES, whose columns tell the type."""
        around = self.frames[-2]
        return around.opener == "in" or (around.clause == "values" and around.inserting)

    def _number(self, place: int) -> int:
        """The ``k`` of the value at ``place``; the same for one ``$n`` used twice."""
        token = self.items[place]
        first = self.shared.get(place)
        if first is not None and first in self.number_at:
            return self.number_at[first]
        sent = token.kind is Kind.PARAMETER and token.text != "$0"
        if sent and token.text in self.number_of:
            return self.number_of[token.text]
        signed = place and self._text(place - 1) == "-" and is_unary(self.items, place - 1)
        literal = "" if token.kind is Kind.PARAMETER else ("-" if signed else "") + token.raw
        self.out.values.append(Value(int(token.text[1:]) if sent else 0, literal))
        number = len(self.out.values)
        self.number_at[place] = number
        if sent:
            self.number_of[token.text] = number
        return number


def canonical(items: Sequence[Token]) -> Canonical:
    """Renumber every value of a statement's tokens."""
    return _Writer(items).write()


def _number_type(raw: str) -> str:
    digits = raw.replace("_", "")
    if not digits.isdigit():
        return "numeric"
    # An integer literal is int4 when it fits, else int8, else numeric (manual, 4.1.2.6).
    return "integer" if int(digits) < 2**31 else "bigint" if int(digits) < 2**63 else "numeric"
