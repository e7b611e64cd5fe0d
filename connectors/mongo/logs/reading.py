"""Read logs and profiler documents into ``events.parquet``."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from advisor.captures import quoted, write_events
from advisor.errors import LogFormatError
from advisor.model.capture import Coverage
from advisor.model.catalog import Catalog
from advisor.model.plan import Plan
from advisor.ports import Progress, Step, silent
from connectors.mongo.commands import canonical
from connectors.mongo.logs import fields
from connectors.mongo.logs.looking import Kind, by_looking, opened
from connectors.mongo.logs.skeleton import skeleton
from connectors.mongo.summaries import plans_of

MEMORY_LIMIT = "1GB"


@dataclass(frozen=True, slots=True)
class LogReading:
    """What was read. ``unread``: (reason, lines); ``lines`` counts all that were looked at. Times are UTC.

    ``examples``: a command as it was sent, by its canonical text; it holds values and stays in the process.
    """

    events: int
    lines: int = 0
    coverage: tuple[Coverage, ...] = ()
    plans: tuple[Plan, ...] = ()
    window_started_at: datetime | None = None
    window_ended_at: datetime | None = None
    unread: tuple[tuple[str, int], ...] = ()
    version: str = ""
    replica_set: bool = False
    examples: tuple[tuple[str, str, str], ...] = ()


def read(
    paths: Sequence[Path],
    events: Path,
    *,
    keep_values: bool = False,
    catalog: Catalog | None = None,
    progress: Progress = silent,
) -> LogReading:
    """Read logs and profiler documents (JSON lines), rotated files in the order of time, and write ``events``.

    An operation that stands both in a log and in the profiler is one event. ``keep_values`` keeps an example of each
    command in the reading, never in the file. Raises :class:`~advisor.errors.SourceError` when a file cannot be
    opened, :class:`LogFormatError` when one holds neither.
    """
    events.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=events.parent, prefix=".logs-") as scratch,
        duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "temp_directory": scratch}) as database,
    ):
        database.execute("SET TimeZone = 'UTC'")
        database.execute(_sql("tables"))
        for number, path in enumerate(paths):
            progress(Step(f"Reading {path.name}", number, len(paths), "files"))
            kind = by_looking(path)
            if kind not in (Kind.LOG, Kind.PROFILE):
                raise LogFormatError(
                    f"{path} is neither a mongod log (JSON, 4.4 or later) nor documents of system.profile."
                )
            _load(database, path, kind, Path(scratch))
        return _digested(database, events, catalog, keep_values, progress)


def _load(database: duckdb.DuckDBPyConnection, path: Path, kind: Kind, scratch: Path) -> None:
    """Take one file's lines apart into the table ``operation``, and count those that are none."""
    plain = _plain(path, scratch)
    wanted = "contains(line, '51803') OR contains(line, '23403')" if kind is Kind.LOG else "line <> ''"
    database.execute(
        f"""CREATE OR REPLACE TEMP TABLE raw AS
        SELECT length(trim(line)) > 0 AS filled, {wanted} AS wanted, wanted AND json_valid(line) AS valid,
            CASE WHEN valid THEN json_extract_string(line, ['$.id', '$.attr.buildInfo.version']) END AS head,
            CASE WHEN valid THEN json_extract_string(line, {fields.paths(kind)}) END AS facts
        FROM read_csv('{quoted(plain)}', columns = {{'line': 'VARCHAR'}}, delim = '\x1f', quote = '', escape = '',
            header = false, auto_detect = false, max_line_size = 67108864, strict_mode = false, ignore_errors = true)"""
    )
    names = {"source": path.name, "kind": kind.value}
    database.execute(
        "INSERT INTO counted SELECT count(*) FILTER (filled), count(*) FILTER (filled AND NOT wanted),"
        " count(*) FILTER (wanted AND NOT valid) FROM raw"
    )
    slow = "valid AND head[1] = '51803'" if kind is Kind.LOG else "valid"
    database.execute(
        f"INSERT INTO operation BY NAME SELECT $source AS source, $kind AS kind, rowid + 1 AS line,"
        f" {fields.selection(kind)} FROM raw WHERE {slow}",
        names,
    )
    if kind is Kind.LOG:
        database.execute(
            "INSERT INTO counted SELECT 0, count(*), 0 FROM raw WHERE valid AND head[1] IS DISTINCT FROM '51803'"
        )
        database.execute(
            "INSERT INTO build SELECT head[2] FROM raw WHERE valid AND head[1] = '23403' AND head[2] IS NOT NULL"
        )


def _plain(path: Path, scratch: Path) -> Path:
    """The file as JSON lines, uncompressed: a JSON array (mongosh, mongoexport) is written out one document a line."""
    with opened(path) as stream:
        head = stream.read(1 << 16).lstrip()
    first = head.partition(b"\n")[0].strip()
    whole = head[:1] == b"[" or (head[:1] == b"{" and not first.rstrip(b",").endswith(b"}"))
    with path.open("rb") as raw:
        compressed = raw.read(3) in (b"BZh", b"\xfd7z") or raw.seek(0) is None or raw.read(2) == b"\x1f\x8b"
    if not whole and not compressed:
        return path
    target = scratch / f"{abs(hash(path.name))}.jsonl"
    with opened(path) as stream, target.open("wb") as out:
        if not whole:
            try:
                shutil.copyfileobj(stream, out, 1 << 20)
            except (EOFError, OSError):
                return target  # a compressed file that was cut: what could be unpacked is read
        else:
            documents = json.loads(stream.read())
            for document in documents if isinstance(documents, list) else [documents]:
                out.write(json.dumps(document, separators=(",", ":")).encode() + b"\n")
    return target


def _digested(
    database: duckdb.DuckDBPyConnection, events: Path, catalog: Catalog | None, keep_values: bool, progress: Progress
) -> LogReading:
    progress(Step("Grouping commands"))
    _run(database, "operations")
    parts = f"json_extract_string(coalesce(originating, command), {fields.part_paths()})"
    database.execute(
        f"""CREATE TEMP TABLE question AS SELECT * EXCLUDE (parts),
            operation || ' ' || ns || ' ' || {skeleton("array_to_string(parts, chr(10))")} AS skeleton,
            array_to_string(parts[:{fields.VALUE_PARTS}], chr(10)) AS given,
            concat(parts[{fields.LIMIT}], ' ', parts[{fields.SKIP}]) AS page
        FROM (SELECT *, list_transform({parts}, lambda part: coalesce(part, '')) AS parts FROM kept)"""
    )
    examples = database.execute(
        "SELECT skeleton, any_value(operation), any_value(ns), arg_min(command, (source, line)),"
        " arg_min(originating, (source, line)) FROM question GROUP BY skeleton ORDER BY skeleton"
    ).fetchall()
    texts = [(row[0], *_text(*row[1:])) for row in examples]
    _insert(database, "CREATE TEMP TABLE text_of (skeleton VARCHAR, text VARCHAR, name VARCHAR)", "text_of", texts)
    key = secrets.token_hex(16)
    database.execute(_sql("events").replace("{key}", key))
    count = database.execute("SELECT count(*) FROM event").fetchall()[0][0]
    if count:
        database.execute(
            f"COPY (FROM event ORDER BY position) TO '{quoted(events)}' (FORMAT parquet, COMPRESSION zstd)"
        )
    else:
        write_events(events, [])
    unread = _rows(
        database, "SELECT reason, sum(lines) FROM excluded GROUP BY reason HAVING sum(lines) > 0 ORDER BY reason"
    )
    total, others, damaged = _rows(database, "SELECT sum(total), sum(others), sum(damaged) FROM counted")[0]
    unread = [*unread, *((r, n) for r, n in (("other log messages", others), ("lines that are no JSON", damaged)) if n)]
    started, ended = _rows(database, "SELECT epoch_us(min(started_at)), epoch_us(max(ended_at)) FROM event")[0]
    versions = [row[0] for row in _rows(database, "SELECT version FROM build ORDER BY rowid")]
    return LogReading(
        events=count,
        lines=int(total or 0),
        coverage=tuple(_coverage(database, count, unread)),
        plans=plans_of(_figures(database), catalog),
        window_started_at=_moment(started),
        window_ended_at=_moment(ended),
        unread=tuple((reason, int(lines)) for reason, lines in sorted(unread)),
        version=versions[-1] if versions else "",
        examples=tuple(sorted((text, ns, *_) for text, ns, *_ in _examples(database))) if keep_values else (),
    )


def _text(operation: str, ns: str, command: str | None, originating: str | None) -> tuple[str, str]:
    """(canonical text, the command's name) of an example; the text is empty when the example is no command."""
    database, _, collection = ns.partition(".")
    try:
        given = json.loads(command or "{}")
        origin = json.loads(originating) if originating else None
    except ValueError:
        return "", operation
    if not isinstance(given, dict):
        return "", operation
    kind = {"update": "update", "remove": "delete"}.get(operation)
    if kind and "q" in given:
        given = {**given, "$op": kind, "$collection": collection}
    text = canonical(given, database, origin if isinstance(origin, dict) else None)
    return text, next(iter(json.loads(text)))


def _figures(database: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    cursor = database.execute(_sql("figures"))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _examples(database: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return _rows(
        database,
        "SELECT t.text, any_value(q.ns), arg_min(coalesce(q.originating, q.command), (q.source, q.line))"
        " FROM question AS q JOIN text_of AS t USING (skeleton) WHERE t.text <> '' GROUP BY t.text",
    )


def _coverage(database: duckdb.DuckDBPyConnection, count: int, unread: Iterable[tuple[str, int]]) -> Iterable[Coverage]:
    logs, profiled = _rows(
        database, "SELECT count(*) FILTER (kind = 'log'), count(*) FILTER (kind = 'profile') FROM operation"
    )[0]
    if logs:
        yield Coverage("slow query lines", True, f"{logs:,} slow-query lines of the log were read.", count=logs)
    if profiled:
        yield Coverage("profiler", True, f"{profiled:,} documents of system.profile were read.", count=profiled)
    fast = _rows(database, "SELECT coalesce(min(duration_ms), 0) FROM event")[0][0]
    if count and fast >= 10:
        yield Coverage(
            "fast operations",
            False,
            f"Nothing faster than {fast:g} ms was recorded, so that bursts of fast queries (N+1) cannot be seen.",
            "On staging: db.setProfilingLevel(0, {slowms: -1}) for the log, or level 2 for system.profile.",
        )
    for reason, lines in sorted(unread):
        cut = reason.startswith("cut")
        remedy = "db.adminCommand({setParameter: 1, maxLogSizeKB: 100})" if cut else ""
        yield Coverage("left out", not cut, f"{lines:,}: {reason}.", remedy, int(lines))


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else datetime.fromtimestamp(microseconds / 1_000_000, UTC)


def _insert(database: duckdb.DuckDBPyConnection, declare: str, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    database.execute(declare)
    for start in range(0, len(rows), 500):
        chunk = rows[start : start + 500]
        marks = ", ".join("(" + ", ".join("?" for _ in row) + ")" for row in chunk)
        database.execute(f"INSERT INTO {table} VALUES {marks}", [value for row in chunk for value in row])


def _rows(database: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return database.execute(query).fetchall()


def _run(database: duckdb.DuckDBPyConnection, name: str) -> None:
    database.execute(_sql(name))


def _sql(name: str) -> str:
    return files("connectors.mongo.logs").joinpath(f"{name}.sql").read_text(encoding="utf-8")
