"""Ctrl-C while a live server's log is read: what was read is kept, and the capture goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest

from advisor import captures
from advisor.model.capture import Capture
from advisor.ports import CaptureRequest, Progress, Step, silent
from connectors import connect
from connectors.postgres.live import until_interrupted

LINE = "2026-11-21 13:50:20.123 UTC [{0}] LOG:  duration: 1.500 ms  statement: SELECT {0}\n"


def test_ctrl_c_while_the_log_is_read(embedded: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.postgres.logs.files.CHUNK", 20_000)
    monkeypatch.setattr("connectors.postgres.logs.logfile.PIECE", 20_000)
    log = tmp_path / "server.log"
    log.write_text("".join(LINE.format(number) for number in range(1, 3001)))
    read = []

    def progress(step: Step) -> None:
        if step.unit == "B":
            read.append(step.done)
            if len(read) == 3:
                os.kill(os.getpid(), signal.SIGINT)

    async def taken() -> Capture:
        connector = await connect(embedded.url)
        try:
            return await connector.capture(CaptureRequest(folder=tmp_path / "capture", logs=(log,)), progress)
        finally:
            await connector.close()

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # a runner's workers may have another
    try:
        capture = asyncio.run(taken())
    finally:
        signal.signal(signal.SIGINT, handler)
    assert captures.load(tmp_path / "capture") == capture
    with duckdb.connect() as database:
        [(events,)] = database.execute(f"SELECT count(*) FROM '{capture.events}'").fetchall()
    assert 0 < events < 3000
    told = [one.detail for one in capture.coverage if one.subject == "log parts not read"]
    assert any("interrupted" in detail for detail in told)
    assert capture.catalog is not None


async def test_a_second_ctrl_c_ends_it() -> None:
    ended = threading.Event()

    def work(progress: Progress) -> None:
        ended.wait(10)

    reading = asyncio.ensure_future(until_interrupted(work, silent))
    await asyncio.sleep(0.1)
    reading.cancel()  # the first: it goes on to its next step
    await asyncio.sleep(0.1)
    assert not reading.done()
    for task in asyncio.all_tasks() - {asyncio.current_task()}:  # the second: asyncio's runner ends all
        task.cancel()
    await asyncio.wait([reading], timeout=5)
    ended.set()
    assert reading.cancelled()
