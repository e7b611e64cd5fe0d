"""Events and server aggregates become one Workload."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from advisor import captures
from advisor.errors import CaptureError, EmptyWorkload
from advisor.model.capture import Capture, Coverage, Server
from advisor.model.catalog import TableName
from advisor.model.plan import Access, Plan, PlanNode
from advisor.model.workload import CallSite, Query, StatsSource, Workload
from advisor.workload import _digest_events, digest

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LOOKUP = "SELECT name FROM customers WHERE id = $1"


def event(second: float = 0.0, text: str = LOOKUP, ms: float | None = 2.0, **more: Any) -> dict[str, Any]:
    started = START + timedelta(seconds=second)
    return {
        "source": "log",
        "session": "s1",
        "line": round(second * 1000),
        "started_at": started,
        "ended_at": started + timedelta(milliseconds=ms or 0.0),
        "duration_ms": ms,
        "command": text.split()[0].upper(),
        "text": text,
        **more,
    }


def statement(text: str, calls: int, total_ms: float, **more: Any) -> dict[str, Any]:
    return {"source": "server", "text": text, "calls": calls, "total_ms": total_ms, **more}


def capture_of(
    folder: Path,
    events: Iterable[Mapping[str, Any]] = (),
    statements: Iterable[Mapping[str, Any]] = (),
    **more: Any,
) -> Capture:
    if events := list(events):
        captures.write_events(folder / "events.parquet", events)
    if statements := list(statements):
        captures.write_statements(folder / "statements.parquet", statements)
    server = more.pop("server", Server("postgresql", "16.4", 160004, database="shop"))
    return Capture(folder, server, captured_at=more.pop("captured_at", START + timedelta(hours=1)), **more)


def query_of(workload: Workload, text: str) -> Query:
    (query,) = [query for query in workload.queries if text in query.shape.text]
    return query


def test_texts_of_one_shape_are_one_query_with_exact_figures(tmp_path: Path) -> None:
    durations = [1.0, 2.0, 3.0, 4.0, 100.0]
    texts = [
        LOOKUP,
        "select NAME from customers where id=$0",
        "SELECT name FROM customers WHERE id = $1::int",
        LOOKUP,
        LOOKUP,
    ]
    events = [
        event(n, text, ms, rows=n, params_digest=str(n % 2))
        for n, (text, ms) in enumerate(zip(texts, durations, strict=True))
    ]
    workload = digest(capture_of(tmp_path, [*events, event(9, LOOKUP, None, error_code="57014")]))
    (query,) = workload.queries
    stats = query.stats
    assert (stats.source, stats.calls, stats.errors) == (StatsSource.EVENTS, 6, 1)
    assert (stats.total_ms, stats.mean_ms, stats.min_ms, stats.max_ms, stats.p50_ms) == (110.0, 22.0, 1.0, 100.0, 3.0)
    assert stats.p95_ms == pytest.approx(80.8)
    assert stats.p99_ms == pytest.approx(96.16)
    assert (stats.rows, stats.distinct_params) == (10, 2)
    assert stats.first_seen_at == START
    assert (workload.started_at, workload.ended_at, workload.duration_s) == (START, START + timedelta(seconds=9), 9.0)
    assert (workload.events, workload.total_ms) == (6, 110.0)
    assert query.shape.text == LOOKUP


def test_what_the_application_did_not_ask_is_left_out_and_counted(tmp_path: Path) -> None:
    noise = [
        "BEGIN",
        "COMMIT",
        "SET statement_timeout = $0",
        "SHOW server_version",
        "SELECT relname FROM pg_catalog.pg_class WHERE oid = $1",
        "SELECT t.oid FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace",
        "SELECT set_config($0, $0, $0)",
        "SELECT pg_advisory_unlock_all()",
        "VACUUM customers",
    ]
    own = event(3, "SELECT secret FROM customers", application="query-advisor")
    workload = digest(capture_of(tmp_path, [event(), own, *(event(n, text) for n, text in enumerate(noise))]))
    assert [query.shape.text for query in workload.queries] == [LOOKUP]
    assert dict(workload.unread) == {"catalog and driver queries": 4, "utility statements": 5}
    assert sum(calls for _, calls, _ in workload.by_minute) == 1


def test_who_asked_is_known_by_frequency(tmp_path: Path) -> None:
    def tagged(n: int, route: str, line: str) -> dict[str, Any]:
        tags = {"route": route, "code_filepath": "app/views.py", "code_lineno": line, "code_function": "show"}
        return event(n, tags=tags, user=f"u{n % 2}", application="web")

    events = [
        tagged(0, "/b", "7"),
        tagged(1, "/a", "7"),
        tagged(2, "/a", "9"),
        event(3, tags={"controller": "C", "action": "x"}),
    ]
    (query,) = digest(capture_of(tmp_path, events)).queries
    assert query.routes == ("/a", "/b", "C#x")
    assert query.call_sites == (CallSite("app/views.py", 7, "show"), CallSite("app/views.py", 9, "show"))
    assert query.users == ("u0", "u1")
    assert query.applications == ("web",)


def test_minutes_are_a_time_series(tmp_path: Path) -> None:
    workload = digest(capture_of(tmp_path, [event(0), event(59), event(60), event(200)]))
    assert workload.by_minute == (
        (START, 2, 4.0),
        (START + timedelta(minutes=1), 1, 2.0),
        (START + timedelta(minutes=3), 1, 2.0),
    )


def test_the_server_s_aggregates_are_never_added_to_events(tmp_path: Path) -> None:
    known = statement(
        "SELECT name FROM customers WHERE id=$1", 100, 500.0, rows=100, temp_blocks_written=200, blocks_read=50
    )
    workload = digest(capture_of(tmp_path, [event(n) for n in range(10)], [known]))
    (query,) = workload.queries
    assert (query.stats.source, query.stats.calls, query.stats.total_ms) == (StatsSource.EVENTS, 10, 20.0)
    assert (query.stats.rows, query.stats.temp_blocks_written, query.stats.blocks_read) == (10, 20, 5)


def test_shapes_of_the_aggregates_alone_are_scaled_to_the_log_s_window(tmp_path: Path) -> None:
    since = START - timedelta(hours=23)
    others = [
        statement("SELECT * FROM orders WHERE id = $1", 240_000, 24_000.0, since=since),
        statement("SELECT * FROM elsewhere", 9, 9.0, since=since, database="other"),
        statement("BEGIN", 9, 9.0, since=since),
    ]
    workload = digest(capture_of(tmp_path, [event(0), event(3600)], others))
    query = query_of(workload, "orders")
    assert (query.stats.source, query.stats.calls) == (StatsSource.STATEMENTS, 10_000)
    assert query.stats.total_ms == pytest.approx(1_000, rel=0.01)
    assert query.stats.mean_ms == 0.1
    assert len(workload.queries) == 2
    assert ("shapes known from server statistics alone, scaled to the log's window", 1) in workload.unread


def test_a_query_id_joins_what_the_texts_do_not(tmp_path: Path) -> None:
    told = [statement("SELECT name AS n FROM customers WHERE id = $1", 5, 5.0, server_query_id="42", rows=5)]
    (query,) = digest(capture_of(tmp_path, [event(server_query_id="42")], told)).queries
    assert query.stats.rows == 1


def test_aggregates_alone_are_a_workload(tmp_path: Path) -> None:
    since = START - timedelta(hours=5)
    texts = ["SELECT name FROM customers WHERE id = $1", "SELECT name FROM customers WHERE id = ($1)::int"]
    workload = digest(
        capture_of(tmp_path, (), [statement(t, 10, 50.0, min_ms=1.0, max_ms=9.0, since=since) for t in texts[:1]])
    )
    (query,) = workload.queries
    assert (query.stats.calls, query.stats.total_ms, query.stats.mean_ms, query.stats.max_ms) == (10, 50.0, 5.0, 9.0)
    assert (workload.started_at, workload.duration_s) == (since, 6 * 3600.0)
    assert query.stats.p50_ms is None


def test_without_a_time_of_reset_the_aggregates_count_as_a_day(tmp_path: Path) -> None:
    workload = digest(capture_of(tmp_path, (), [statement(LOOKUP, 10, 50.0)]))
    assert workload.per_day(10) == 10


def test_plans_go_to_their_queries(tmp_path: Path) -> None:
    def plan(text: str, cost: float, ms: float | None = None) -> Plan:
        node = PlanNode("Seq Scan", Access.SEQUENTIAL, TableName("", "customers"), total_cost=cost, actual_ms=ms)
        return Plan(node, text=text, execution_ms=ms)

    slow = plan("SELECT name FROM customers WHERE id = $0", 5.0, 70.0)
    plans = (plan(LOOKUP, 900.0), slow, plan(LOOKUP, 7.0, 3.0))
    reasons = {"SELECT f($1)": "no such function"}
    workload = digest(
        capture_of(
            tmp_path,
            [event(), event(1, "SELECT f($1) FROM t")],
            plans=plans,
            unexplained={"SELECT f($1) FROM t": "no such function", **reasons},
        )
    )
    explained = query_of(workload, "customers")
    assert explained.plan == replace(slow, fingerprint=explained.shape.fingerprint)
    assert query_of(workload, "f(").unexplained == "no such function"


def test_a_plan_alone_is_a_workload(tmp_path: Path) -> None:
    node = PlanNode(
        "Seq Scan", Access.SEQUENTIAL, TableName("public", "t"), total_cost=5.0, actual_ms=8.0, actual_rows=3.0
    )
    (query,) = digest(capture_of(tmp_path, plans=(Plan(node, execution_ms=9.0),))).queries
    assert (query.stats.calls, query.stats.total_ms, query.shape.tables) == (1, 9.0, (TableName("public", "t"),))
    assert query.plan is not None


def test_constants_that_differ_between_texts_are_none(tmp_path: Path) -> None:
    def constants(texts: list[str], folder: str) -> list[str]:
        where = tmp_path / folder
        where.mkdir()
        (query,) = digest(capture_of(where, [event(n, text) for n, text in enumerate(texts)], values=True)).queries
        return [predicate.constant for predicate in query.shape.blocks[0].predicates]

    new, old = (f"SELECT 1 FROM orders WHERE status = '{status}' AND customer_id = $1" for status in ("new", "old"))
    assert constants([new, new], "same") == ["'new'", ""]
    assert constants([new, old], "different") == ["", ""]


def test_an_empty_workload_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EmptyWorkload, match="log_min_duration_statement"):
        digest(capture_of(tmp_path))
    with pytest.raises(EmptyWorkload):
        digest(capture_of(tmp_path, [event(0, "BEGIN"), event(1, "COMMIT")]))


def test_an_empty_workload_repeats_why_the_connector_saw_none(tmp_path: Path) -> None:
    missing = Coverage("pg_stat_statements", seen=False, detail="It is missing.", remedy="CREATE EXTENSION x;")
    with pytest.raises(
        EmptyWorkload, match=r"^No statement was seen: It is missing \(CREATE EXTENSION x\); or pass a log"
    ):
        digest(replace(capture_of(tmp_path), coverage=(missing,)))


@pytest.mark.parametrize("name", ["events.parquet", "statements.parquet"])
def test_a_damaged_file_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PAR1 cut off")
    with pytest.raises(CaptureError, match="capture again"):
        digest(capture_of(tmp_path))


def test_odd_events_are_no_trouble(tmp_path: Path) -> None:
    odd = [
        event(0, "SELECT 'cut"),
        event(1, "SELECT \U0001f600 FROM t"),
        {"text": LOOKUP},
        {"text": None, "command": "SELECT"},
        {},
        {"text": "", "duration_ms": 1.0},
        event(-5),
    ]
    workload = digest(capture_of(tmp_path, odd))
    assert query_of(workload, "customers").stats.calls == 2
    assert any(query.shape.unparsed for query in workload.queries)


def test_order_and_hashes_do_not_show(tmp_path: Path) -> None:
    events = [
        event(n, f"SELECT c{n % 7} FROM t{n % 3} WHERE id = $1", 0.1 * (n % 11), user=f"u{n % 5}") for n in range(300)
    ]
    shuffled = random.Random(1).sample(events, len(events))
    found = []
    for name, part in (("a", events), ("b", shuffled)):
        (tmp_path / name).mkdir()
        found.append(digest(capture_of(tmp_path / name, part)).queries)
    assert found[0] == found[1]


def test_percentiles_of_many_events_are_within_one_percent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = random.Random(2)
    events = [event(n / 100, ms=round(generator.lognormvariate(1, 1), 3)) for n in range(3_000)]
    capture = capture_of(tmp_path, events)
    exact = digest(capture).queries[0].stats
    monkeypatch.setattr(_digest_events, "EXACT_UP_TO", 100)
    near = digest(capture).queries[0].stats
    for name in ("p50_ms", "p95_ms", "p99_ms"):
        assert getattr(near, name) == pytest.approx(getattr(exact, name), rel=0.02)
    assert (near.total_ms, near.calls) == (exact.total_ms, exact.calls)


def test_the_log_tells_what_went_to_disk(tmp_path: Path) -> None:
    with duckdb.connect() as database:
        database.execute(
            f"COPY (FROM (VALUES (483606::BIGINT, '{LOOKUP}'), (1, 'ROLLBACK'), (9, NULL)) AS t(bytes, text))"
            f" TO '{tmp_path / 'log_temporary_files.parquet'}' (FORMAT parquet)"
        )
    (query,) = digest(capture_of(tmp_path, [event()])).queries
    assert query.stats.temp_blocks_written == 60
