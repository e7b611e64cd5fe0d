"""Readings of pg_stat_statements: what was added, through resets and evictions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from advisor.model.capture import Server
from connectors.postgres.live import Deltas, Samples

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def row(query: str, calls: int, total: float) -> dict[str, Any]:
    counters = {"calls": calls, "total_ms": total, "rows": calls, "min_ms": 1.0, "max_ms": 9.0}
    blocks = {"blocks_hit": 0, "blocks_read": 0, "temp_blocks_written": 0}
    return {"server_query_id": query, "user": "app", "toplevel": True, "text": query, **counters, **blocks}


def calls(deltas: Deltas) -> dict[str, tuple[int, float]]:
    return {one["text"]: (one["calls"], one["total_ms"]) for one in deltas.rows(NOW)}


def test_only_what_was_added_counts() -> None:
    deltas = Deltas()
    deltas.take((row("a", 10, 100.0), row("b", 5, 5.0)))
    deltas.take((row("a", 12, 130.0), row("b", 5, 5.0), row("c", 1, 2.0)))
    deltas.take((row("a", 13, 131.0), row("b", 5, 5.0), row("c", 3, 6.0)))
    assert calls(deltas) == {"a": (3, 31.0), "c": (3, 6.0)}
    assert (deltas.resets, deltas.evicted) == (0, 0)
    assert {one["min_ms"] for one in deltas.rows(NOW)} == {None}


def test_a_reset_starts_again_from_nothing() -> None:
    deltas = Deltas()
    deltas.take((row("a", 10, 100.0), row("b", 5, 5.0)))
    deltas.take((row("a", 2, 20.0),))
    assert calls(deltas) == {"a": (2, 20.0)}
    assert deltas.resets == 1


def test_an_eviction_is_noticed_and_what_was_seen_is_kept() -> None:
    deltas = Deltas()
    many = tuple(row(f"q{n}", 10, 1.0) for n in range(20))
    deltas.take((*many, row("rare", 1, 1.0)))
    deltas.take((*many, row("rare", 2, 3.0)))
    deltas.take(many)
    assert calls(deltas) == {"rare": (1, 2.0)}
    assert (deltas.resets, deltas.evicted) == (0, 1)


def seen(pid: int, query: str, state: str = "active", wait: str = "") -> dict[str, Any]:
    return {"pid": pid, "user": "app", "state": state, "query": query, "wait_event_type": wait, "query_start": NOW}


def test_samples_count_time_and_distinct_executions() -> None:
    samples = Samples()
    for _ in range(3):
        samples.take(
            [seen(1, "SELECT * FROM t WHERE a = 'x'"), seen(2, "COMMIT"), seen(3, "<insufficient privilege>")], False
        )
    samples.take([seen(4, "SELECT * FROM t WHERE a = 'y'", wait="Lock"), seen(5, "", "idle in transaction")], False)
    (only,) = samples.rows(Server("postgresql", database="shop"), NOW)
    assert (only["text"], only["calls"], only["total_ms"]) == ("SELECT * FROM t WHERE a = $0", 2, 2000.0)
    told = samples.coverage()
    assert "1 waits for locks" in told.detail
    assert only["source"] == "pg_stat_activity"
    assert told.remedy.startswith("GRANT pg_read_all_stats")
