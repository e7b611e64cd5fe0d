"""The server's own aggregates (pg_stat_statements, $queryStats) beside, or instead of, events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import duckdb

from advisor.captures import quoted
from advisor.errors import CaptureError
from advisor.model.capture import Capture
from advisor.model.workload import Query, QueryStats, StatsSource
from advisor.workload._digest_events import moment
from advisor.workload._duckdb import DuckDB
from advisor.workload._shapes import Shapes

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class StatementTotals:
    """One shape's aggregates over all its texts."""

    text: str
    calls: int
    total_ms: float
    min_ms: float | None
    max_ms: float | None
    rows: int | None
    blocks_read: int | None
    temp_blocks_written: int | None
    since: datetime | None


def statement_rows(
    database: duckdb.DuckDBPyConnection, capture: Capture, shapes: Shapes, query_ids: Mapping[str, str]
) -> dict[str, StatementTotals]:
    """Totals by fingerprint, of the application's statements in the inspected database.

    ``query_ids``: fingerprints of events by the server's own query id, which joins texts that differ by more than
    our normalisation knows.

    Raises :class:`CaptureError` when the file cannot be read.
    """
    if not capture.statements.exists():
        return {}
    try:
        database.execute(
            f"CREATE VIEW raw_statement AS SELECT * FROM read_parquet('{quoted(capture.statements)}')"
            f" WHERE database IS NULL OR '{quoted(capture.server.database)}' IN ('', database)"
        )
        found = list(DuckDB(database).rows("digest_statements"))
    except duckdb.Error as error:
        raise CaptureError(f"{capture.statements} is not a readable Parquet file; capture again.") from error
    by_fingerprint: defaultdict[str, list[StatementTotals]] = defaultdict(list)
    for row in found:
        fingerprint = query_ids.get(row["server_query_id"]) or shapes.glance(row["text"])[0]
        by_fingerprint[fingerprint].append(
            StatementTotals(
                text=row["text"],
                calls=int(row["calls"]),
                total_ms=(row["total_us"] or 0) / 1000,
                min_ms=row["min_ms"],
                max_ms=row["max_ms"],
                rows=_whole(row["rows"]),
                blocks_read=_whole(row["blocks_read"]),
                temp_blocks_written=_whole(row["temp_blocks_written"]),
                since=moment(row["since_us"]),
            )
        )
    return {fingerprint: _sum(parts) for fingerprint, parts in sorted(by_fingerprint.items())}


def statements_window(
    capture: Capture, statements: dict[str, StatementTotals]
) -> tuple[datetime | None, datetime | None]:
    """When the aggregates were counted: from the last reset to the capture; a day where nothing tells."""
    ended = capture.window_ended_at or capture.captured_at
    since = [totals.since for totals in statements.values() if totals.since]
    reset = capture.catalog.stats_reset_at if capture.catalog else None
    started = capture.window_started_at or (min(since) if since else None) or reset or capture.server.started_at
    if ended is not None and (started is None or started >= ended):
        started = ended - _DAY
    return started, ended


def add_statements(
    queries: Sequence[Query],
    statements: dict[str, StatementTotals],
    capture: Capture,
    shapes: Shapes,
    seconds: float,
) -> tuple[tuple[Query, ...], tuple[tuple[str, int], ...]]:
    """Fill what events do not tell, and add the shapes that no event has, scaled to the events' window.

    Returns the queries and notes for :attr:`Workload.unread`.
    """
    seen = {query.shape.fingerprint for query in queries}
    filled = [_filled(query, statements.get(query.shape.fingerprint)) for query in queries]
    started, ended = statements_window(capture, statements)
    counted = (ended - started).total_seconds() if started and ended else 0.0
    scale = min(seconds / counted, 1.0) if queries and counted > 0 else 1.0
    added = 0
    for fingerprint, totals in statements.items():
        if fingerprint in seen or not shapes.wanted(shape := shapes.of(totals.text)):
            continue
        filled.append(Query(shape, _scaled(totals, scale)))
        added += 1
    note = "shapes known from server statistics alone, scaled to the log's window"
    return tuple(filled), ((note, added),) if added and queries else ()


def _sum(parts: Sequence[StatementTotals]) -> StatementTotals:
    first = min(parts, key=lambda part: (-part.calls, part.text))
    return StatementTotals(
        first.text,
        sum(part.calls for part in parts),
        sum(part.total_ms for part in parts),
        min((part.min_ms for part in parts if part.min_ms is not None), default=None),
        max((part.max_ms for part in parts if part.max_ms is not None), default=None),
        _total([part.rows for part in parts]),
        _total([part.blocks_read for part in parts]),
        _total([part.temp_blocks_written for part in parts]),
        min((part.since for part in parts if part.since is not None), default=None),
    )


def _total(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _filled(query: Query, totals: StatementTotals | None) -> Query:
    """Rows and blocks of the server's average call, for as many calls as the events have."""
    if totals is None:
        return query
    share = query.stats.calls / totals.calls
    stats = query.stats
    return replace(
        query,
        stats=replace(
            stats,
            rows=stats.rows if stats.rows is not None else _share(totals.rows, share),
            blocks_read=_share(totals.blocks_read, share),
            temp_blocks_written=stats.temp_blocks_written or _share(totals.temp_blocks_written, share),
        ),
    )


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _share(value: int | None, share: float) -> int | None:
    return None if value is None else round(value * share)


def _scaled(totals: StatementTotals, scale: float) -> QueryStats:
    calls = max(round(totals.calls * scale), 1)
    return QueryStats(
        source=StatsSource.STATEMENTS,
        calls=calls,
        total_ms=round(totals.total_ms * scale, 3),
        mean_ms=round(totals.total_ms / totals.calls, 6),
        min_ms=totals.min_ms,
        max_ms=totals.max_ms,
        rows=_share(totals.rows, scale),
        temp_blocks_written=_share(totals.temp_blocks_written, scale),
        blocks_read=_share(totals.blocks_read, scale),
    )
