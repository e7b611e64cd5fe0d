"""Events -> statistics by shape."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import duckdb

from advisor.captures import quoted
from advisor.errors import CaptureError
from advisor.model.capture import Capture
from advisor.model.workload import CallSite, Query, QueryStats, StatsSource
from advisor.ports import Progress, Step
from advisor.workload._shapes import Shapes

ADVISOR = "query-advisor"
"""The application_name of the advisor's own sessions."""

EXACT_UP_TO = 10_000_000
"""Events up to which percentiles are exact; their state holds every duration, eight bytes each."""

_FACETS = 10
_STEP = 100


@dataclass(frozen=True, slots=True)
class EventDigest:
    """What the events told."""

    queries: tuple[Query, ...] = ()
    count: int = 0
    unread: tuple[tuple[str, int], ...] = ()
    by_minute: tuple[tuple[datetime, int, float], ...] = ()
    started_at: datetime | None = None
    ended_at: datetime | None = None
    query_ids: Mapping[str, str] = field(default_factory=dict)


def sql_text(name: str) -> str:
    """The text of ``<name>.sql`` beside this module."""
    return files("advisor.workload").joinpath(f"{name}.sql").read_text(encoding="utf-8")


def rows(database: duckdb.DuckDBPyConnection, query: str) -> Iterator[dict[str, Any]]:
    """The rows of a query, as mappings."""
    cursor = database.execute(query)
    names = [column[0] for column in cursor.description or ()]
    for row in cursor.fetchall():
        yield dict(zip(names, row, strict=True))


def event_table(database: duckdb.DuckDBPyConnection, capture: Capture) -> bool:
    """Declare ``raw_event`` over the capture's events; false when it has none.

    Raises :class:`CaptureError` when the file cannot be read.
    """
    if not capture.events.exists():
        return False
    path = quoted(capture.events)
    try:
        database.execute(
            f"CREATE VIEW raw_event AS SELECT * EXCLUDE (file_row_number), file_row_number AS seq"
            f" FROM read_parquet('{path}', file_row_number = true)"
            f" WHERE coalesce(application, '') <> '{ADVISOR}'"
        )
        database.execute("SELECT count(*) FROM raw_event").fetchall()
    except duckdb.Error as error:
        raise CaptureError(f"{capture.events} is not a readable Parquet file of events; capture again.") from error
    return True


def digest_events(database: duckdb.DuckDBPyConnection, shapes: Shapes, progress: Progress) -> EventDigest:
    """Shapes and statistics of ``raw_event``; leaves the view ``event`` (with fingerprint, elements, seq) behind."""
    texts = {row["text"]: row["calls"] for row in rows(database, sql_text("digest_texts"))}
    by_fingerprint: defaultdict[str, list[str]] = defaultdict(list)
    for text in texts:
        by_fingerprint[shapes.glance(text)[0]].append(text)
    unread: Counter[str] = Counter()
    wanted = {}
    shaped: list[tuple[str, str, int]] = []
    for number, (fingerprint, same) in enumerate(by_fingerprint.items()):
        if number % _STEP == 0:
            progress(Step("Parsing statements", number, len(by_fingerprint), "shapes"))
        shape = shapes.of_texts(sorted(same, key=lambda text: (-texts[text], text)))
        if shapes.wanted(shape):
            wanted[fingerprint] = shape
            shaped.extend((text, fingerprint, shapes.glance(text)[2]) for text in same)
        else:
            reason = "catalog and driver queries" if shape.tables or shape.command == "SELECT" else "utility statements"
            unread[reason] += sum(texts[text] for text in same)
    _declare_shapes(database, shaped)
    count = sum(texts.values())
    progress(Step("Computing statistics", 0, count, "events"))
    measured = {row["fingerprint"]: row for row in rows(database, sql_text("digest_shapes"))}
    exact = "digest_percentiles" if count <= EXACT_UP_TO else "digest_percentiles_large"
    percentiles = {row["fingerprint"]: row["percentiles"] for row in rows(database, sql_text(exact))}
    facets = _facets(database)
    queries = tuple(
        Query(
            shape,
            _stats(measured[fingerprint], percentiles.get(fingerprint, (None, None, None))),
            **facets.get(fingerprint, {}),
        )
        for fingerprint, shape in sorted(wanted.items())
    )
    minutes = tuple(
        (minute, row["calls"], (row["total_us"] or 0) / 1000)
        for row in rows(database, sql_text("digest_minutes"))
        if (minute := moment(row["minute_us"])) is not None
    )
    ids = dict(
        database.execute(
            "SELECT server_query_id, min(fingerprint) FROM event"
            " WHERE server_query_id IS NOT NULL AND fingerprint IS NOT NULL GROUP BY server_query_id"
        ).fetchall()
    )
    return EventDigest(
        queries=queries,
        count=count,
        unread=tuple(sorted(unread.items())),
        by_minute=minutes,
        started_at=min((query.stats.first_seen_at for query in queries if query.stats.first_seen_at), default=None),
        ended_at=max((query.stats.last_seen_at for query in queries if query.stats.last_seen_at), default=None),
        query_ids=ids,
    )


def window_of(capture: Capture, events: EventDigest) -> tuple[datetime | None, datetime | None]:
    """The observed time: what the capture says, else the first and last event."""
    return capture.window_started_at or events.started_at, capture.window_ended_at or events.ended_at


def moment(microseconds: int | None) -> datetime | None:
    """Microseconds since 1970 as a time; ``None`` stays ``None``."""
    return None if microseconds is None else datetime.fromtimestamp(microseconds / 1_000_000, UTC)


def _declare_shapes(database: duckdb.DuckDBPyConnection, shaped: list[tuple[str, str, int]]) -> None:
    database.execute("CREATE TEMP TABLE text_shape (text VARCHAR, fingerprint VARCHAR, elements INTEGER)")
    for start in range(0, len(shaped), 1000):
        part = shaped[start : start + 1000]
        marks = ", ".join("(?, ?, ?)" for _ in part)
        database.execute(f"INSERT INTO text_shape VALUES {marks}", [value for row in part for value in row])
    database.execute(
        "CREATE TEMP VIEW event AS SELECT e.*, s.fingerprint, coalesce(s.elements, 0) AS elements"
        " FROM raw_event AS e LEFT JOIN text_shape AS s ON s.text = e.text"
    )


def _stats(row: dict[str, Any], percentiles: Sequence[float | None]) -> QueryStats:
    total = (row["total_us"] or 0) / 1000
    timed = row["timed"]
    return QueryStats(
        source=StatsSource.EVENTS,
        calls=row["calls"],
        total_ms=total,
        mean_ms=round(total / timed, 6) if timed else 0.0,
        min_ms=row["min_ms"],
        max_ms=row["max_ms"],
        p50_ms=_rounded(percentiles[0]),
        p95_ms=_rounded(percentiles[1]),
        p99_ms=_rounded(percentiles[2]),
        rows=None if row["rows"] is None else int(row["rows"]),
        errors=row["errors"],
        first_seen_at=moment(row["first_us"]),
        last_seen_at=moment(row["last_us"]),
        distinct_params=row["distinct_params"] or None,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _facets(database: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    found: defaultdict[str, defaultdict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    names = {"route": "routes", "call_site": "call_sites", "user": "users", "application": "applications"}
    for row in rows(database, sql_text("digest_facets")):
        values = found[row["fingerprint"]][names[row["facet"]]]
        if len(values) < _FACETS:
            site = row["facet"] == "call_site"
            values.append(_call_site(row) if site else row["name"])
    return {name: {facet: tuple(values) for facet, values in facets.items()} for name, facets in found.items()}


def _call_site(row: dict[str, Any]) -> CallSite:
    line = row["line"]
    return CallSite(row["name"], int(line) if line and line.isdigit() else None, row["function_name"] or "")
