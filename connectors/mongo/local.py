"""A mongod of our own for a trial: in a private folder, on a unix socket, gone with its owner in whatever way."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from advisor.errors import SandboxError

START_SECONDS = 30.0
CACHE_GB = 0.25
"""WiredTiger's least cache; a sample needs no more."""
# Waits for its standard input to close, which happens when the owner exits in whatever way; then cleans up.
_WATCH = 'read -r _\nkill -KILL "$1" 2>/dev/null\nsleep 0.2\nrm -rf "$2"\n'


def found() -> str | None:
    """The path of the mongod on PATH."""
    return shutil.which("mongod")


class LocalServer:
    """A running mongod for one trial. ``url`` names a database in it. Close it, and nothing is left.

    Raises :class:`SandboxError` when it does not start.
    """

    def __init__(self, program: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="advisor-mongod-"))  # mode 0700: nobody else reaches the socket
        socket = self._folder / "mongod.sock"
        self.url = f"mongodb://{quote(str(socket), safe='')}/trial"
        data = self._folder / "data"
        data.mkdir()
        log = self._folder / "server.log"
        command = [program, "--dbpath", str(data), "--bind_ip", str(socket), "--unixSocketPrefix", str(self._folder)]
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [*command, "--wiredTigerCacheSizeGB", str(CACHE_GB)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,  # Ctrl-C in the terminal is ours to handle, not the server's
            )
        self._watch = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "advisor-watch", str(self._process.pid), str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self._await_ready(log)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the server and remove its folder. Safe to call again."""
        self._process.kill()  # nothing in it is worth a clean end
        self._process.wait()
        if self._watch.poll() is None:
            self._watch.kill()
        self._watch.communicate()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _await_ready(self, log: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
                why = lines[-1][:200] if lines else f"status {self._process.returncode}"
                raise SandboxError(f"The local mongod ended at once ({why}); name another server with --sandbox.")
            try:
                with MongoClient[dict[str, object]](self.url, serverSelectionTimeoutMS=200) as client:
                    client.admin.command("ping")
                return
            except PyMongoError:
                time.sleep(0.05)
        raise SandboxError(
            f"The local mongod was not ready after {START_SECONDS:.0f} s; name another server with --sandbox."
        )
