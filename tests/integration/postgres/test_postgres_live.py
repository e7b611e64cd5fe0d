"""Watching a live server without its log."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import asyncpg
import duckdb

from advisor import captures
from advisor.model.capture import Capture
from advisor.ports import CaptureRequest, Step
from connectors import connect


class Load:
    """An application that runs one statement again and again until told to stop."""

    def __init__(self, url: str, statement: str, pause: float = 0.01) -> None:
        self.url, self.statement, self.pause = url, statement, pause
        self.done = threading.Event()
        self.runs = 0
        self.thread = threading.Thread(target=lambda: asyncio.run(self.work()))

    async def work(self) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            while not self.done.is_set():
                await connection.fetch(self.statement)
                self.runs += 1
                await asyncio.sleep(self.pause)
        finally:
            await connection.close()

    def __enter__(self) -> Load:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()


async def watched(url: str, folder: Path, seconds: float, steps: list[Step]) -> Capture:
    connector = await connect(url)
    try:
        return await connector.capture(CaptureRequest(folder, seconds=seconds), steps.append)
    finally:
        await connector.close()


def statements(capture: Capture) -> dict[str, tuple[int, float]]:
    with duckdb.connect() as database:
        rows = database.execute(f"SELECT text, calls, total_ms FROM '{capture.statements}'").fetchall()
    return {row[0]: (row[1], row[2]) for row in rows}


def test_only_the_window_is_counted(contrib: Any, tmp_path: Path) -> None:
    contrib.run("SELECT count(*) FROM zoo.log WHERE k = 'before'")
    steps: list[Step] = []
    with Load(contrib.url, "SELECT count(*) FROM zoo.animal WHERE weight > 12.5") as load:
        capture = asyncio.run(watched(contrib.url, tmp_path, 2.0, steps))
    found = statements(capture)
    assert set(found) == {"SELECT count(*) FROM zoo.animal WHERE weight > $1"}
    assert 0 < next(iter(found.values()))[0] <= load.runs
    assert capture.window_started_at is not None
    assert capture.window_ended_at is not None
    assert 1.5 < (capture.window_ended_at - capture.window_started_at).total_seconds() < 10
    assert [step for step in steps if step.title == "Watching the server" and step.total == 2.0]
    unseen = next(one for one in capture.coverage if one.subject == "order and parameters")
    assert "N+1" in unseen.detail
    assert "--log" in unseen.remedy


def test_without_pg_stat_statements_samples_stand_in(embedded: Any, tmp_path: Path) -> None:
    with Load(embedded.url, "SELECT pg_sleep(0.4), count(*) FROM zoo.animal WHERE kind = 'secret'"):
        capture = asyncio.run(watched(embedded.url, tmp_path, 2.0, []))
    ((text, (calls, total)),) = statements(capture).items()
    assert text == "SELECT pg_sleep($0), count(*) FROM zoo.animal WHERE kind = $0"
    assert calls >= 1
    assert total >= 500
    assert any(one.subject == "pg_stat_activity" and one.seen for one in capture.coverage)


def test_an_interruption_keeps_what_it_has(contrib: Any, tmp_path: Path) -> None:
    async def interrupted() -> Capture:
        task = asyncio.create_task(watched(contrib.url, tmp_path, 600.0, []))
        await asyncio.sleep(1.5)
        task.cancel()
        return await task

    with Load(contrib.url, "SELECT count(*) FROM zoo.animal WHERE weight > 13.5"):
        capture = asyncio.run(interrupted())
    assert statements(capture)
    assert captures.load(tmp_path) == capture
    told = next(one for one in capture.coverage if one.subject == "watch")
    assert "interrupted" in told.detail


def test_a_lost_connection_keeps_what_it_has(contrib: Any, tmp_path: Path) -> None:
    async def cut() -> Capture:
        task = asyncio.create_task(watched(contrib.url, tmp_path, 600.0, []))
        await asyncio.sleep(2)
        await asyncio.to_thread(
            contrib.run,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'query-advisor'",
        )
        return await task

    capture = asyncio.run(cut())
    assert capture.catalog is not None
    assert captures.load(tmp_path) == capture
    assert any("was lost" in one.detail for one in capture.coverage)


def test_our_own_questions_are_not_counted(contrib: Any, tmp_path: Path) -> None:
    contrib.run("SELECT pg_stat_statements_reset()")
    asyncio.run(watched(contrib.url, tmp_path, 0.0, []))
    left = contrib.run("SELECT query FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%'")
    assert len(left) <= 1  # the one that asks who we are
