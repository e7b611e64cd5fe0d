"""The embedded server: private, without TCP, gone at exit, cleaned after a kill."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from advisor.errors import PlannerUnavailable
from connectors.postgres import embedded, private_folder
from connectors.postgres.embedded import EmbeddedServer


@pytest.mark.parametrize("version", [16, 18])
async def test_starts_answers_and_leaves_nothing(version: int) -> None:
    with EmbeddedServer(version=version, settings={"work_mem": "7MB"}) as server:
        connection = await asyncpg.connect(server.url)
        try:
            assert (await connection.fetchval("SHOW server_version")).startswith(f"{version}.")
            assert await connection.fetchval("SHOW work_mem") == "7MB"
            assert await connection.fetchval("SHOW listen_addresses") == ""
            assert await connection.fetchval("SELECT inet_server_addr()") is None
        finally:
            await connection.close()
        run, pid = server.data.parent, server.pid
        assert not run.stat().st_mode & stat.S_IRWXO
        assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    assert not run.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_kept_folder_is_reused_and_guarded(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = Path("/var/tmp") / f"advisor-test-{os.getpid()}" if os.geteuid() == 0 else tmp_path_factory.mktemp("kept")
    try:
        with EmbeddedServer(folder) as server:
            connection = await asyncpg.connect(server.url)
            await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
            await connection.close()
            with pytest.raises(PlannerUnavailable, match="in use"):
                EmbeddedServer(folder).start()
        with EmbeddedServer(folder) as server:
            connection = await asyncpg.connect(server.url)
            assert await connection.fetchval("SELECT answer FROM kept") == 42
            await connection.close()
    finally:
        shutil.rmtree(folder)


CHILD = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
from connectors.postgres.embedded import EmbeddedServer
server = EmbeddedServer()
server.start()
print(server.pid, server.data.parent, server._watch.pid, flush=True)
time.sleep(600)
"""


def start_child() -> tuple[subprocess.Popen[str], int, Path, int]:
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    pid, folder, watch = child.stdout.readline().split()
    return child, int(pid), Path(folder), int(watch)


def gone(pid: int, folder: Path, seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not folder.exists() and not private_folder.command_line(pid):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_killed_owner_leaves_nothing(how: signal.Signals) -> None:
    child, pid, folder, _ = start_child()
    child.send_signal(how)
    child.communicate()
    assert gone(pid, folder)


def test_the_next_run_cleans_when_the_watch_was_killed_too() -> None:
    child, pid, folder, watch = start_child()
    os.kill(watch, signal.SIGKILL)
    child.kill()
    child.communicate()
    assert folder.exists()
    assert private_folder.command_line(pid)
    private_folder.sweep()
    assert gone(pid, folder, 1)


def test_unknown_version_and_bad_setting_are_one_sentence() -> None:
    with pytest.raises(PlannerUnavailable, match="no embedded PostgreSQL 12"):
        EmbeddedServer(version=12).start()
    with pytest.raises(PlannerUnavailable, match="no_such_setting"):
        EmbeddedServer(settings={"no_such_setting": "1"}).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_root_with_closed_binaries_copies_them(monkeypatch: pytest.MonkeyPatch) -> None:
    real = private_folder.open_to_all
    monkeypatch.setattr(embedded, "open_to_all", lambda folder: folder.name != "bin" and real(folder))
    with EmbeddedServer() as server:
        assert (server.data.parent / "install").is_dir()
