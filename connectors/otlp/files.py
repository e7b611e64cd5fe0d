"""OTLP JSON files -> a Capture. DuckDB unfolds the spans; no span becomes a Python object."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import duckdb

from advisor import captures
from advisor.errors import LogFormatError
from advisor.model.capture import Capture, Coverage, Server
from advisor.model.workload import EVENT_COLUMNS
from advisor.ports import CaptureRequest, Progress, Step, silent
from connectors.otlp.texts import without_values

HEAD = 4096
GZIP = b"\x1f\x8b"
LONGEST_LINE = 32 << 20
"""Bytes of one line: an exporter writes one batch (512 spans by default) a line."""


def is_otlp(path: Path) -> bool:
    """Whether the file, packed with gzip or not, begins like OTLP JSON traces."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == GZIP
        with gzip.open(path) if packed else path.open("rb") as content:
            head = content.read(HEAD).lstrip()
    except (OSError, EOFError, zlib.error):
        return False
    return head.startswith(b"{") and b'"resourceSpans"' in head.replace(b" ", b"")


def read_files(request: CaptureRequest, schema: Path | None = None, progress: Progress = silent) -> Capture:
    """Write the database spans of ``request.logs`` as events into ``request.folder``; returns the capture, saved.

    Raises :class:`LogFormatError` when a file is damaged or holds no trace.
    """
    request.folder.mkdir(parents=True, exist_ok=True)
    progress(Step("Reading traces"))
    events = request.folder / "events.parquet"
    spans, statements = write_events(request.logs, events, keep_values=request.keep_values)
    capture = Capture(
        request.folder,
        Server("postgresql", name=", ".join(path.name for path in request.logs)),
        coverage=_coverage(spans, statements),
        captured_at=datetime.now(UTC),
        values=request.keep_values,
    )
    captures.save(capture)
    return capture


def write_events(paths: Sequence[Path], events: Path, *, keep_values: bool = False) -> tuple[int, int]:
    """Write ``events``; returns (spans seen, database statements among them)."""
    with duckdb.connect(config={"memory_limit": "600MB"}) as database:
        database.execute("SET TimeZone = 'UTC'")
        listed = ", ".join(f"'{captures.quoted(path)}'" for path in paths)
        salt = os.urandom(16).hex()
        script = files("connectors.otlp").joinpath("spans.sql").read_text(encoding="utf-8")
        try:
            database.execute(
                script.replace("{files}", listed).replace("{salt}", salt).replace("{longest}", str(LONGEST_LINE))
            )
            _replace_texts(database, keep_values=keep_values)
            names = ", ".join(f'"{name}"' for name in EVENT_COLUMNS)
            database.execute(
                f"COPY (SELECT {names} FROM otlp_event ORDER BY started_at, unit, line)"
                f" TO '{captures.quoted(events)}' (FORMAT parquet, COMPRESSION zstd)"
            )
            ((spans,),) = database.execute("SELECT count(*) FROM otlp_span").fetchall()
            ((statements,),) = database.execute("SELECT count(*) FROM otlp_event").fetchall()
        except duckdb.Error as error:
            names = ", ".join(path.name for path in paths)
            raise LogFormatError(
                f"{names} cannot be read as OTLP JSON lines; pass the file exporter's output, one batch a line."
            ) from error
    return spans, statements


def _replace_texts(database: duckdb.DuckDBPyConnection, *, keep_values: bool) -> None:
    """Take the literals out of each distinct text; a few hundred of them, not one a span."""
    texts = [text for (text,) in database.execute("SELECT DISTINCT raw_text FROM otlp_statement").fetchall()]
    database.execute("CREATE TEMP TABLE otlp_text (raw_text VARCHAR, text VARCHAR)")
    for start in range(0, len(texts), 500):
        chunk = texts[start : start + 500]
        values = [value for text in chunk for value in (text, text if keep_values else without_values(text))]
        database.execute(f"INSERT INTO otlp_text VALUES {', '.join(['(?, ?)'] * len(chunk))}", values)
    database.execute("CREATE TEMP VIEW otlp_event AS SELECT * FROM otlp_statement JOIN otlp_text USING (raw_text)")


def _coverage(spans: int, statements: int) -> tuple[Coverage, ...]:
    found = [Coverage("database spans", bool(statements), f"{statements} of {spans} spans", count=statements)]
    if not statements:
        found[0] = Coverage(
            "database spans",
            False,
            f"none of {spans} spans has db.query.text or db.statement",
            "enable the instrumentation of the database driver in the application",
            0,
        )
    found.append(
        Coverage(
            "values of statements",
            False,
            "traces rarely carry parameters, so that repeats with equal values look like different ones",
            "read the server's log as well",
        )
    )
    return tuple(found)
