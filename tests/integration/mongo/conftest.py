"""A server for the tests: ADVISOR_TEST_MONGODB_URL, a mongod on PATH, else SecantusDB as a process of its own.

SecantusDB speaks MongoDB's protocol; its planner is not MongoDB's, so that nothing here is about the choice of indexes.
"""

from __future__ import annotations

import gc
import os
import shutil
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answering(port: int, process: subprocess.Popen[bytes]) -> bool:
    for _ in range(300):
        if process.poll() is not None:
            return False
        with socket.socket() as client:
            client.settimeout(0.5)
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.1)
    return False


@pytest.fixture(scope="session")
def real_server() -> bool:
    """Whether the server is MongoDB itself."""
    return bool(os.environ.get("ADVISOR_TEST_MONGODB_URL") or shutil.which("mongod"))


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    named = os.environ.get("ADVISOR_TEST_MONGODB_URL")
    if named:
        yield named.rstrip("/")
        return
    folder, port = tmp_path_factory.mktemp("mongo"), free_port()
    mongod = shutil.which("mongod")
    secantus = Path(sys.executable).with_name("secantusd-py")
    if mongod:
        command = [mongod, "--dbpath", str(folder), "--port", str(port), "--bind_ip", "127.0.0.1"]
    elif secantus.exists():
        command = [str(secantus), "--port", str(port), "--storage-path", str(folder / "data"), "--log-level", "ERROR"]
    else:
        pytest.skip("no MongoDB: set ADVISOR_TEST_MONGODB_URL, or install SecantusDB==0.7.0b3")
    with (folder / "server.out").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            if not answering(port, process):
                pytest.fail(f"the server did not start: {(folder / 'server.out').read_text()[-500:]}")
            yield f"mongodb://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture(autouse=True)
def sockets_of_the_stand_ins() -> Iterator[None]:
    """mockupdb and a client that was cut off leave sockets to the collector: it runs here, not in another test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))
