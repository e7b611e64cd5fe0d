"""A Capture from files alone: server logs or pasted plans, with ``pg_dump``'s text as the catalog where it is given."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from advisor import captures
from advisor.errors import SourceError
from advisor.model.capture import Capture, Coverage, Server
from advisor.model.catalog import Catalog, TableUsage
from advisor.model.plan import Plan
from advisor.ports import CaptureRequest, Progress, Step, silent
from connectors.postgres import assumed, logs
from connectors.postgres.plan import parse_plan
from connectors.postgres.shadow import load_schema
from connectors.postgres.statistics_file import HOW

PLAN_BYTES = 16 << 20
"""A pasted plan is smaller than this; anything larger is read as a log."""

_PLAN_MARK = re.compile(
    r'\(cost=\d|"Node Type"\s*:|^\s*-?\s*Node Type:|<Node-Type>|\(actual (?:time|rows)=', re.MULTILINE
)
_LOG_MARK = re.compile(r"\bduration: \d|\bLOG:|^\S+ \S+ \S+,\"|\"error_severity\"", re.MULTILINE)
_CONNECT = re.compile(r'^\\connect (?:-reuse-previous=on )?(?:"dbname=\'([^\']+)\'"|"?([^"\s]+)"?)$', re.MULTILINE)
"""What ``pg_dump --create`` writes before a database's contents."""

_DUMPED_FROM = re.compile(r"^-- Dumped from database version (\S+)", re.MULTILINE)


def looks_like_plan(path: Path) -> bool:
    """Whether a file holds EXPLAIN's output rather than a log (which may hold plans too, from auto_explain)."""
    if path.stat().st_size > PLAN_BYTES:
        return False
    head = path.read_bytes()[:200_000].decode("utf-8", errors="replace")
    return bool(_PLAN_MARK.search(head)) and not _LOG_MARK.search(head)


def read_files(request: CaptureRequest, schema: Path | None = None, progress: Progress = silent) -> Capture:
    """Read ``request.logs`` (logs, or plans) into ``request.folder`` and return the Capture, saved.

    Raises :class:`SourceError` when a file cannot be read, :class:`~advisor.errors.LogFormatError` when none
    of them is a log or plan.
    """
    for path in request.logs:
        if not path.is_file():
            raise SourceError(f"{path} is not a file; pass log files, a plan, a capture or a database URL.")
    request.folder.mkdir(parents=True, exist_ok=True)
    plans = [plan for path in request.logs if looks_like_plan(path) for plan in _plans_of(path)]
    log_files = [path for path in request.logs if not looks_like_plan(path)]
    capture = Capture(request.folder, Server("postgresql", name=request.logs[0].name), captured_at=datetime.now(UTC))
    if log_files:
        capture = _with_logs(capture, log_files, request, _database_of(schema), progress)
    capture = replace(capture, plans=(*capture.plans, *plans), values=request.keep_values)
    capture = _with_schema(capture, schema, progress)
    captures.save(capture)
    return capture


def _plans_of(path: Path) -> list[Plan]:
    return parse_plan(path.read_text(encoding="utf-8", errors="replace"))


def _database_of(schema: Path | None) -> str:
    """The database whose dump ``schema`` is, where it tells; '' otherwise."""
    if schema is None or not schema.is_file():
        return ""
    with schema.open(encoding="utf-8", errors="replace") as dump:
        found = _CONNECT.search(dump.read(20_000))
    return (found[1] or found[2]) if found else ""


def _with_logs(
    capture: Capture, log_files: Sequence[Path], request: CaptureRequest, database_name: str, progress: Progress
) -> Capture:
    reading = logs.read(
        log_files,
        capture.events,
        keep_values=request.keep_values,
        log_format=request.log_format,
        log_line_prefix=request.log_line_prefix,
        database_name=database_name,
        progress=progress,
    )
    return replace(
        capture,
        coverage=reading.coverage,
        plans=reading.plans,
        window_started_at=reading.window_started_at,
        window_ended_at=reading.window_ended_at,
    )


def _with_schema(capture: Capture, schema: Path | None, progress: Progress) -> Capture:
    if schema is None:
        unjudged = Coverage(
            "catalog",
            seen=False,
            detail="Logs alone tell no tables, indexes or statistics: indexes and unused indexes were not judged.",
            remedy="Add --schema dump.sql, made by: pg_dump --no-data --statistics DATABASE (pg_dump 18); with an "
            f"older one: pg_dump --schema-only DATABASE > dump.sql; {HOW}",
        )
        return replace(capture, coverage=(*capture.coverage, unjudged))
    if not schema.is_file():
        raise SourceError(f"{schema} is not a file; --schema takes the text that pg_dump --schema-only writes.")
    progress(Step(f"Reading the schema from {schema.name}"))
    shutil.copyfile(schema, capture.schema_sql)
    head = schema.read_bytes()[:20_000].decode("utf-8", errors="replace")
    version = found[1] if (found := _DUMPED_FROM.search(head)) else ""
    number = int(version.split(".")[0]) * 10_000 if version.split(".")[0].isdigit() else 0
    server = replace(capture.server, version=version, version_number=number)
    uncounted = Coverage(
        "usage counters",
        seen=False,
        detail="A dump does not tell how often an index is used: unused indexes were not looked for.",
        remedy="Scan the database itself to find them.",
    )
    catalog, coverage = _without_usage(load_schema(schema)), (*capture.coverage, uncounted)
    if not assumed.has_statistics(catalog):
        catalog = assumed.assume(catalog)
        capture.statistics_sql.write_text(assumed.statistics_of(catalog), encoding="utf-8")
        coverage = (*coverage, assumed.coverage(HOW))
    return replace(capture, server=server, catalog=catalog, coverage=coverage)


def _without_usage(catalog: Catalog) -> Catalog:
    """Take out the counters of the server that read the dump, which nobody ever queried."""
    tables = tuple(
        replace(
            table,
            usage=TableUsage(),
            indexes=tuple(replace(index, scans=None, last_used_at=None) for index in table.indexes),
        )
        for table in catalog.tables
    )
    return replace(catalog, tables=tables, stats_reset_at=None)
