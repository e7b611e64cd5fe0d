"""The compiled reader of slow-query lines (C11 beside this file), see :mod:`connectors.compiled`.

It does what the SQL beside it does, and leaves to it whole pieces in which a line is not as mongod writes it.
"""

from __future__ import annotations

import ctypes
from io import BufferedIOBase

from connectors.compiled import Functions, Stream

OPERATIONS, EXAMPLES = 0, 1
"""The streams: rows of the table ``taken``, and of the table ``example``."""

_PIECE, _TEXT, _SIZE = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
_slow = Functions(
    "slow",
    {
        "open": (_PIECE, _TEXT, _SIZE),
        "clear": (None, _PIECE),
        "close": (None, _PIECE),
        "read": (ctypes.c_bool, _PIECE, ctypes.c_void_p, _SIZE),
        "lines": (ctypes.c_int64, _PIECE),
        "operations": (ctypes.c_int64, _PIECE),
        "stream": (ctypes.c_void_p, _PIECE, ctypes.c_int),
    },
)


class SlowLines:
    """The slow-query lines of a piece of a log; its memory is used again for the next.

    ``key``: of the digests, at most 64 bytes; ``size``: bytes of a piece, which grows where a line is longer.
    """

    def __init__(self, key: str, size: int) -> None:
        self._piece = _slow.open(key.encode(), len(key))
        if not self._piece:
            raise MemoryError
        self._bytes = bytearray(size)
        self._end = 0

    def take(self, begun: bytes, stream: BufferedIOBase) -> bytes:
        """Take lines from a log, of which the last piece has ``begun`` one, in place of those before; no stream may be
        in use. Returns what this piece has begun."""
        _slow.clear(self._piece)
        self._bytes[: len(begun)] = begun
        self._end = len(begun)
        while True:
            self._fill(stream)
            whole = self._bytes.rfind(b"\n", 0, self._end) + 1
            if whole or self._end < len(self._bytes):
                break
            self._bytes += bytes(len(self._bytes))
        whole = whole or self._end
        rest = bytes(memoryview(self._bytes)[whole : self._end])
        self._end = whole
        return rest

    def _fill(self, stream: BufferedIOBase) -> None:
        with memoryview(self._bytes) as room:
            try:
                while self._end < len(room) and (got := stream.readinto1(room[self._end :])):
                    self._end += got
            except (EOFError, OSError):
                pass  # a compressed file that was cut: what could be unpacked is read

    @property
    def is_empty(self) -> bool:
        """Whether nothing was left to take."""
        return not self._end

    @property
    def text(self) -> bytes:
        """The lines that were taken."""
        return bytes(memoryview(self._bytes)[: self._end])

    def read(self) -> bool:
        """Read the lines that were taken. False: they are for SQL."""
        lines = (ctypes.c_char * len(self._bytes)).from_buffer(self._bytes)
        return bool(_slow.read(self._piece, ctypes.addressof(lines), self._end))

    @property
    def lines(self) -> int:
        """Lines that hold anything."""
        return int(_slow.lines(self._piece))

    @property
    def operations(self) -> int:
        """Rows of :data:`OPERATIONS`."""
        return int(_slow.operations(self._piece))

    def stream(self, which: int) -> Stream:
        """The rows of a kind, for DuckDB."""
        return Stream(lambda: _slow.stream(self._piece, which))

    def close(self) -> None:
        """Give back the memory."""
        _slow.close(self._piece)
