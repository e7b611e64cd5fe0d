"""The port ``Connector`` over one MongoDB deployment."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from advisor import captures
from advisor.errors import AdvisorError, ConnectionFailed, LogFormatError
from advisor.model.capture import Capture, Coverage
from advisor.ports import CaptureRequest, Progress, Step, silent
from connectors.mongo import logs
from connectors.mongo.capabilities import Facts, read_facts
from connectors.mongo.catalog import read_catalog
from connectors.mongo.explain import explain_all
from connectors.mongo.profiler import write_profile, write_recent_log
from connectors.mongo.session import Session, open_session


class MongoConnector:
    """A connection to one MongoDB deployment; nothing it does changes it."""

    def __init__(self, session: Session) -> None:
        self.session = session

    async def coverage(self) -> tuple[Coverage, ...]:
        """What this user may see, what is missing, and the role or setting that would show it."""
        facts = await read_facts(self.session)
        _, told = await read_catalog(self.session)
        return (*facts.coverage(), *told)

    async def capture(self, request: CaptureRequest, progress: Progress = silent) -> Capture:
        """Take facts, catalog, profile or logs and plans into ``request.folder`` and return them saved."""
        request.folder.mkdir(parents=True, exist_ok=True)
        progress(Step("Reading what the server is"))
        facts = await read_facts(self.session)
        started = datetime.now(UTC)
        if request.seconds > 0:
            await _wait(request.seconds, progress)
        catalog, told = await read_catalog(self.session, facts.members, progress)
        capture = Capture(
            request.folder, facts.server, catalog, (*facts.coverage(), *told), captured_at=datetime.now(UTC),
            values=request.keep_values,
        )  # fmt: skip
        since = started if request.seconds > 0 else None
        with tempfile.TemporaryDirectory(dir=request.folder, prefix=".profile-") as scratch:
            capture = await self._events(capture, facts, request, Path(scratch), since, progress)
        captures.save(capture)
        return capture

    async def close(self) -> None:
        """End the session."""
        await self.session.close()

    async def _events(
        self, capture: Capture, facts: Facts, request: CaptureRequest, scratch: Path, since: datetime | None,
        progress: Progress,
    ) -> Capture:  # fmt: skip
        files, told = await self._files(facts, request, scratch, since)
        capture = replace(capture, coverage=(*capture.coverage, *told))
        if not files:
            return capture
        try:
            reading = await asyncio.to_thread(
                logs.read, files, capture.events, keep_values=True, catalog=capture.catalog, progress=progress
            )
        except LogFormatError as error:
            return replace(capture, coverage=(*capture.coverage, Coverage("server log", False, str(error))))
        plans, reasons, own = reading.plans, {}, reading.coverage
        if request.explain:
            try:
                explained = await explain_all(
                    self.session, reading.examples[: request.max_statements], progress=progress
                )
                plans, reasons = (*plans, *explained.plans), explained.reasons
                own = (*own, explained.coverage())
            except ConnectionFailed as error:
                own = (*own, Coverage("plans", False, str(error)))
        return replace(
            capture,
            coverage=(*capture.coverage, *own),
            plans=plans,
            unexplained=reasons,
            window_started_at=reading.window_started_at,
            window_ended_at=reading.window_ended_at,
        )

    async def _files(
        self, facts: Facts, request: CaptureRequest, scratch: Path, since: datetime | None
    ) -> tuple[list[Path], list[Coverage]]:
        """The logs named, each database's profile, and where there is neither what the server remembers."""
        files, told = list(request.logs), []
        for database, level, _ in facts.profilers:
            if not level:
                continue
            path = scratch / f"{database}.profile.jsonl"
            try:
                if await write_profile(self.session, database, path, since):
                    files.append(path)
            except AdvisorError as error:
                told.append(Coverage("profiler", False, f"The profile of {database} could not be read: {error}"))
        if not files:
            path = scratch / "recent.log"
            if await write_recent_log(self.session, path):
                files.append(path)
                told.append(
                    Coverage(
                        "server log", False, "Only the last thousand log lines in the server's memory were read.",
                        "Pass the log files with --log.",
                    )
                )  # fmt: skip
        return files, told


async def _wait(seconds: float, progress: Progress) -> None:
    whole = int(seconds)
    for passed in range(whole):
        progress(Step("Watching", passed, whole, "s"))
        await asyncio.sleep(1)
    await asyncio.sleep(seconds - whole)


async def open_connector(url: str) -> MongoConnector:
    """Open a session on the deployment that ``url`` names; see :func:`connectors.mongo.session.open_session`."""
    return MongoConnector(await open_session(url))
