"""A Capture from files alone: logs and profiler documents, explain outputs, and a catalog file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from advisor import captures
from advisor.errors import SourceError
from advisor.model.capture import Capture, Coverage, Server
from advisor.model.catalog import TableName
from advisor.model.plan import Plan
from advisor.ports import CaptureRequest, Progress, Step, silent
from connectors.mongo import logs, shell_text
from connectors.mongo.catalog_documents import with_fields
from connectors.mongo.catalog_file import read_catalog_file
from connectors.mongo.catalog_script import HOW
from connectors.mongo.logs.looking import Kind, by_looking
from connectors.mongo.plan import parse_explain
from connectors.mongo.summaries import namespace
from connectors.mongo.wrapped import is_wrapped, unwrapped

PRODUCT = "mongodb"
MOST_LEVELS = 240
"""Levels of an explain that are read: the server lets a document have 200 (BSONDepth); some more, for good measure."""
_STAGES = frozenset(
    {"queryPlanner", "winningPlan", "queryPlan", "executionStats", "executionStages", "stages", "shards", "inputStage",
     "inputStages"}
)  # fmt: skip


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
        return by_looking(path) or (Kind.LOG if is_wrapped(path) else None)
    except RecursionError:
        raise _too_deep(path) from None


def _too_deep(path: Path) -> SourceError:
    return SourceError(f"{path} is nested deeper than any document of MongoDB can be; leave it out.")


def _is_deeper(value: object, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(_is_deeper(part, levels - 1) for part in inner)


def server_of(version: str, name: str) -> Server:
    """The server as far as its version tells: 7.0.12 is 70012."""
    parts = [int(part) for part in version.split("-")[0].split(".")[:3] if part.isdigit()]
    number = sum(part * scale for part, scale in zip(parts, (10_000, 100, 1), strict=False))
    return Server(PRODUCT, version, number, name)


def explain_file(path: Path) -> list[Plan]:
    """The plans in a file of explain outputs: one document, an array, one a line, or as a shell printed them.

    Raises :class:`SourceError` when a shell left out stages of the plan.
    """
    with logs.looking.opened(path) as stream:
        text = stream.read().decode("utf-8-sig", errors="replace")
    found = [document for document in _explains(text) if logs.looking.kind_of(document) is Kind.EXPLAIN]
    if any(_is_deeper(document, MOST_LEVELS) for document in found):
        raise _too_deep(path)
    found = [_with_whole_figures(document) for document in found]
    if any(_is_cut(document) for document in found):
        raise SourceError(
            f"{path} lacks stages of the plan, which the shell left out; print it whole: "
            "print(EJSON.stringify(db.COLLECTION.find(…).explain('executionStats')))"
        )
    return [parse_explain(document) for document in found]


def _explains(text: str) -> list[Any]:
    """The documents of a text: JSON as a whole, JSON line by line, or what a shell printed."""
    try:
        whole = json.loads(text)
        return whole if isinstance(whole, list) else [whole]
    except ValueError:
        pass
    try:
        lines = [json.loads(line) for line in text.splitlines() if line.strip().startswith("{")]
    except ValueError:
        lines = []
    return lines or list(shell_text.documents(text))


def _with_whole_figures(document: dict[str, Any]) -> dict[str, Any]:
    """The explain without an executed tree that a shell cut: the plan's own tree and the totals tell as much."""
    stats = document.get("executionStats")
    if "queryPlanner" not in document or not isinstance(stats, dict) or not _is_cut(stats):
        return document
    return {**document, "executionStats": {name: stats[name] for name in stats if name != "executionStages"}}


def _is_cut(value: object) -> bool:
    """Whether a shell put a word in a stage's place."""
    if isinstance(value, list):
        return any(_is_cut(part) for part in value)
    if not isinstance(value, dict):
        return False
    for key, part in value.items():
        here = part if isinstance(part, list) else [part]
        if (key in _STAGES and shell_text.ELIDED in here) or _is_cut(part):
            return True
    return False


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
