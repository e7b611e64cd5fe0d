"""One file's lines -> rows of the tables ``taken`` and ``example``, by the compiled reader or by SQL."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from io import BufferedReader
from pathlib import Path

import duckdb

from advisor.captures import quoted
from advisor.ports import Progress, Step, silent
from connectors.compiled import is_built
from connectors.mongo.logs import fields
from connectors.mongo.logs.lines import MARK, as_lines, measured, unpacked
from connectors.mongo.logs.looking import Kind, opened
from connectors.mongo.logs.queries import query
from connectors.mongo.logs.skeleton import layers
from connectors.mongo.logs.slow import EXAMPLES, OPERATIONS, SlowLines

WANTED = "id IN ('51803', '23403') OR id IS NULL"
"""Log lines that are looked into: slow queries, the server's build, and what is no log line."""
PIECE = 32 << 20
"""Bytes that the compiled reader takes at once."""
READERS, AHEAD = 2, 3
"""Pieces that are read at a time, and those that are held."""


class Loader:
    """Takes files apart into the tables of ``tables.sql``, in the order of their lines, and counts these.

    ``key`` is that of this capture's digests; ``scratch`` takes what must be unpacked first.
    """

    def __init__(self, database: duckdb.DuckDBPyConnection, scratch: Path, key: str) -> None:
        self._database = database
        self._scratch = scratch
        self._key = key
        self._taken = 0
        database.execute(query("tables"))

    def load(self, path: Path, kind: Kind, progress: Progress = silent) -> None:
        """Read one file; ``kind``: a log's or the profiler's."""
        progress(Step(f"Reading {path.name}"))
        lines = as_lines(path, self._scratch)
        if kind is Kind.LOG and is_built():
            self._read(lines, path.name, progress)
        else:
            self._query(unpacked(lines, self._scratch / "unpacked.jsonl"), path.name, kind)

    def _read(self, path: Path, source: str, progress: Progress) -> None:
        """Let the compiled reader take pieces of a log apart, some ahead of the one that is being stored."""
        with ExitStack() as held:
            stream = held.enter_context(opened(path))
            spare = [held.enter_context(closing(SlowLines(self._key, PIECE))) for _ in range(AHEAD)]
            pool = held.enter_context(ThreadPoolExecutor(READERS))
            waiting: deque[tuple[SlowLines, Future[bool]]] = deque()
            begun = stream.read(len(MARK)).removeprefix(MARK)
            # How much a compressed file holds is not known before its end.
            size = path.stat().st_size if isinstance(stream, BufferedReader) else 0
            while True:
                progress(Step(f"Reading {source}", stream.tell(), size, "B"))
                if not spare:
                    spare.append(self._store(*waiting.popleft(), source))
                reader = spare.pop()
                begun = reader.take(begun, stream)
                if reader.is_empty:
                    break
                waiting.append((reader, pool.submit(reader.read)))
            while waiting:
                self._store(*waiting.popleft(), source)

    def _store(self, reader: SlowLines, is_read: Future[bool], source: str) -> SlowLines:
        """Store what was read of a piece; SQL reads one of which the compiled reader cannot tell everything."""
        if is_read.result():
            self._insert(reader, OPERATIONS, query("stored"), {"source": source})
            self._insert(reader, EXAMPLES, query("stored_examples"), {"before": self._taken})
            self._count(reader.lines, reader.operations)
        else:
            piece = self._scratch / "piece.jsonl"
            piece.write_bytes(reader.text)
            self._query(piece, source, Kind.LOG)
        return reader

    def _insert(self, reader: SlowLines, which: int, statement: str, values: dict[str, object]) -> None:
        self._database.register("slow", reader.stream(which))
        self._database.execute(statement, values)
        self._database.unregister("slow")

    def _query(self, path: Path, source: str, kind: Kind) -> None:
        """Let DuckDB take a file of JSON lines apart: each line's JSON is parsed once, every fact a column."""
        lines, longest = measured(path)
        operations = query(
            "operation",
            read=_documents(path, kind, longest),
            wanted=WANTED if kind is Kind.LOG else "true",
            facts=fields.selection(kind),
            asked=fields.written_out(),
        )
        asked = layers(f"({query('questions', key=self._key, operations=operations)})", "plain")
        skeletons = f"SELECT * EXCLUDE (plain, insists), hash(operation, ns, plain, insists) AS question FROM {asked}"
        self._database.execute(f"CREATE TEMP TABLE read_now AS {skeletons}", {"source": source, "kind": kind.value})
        self._database.execute("INSERT INTO taken BY NAME SELECT * EXCLUDE (asked) FROM read_now")
        self._database.execute(query("examples"), {"before": self._taken})
        row = self._database.execute("SELECT count(*) FROM read_now").fetchone()
        self._database.execute("DROP TABLE read_now")
        self._count(lines, row[0] if row else 0)

    def _count(self, lines: int, operations: int) -> None:
        self._database.execute("INSERT INTO counted VALUES (?)", [lines])
        self._taken += operations


def _documents(path: Path, kind: Kind, room: int) -> str:
    """The relation of a file's documents, one a line; a line that is none has no value in any column."""
    return (
        f"read_json('{quoted(path)}', columns = {fields.columns(kind)}, format = 'newline_delimited',"
        f" ignore_errors = true, maximum_object_size = {room})"
    )
