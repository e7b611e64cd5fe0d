"""Events -> statistics by shape."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from advisor.model.capture import Capture
from advisor.model.workload import CallSite, Query, QueryStats, StatsSource
from advisor.ports import Progress, Step
from advisor.workload._duckdb import Engine
from advisor.workload._shapes import Shapes

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


def digest_events(engine: Engine, shapes: Shapes, progress: Progress) -> EventDigest:
    """Shapes and statistics of ``raw_event``; leaves ``event`` behind."""
    texts = {row["text"]: row["calls"] for row in engine.rows("digest_texts")}
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
    engine.declare_shapes(shaped)
    count = sum(texts.values())
    progress(Step("Computing statistics", 0, count, "events"))
    measured = {row["fingerprint"]: row for row in engine.rows("digest_shapes")}
    exact = "digest_percentiles" if count <= EXACT_UP_TO else "digest_percentiles_large"
    percentiles = {row["fingerprint"]: row["percentiles"] for row in engine.rows(exact)}
    facets = _facets(engine)
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
        for row in engine.rows("digest_minutes")
        if (minute := moment(row["minute_us"])) is not None
    )
    ids = {row["server_query_id"]: row["fingerprint"] for row in engine.rows("digest_query_ids")}
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


def _facets(engine: Engine) -> dict[str, dict[str, Any]]:
    found: defaultdict[str, defaultdict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    names = {"route": "routes", "call_site": "call_sites", "user": "users", "application": "applications"}
    for row in engine.rows("digest_facets"):
        values = found[row["fingerprint"]][names[row["facet"]]]
        if len(values) < _FACETS:
            site = row["facet"] == "call_site"
            values.append(_call_site(row) if site else row["name"])
    return {name: {facet: tuple(values) for facet, values in facets.items()} for name, facets in found.items()}


def _call_site(row: dict[str, Any]) -> CallSite:
    line = row["line"]
    return CallSite(row["name"], int(line) if line and line.isdigit() else None, row["function_name"] or "")
