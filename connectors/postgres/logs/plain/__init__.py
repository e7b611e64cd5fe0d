"""The compiled reader of plain records (C11 beside this file), see :mod:`connectors.compiled`.

It reads what is plain beyond doubt, finds what belongs together in a session, and makes the digests. Every other record
is left to the SQL of ``records`` and ``literals``, and whole pieces are when something in them has to be reported or
is linked in other ways.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from types import TracebackType

from connectors.compiled import Functions, Span, Stream

TEXTS, EXECUTIONS, OPEN, LINKS = 0, 1, 2, 4
"""The streams: different texts, executions, what goes on in the next piece, and what belongs to SQL's records."""

STREAM = "plain"
"""The name by which SQL knows a stream."""


class Summary(ctypes.Structure):
    """Records, those of them left to SQL, executions, parse and bind steps that have none and their microseconds,
    how many zones there are, and whether the clock went back."""

    records: int
    left: int
    events: int
    lone: int
    lone_took: int
    zones: int
    turned_back: bool
    _fields_ = (
        *((name, ctypes.c_int64) for name in ("records", "left", "events", "lone", "lone_took", "zones")),
        ("turned_back", ctypes.c_bool),
    )


_PIECE, _TEXT, _SIZE = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
_plain = Functions(
    "plain",
    {
        "open": (_PIECE, _TEXT, _SIZE),
        "clear": (None, _PIECE),
        "close": (None, _PIECE),
        "csv": (ctypes.c_bool, _PIECE, _TEXT, _SIZE, ctypes.c_int),
        "json": (ctypes.c_bool, _PIECE, _TEXT, _SIZE),
        "stderr": (ctypes.c_bool, _PIECE, _TEXT, _SIZE, _TEXT),
        "summary": (Summary, _PIECE),
        "rest": (Span, _PIECE),
        "zone": (Span, _PIECE, ctypes.c_int),
        "others": (ctypes.c_bool, _PIECE, _TEXT, _SIZE, _SIZE),
        "link": (ctypes.c_bool, _PIECE, ctypes.POINTER(ctypes.c_int64), ctypes.c_int64, ctypes.c_bool),
        "stream": (ctypes.c_void_p, _PIECE, ctypes.c_int),
    },
)

LEFT_AT_MOST = 0.5
"""The share of a piece's records that may be left to SQL; beyond it SQL reads all."""


class PlainReader:
    """Makes pieces, of the memory of those that are done; ``key``: of the digests, at most 64 bytes."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self._spare: list[int] = []

    def piece(self) -> PlainPiece:
        """An empty piece."""
        found = self._spare.pop() if self._spare else _plain.open(self._key, len(self._key))
        if not found:
            raise MemoryError
        return PlainPiece(found, self._spare)

    def close(self) -> None:
        """Give back the memory."""
        while self._spare:
            _plain.close(self._spare.pop())


class PlainPiece:
    """The plain records of one piece of a log."""

    def __init__(self, piece: int, spare: list[int]) -> None:
        self._piece = piece
        self._spare = spare
        self._readable = True
        self._shifts: ctypes.Array[ctypes.c_int64] | None = None

    def __enter__(self) -> PlainPiece:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the memory be used again; no stream may be in use."""
        _plain.clear(self._piece)
        self._spare.append(self._piece)

    @property
    def is_worth_it(self) -> bool:
        """Whether SQL need not read the whole piece."""
        summary = self.summary
        return self._readable and not summary.turned_back and summary.left <= summary.records * LEFT_AT_MOST

    def csv(self, records: bytes, columns: int, prefix: str) -> None:
        """Read whole records of a csvlog."""
        self._readable = self._readable and _plain.csv(self._piece, records, len(records), columns)

    def json(self, records: bytes, columns: int, prefix: str) -> None:
        """Read whole lines of a jsonlog."""
        self._readable = self._readable and _plain.json(self._piece, records, len(records))

    def stderr(self, records: bytes, columns: int, prefix: str) -> None:
        """Read whole lines, joined already, under a ``log_line_prefix``."""
        known = self._readable and prefix.isascii()
        self._readable = known and _plain.stderr(self._piece, records, len(records), prefix.encode())

    @property
    def summary(self) -> Summary:
        """What was found so far."""
        found: Summary = _plain.summary(self._piece)
        return found

    def rest(self) -> bytes:
        """The records left to SQL, as they are."""
        found: Span = _plain.rest(self._piece)
        return found.data()

    def zones(self) -> list[str]:
        """The time zones named, by their codes; the first, without a name, is that of no record."""
        return [_plain.zone(self._piece, code).data().decode() for code in range(self.summary.zones)]

    def others(self, rows: str, carried: int) -> bool:
        """Tell what SQL has read, see ``plain_others``; false: there is what SQL must read the whole piece for."""
        data = rows.encode()
        return bool(_plain.others(self._piece, data, len(data), carried))

    def link(self, shifts: Sequence[int], base: int) -> bool:
        """Find what belongs together; ``shifts``: microseconds east of Greenwich of :meth:`zones`; ``base``: the number
        of the first line, where records have none."""
        self._shifts = (ctypes.c_int64 * len(shifts))(*shifts)
        return bool(_plain.link(self._piece, self._shifts, base, False))

    def stream(self, which: int) -> Stream:
        """The records of a kind, for DuckDB."""
        return Stream(lambda: _plain.stream(self._piece, which))
