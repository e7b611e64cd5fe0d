"""Read log files into ``events.parquet``."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from advisor.captures import quoted
from advisor.errors import LogFormatError
from advisor.model.capture import Coverage
from advisor.model.plan import Plan
from advisor.ports import Progress, silent
from advisor.registry import with_attribute
from connectors.compiled import is_built
from connectors.parquet import Joined
from connectors.postgres.logs.carriers import carriers_of
from connectors.postgres.logs.events import PIECES, EventWriter, Found
from connectors.postgres.logs.explained import plans as collected_plans
from connectors.postgres.logs.files import Unread, head, opened
from connectors.postgres.logs.format import Format
from connectors.postgres.logs.languages import language_of
from connectors.postgres.logs.logfile import LogFile
from connectors.postgres.logs.plain.writer import PlainEventWriter
from connectors.postgres.logs.prefix import compiled
from connectors.postgres.logs.sides import write as write_sides

MEMORY = "450MB"
"""What DuckDB may take; with pieces of the file in Python the whole stays under 1 GB. Beyond it spills to disk."""


ROW_GROUP = 10_240
"""Rows of a piece's tables that are stored together: what DuckDB has parsed at a time makes whole groups, which are not
copied again, and a piece has enough of them for all cores."""

PLANNED_HERE = "statistics_propagation, join_order, build_side_probe_side"
"""What DuckDB shall not decide by a piece's contents: whether Parquet columns may be NULL, and which side of a join is
hashed; that is the narrow one, written on the right."""


@dataclass(frozen=True, slots=True)
class LogReading:
    """What was read. Times are UTC; ``unread``: (reason, how many, first places as ``file:line``);
    ``formats``: (file, format); ``sides``: Parquet files of connections, lock waits, temporary files, checkpoints."""

    events: int
    coverage: tuple[Coverage, ...] = ()
    plans: tuple[Plan, ...] = ()
    window_started_at: datetime | None = None
    window_ended_at: datetime | None = None
    unread: tuple[tuple[str, int, tuple[str, ...]], ...] = ()
    formats: tuple[tuple[str, str], ...] = ()
    sides: Mapping[str, Path] = field(default_factory=dict)


def formats() -> dict[str, Format]:
    """The known formats by name."""
    return {
        module.FORMAT.name: module.FORMAT for module in with_attribute("connectors.postgres.logs", "FORMAT").values()
    }


def by_looking(path: Path) -> str | None:
    """The name of the log format that ``path`` has, compressed or not; ``None`` when it looks like no log.

    Raises :class:`~advisor.errors.SourceError` when the file cannot be opened.
    """
    with opened(path) as (stream, _, _):
        start = head(stream)
    for carrier in carriers_of(start):
        start = carrier.opened(start)
    language = language_of(start)
    start = language.to_english(start) if language else start
    best, found = 0.0, None
    for name, form in sorted(formats().items(), key=lambda item: (item[1].lines, item[0])):  # lines take the longest
        if best < 1 and (score := form.looks(start)) > best:
            best, found = score, name
    return found


def read(
    paths: Sequence[Path],
    events: Path,
    *,
    keep_values: bool = False,
    log_format: str = "",
    log_line_prefix: str = "",
    database_name: str = "",
    progress: Progress = silent,
) -> LogReading:
    """Read ``paths``, rotated files of one log in the order of time, and write ``events`` (Parquet).

    ``database_name``: the executions of other databases are left out, and counted.

    Raises :class:`~advisor.errors.SourceError` when a file cannot be opened, :class:`LogFormatError` when it looks like
    no log that is known.
    """
    unread = Unread()
    seen: list[tuple[str, str]] = []
    with (
        tempfile.TemporaryDirectory(dir=events.parent, prefix=".logs-") as scratch,
        duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": scratch}) as database,
        ExitStack() as stack,
    ):
        database.execute(f"ATTACH ':memory:' AS {PIECES} (ROW_GROUP_SIZE {ROW_GROUP})")
        database.execute(f"USE {PIECES}")
        database.execute("SET TimeZone = 'UTC'")
        database.execute(f"SET disabled_optimizers = '{PLANNED_HERE}'")
        joined = Joined(stack.enter_context(events.open("wb")))
        kind = PlainEventWriter if is_built() and not keep_values else EventWriter
        writer = stack.enter_context(kind(database, Path(scratch), joined, keep_values, database_name))
        total = sum(path.stat().st_size for path in paths if path.exists())
        before = 0
        for path in paths:
            name = log_format or by_looking(path)
            if name not in formats():
                known = ", ".join(sorted(formats()))
                raise LogFormatError(
                    f"{path} looks like no PostgreSQL log that is known; name its form with --log-format ({known}),"
                    " or give MongoDB's logs and explains as JSON or as mongosh prints them."
                )
            assert name is not None
            seen.append((path.name, name))
            prefix = compiled(log_line_prefix) if log_line_prefix else None
            file = LogFile(path, formats()[name], writer, unread, Path(scratch), prefix)
            try:
                file.read(before, total, progress)
            except KeyboardInterrupt:
                unread.add("file read in part only, interrupted", 1, path.name)
                break
            before += path.stat().st_size
        writer.close(paths[-1].name if paths else "")
        joined.close()
        found = writer.found
        started_at, ended_at = _window(database, events)
        sides = write_sides(database, events.parent)
        plans = tuple(collected_plans(database, keep_values))
    return LogReading(
        events=found.events,
        coverage=_coverage(found, unread, seen, plans, database_name),
        plans=plans,
        sides=sides,
        window_started_at=started_at,
        window_ended_at=ended_at,
        unread=tuple(
            (reason, count, tuple(unread.examples[reason])) for reason, count in sorted(unread.counts.items())
        ),
        formats=tuple(seen),
    )


def _window(database: duckdb.DuckDBPyConnection, events: Path) -> tuple[datetime | None, datetime | None]:
    row = database.execute(
        f"SELECT epoch_us(min(started_at)), epoch_us(max(ended_at)) FROM read_parquet('{quoted(events)}')"
    ).fetchone()
    first, last = row if row else (None, None)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return (
        None if first is None else epoch + timedelta(microseconds=first),
        None if last is None else epoch + timedelta(microseconds=last),
    )


def _coverage(
    found: Found, unread: Unread, seen: Sequence[tuple[str, str]], plans: Sequence[Plan], database_name: str
) -> tuple[Coverage, ...]:
    names = ", ".join(sorted({name for _, name in seen}))
    said = [
        Coverage(
            "log events",
            found.events > 0,
            f"{found.events} executions were read from {len(seen)} log files ({names}).",
            "" if found.events else "Set log_min_duration_statement = 0 for a while; the log holds no statement.",
            found.events,
        )
    ]
    if plans:
        said.append(Coverage("log plans", True, f"{len(plans)} plans of auto_explain were read.", count=len(plans)))
    if found.others:
        detail = f"{found.others} messages are about other things than statements."
        said.append(Coverage("log messages passed over", True, detail, count=found.others))
    if found.lone:
        detail = (
            f"{found.lone} parse or bind steps ({found.lone_ms:.0f} ms) have no execution in the log and were left out;"
            " their statements ran below log_min_duration_statement, or never."
        )
        said.append(Coverage("log parse and bind", True, detail, count=found.lone))
    if found.elsewhere:
        names = ", ".join(sorted(found.elsewhere))
        detail = (
            f"{found.elsewhere.total()} executions of other databases than {database_name} were left out ({names})."
        )
        said.append(Coverage("log of other databases", True, detail, count=found.elsewhere.total()))
    for zone in sorted(found.unknown_zones):
        remedy = "Set log_timezone = 'UTC'."
        said.append(Coverage("log time zone", False, f"The zone {zone!r} is not known and was read as UTC.", remedy))
    for reason, count in sorted(unread.counts.items()):
        places = ", ".join(unread.examples[reason])
        said.append(Coverage("log parts not read", False, f"{reason}: {count}, first at {places}.", count=count))
    return tuple(said)
