"""A Capture from files alone: logs and profiler documents, explain outputs, and a catalog file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from advisor import captures
from advisor.errors import SourceError
from advisor.model.capture import Capture, Coverage, Server
from advisor.model.catalog import TableName
from advisor.ports import CaptureRequest, Progress, Step, silent
from connectors.mongo import logs
from connectors.mongo.catalog_documents import with_fields
from connectors.mongo.catalog_file import read_catalog_file
from connectors.mongo.catalog_script import HOW
from connectors.mongo.explain_files import explain_file, holds_explains, too_deep
from connectors.mongo.logs.looking import Kind, by_looking
from connectors.mongo.summaries import namespace
from connectors.mongo.wrapped import is_wrapped, unwrapped

PRODUCT = "mongodb"


def owns_files(paths: Sequence[Path], schema: Path | None = None) -> bool:
    """Whether any of the files is MongoDB's: a structured log, profiler documents or an explain."""
    kinds = [_kind(path) for path in paths if path.is_file()]
    return any(kind is not None and kind is not Kind.CATALOG for kind in kinds)


def read_files(request: CaptureRequest, schema: Path | None = None, progress: Progress = silent) -> Capture:
    """Read ``request.logs`` (logs, profiler documents, explains) into ``request.folder``; return the Capture, saved.

    Raises :class:`SourceError` when a file cannot be read or is nothing of MongoDB's.
    """
    request.folder.mkdir(parents=True, exist_ok=True)
    kinds = {path: _kind(path) for path in request.logs}
    strange = next((path for path, kind in kinds.items() if kind is None), None)
    if strange is not None:
        raise SourceError(f"{strange} is neither a mongod log, nor profiler documents, nor an explain; leave it out.")
    catalogs = [path for path, kind in kinds.items() if kind is Kind.CATALOG]
    schema = schema or next(iter(catalogs), None)
    catalog, version = (None, "")
    if schema is not None:
        progress(Step(f"Reading the catalog from {schema.name}"))
        catalog, version = read_catalog_file(schema)
    capture = Capture(
        request.folder,
        server_of(version, request.logs[0].name),
        catalog,
        captured_at=datetime.now(UTC),
        values=request.keep_values,
    )
    read = [path for path, kind in kinds.items() if kind in (Kind.LOG, Kind.PROFILE)]
    if read:
        with TemporaryDirectory(dir=request.folder, prefix=".plain-") as folder:
            plain = [
                path if by_looking(path) else unwrapped(path, Path(folder) / str(number))
                for number, path in enumerate(read)
            ]
            capture = _with_logs(capture, plain, request, progress)
    explains = [path for path, kind in kinds.items() if kind is Kind.EXPLAIN]
    capture = replace(capture, plans=(*capture.plans, *(plan for path in explains for plan in explain_file(path))))
    if catalog is None:
        capture = replace(capture, coverage=(*capture.coverage, _no_catalog()))
    captures.save(capture)
    return capture


def _kind(path: Path) -> Kind | None:
    """What a file holds. Raises :class:`SourceError` too where it is nested too deep to be looked at."""
    try:
        kind = by_looking(path) or (Kind.LOG if is_wrapped(path) else None)
        return kind or (Kind.EXPLAIN if holds_explains(path) else None)
    except RecursionError:
        raise too_deep(path) from None


def server_of(version: str, name: str) -> Server:
    """The server as far as its version tells: 7.0.12 is 70012."""
    parts = [int(part) for part in version.split("-")[0].split(".")[:3] if part.isdigit()]
    number = sum(part * scale for part, scale in zip(parts, (10_000, 100, 1), strict=False))
    return Server(PRODUCT, version, number, name)


def _with_logs(capture: Capture, paths: Sequence[Path], request: CaptureRequest, progress: Progress) -> Capture:
    reading = logs.read(paths, capture.events, keep_values=False, catalog=capture.catalog, progress=progress)
    server = capture.server
    if reading.version and not server.version:
        server = server_of(reading.version, server.name)
    catalog = capture.catalog
    if catalog is not None:
        catalog = with_fields(catalog, _fields(plan.text for plan in reading.plans))
    return replace(
        capture,
        server=server,
        catalog=catalog,
        coverage=reading.coverage,
        plans=reading.plans,
        window_started_at=reading.window_started_at,
        window_ended_at=reading.window_ended_at,
    )


def _fields(texts: Iterator[str]) -> Iterator[tuple[TableName, str]]:
    """Fields that filters and sorts name, top level of conditions and below $and and $or."""
    for text in texts:
        table = namespace(text)
        if table is None:
            continue
        command = json.loads(text)
        matches = [stage["$match"] for stage in command.get("pipeline", ())[:1] if "$match" in stage]
        for condition in [command.get("filter", {}), command.get("sort", {}), *matches]:
            yield from ((table, field) for field in _names(condition))


def _names(condition: object) -> Iterator[str]:
    if isinstance(condition, dict):
        for key, value in condition.items():
            if key in ("$and", "$or", "$nor"):
                for part in value:
                    yield from _names(part)
            elif not key.startswith("$"):
                yield key


def _no_catalog() -> Coverage:
    return Coverage(
        "catalog",
        seen=False,
        detail="Logs alone tell no indexes, sizes or uses: what exists already and what is unused was not judged.",
        remedy=f"Add --schema catalog.json, written by: {HOW}",
    )
