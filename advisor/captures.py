"""Captures on disk: a folder, or its zip. Connectors write them, the pipeline reads them."""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from advisor.errors import CaptureError
from advisor.model.capture import FORMAT_VERSION, LOG_TABLES, Capture
from advisor.model.codec import decode, encode
from advisor.model.workload import EVENT_COLUMNS, STATEMENT_COLUMNS

FACTS = "capture.json"
PLANS = "plans.jsonl"
FILES = (
    FACTS,
    PLANS,
    "events.parquet",
    "statements.parquet",
    *(f"log_{name}.parquet" for name in LOG_TABLES),
    "schema.sql",
    "statistics.sql",
)


def is_capture(path: Path) -> bool:
    """Whether ``path`` is a capture folder or a zip of one."""
    if path.is_dir():
        return (path / FACTS).is_file()
    if path.suffix != ".zip" or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return FACTS in archive.namelist()


def save(capture: Capture) -> None:
    """Write ``capture.json`` and ``plans.jsonl`` into the capture's folder; the Parquet files are there already."""
    capture.folder.mkdir(parents=True, exist_ok=True)
    facts = encode(replace(capture, plans=()))
    facts.pop("folder")
    facts["format_version"] = FORMAT_VERSION
    (capture.folder / FACTS).write_text(json.dumps(facts, indent=1, sort_keys=True), encoding="utf-8")
    with (capture.folder / PLANS).open("w", encoding="utf-8") as lines:
        for plan in capture.plans:
            lines.write(json.dumps(encode(plan), sort_keys=True) + "\n")


def load(path: Path) -> Capture:
    """Open a capture folder or zip. A zip is unpacked into a private folder that goes with the Capture.

    Raises :class:`CaptureError` when files are missing, damaged or of another format version.
    """
    folder, temporary = (path, None) if path.is_dir() else _unpack(path)
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        version = facts.get("format_version")
        if version != FORMAT_VERSION:
            raise CaptureError(
                f"{path} has capture format {version}, this advisor reads {FORMAT_VERSION}; capture again."
            )
        capture = decode(Capture, {**facts, "folder": str(folder), "plans": list(_plans(folder / PLANS))})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CaptureError(f"{path} is not a readable capture ({error}); capture again.") from error
    if temporary is not None:
        weakref.finalize(capture, temporary.cleanup)
    return capture


def pack(folder: Path, archive: Path) -> None:
    """Write a capture folder's files into a zip; the zip appears whole or not at all."""
    partial = archive.with_suffix(archive.suffix + ".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as target:
        for name in FILES:
            if (folder / name).exists():
                target.write(folder / name, name)
    partial.replace(archive)


def write_rows(path: Path, columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> int:
    """Write small row sets (server aggregates, tests) as Parquet with exactly ``columns``; returns the count.

    Logs never come this way: a log format is a DuckDB relation over the raw file.
    """
    with duckdb.connect() as database:
        declared = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        database.execute(f"CREATE TABLE rows ({declared})")
        values = [tuple(row.get(name) for name in columns) for row in rows]
        if values:
            marks = ", ".join("?" for _ in columns)
            database.executemany(f"INSERT INTO rows VALUES ({marks})", values)
        database.execute(f"COPY rows TO '{quoted(path)}' (FORMAT parquet, COMPRESSION zstd)")
        return len(values)


def write_events(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write QueryEvents given as mappings of :data:`EVENT_COLUMNS`."""
    return write_rows(path, EVENT_COLUMNS, rows)


def write_statements(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write server-side aggregates given as mappings of :data:`STATEMENT_COLUMNS`."""
    return write_rows(path, STATEMENT_COLUMNS, rows)


def quoted(path: Path | str) -> str:
    """A path as it stands between single quotes in DuckDB's SQL."""
    return str(path).replace("'", "''")


def _plans(path: Path) -> Iterable[Any]:
    if path.exists():
        with path.open(encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines if line.strip())


def _unpack(archive: Path) -> tuple[Path, tempfile.TemporaryDirectory[str]]:
    temporary = tempfile.TemporaryDirectory(prefix="advisor-capture-")
    try:
        with zipfile.ZipFile(archive) as source:
            for name in FILES:
                if name in source.namelist():
                    with source.open(name) as packed, (Path(temporary.name) / name).open("wb") as target:
                        shutil.copyfileobj(packed, target)
    except (OSError, zipfile.BadZipFile) as error:
        temporary.cleanup()
        raise CaptureError(f"{archive} is not a readable capture ({error}); capture again.") from error
    return Path(temporary.name), temporary
