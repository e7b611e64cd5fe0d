"""Events and server aggregates -> Workload: which shapes, how often, how long, from where.

DuckDB reads the capture's Parquet files where they lie (the ``digest_*.sql`` files); Python sees distinct texts and
shapes, never single events.
"""

from __future__ import annotations

import tempfile

import duckdb

from advisor.errors import EmptyWorkload, SourceError
from advisor.model.capture import Capture
from advisor.model.workload import Burst, Suppressed, Workload
from advisor.ports import Options, Progress, Step, silent
from advisor.workload._digest_events import EventDigest, digest_events, window_of
from advisor.workload._digest_log_tables import add_temporary_files, checkpoints, lock_waits, sessions
from advisor.workload._digest_plans import attach_plans, queries_of_plans
from advisor.workload._digest_statements import add_statements, statement_rows, statements_window
from advisor.workload._duckdb import DuckDB, Engine
from advisor.workload._shapes import Shapes
from advisor.workload.bursts import find_bursts

MEMORY_LIMIT = "600MB"
"""DuckDB's part of the gigabyte that the whole analysis may take; what does not fit is spilled to disk."""


def digest(capture: Capture, options: Options | None = None, progress: Progress = silent) -> Workload:
    """Group the capture's statements into shapes with statistics, and find bursts in their order.

    Statistics come from events where the events have the shape, else from the server's aggregates, scaled to the
    events' window; the two are never added. Transaction control, settings, catalog queries and the advisor's own
    statements are left out. With ``options.engine`` "spark" the events are digested by Apache Spark and not searched
    for bursts. Raises :class:`EmptyWorkload` when nothing is left, :class:`CaptureError` when a file cannot be read,
    :class:`SourceError` when the engine is unknown or missing.
    """
    options = options or Options()
    shapes = Shapes(capture)
    with (
        tempfile.TemporaryDirectory(prefix="advisor-digest-") as spill,
        duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "temp_directory": spill}) as database,
    ):
        database.execute("SET preserve_insertion_order = false; SET TimeZone = 'UTC'")
        progress(Step("Reading events"))
        events, engine = _events(capture, shapes, options, DuckDB(database), progress)
        asked = add_temporary_files(database, events.queries, capture, shapes)
        statements = statement_rows(database, capture, shapes, events.query_ids)
        waited = lock_waits(database, capture, shapes, {query.shape.fingerprint: query for query in asked})
        ended_sessions, written = sessions(database, capture), checkpoints(database, capture)
        bursts: tuple[Burst, ...] = ()
        suppressed: tuple[Suppressed, ...] = ()
        if events.queries and isinstance(engine, DuckDB):
            known = shapes.known(events.queries)
            try:
                bursts, suppressed = find_bursts(database, known, capture.catalog, options, progress)
            except duckdb.OutOfMemoryException as error:
                raise SourceError(
                    "The search for repeated queries needs more memory than it may take; analyze fewer hours at a time."
                ) from error
    started, ended = window_of(capture, events) if events.queries else statements_window(capture, statements)
    seconds = (ended - started).total_seconds() if started and ended else 0.0
    queries, notes = add_statements(asked, statements, capture, shapes, seconds)
    queries = attach_plans(queries, capture, shapes) or queries_of_plans(capture, shapes)
    if not queries:
        raise _empty(capture)
    queries = tuple(sorted(queries, key=lambda q: (-q.stats.total_ms, -q.stats.calls, q.shape.fingerprint)))
    return Workload(
        queries=queries,
        bursts=bursts,
        suppressed=suppressed,
        started_at=started,
        ended_at=ended,
        events=events.count,
        duration_s=seconds,
        total_ms=round(sum(query.stats.total_ms for query in queries), 3),
        unread=(*events.unread, *notes, *_not_searched(events, options)),
        by_minute=events.by_minute,
        lock_waits=waited,
        sessions=ended_sessions,
        checkpoints=written,
    )


def _not_searched(events: EventDigest, options: Options) -> tuple[tuple[str, int], ...]:
    return (("events not searched for bursts (engine spark)", events.count),) if options.engine == "spark" else ()


def _events(
    capture: Capture, shapes: Shapes, options: Options, database: DuckDB, progress: Progress
) -> tuple[EventDigest, Engine]:
    """Digest the events with the engine that is asked for."""
    if options.engine == "spark":
        from advisor.workload._spark import Spark  # an optional extra

        spark = Spark(capture)
        try:
            return digest_events(spark, shapes, progress), spark
        finally:
            spark.close()
    if options.engine != "duckdb":
        raise SourceError(f"{options.engine!r} is no engine of the digest; choose duckdb or spark.")
    events = digest_events(database, shapes, progress) if database.open_events(capture) else EventDigest()
    return events, database


def _empty(capture: Capture) -> EmptyWorkload:
    """Where the connector knows why it saw no statement, its words are better than the general ones."""
    for entry in capture.coverage:
        if entry.subject == "pg_stat_statements" and not entry.seen:
            cure = f" ({entry.remedy.rstrip(';')})" if entry.remedy else ""
            return EmptyWorkload(f"No statement was seen: {entry.detail.rstrip('.')}{cure}; or pass a log with --log.")
    return EmptyWorkload()
