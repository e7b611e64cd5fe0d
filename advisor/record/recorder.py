"""The recorder: hooks in, a capture out."""

from __future__ import annotations

import atexit
import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from advisor import captures
from advisor.model.capture import Capture, Coverage, Server
from advisor.record import hooks_asyncpg, hooks_django, hooks_pymongo, hooks_sqlalchemy, middleware
from advisor.record.events import (
    Recorded,
    UnitOfWorkScope,
    as_mongo,
    as_sql,
    current_unit,
    event_of,
    ignoring,
    write,
)
from advisor.record.frames import NOWHERE, Frames

MOST_EVENTS = 500_000
"""Events kept in memory, about 200 bytes each; what comes after is counted and dropped."""


class Recorder:
    """Collects statements in memory and writes a capture.

    ``folder``: where :meth:`save` writes; what is not saved when the process ends is saved then. ``root``: the
    application's own source folder; call sites are told relative to it (default: every file outside the libraries is
    the application's). ``application``: its name in the capture.
    """

    def __init__(
        self, folder: Path | str | None = None, *, root: Path | str | None = None, application: str = "app"
    ) -> None:
        self.folder = Path(folder) if folder is not None else None
        self.application = application
        self.failures = 0
        self.dropped = 0
        self.events: list[Recorded] = []
        self.enabled = True
        self._frames = Frames(Path(root) if root is not None else None)
        self._key = os.urandom(32)
        self._numbers = itertools.count(1)
        self._units = itertools.count(1)
        self._detach: list[Callable[[], None]] = []
        self._lock = Lock()
        self._product = ""
        self._saved = 0
        self._process = os.getpid()
        self._began = time.time()
        if self.folder is not None:
            atexit.register(self._save_at_exit)

    def sqlalchemy(self, engine: Any, *, relations: bool = False) -> Recorder:
        """Record an ``Engine`` or ``AsyncEngine`` of SQLAlchemy 2, or the class ``Engine`` for all of them.

        ``relations``: tell of each lazy load which relation it read. It costs several times what the rest does, for
        SQLAlchemy then prepares a state for every statement; the analysis finds relations without it.
        Raises ``TypeError`` for anything else.
        """
        self._attached("postgresql", hooks_sqlalchemy.attach(self, engine, relations=relations))
        return self

    def django(self) -> Recorder:
        """Record Django's connections: those that are open and those that will be."""
        self._attached("postgresql", hooks_django.attach(self))
        return self

    def asyncpg(self, connection: Any) -> Recorder:
        """Record one asyncpg connection; use it as a pool's ``init`` through ``recorder.asyncpg_init``."""
        self._attached("postgresql", hooks_asyncpg.attach(self, connection))
        return self

    async def asyncpg_init(self, connection: Any) -> None:
        """``asyncpg.create_pool(…, init=recorder.asyncpg_init)``."""
        self.asyncpg(connection)

    def pymongo(self) -> Any:
        """A listener for PyMongo: ``AsyncMongoClient(url, event_listeners=[recorder.pymongo()])``, Beanie's client too.

        Raises ``ValueError``, as the others do, when the recorder has hooks of another database.
        """
        found, stop = hooks_pymongo.listener(self)
        self._attached("mongodb", stop)
        return found

    def _attached(self, product: str, stop: Callable[[], None]) -> None:
        if self._product not in ("", product):
            stop()
            raise ValueError(f"Use another Recorder for {product}: a capture is of one database.")
        self._product = product
        self._detach.append(stop)

    def asgi(self, app: Any) -> Any:
        """Wrap an ASGI application: each HTTP request or WebSocket is a unit of work."""
        return middleware.AsgiMiddleware(app, self)

    def wsgi(self, app: Any) -> Any:
        """Wrap a WSGI application: each request is a unit of work."""
        return middleware.WsgiMiddleware(app, self)

    def next_unit(self) -> str:
        """A key for a new unit of work."""
        return f"{os.getpid()}-{next(self._units)}"

    @contextmanager
    def unit(self, route: str = "") -> Iterator[UnitOfWorkScope]:
        """A unit of work by hand: a job, a command, a test."""
        scope = UnitOfWorkScope(self.next_unit(), route)
        token = current_unit.set(scope)
        try:
            yield scope
        finally:
            current_unit.reset(token)

    def add(
        self,
        session: str,
        text: str,
        parameters: Any,
        seconds: float,
        rows: int | None = None,
        relation: str = "",
        error: str = "",
        *,
        border: bool = False,
    ) -> None:
        """Keep one statement that has just ended; ``border``: of a transaction, no place in the code. Never raises."""
        if not self.enabled:
            return
        try:
            if len(self.events) >= MOST_EVENTS:
                self.dropped += 1
                return
            self.events.append(
                Recorded(
                    session,
                    next(self._numbers),
                    current_unit.get(),
                    time.time() - seconds,
                    seconds,
                    text,
                    hash(repr(parameters)) if parameters else None,
                    rows if rows is not None and rows >= 0 else None,
                    *(NOWHERE if border else self._frames.place()),
                    relation,
                    error,
                    ignoring.get(),
                )
            )
        except Exception:
            self.failures += 1

    def guarded(self, hook: Callable[..., None]) -> Callable[..., None]:
        """``hook`` with its errors swallowed and counted."""

        def safe(*arguments: Any, **named: Any) -> None:
            try:
                hook(*arguments, **named)
            except Exception:
                self.failures += 1

        return safe

    def save(self, folder: Path | None = None) -> Capture:
        """Write what was recorded as a capture; returns it. May be called again: the folder is written anew.

        Raises ``OSError`` when the folder cannot be written.
        """
        target = folder or self.folder
        if target is None:
            raise ValueError("Name a folder to save the recording in.")
        target.mkdir(parents=True, exist_ok=True)
        with self._lock:
            texts: dict[str, tuple[str, str]] = {}
            read = as_mongo if self._product == "mongodb" else as_sql
            kept = [recorded for recorded in self.events if not recorded.ignored]
            rows = [event_of(recorded, self.application, texts, self._key, read) for recorded in kept]
            write(target / "events.parquet", rows)
        started = min((row["started_at"] for row in rows), default=None)
        ended = max((row["ended_at"] for row in rows), default=None)
        capture = Capture(
            target,
            Server(self._product or "postgresql", name=f"recorder:{self.application}"),
            coverage=self._coverage(len(rows)),
            captured_at=datetime.now(UTC),
            window_started_at=datetime.fromisoformat(started) if started else None,
            window_ended_at=datetime.fromisoformat(ended) if ended else None,
        )
        captures.save(capture)
        self._saved = len(self.events)
        return capture

    def _save_at_exit(self) -> None:
        """Of several processes that record into one folder, all but the first write beside it."""
        if self.folder is None or len(self.events) == self._saved:
            return
        try:
            file = self.folder / "capture.json"
            taken = not self._saved and file.exists() and file.stat().st_mtime >= self._began
            beside = taken or os.getpid() != self._process
            self.save(self.folder.with_name(f"{self.folder.name}-{os.getpid()}") if beside else self.folder)
        except Exception:
            self.failures += 1

    def _coverage(self, count: int) -> tuple[Coverage, ...]:
        found = [Coverage("statements of the application", True, f"{count} recorded inside the process", count=count)]
        if self.dropped:
            found.append(
                Coverage(
                    "statements after the limit", False, f"{self.dropped} were dropped", "save() and clear() more often"
                )
            )
        if self.failures:
            found.append(Coverage("hooks that failed", False, f"{self.failures} statements are missing", ""))
        return tuple(found)

    def clear(self) -> None:
        """Forget what was recorded so far."""
        self.events.clear()
        self._saved = 0

    def close(self) -> None:
        """Take the hooks out again."""
        while self._detach:
            self._detach.pop()()
