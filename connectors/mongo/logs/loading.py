"""One file's lines -> rows of the table ``taken``: each line's JSON is parsed once, every fact a column."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import duckdb

from advisor.captures import quoted
from connectors.mongo.logs import fields
from connectors.mongo.logs.looking import Kind, opened
from connectors.mongo.logs.queries import query
from connectors.mongo.logs.skeleton import layers

CHUNK = 1 << 20
"""Bytes that are looked at at once; no line but a very long one needs more room."""
_BLANK_MARKS = (b"\n\n", b"\n\r", b"\n ", b"\n\t")
_BLANK = re.compile(rb"\n[ \t\r]*(?=\n)")
WANTED = "id IN ('51803', '23403') OR id IS NULL"
"""Log lines that are looked into: slow queries, the server's build, and what is no log line."""
_MARK = b"\xef\xbb\xbf"


def load(database: duckdb.DuckDBPyConnection, path: Path, kind: Kind, scratch: Path, key: str) -> None:
    """Take one file's lines apart into the table ``taken``, in their order, and count them.

    ``key`` is that of this capture's digests; ``scratch`` takes what must be unpacked first.
    """
    plain = _plain(path, scratch)
    lines, longest = _measured(plain)
    operations = query(
        "operation",
        read=_documents(plain, kind, longest),
        wanted=WANTED if kind is Kind.LOG else "true",
        facts=fields.selection(kind),
        asked=fields.written_out(),
    )
    asked = layers(f"({query('questions', key=key, operations=operations)})", "plain")
    skeletons = f"SELECT * EXCLUDE (plain, insists), hash(operation, ns, plain, insists) AS question FROM {asked}"
    insert = "INSERT INTO taken BY NAME" if _exists(database) else "CREATE TEMP TABLE taken AS"
    database.execute(f"{insert} {skeletons}", {"source": path.name, "kind": kind.value})
    database.execute("INSERT INTO counted VALUES (?)", [lines])


def _exists(database: duckdb.DuckDBPyConnection) -> bool:
    return bool(database.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'taken'").fetchall())


def _documents(path: Path, kind: Kind, room: int) -> str:
    """The relation of a file's documents, one a line; a line that is none has no value in any column."""
    return (
        f"read_json('{quoted(path)}', columns = {fields.columns(kind)}, format = 'newline_delimited',"
        f" ignore_errors = true, maximum_object_size = {room})"
    )


def _measured(path: Path) -> tuple[int, int]:
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


def _plain(path: Path, scratch: Path) -> Path:
    """The file as JSON lines, uncompressed and without a byte order mark.

    A JSON array (mongosh, mongoexport) is written out one document a line.
    """
    with opened(path) as stream:
        head = stream.read(1 << 16)
    with path.open("rb") as raw:
        as_it_is = raw.read(len(head)) == head and not head.startswith(_MARK)
    first = head.removeprefix(_MARK).lstrip().partition(b"\n")[0].strip()
    whole = first[:1] == b"[" or (first[:1] == b"{" and not first.rstrip(b",").endswith(b"}"))
    target = scratch / "documents.jsonl"
    if whole and _written_out(path, target):
        return target
    return path if as_it_is else _unpacked(path, target)


def _written_out(path: Path, target: Path) -> bool:
    """Whether the file is one JSON text, which is then written to ``target``."""
    with opened(path) as stream:
        try:
            found = json.loads(stream.read())
        except (ValueError, EOFError, OSError):
            return False
    with target.open("wb") as out:
        for document in found if isinstance(found, list) else [found]:
            out.write(json.dumps(document, separators=(",", ":")).encode() + b"\n")
    return True


def _unpacked(path: Path, target: Path) -> Path:
    with opened(path) as stream, target.open("wb") as out:
        try:
            if (start := stream.read(len(_MARK))) != _MARK:
                out.write(start)
            shutil.copyfileobj(stream, out, 1 << 20)
        except (EOFError, OSError):
            pass  # a compressed file that was cut: what could be unpacked is read
    return target
