"""A mongod on PATH, started for a trial. Evidence: a real one where there is one, else SecantusDB in its place."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pymongo import MongoClient

from advisor.errors import SandboxError
from connectors.mongo.local import LocalServer

STAND_IN = """\
#!{python}
# A mongod for the tests: SecantusDB behind a unix socket. It understands what LocalServer passes.
import asyncio, subprocess, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
port = "{port}"
watched = (  # SecantusDB ends with this process, which is killed without warning
    "import subprocess, sys; p = subprocess.Popen(sys.argv[1:]); sys.stdin.read(); p.kill(); p.wait()"
)
storage = ["--storage-path", given["--dbpath"] + "/s"]
server = subprocess.Popen(
    [sys.executable, "-c", watched, "{secantus}", "--port", port, *storage, "--log-level", "ERROR", "--standalone"],
    stdin=subprocess.PIPE,
)

async def serve(reader, writer):
    try:
        above = await asyncio.open_connection("127.0.0.1", int(port))
    except OSError:
        writer.close()
        return

    async def pump(source, sink):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        sink.close()

    await asyncio.gather(pump(reader, above[1]), pump(above[0], writer), return_exceptions=True)

async def main():
    async with await asyncio.start_unix_server(serve, given["--bind_ip"]) as listening:
        await listening.serve_forever()

asyncio.run(main())
"""
FAILING = "#!/bin/sh\necho 'exception in initAndListen: data directory is not writable' >&2\nexit 100\n"
OWNER = """
import sys, time
from connectors.mongo.local import LocalServer
server = LocalServer(sys.argv[1])
print(server._folder, server._process.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def mongod(tmp_path: Path) -> str:
    if found := shutil.which("mongod"):
        return found
    secantus = Path(sys.executable).with_name("secantusd-py")
    if not secantus.exists():
        pytest.skip("no MongoDB: set ADVISOR_TEST_MONGODB_URL, or install SecantusDB==0.7.0b3")
    return program(tmp_path, STAND_IN.format(python=sys.executable, port=free_port(), secantus=secantus))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(folder: Path, text: str) -> str:
    path = folder / "mongod"
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def soon(what: Callable[[], bool]) -> bool:
    for _ in range(100):
        if what():
            return True
        time.sleep(0.05)
    return False


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_it_is_reached_by_its_socket_alone_and_leaves_nothing(mongod: str) -> None:
    server = LocalServer(mongod)
    folder, pid = server._folder, server._process.pid
    try:
        assert folder.stat().st_mode & 0o077 == 0
        with MongoClient[dict[str, int]](server.url) as client:
            client["trial"].numbers.insert_one({"one": 1})
            assert client["trial"].numbers.count_documents({}) == 1
    finally:
        server.close()
        server.close()
    assert not folder.exists()
    assert gone(pid)


def test_it_goes_with_an_owner_that_is_killed(mongod: str) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, mongod], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    folder, pid = owner.stdout.readline().split()
    assert Path(folder).exists()
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    assert soon(lambda: gone(int(pid)) and not Path(folder).exists())


def test_one_that_does_not_start_is_one_sentence(tmp_path: Path) -> None:
    before = set(Path(tempfile.gettempdir()).glob("advisor-mongod-*"))
    with pytest.raises(SandboxError, match=r"ended at once .*not writable.*; name another server"):
        LocalServer(program(tmp_path, textwrap.dedent(FAILING)))
    assert set(Path(tempfile.gettempdir()).glob("advisor-mongod-*")) <= before
