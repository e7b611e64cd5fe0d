"""Watching a live server without its log: repeated readings of pg_stat_statements, and samples of pg_stat_activity."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import asyncpg

from advisor.errors import ConnectionFailed
from advisor.model.capture import Coverage, Server
from advisor.ports import CaptureRequest, Progress, Step, silent
from connectors.postgres.placeholders import EXPLAINABLE, command, masked
from connectors.postgres.session import Session
from connectors.postgres.sql import MARK, query
from connectors.postgres.statements import HIDDEN, Statements, read_statements

T = TypeVar("T")

READING_S = 10.0
"""Between two readings of pg_stat_statements: rare enough to cost nothing, often enough that little is evicted."""
SAMPLE_S = 0.5
"""Between two samples of pg_stat_activity; statements that are quicker are seen by chance."""

Key = tuple[Any, ...]
_COUNTERS = ("calls", "total_ms", "rows", "blocks_hit", "blocks_read", "temp_blocks_written")


@dataclass
class Deltas:
    """What was added to each statement's counters between readings, through resets and evictions."""

    added: dict[Key, dict[str, Any]] = field(default_factory=dict)
    resets: int = 0
    evicted: int = 0
    _last: dict[Key, Mapping[str, Any]] = field(default_factory=dict)
    _read: bool = False

    def take(self, rows: tuple[Mapping[str, Any], ...]) -> None:
        """Add one reading. The first is only the base. Counters that fell started again from nothing."""
        current = {(row["server_query_id"], row["user"], row["toplevel"]): row for row in rows}
        fallen = [key for key, row in current.items() if key in self._last and row["calls"] < self._last[key]["calls"]]
        gone = [key for key in self._last if key not in current]
        # A reset empties the whole view; an eviction takes the rarest few (manual, F.32.2).
        if self._last and len(fallen) + len(gone) > 0.9 * len(self._last):
            self.resets += 1
        else:
            self.evicted += len(gone) + len(fallen)
        if self._read:
            for key, row in current.items():
                before = {} if key in fallen else self._last.get(key, {})
                self._add(key, row, before)
        self._last, self._read = current, True

    def _add(self, key: Key, row: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        if row["calls"] == before.get("calls", 0):
            return
        own = self.added.setdefault(key, {**row, **dict.fromkeys(_COUNTERS, 0)})
        for counter in _COUNTERS:
            own[counter] += row[counter] - (before.get(counter) or 0)

    def rows(self, since: datetime) -> tuple[Mapping[str, Any], ...]:
        """The statements of the window, most total time first; extremes are unknown for a window."""
        unknown: dict[str, Any] = dict.fromkeys(("min_ms", "max_ms", "stddev_ms"))
        made = [
            {**row, **unknown, "mean_ms": row["total_ms"] / max(row["calls"], 1), "since": since}
            for row in self.added.values()
        ]
        return tuple(sorted(made, key=lambda row: (-row["total_ms"], row["text"], str(row["user"]))))


@dataclass
class Samples:
    """What pg_stat_activity showed at work, sample by sample."""

    taken: int = 0
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    executions: dict[tuple[str, str], set[tuple[int, Any]]] = field(default_factory=dict)
    hidden: int = 0
    lock_waits: int = 0
    idle_in_transaction: int = 0

    def take(self, rows: list[Any], keep_values: bool) -> None:
        """Add one sample."""
        self.taken += 1
        self.lock_waits += sum(1 for row in rows if row["wait_event_type"] == "Lock")
        self.idle_in_transaction += sum(1 for row in rows if (row["state"] or "").startswith("idle in transaction"))
        for row in rows:
            text = row["query"] or ""
            if row["state"] != "active" or MARK in text:
                continue
            if text in ("", HIDDEN):
                self.hidden += 1
            elif command(text) in EXPLAINABLE:
                key = (text if keep_values else masked(text), row["user"] or "")
                self.seen[key] += 1
                self.executions.setdefault(key, set()).add((row["pid"], row["query_start"]))

    def rows(self, server: Server, since: datetime) -> tuple[Mapping[str, Any], ...]:
        """Statements by the time that they were seen at work; their calls are a lower bound."""
        made = []
        for (text, user), count in sorted(self.seen.items(), key=lambda item: (-item[1], item[0])):
            calls, total = len(self.executions[text, user]), count * SAMPLE_S * 1000
            made.append(
                {"source": "pg_stat_activity", "database": server.database, "user": user, "text": text,
                 "toplevel": True, "calls": calls, "total_ms": total, "mean_ms": total / calls, "since": since}
            )  # fmt: skip
        return tuple(made)

    def coverage(self) -> Coverage:
        """What the samples showed, and what they cannot."""
        parts = [f"{self.taken} samples, {len(self.seen)} statements seen at work"]
        if self.lock_waits:
            parts.append(f"{self.lock_waits} waits for locks")
        if self.idle_in_transaction:
            parts.append(f"{self.idle_in_transaction} sightings of idle transactions")
        if self.hidden:
            parts.append(f"{self.hidden} sightings whose text this role may not read")
        remedy = "GRANT pg_read_all_stats TO CURRENT_USER;" if self.hidden else ""
        return Coverage("pg_stat_activity", True, "; ".join(parts) + ".", remedy, count=self.taken)


@dataclass(frozen=True)
class Watched:
    """The window and what was seen in it."""

    statements: Statements
    coverage: tuple[Coverage, ...]
    started_at: datetime
    ended_at: datetime


async def watch(session: Session, request: CaptureRequest, server: Server, progress: Progress = silent) -> Watched:
    """Watch for ``request.seconds``; Ctrl-C, or the loss of the connection, ends the watch and keeps what it has."""
    deltas, samples = Deltas(), Samples()
    clock = asyncio.get_running_loop().time
    started, begin = datetime.now(UTC), clock()
    statements = await read_statements(session, server.name, request.keep_values)
    deltas.take(statements.rows)
    next_reading, interrupted = begin + READING_S, ""
    while (passed := clock() - begin) < request.seconds and not interrupted:
        progress(Step("Watching the server", passed, request.seconds, "s"))
        try:
            samples.take(await _activity(session), request.keep_values)
            if clock() >= next_reading and not statements.problem:
                deltas.take((await read_statements(session, server.name, request.keep_values)).rows)
                next_reading += READING_S
            await asyncio.sleep(min(SAMPLE_S, max(0.0, request.seconds - passed)))
        except asyncio.CancelledError:
            interrupted = _went_on()
        except ConnectionFailed as error:
            interrupted = str(error)
    ended = datetime.now(UTC)
    if statements.problem:
        rows = samples.rows(server, started)
    else:
        with suppress(ConnectionFailed):
            deltas.take((await read_statements(session, server.name, request.keep_values)).rows)
        rows = deltas.rows(started)
    window = replace(statements, rows=rows)
    return Watched(
        window, _coverage(window, deltas, samples, (ended - started).total_seconds(), interrupted), started, ended
    )


async def until_interrupted(work: Callable[[Progress], T], progress: Progress) -> T:
    """Do ``work`` in a thread; Ctrl-C becomes a KeyboardInterrupt at its next step, where it may keep what it has."""
    interrupted = False

    def step(told: Step) -> None:
        if interrupted:
            raise KeyboardInterrupt
        progress(told)

    working = asyncio.ensure_future(asyncio.to_thread(work, step))
    while True:
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            if working.done():  # a second Ctrl-C: the loop is closing
                raise
            interrupted = bool(_went_on())


def _went_on() -> str:
    """Take the cancellation back: what was asked for is the end of the watch, not of the capture."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
    return "interrupted"


async def _activity(session: Session) -> list[Any]:
    try:
        return await session.fetch(query("activity"))
    except asyncpg.PostgresError:
        return []


def _coverage(
    statements: Statements, deltas: Deltas, samples: Samples, seconds: float, interrupted: str
) -> tuple[Coverage, ...]:
    told = f"Watched for {seconds:.0f} s" + (f", then: {interrupted}" if interrupted else "")
    told += f"; {deltas.resets} resets of the statistics" if deltas.resets else ""
    told += f"; {deltas.evicted} statements were evicted meanwhile" if deltas.evicted else ""
    return (
        statements.coverage(),
        samples.coverage(),
        Coverage("watch", True, told + ".", count=len(statements.rows)),
        Coverage(
            "order and parameters",
            seen=False,
            detail="Counters and samples show neither order nor parameters: no N+1 bursts, no percentiles.",
            remedy="Pass the server's log with --log FILE (log_min_duration_statement = 0).",
        ),
    )
