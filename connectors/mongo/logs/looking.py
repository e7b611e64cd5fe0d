"""What a file is, told by its first lines."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Iterator
from enum import StrEnum
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from advisor.errors import SourceError
from connectors.mongo.shell_text import documents

SHELL_TEXT = 4 << 20
"""Bytes up to which a file is taken for a shell's text with an explain in it."""
LOOKED_AT = 400
"""Lines that are looked at before a file is given up: a log may open with lines that are none (a shell's)."""

_OPENERS: dict[bytes, Any] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}


_OF_A_LEAF = ("direction", "keyPattern", "indexName", "nReturned")
"""What stands beside the name of a stage that reads."""


class Kind(StrEnum):
    """A file that this connector reads."""

    LOG = "log"
    PROFILE = "profile"
    EXPLAIN = "explain"
    CATALOG = "catalog"


def opened(path: Path) -> BufferedIOBase:
    """Open a file, compressed or not. Raises :class:`SourceError` when it cannot be opened."""
    try:
        with path.open("rb") as stream:
            head = stream.read(6)
        opener = next((way for magic, way in _OPENERS.items() if head.startswith(magic)), None)
        return opener(path, "rb") if opener else path.open("rb")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from error


def by_looking(path: Path) -> Kind | None:
    """What ``path`` holds; ``None``: nothing of MongoDB's. Raises :class:`SourceError` if it cannot be read."""
    return next((kind for document in _documents(path) if (kind := kind_of(document)) is not None), None)


def _documents(path: Path) -> Iterator[Any]:
    """The JSON documents of the first lines, or the whole file as one."""
    with opened(path) as stream:
        try:
            head = [line.strip().lstrip(b"\xef\xbb\xbf") for _, line in zip(range(LOOKED_AT), stream, strict=False)]
        except (OSError, EOFError):
            return
    for line in head:
        if line.startswith(b"{") and line.rstrip(b",").endswith(b"}"):
            try:
                yield json.loads(line.rstrip(b","))
            except ValueError:
                continue
    if head and head[0][:1] in (b"{", b"["):
        with opened(path) as stream:
            try:
                whole = json.loads(stream.read(64 << 20))
            except (ValueError, OSError, EOFError):
                whole = []
        yield from whole if isinstance(whole, list) else [whole]
    yield from _printed(path)


def _printed(path: Path) -> Iterator[Any]:
    """The documents of a short file that holds what a shell printed of an explain."""
    with opened(path) as stream:
        try:
            text = stream.read(SHELL_TEXT + 1)
        except (OSError, EOFError):
            return
    if len(text) <= SHELL_TEXT and any(name in text for name in (b"queryPlanner", b"stage", b"Stages", b"shards")):
        yield from documents(text.decode("utf-8", errors="replace"))


def kind_of(document: Any) -> Kind | None:
    """What a document is; ``None``: nothing of MongoDB's."""
    if not isinstance(document, dict):
        return None
    if {"t", "s", "c", "msg"} <= document.keys() and isinstance(document["t"], dict):
        return Kind.LOG
    if {"op", "ns", "ts"} <= document.keys() and {"millis", "command", "execStats"} & document.keys():
        return Kind.PROFILE
    if isinstance(document.get("collections"), dict):
        return Kind.CATALOG
    explains = {"queryPlanner", "stages", "shards", "executionStats", "executionStages", "splitPipeline", "winningPlan"}
    plan = isinstance(document.get("stage"), str) and {"inputStage", "inputStages", *_OF_A_LEAF} & document.keys()
    if explains & document.keys() or plan or isinstance(document.get("explain"), dict):
        return Kind.EXPLAIN
    return None
