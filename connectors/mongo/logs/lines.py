"""A file as JSON lines: unpacked, without a byte order mark, an array written out one document a line."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from connectors.mongo.logs.looking import opened

CHUNK = 1 << 20
"""Bytes that are looked at at once; no line but a very long one needs more room."""
_BLANK_MARKS = (b"\n\n", b"\n\r", b"\n ", b"\n\t")
_BLANK = re.compile(rb"\n[ \t\r]*(?=\n)")
MARK = b"\xef\xbb\xbf"
"""UTF-8's byte order mark."""


def as_lines(path: Path, scratch: Path) -> Path:
    """The file, or where it is one JSON text (mongosh, mongoexport) a file in ``scratch`` with a document a line."""
    with opened(path) as stream:
        head = stream.read(1 << 16)
    first = head.removeprefix(MARK).lstrip().partition(b"\n")[0].strip()
    whole = first[:1] == b"[" or (first[:1] == b"{" and not first.rstrip(b",").endswith(b"}"))
    target = scratch / "documents.jsonl"
    return target if whole and _written_out(path, target) else path


def unpacked(path: Path, target: Path) -> Path:
    """The file where DuckDB can read it as it is, otherwise ``target``, which gets what it holds."""
    with opened(path) as stream, path.open("rb") as raw:
        head = stream.read(CHUNK)
        if raw.read(len(head)) == head and not head.startswith(MARK):
            return path
    with opened(path) as stream, target.open("wb") as out:
        try:
            out.write(stream.read(len(MARK)).removeprefix(MARK))
            shutil.copyfileobj(stream, out, CHUNK)
        except (EOFError, OSError):
            pass  # a compressed file that was cut: what could be unpacked is read
    return target


def measured(path: Path) -> tuple[int, int]:
    """How many lines of a file hold anything, and bytes that are enough for the longest."""
    lines = longest = begun = 0
    before = b"\n"
    with path.open("rb", buffering=0) as stream:
        while piece := stream.read(CHUNK):
            first, last = piece.find(b"\n"), piece.rfind(b"\n")
            begun += len(piece) if first < 0 else first
            longest = max(longest, begun)
            begun = begun if first < 0 else len(piece) - last - 1
            lines += piece.count(b"\n")
            if any(mark in piece for mark in _BLANK_MARKS) or before == b"\n" == piece[:1]:
                lines -= len(_BLANK.findall(before + piece))
            before = piece[-1:]
    return lines + (begun > 0), max(longest, CHUNK)


def _written_out(path: Path, target: Path) -> bool:
    with opened(path) as stream:
        try:
            found = json.loads(stream.read())
        except (ValueError, EOFError, OSError):
            return False
    with target.open("wb") as out:
        for document in found if isinstance(found, list) else [found]:
            out.write(json.dumps(document, separators=(",", ":")).encode() + b"\n")
    return True
