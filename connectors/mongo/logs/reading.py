"""Read logs and profiler documents into ``events.parquet``."""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from advisor.captures import quoted
from advisor.errors import LogFormatError
from advisor.model.capture import Coverage
from advisor.model.catalog import Catalog
from advisor.model.plan import Plan
from advisor.ports import Progress, Step, silent
from connectors.mongo.commands import canonical
from connectors.mongo.logs.loading import Loader
from connectors.mongo.logs.looking import Kind, by_looking
from connectors.mongo.logs.queries import query
from connectors.mongo.summaries import plans_of
from connectors.parquet import Joined

MEMORY_LIMIT = "1GB"
AT_ONCE = 500_000
"""Operations of which the events are sorted at a time, some hundreds of bytes each."""


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
        # A long IN list would become a join, which does not keep the order of the lines.
        database.execute("SET disabled_optimizers = 'in_clause'")
        # Committing each piece would cost more than reading it.
        database.begin()
        key = secrets.token_hex(16)
        loader = Loader(database, Path(scratch), key)
        for path in paths:
            kind = by_looking(path)
            if kind not in (Kind.LOG, Kind.PROFILE):
                raise LogFormatError(
                    f"{path} is neither a mongod log (JSON, 4.4 or later) nor documents of system.profile."
                )
            loader.load(path, kind, progress)
        database.commit()
        return _digested(database, events, catalog, keep_values, progress)


def _digested(
    database: duckdb.DuckDBPyConnection, events: Path, catalog: Catalog | None, keep_values: bool, progress: Progress
) -> LogReading:
    progress(Step("Grouping commands"))
    database.execute("CREATE TEMP VIEW operation AS SELECT *, rowid AS position FROM taken")
    examples = database.execute(
        "SELECT question, any_value(operation), any_value(ns), arg_min(asked, position), bool_or(q) FROM example"
        " GROUP BY question ORDER BY question"
    ).fetchall()
    texts = [(row[0], *_text(*row[1:])) for row in examples]
    _insert(database, "CREATE TEMP TABLE text_of (question UBIGINT, text VARCHAR, name VARCHAR)", "text_of", texts)
    database.execute(
        "INSERT INTO excluded SELECT 'commands that could not be understood', count(*) FROM operation AS o"
        " JOIN text_of AS t USING (question) WHERE o.reason IS NULL AND t.text = ''"
    )
    _run(database, "operations")
    if len(_rows(database, "SELECT DISTINCT kind FROM operation WHERE reason IS NULL")) > 1:
        _run(database, "twice")
    progress(Step("Writing events"))
    _write(database, events)
    database.execute(f"CREATE TEMP VIEW event AS FROM read_parquet('{quoted(events)}')")
    count = _rows(database, "SELECT count(*) FROM event")[0][0]
    unread = _rows(
        database, "SELECT reason, sum(lines) FROM excluded GROUP BY reason HAVING sum(lines) > 0 ORDER BY reason"
    )
    total = _rows(database, "SELECT coalesce(sum(lines), 0) FROM counted")[0][0]
    told = dict(unread)
    if others := total - _rows(database, "SELECT count(*) FROM taken")[0][0]:
        told["other log messages"] = told.get("other log messages", 0) + others
    unread = list(told.items())
    started, ended = _rows(database, "SELECT epoch_us(min(started_at)), epoch_us(max(ended_at)) FROM event")[0]
    builds = _rows(database, "SELECT build FROM taken WHERE build IS NOT NULL ORDER BY rowid")
    return LogReading(
        events=count,
        lines=int(total),
        coverage=tuple(_coverage(database, count, unread)),
        plans=plans_of(_figures(database), catalog),
        window_started_at=_moment(started),
        window_ended_at=_moment(ended),
        unread=tuple((reason, int(lines)) for reason, lines in sorted(unread)),
        version=builds[-1][0] if builds else "",
        examples=tuple(sorted((text, ns, *_) for text, ns, *_ in _examples(database))) if keep_values else (),
    )


def _write(database: duckdb.DuckDBPyConnection, events: Path) -> None:
    """Write ``events`` in the order of the lines, some at a time: all would not be sorted in memory."""
    (taken,) = _rows(database, "SELECT count(*) FROM taken")[0]
    part = events.with_suffix(".part")
    joined = Joined(events.open("wb"))
    for first in range(0, max(taken, 1), AT_ONCE):
        now = query("events", now=f"position >= {first} AND position < {first + AT_ONCE}")
        database.execute(f"COPY ({now}) TO '{quoted(part)}' (FORMAT parquet, COMPRESSION snappy)")
        joined.append(part)
    joined.close()
    part.unlink()


def _text(operation: str, ns: str, asked: str | None, written: bool) -> tuple[str, str]:
    """(canonical text, the command's name) of an example; the text is empty when the example is no command."""
    database, _, collection = ns.partition(".")
    try:
        given = json.loads(asked or "{}")
    except ValueError:
        return "", operation
    if not isinstance(given, dict):
        return "", operation
    if written:
        given = {**given, "$op": "delete" if operation == "remove" else operation, "$collection": collection}
    text = canonical(given, database)
    name = next(iter(json.loads(text)))
    return ("", operation) if name == "other" else (text, name)


def _figures(database: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    cursor = database.execute(query("figures"))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _examples(database: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return _rows(
        database,
        "SELECT t.text, any_value(e.ns), arg_min(e.asked, e.position)"
        " FROM example AS e JOIN text_of AS t USING (question) WHERE t.text <> '' GROUP BY t.text",
    )


def _coverage(database: duckdb.DuckDBPyConnection, count: int, unread: Iterable[tuple[str, int]]) -> Iterable[Coverage]:
    logs, profiled = _rows(
        database,
        "SELECT count(*) FILTER (kind = 'log'), count(*) FILTER (kind = 'profile') FROM operation"
        " WHERE reason IS NULL OR reason NOT IN ('other log messages', 'lines that are no JSON')",
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


def _rows(database: duckdb.DuckDBPyConnection, text: str) -> list[tuple[Any, ...]]:
    return database.execute(text).fetchall()


def _run(database: duckdb.DuckDBPyConnection, name: str) -> None:
    database.execute(query(name))
