"""The compiled readers of logs (C11), one library, where it was built; all they do can be done without.

What they share stands beside this file: bytes that grow, strings with codes, digests, and results that come to DuckDB
as Arrow streams, without an object for each row. The readers are in ``connectors/postgres/logs/plain`` and
``connectors/mongo/logs/slow``.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

LIBRARY = Path(__file__).with_name("readers.so")
"""What ``hatch_build.py`` makes where there is a C compiler."""


@cache
def _library() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(str(LIBRARY))
    except OSError:
        return None


def is_built() -> bool:
    """Whether the compiled readers are there."""
    return _library() is not None


class Functions:
    """The functions of one reader by name, without their ``prefix``; ``types``: of their result and arguments."""

    def __init__(self, prefix: str, types: Mapping[str, tuple[Any, ...]]) -> None:
        self._prefix = prefix
        self._types = types
        self._found: dict[str, Callable[..., Any]] = {}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in self._found:
            library = _library()
            if library is None or name not in self._types:
                raise AttributeError(name)
            function = library[f"{self._prefix}_{name}"]
            function.restype, function.argtypes = self._types[name][0], self._types[name][1:]
            self._found[name] = function
        return self._found[name]


class Span(ctypes.Structure):
    """Bytes of the library."""

    _fields_ = (("at", ctypes.c_void_p), ("size", ctypes.c_size_t))

    def data(self) -> bytes:
        """A copy."""
        return ctypes.string_at(self.at, self.size) if self.size else b""


_capsule = ctypes.pythonapi.PyCapsule_New
_capsule.restype, _capsule.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)


class Stream:
    """Rows by the Arrow PyCapsule interface, as often as they are asked for; ``opened`` gives a stream that its owner
    frees."""

    def __init__(self, opened: Callable[[], int | None]) -> None:
        self._opened = opened

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        stream = self._opened()
        if not stream:
            raise MemoryError
        return _capsule(stream, b"arrow_array_stream", None)
