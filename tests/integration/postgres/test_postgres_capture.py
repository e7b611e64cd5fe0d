"""A capture of a real server: what it holds, that it changes nothing, and what little a stranger still gets."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import asyncpg
import duckdb
import pytest

from advisor import captures
from advisor.model.capture import Capture, Coverage
from advisor.model.catalog import TableName
from advisor.model.plan import Access
from advisor.ports import CaptureRequest, Step
from connectors import connect

ANIMAL = TableName("zoo", "animal")
ALLOWED = {"SELECT", "EXPLAIN", "SET", "SHOW", "PREPARE", "DEALLOCATE", "BEGIN", "COMMIT", "ROLLBACK", "WITH"}
APPLICATION = (
    "SELECT count(*) FROM zoo.animal WHERE weight = 7.25",
    "SELECT * FROM zoo.animal a JOIN zoo.\"Keeper\" k ON k.id = a.keeper WHERE k.email = 'secret@x' LIMIT 3",
    "INSERT INTO zoo.never VALUES (77)",
    "UPDATE zoo.never SET a = 78 WHERE a = 77",
    "SELECT zoo.count_up()",
    "SELECT nextval('zoo.counter')",
)


def taken(url: str, folder: Path, **request: Any) -> Capture:
    async def take() -> Capture:
        connector = await connect(url)
        try:
            return await connector.capture(CaptureRequest(folder, **request), steps.append)
        finally:
            await connector.close()

    steps: list[Step] = []
    capture = asyncio.run(take())
    assert steps
    return capture


def entry(capture: Capture, subject: str) -> Coverage:
    return next(one for one in capture.coverage if one.subject == subject)


def test_a_capture_holds_server_catalog_and_schema(zoo: Any, tmp_path: Path) -> None:
    capture = taken(zoo.url, tmp_path)
    assert captures.load(tmp_path) == capture
    server = capture.server
    assert server.version_number // 10_000 == zoo.server.version
    assert server.settings["work_mem"] == "4MB"
    assert server.database == "postgres"
    assert "@" not in server.name
    assert capture.catalog is not None
    assert capture.catalog.by_name[ANIMAL].rows == 20_000
    assert "CREATE TABLE" in capture.schema_sql.read_text().upper()
    assert capture.statistics_sql.exists()
    assert [one for one in capture.coverage if "failed" in one.detail] == []


def test_statements_come_with_plans_and_without_values(contrib: Any, tmp_path: Path) -> None:
    contrib.run("SELECT pg_stat_statements_reset()", *APPLICATION)
    capture = taken(contrib.url, tmp_path)
    with duckdb.connect() as database:
        rows = database.execute(f"SELECT text, calls FROM '{capture.statements}'").fetchall()
    texts = {row[0] for row in rows}
    assert "INSERT INTO zoo.never VALUES ($1)" in texts
    assert not [text for text in texts if "query-advisor" in text or text.startswith(("BEGIN", "SET"))]
    assert not capture.unexplained
    whole = "".join(path.read_text(errors="replace") for path in tmp_path.iterdir())
    assert "secret@x" not in whole
    plan = next(plan for plan in capture.plans if "weight" in plan.text)
    assert plan.generic
    assert [node.access for node in plan.scans()] == [Access.SEQUENTIAL]
    assert plan.planner == f"PostgreSQL {capture.server.version}"
    assert entry(capture, "pg_stat_statements").count == len(rows)


def test_nothing_is_executed_and_nothing_changes(contrib: Any, tmp_path: Path) -> None:
    contrib.run(*APPLICATION)
    counts = "(SELECT count(*) FROM zoo.never), (SELECT count(*) FROM zoo.audit)"
    state = f"SELECT (SELECT last_value FROM zoo.counter), {counts}"
    before = contrib.run(state)
    capture = taken(contrib.url, tmp_path)
    assert {plan.text.split()[0] for plan in capture.plans} >= {"SELECT", "INSERT", "UPDATE"}
    assert any("nextval" in plan.text for plan in capture.plans)
    assert any("count_up" in plan.text for plan in capture.plans)
    assert contrib.run(state) == before


def test_the_servers_own_log_shows_reading_commands_alone(zoo: Any, tmp_path: Path) -> None:
    before = len(zoo.logged_by_advisor())  # a sandbox of other tests may be on this server, and that one builds
    taken(zoo.url, tmp_path, seconds=1.0)
    said = zoo.logged_by_advisor()[before:]
    assert len(said) > 10
    assert {text.lstrip("( \n").split()[0].upper().rstrip(";") for text in said} <= ALLOWED
    assert not [text for text in said if text.startswith("EXPLAIN") and "ANALYZE" in text.upper()]


def test_locks_stay_at_access_share(contrib: Any, tmp_path: Path) -> None:
    contrib.run(*APPLICATION)
    seen: dict[tuple[Any, ...], list[float]] = {}
    done = threading.Event()

    async def watch() -> None:
        connection = await asyncpg.connect(contrib.url)
        try:
            while not done.is_set():
                for row in await connection.fetch(
                    "SELECT l.mode, l.relation, pid, a.query_start FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
                    " WHERE a.application_name = 'query-advisor' AND l.locktype = 'relation'"
                ):
                    seen.setdefault(tuple(row), []).append(time.monotonic())
        finally:
            await connection.close()

    watcher = threading.Thread(target=lambda: asyncio.run(watch()))
    watcher.start()
    try:
        for _ in range(3):
            taken(contrib.url, tmp_path)
    finally:
        done.set()
        watcher.join()
    assert seen
    # The planner itself locks what an UPDATE would change, for as long as it plans.
    strong = {key: times[-1] - times[0] for key, times in seen.items() if key[0] != "AccessShareLock"}
    assert {key[0] for key in strong} <= {"RowExclusiveLock", "RowShareLock"}
    assert all(length < 0.5 for length in strong.values()), strong


def test_a_role_that_may_read_nothing_still_gets_the_outline(zoo: Any, tmp_path: Path) -> None:
    capture = taken(zoo.url_as("beggar"), tmp_path)
    assert capture.catalog is not None
    assert capture.catalog.by_name[ANIMAL].options["unreadable"] == "true"
    assert all(column.stats is None for column in capture.catalog.by_name[ANIMAL].columns)
    assert len(capture.catalog.by_name[ANIMAL].indexes) == 7
    assert entry(capture, "role").remedy == "GRANT pg_read_all_stats TO beggar;"
    assert "GRANT SELECT ON ALL TABLES IN SCHEMA zoo TO beggar;" in entry(capture, "table rights").remedy
    assert not entry(capture, "table rights").seen
    assert not [one for one in capture.coverage if "CURRENT_USER" in one.remedy]
    assert not [one for one in capture.coverage if "failed" in one.detail]


def test_the_remedies_for_a_role_can_be_run_as_they_stand(contrib: Any, tmp_path: Path) -> None:
    contrib.run("CREATE ROLE patient LOGIN", *APPLICATION)
    poor = taken(contrib.url_as("patient"), tmp_path / "before")
    remedies = {entry(poor, name).remedy for name in ("role", "table rights", "pg_stat_statements")}
    contrib.run(*(part for remedy in sorted(remedies) for part in remedy.split(";") if part.strip()))
    cured = taken(contrib.url_as("patient"), tmp_path / "after")
    assert entry(cured, "role").seen
    assert "table rights" not in {one.subject for one in cured.coverage}
    assert (entry(cured, "pg_stat_statements").count or 0) > 0
    assert cured.plans
    contrib.run("DROP OWNED BY patient", "DROP ROLE patient")


def test_without_pg_stat_statements_the_capture_says_what_to_do(embedded: Any, tmp_path: Path) -> None:
    capture = taken(embedded.url, tmp_path)
    told = entry(capture, "pg_stat_statements")
    assert not told.seen
    assert "CREATE EXTENSION pg_stat_statements" in told.remedy
    assert not capture.statements.exists()


def test_an_extension_in_another_database_is_told(contrib: Any, tmp_path: Path) -> None:
    contrib.run("CREATE DATABASE elsewhere")
    told = entry(taken(contrib.server.url_of("elsewhere"), tmp_path), "pg_stat_statements")
    assert told.remedy == "CREATE EXTENSION pg_stat_statements;"


def test_a_table_locked_by_a_ddl_does_not_stop_the_capture(embedded: Any, tmp_path: Path) -> None:
    async def locked() -> Capture:
        holder = await asyncpg.connect(embedded.url)
        try:
            async with holder.transaction():
                await holder.execute("LOCK TABLE zoo.animal IN ACCESS EXCLUSIVE MODE")
                return await asyncio.to_thread(taken, embedded.url, tmp_path)
        finally:
            await holder.close()

    started = time.monotonic()
    capture = asyncio.run(locked())
    assert time.monotonic() - started < 20
    assert capture.catalog is not None
    assert capture.catalog.by_name[ANIMAL].pages > 0
    assert len(capture.catalog.by_name[ANIMAL].indexes) == 7


def test_the_log_files_are_named_when_they_can_be_read(embedded: Any, tmp_path: Path) -> None:
    told = entry(taken(embedded.url, tmp_path), "server log")
    assert "--log" in told.remedy
    assert str(embedded.server.data) in told.remedy


def test_a_log_beside_the_database_becomes_events_and_plans(contrib: Any, tmp_path: Path) -> None:
    pytest.importorskip("connectors.postgres.logs", reason="the log readers are missing")
    contrib.run(*APPLICATION)
    capture = taken(contrib.url, tmp_path, logs=(contrib.server.data / "log" / "server.csv",))
    assert capture.events.exists()
    assert any("zoo.never" in plan.text for plan in capture.plans)


def test_coverage_alone(contrib: Any) -> None:
    async def ask() -> tuple[Coverage, ...]:
        connector = await connect(contrib.url)
        try:
            return await connector.coverage()
        finally:
            await connector.close()

    subjects = {one.subject for one in asyncio.run(ask())}
    assert {"server", "role", "server log", "pg_stat_statements", "catalog"} <= subjects
