"""The application over a hand-made report, in process and under a real server."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from advisor.errors import AuthenticationFailed
from advisor.model.codec import decode
from advisor.model.report import Report
from advisor.ports import Progress, Step
from web.app import create_app
from web.memory import MemoryReports

SHOP = Path(__file__).parents[1] / "cases" / "report" / "shop.advisor.json"


@pytest.fixture(scope="session")
def shop() -> Report:
    return decode(Report, json.loads(SHOP.read_text(encoding="utf-8")))


class Gate:
    """A scan that goes on when the test says so."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.open = threading.Event()
        self.urls: list[str] = []

    def __call__(self, url: str, progress: Progress) -> Report:
        self.urls.append(url)
        if "refused" in url:
            raise AuthenticationFailed(f"The database refused {url}; check the password.")
        if "broken" in url:
            raise RuntimeError(f"a bug that names {url}")
        progress(Step("Reading the catalog", 3, 8, "tables"))
        while not self.open.wait(0.02):
            progress(Step("Reading the catalog", 4, 8, "tables"))
        progress(Step("Asking the planner"))
        return self._report


@pytest.fixture
def gate(shop: Report) -> Gate:
    return Gate(shop)


@pytest.fixture
def store(shop: Report) -> MemoryReports:
    return MemoryReports([shop])


Serve = Callable[[FastAPI], str]
Browse = Callable[[FastAPI], httpx.Client]


@pytest.fixture
def client(store: MemoryReports, gate: Gate, browse: Browse) -> Iterator[httpx.Client]:
    with browse(create_app(store=store, scan=gate)) as made:
        yield made
    gate.open.set()


@pytest.fixture(scope="session")
def pages(shop: Report, browse: Browse) -> Iterator[httpx.Client]:
    """A client for tests that only look."""
    with browse(create_app(store=MemoryReports([shop]))) as made:
        yield made


@pytest.fixture(scope="session")
def browse(serve: Serve) -> Browse:
    """An HTTP client on a served application."""
    return lambda app: httpx.Client(base_url=serve(app), follow_redirects=True)


@pytest.fixture(scope="session")
def serve() -> Iterator[Serve]:
    """Serve an application on a free port of the loopback interface; returns its address."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(app: FastAPI) -> str:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        running.append((server, thread))
        deadline = time.monotonic() + 20
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        return address

    yield start
    for server, _ in running:
        server.should_exit = True
    for _, thread in running:
        thread.join(10)
