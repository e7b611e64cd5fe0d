"""Log files in chunks of whole records: decompressed, cut between records, valid UTF-8, without NUL.

Bytes are handled by the megabyte; nothing here looks at single lines unless a piece is damaged.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import os
import re
import shutil
import subprocess
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from advisor.errors import SourceError

T = TypeVar("T")

CHUNK = 1 << 20
"""Bytes of a log in Python at a time: little enough that the allocator keeps their room, where larger blocks are given
back to the system each time and taken anew, page by page."""

PIECE = 56 << 20
"""Bytes that DuckDB reads at a time, made of chunks: the planning of a piece's queries takes a tenth of a second."""

LONGEST = 512 << 20
"""A record longer than this is cut off: PostgreSQL itself cannot make one of 1 GiB."""

HEAD = 256 << 10
"""Bytes looked at to tell the format."""

EXAMPLES = 5
"""Line numbers kept for each reason why something was not read."""


@dataclass
class Unread:
    """Why parts of a log were not read: reason -> how many, and the first line numbers (``file:line``)."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, count: int, *places: str) -> None:
        """Count ``count`` cases of ``reason``, seen at ``places``."""
        if count:
            self.counts[reason] = self.counts.get(reason, 0) + count
            kept = self.examples.setdefault(reason, [])
            kept.extend(places[: EXAMPLES - len(kept)])


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, Callable[[], int], int | None]]:
    """Open a log, compressed or not: its bytes, a function that tells how many of the file's bytes are consumed,
    and, for a file that may grow while it is read, how many there were when it was opened.

    Raises :class:`SourceError` when the file cannot be opened.
    """
    try:
        raw = path.open("rb")
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}); check its name and permissions.") from error
    with raw:
        total = os.fstat(raw.fileno()).st_size
        magic = raw.read(6)
        raw.seek(0)
        if magic.startswith(b"\x28\xb5\x2f\xfd"):
            with _zstd(path) as stream:
                yield stream, lambda: 0, None
            return
        stream = raw
        if magic.startswith(b"\x1f\x8b"):
            stream = cast(BinaryIO, gzip.GzipFile(fileobj=raw))
        elif magic.startswith(b"BZh"):
            stream = cast(BinaryIO, bz2.BZ2File(raw))
        elif magic.startswith(b"\xfd7zXZ"):
            stream = cast(BinaryIO, lzma.LZMAFile(raw))  # noqa: SIM115 (`raw` is closed here)
        elif magic.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            stream = cast(BinaryIO, Recoded(raw))
        yield stream, raw.tell, total if stream is raw else None


class Recoded(io.RawIOBase):
    """A file in UTF-16, which is what PowerShell writes with ``>``, read as UTF-8."""

    def __init__(self, raw: BinaryIO) -> None:
        super().__init__()
        self._reader = codecs.getreader("utf-16")(raw, "replace")

    def read(self, size: int = -1) -> bytes:
        """Some ``size`` bytes; up to three times as many where there are letters beyond ASCII."""
        return self._reader.read(size).encode("utf-8", "replace")


@contextmanager
def _zstd(path: Path) -> Iterator[BinaryIO]:
    program = shutil.which("zstd")
    if program is None:
        raise SourceError(
            f"{path} is compressed with zstd and the program zstd is not here; install it or unpack the file."
        )
    process = subprocess.Popen([program, "-dcq", "--", str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield cast(BinaryIO, process.stdout)
    finally:
        process.stdout.close()
        process.wait()


_DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError)
"""What reading compressed data raises when it is cut off or damaged."""


def head(stream: BinaryIO) -> bytes:
    """The first bytes of a log; none when its compressed data is damaged from the start."""
    try:
        return stream.read(HEAD)
    except _DAMAGED:
        return b""


def _data(stream: BinaryIO, want: int, unread: Unread, name: str) -> bytes:
    """Up to ``want`` bytes, fewer only at the end; what comes before damage in compressed data is kept."""
    blocks: list[bytes] = []
    size = 0
    read = getattr(stream, "read1", stream.read)
    try:
        while size < want and (block := read(want - size)):
            blocks.append(block)
            size += len(block)
    except _DAMAGED:
        unread.add("compressed data that ends too early or is damaged", 1, name)
    return b"".join(blocks)


class Lines:
    """Line numbers of places in a log, counted only when something has to be said about a place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._counted, self._line = 0, 1

    def at(self, place: int) -> int:
        """The number of the line at byte ``place`` of the log's unpacked data; places come in rising order."""
        with opened(self.path) as (stream, _, _), suppress(*_DAMAGED):
            at = stream.seek(self._counted) if stream.seekable() else 0
            while at < place:
                block = stream.read(min(1 << 20, (self._counted if at < self._counted else place) - at))
                if not block:
                    break
                if at >= self._counted:
                    self._line += block.count(b"\n")
                at += len(block)
        self._counted = max(self._counted, place)
        return self._line


def chunks(
    stream: BinaryIO, limit: int | None, border: Callable[[bytes], int], unread: Unread, name: str
) -> Iterator[tuple[bytes, int]]:
    """Cut a stream between records: (whole records, their place in the stream). ``limit``: bytes after which to stop,
    so that a file that grows while it is read has an end."""
    rest, place, taken = b"", 0, 0
    while True:
        want = max(CHUNK, len(rest))
        data = _data(stream, want if limit is None else min(want, limit - taken), unread, name)
        taken += len(data)
        if not data:
            break
        rest = rest + data if rest else data
        cut = border(rest) or (len(rest) if len(rest) > LONGEST else 0)
        if cut:
            yield rest[:cut], place
            place += cut
            rest = rest[cut:]
    if rest:
        yield rest if rest.endswith(b"\n") else rest + b"\n", place


def ahead(made: Iterator[T]) -> Iterator[T]:
    """``made``, each made by a thread while the one before is worked on."""
    with ThreadPoolExecutor(1, thread_name_prefix="log-pieces") as pool:
        upcoming = pool.submit(next, made, None)
        while (one := upcoming.result()) is not None:
            upcoming = pool.submit(next, made, None)
            yield one


def cleaned(piece: bytes, first_line: Callable[[], int], name: str, unread: Unread) -> bytes:
    """``piece`` as valid UTF-8 without NUL; what had to be replaced is counted with its lines."""
    if b"\0" in piece:
        line = first_line() + piece.count(b"\n", 0, piece.index(b"\0"))
        unread.add("NUL bytes left out", piece.count(b"\0"), f"{name}:{line}")
        piece = piece.replace(b"\0", b"")
    wrong = _invalid(piece)
    if wrong is not None:
        line = first_line() + piece.count(b"\n", 0, wrong)
        text = piece.decode("utf-8", "replace")
        unread.add("bytes that are not UTF-8, read as �", max(1, text.count("\ufffd")), f"{name}:{line}")
        piece = text.encode()
    return piece


def has_long_record(piece: bytes, size: int, start: re.Pattern[bytes] | None) -> bool:
    """Whether a record of ``size`` bytes or more may be in ``piece``: half that size without a record's ``start``.

    DuckDB passes silently over a record that is longer than its buffer, so that this must be known before.
    """
    step = size // 2
    for begin in range(0, len(piece) - step, step):
        end = begin + step
        found = piece.find(b"\n", begin, end) >= 0 if start is None else start.search(piece, begin, end) is not None
        if not found:
            return True
    return False


def _invalid(piece: bytes) -> int | None:
    """Where the first byte that is not UTF-8 stands. Decodes a few megabytes at a time to stay small."""
    if piece.isascii():
        return None
    decoder = codecs.getincrementaldecoder("utf-8")()
    view, step = memoryview(piece), 4 << 20
    for start in range(0, len(piece), step):
        try:
            decoder.decode(view[start : start + step], final=start + step >= len(piece))
        except UnicodeDecodeError as error:
            return max(0, start + error.start)
    return None
