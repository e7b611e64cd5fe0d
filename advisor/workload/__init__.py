"""Events and server aggregates -> Workload: which shapes, how often, how long, from where.

DuckDB reads the capture's Parquet files where they lie (the ``digest_*.sql`` files); Python sees distinct texts and
shapes, never single events.
"""

from __future__ import annotations

import tempfile

import duckdb

from advisor.errors import EmptyWorkload
from advisor.model.capture import Capture
from advisor.model.workload import Workload
from advisor.ports import Options, Progress, Step, silent
from advisor.workload._digest_events import EventDigest, digest_events, event_table, window_of
from advisor.workload._digest_plans import attach_plans, queries_of_plans
from advisor.workload._digest_statements import add_statements, add_temporary_files, statement_rows, statements_window
from advisor.workload._shapes import Shapes
from advisor.workload.bursts import find_bursts

MEMORY_LIMIT = "600MB"
"""DuckDB's part of the gigabyte that the whole analysis may take; what does not fit is spilled to disk."""


def digest(capture: Capture, options: Options | None = None, progress: Progress = silent) -> Workload:
    """Group the capture's statements into shapes with statistics, and find bursts in their order.

    Statistics come from events where the events have the shape, else from the server's aggregates, scaled to the
    events' window; the two are never added. Transaction control, settings, catalog queries and the advisor's own
    statements are left out. Raises :class:`EmptyWorkload` when nothing is left.
    """
    options = options or Options()
    shapes = Shapes(capture)
    with (
        tempfile.TemporaryDirectory(prefix="advisor-digest-") as spill,
        duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "temp_directory": spill}) as database,
    ):
        database.execute("SET preserve_insertion_order = false; SET TimeZone = 'UTC'")
        events = EventDigest()
        if event_table(database, capture):
            progress(Step("Reading events"))
            events = digest_events(database, shapes, progress)
        asked = add_temporary_files(database, events.queries, capture, shapes)
        statements = statement_rows(database, capture, shapes, events.query_ids)
        bursts, suppressed = (
            find_bursts(database, shapes.known(events.queries), capture.catalog, options)
            if events.queries
            else ((), ())
        )
    started, ended = window_of(capture, events) if events.queries else statements_window(capture, statements)
    seconds = (ended - started).total_seconds() if started and ended else 0.0
    queries, notes = add_statements(asked, statements, capture, shapes, seconds)
    queries = attach_plans(queries, capture, shapes) or queries_of_plans(capture, shapes)
    if not queries:
        raise EmptyWorkload
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
        unread=(*events.unread, *notes),
        by_minute=events.by_minute,
    )
