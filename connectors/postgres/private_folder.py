"""Where an embedded server lives and as whom: private folders with a lock that tells that the owner lives.

Root's server runs as ``nobody`` with a group number that nobody else has, below a folder that only this group may
enter.
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import stat
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

PREFIX = "advisor-postgres-"
PRIVATE_GROUP = 58_251
"""Debian keeps 30000-59999 unassigned (policy manual, 9.2.2): no account has this group."""
NOBODY = 65_534
LONGEST_SOCKET_FOLDER = 103 - len("/.s.PGSQL.5432")
"""A unix socket's path may have 107 bytes on Linux, 103 on macOS; PostgreSQL adds the rest."""
STOP_SECONDS = 30.0


def sweep() -> None:
    """Remove what killed owners left in the temporary folder: their servers, then their files."""
    for leftover in sorted(temporary().glob(f"{PREFIX}*")):
        with suppress(OSError):
            if leftover.stat().st_uid != os.geteuid():
                continue
            lock = try_lock(leftover)
            if lock is not None:
                end_postmaster(leftover / "data")
                remove(leftover)
                os.close(lock)


def remove(folder: Path) -> None:
    """Remove a run's folder. A shadow of terabytes has tens of thousands of files, which rm unlinks faster."""
    subprocess.run(["rm", "-rf", "--", str(folder)], stderr=subprocess.DEVNULL, check=False)


def private_folder() -> tuple[Path, int]:
    """Make a temporary folder whose lock says that its owner lives; returns it and the lock's descriptor."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=temporary()))
        restrict(folder)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():  # else another process swept it between the two lines above
            if os.geteuid() == 0:
                # The server makes its socket here; its lock file and socket are all that it can make.
                os.chown(folder, 0, PRIVATE_GROUP)
                folder.chmod(0o770)
            return folder, lock
        os.close(lock)


def restrict(folder: Path) -> None:
    """Let only the owner in, and root's server where root owns it."""
    if os.geteuid() == 0:
        os.chown(folder, 0, PRIVATE_GROUP)
        folder.chmod(0o750)
    else:
        folder.chmod(0o700)


def temporary() -> Path:
    """Where private folders are made: near enough for a socket's path, and open to root's server."""
    folder = Path(tempfile.gettempdir())
    too_long = len(str(folder)) + len(PREFIX) + 24 > LONGEST_SOCKET_FOLDER
    closed = os.geteuid() == 0 and not open_to_all(folder)
    return Path("/tmp") if too_long or closed else folder  # noqa: S108


def try_lock(folder: Path) -> int | None:
    """The lock's descriptor, or ``None`` where the owner lives."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def end_postmaster(data: Path) -> None:
    """End the server of a dead owner, if one still runs on ``data``."""
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return
    if str(data) not in command_line(pid):  # the number belongs to another process by now
        return
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGQUIT)
    deadline = time.monotonic() + STOP_SECONDS
    while str(data) in command_line(pid) and time.monotonic() < deadline:
        time.sleep(0.02)


def command_line(pid: int) -> str:
    """A process's arguments; empty when there is none."""
    if Path("/proc/self/cmdline").exists():
        with suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return ""
    listed = subprocess.run(
        ["ps", "-o", "command=", "-ww", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout


def identity() -> dict[str, Any]:
    """Popen arguments: who the server runs as, and an environment free of the user's PG* variables."""
    environment = {name: value for name, value in os.environ.items() if not re.match(r"PG[A-Z]|LC_|LANG", name)}
    common: dict[str, Any] = {"env": environment, "umask": 0o077, "cwd": "/"}
    if os.geteuid() != 0:
        return common
    return {**common, "user": NOBODY, "group": PRIVATE_GROUP, "extra_groups": []}


def open_to_all(folder: Path) -> bool:
    """Whether every user may enter ``folder`` by its path."""
    return all(part.stat().st_mode & stat.S_IXOTH for part in (folder.resolve(), *folder.resolve().parents))
