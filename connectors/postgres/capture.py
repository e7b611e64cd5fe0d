"""Everything taken from one live server, into one folder. What fails is told in the coverage, the rest goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg
import duckdb

from advisor import captures
from advisor.errors import AdvisorError
from advisor.model.capture import Capture, Coverage
from advisor.model.catalog import Catalog
from advisor.model.plan import Plan
from advisor.ports import CaptureRequest, Progress, Step, silent
from connectors.postgres import live, shadow
from connectors.postgres.capabilities import Facts, catalog_coverage, for_role, read_facts
from connectors.postgres.catalog import read_catalog
from connectors.postgres.explain import Explained, explain_all
from connectors.postgres.session import LOST, Session
from connectors.postgres.statements import Statements, read_statements


@dataclass
class _Taken:
    """What has been taken so far; becomes the Capture."""

    coverage: list[Coverage] = field(default_factory=list)
    catalog: Catalog | None = None
    statements: Statements = field(default_factory=Statements)
    plans: list[Plan] = field(default_factory=list)
    unexplained: Mapping[str, str] = field(default_factory=dict)
    started_at: datetime | None = None
    ended_at: datetime | None = None


async def take(session: Session, request: CaptureRequest, progress: Progress = silent) -> Capture:
    """Take facts, catalog, statements, logs and plans into ``request.folder``, and return them saved.

    Raises :class:`~advisor.errors.PermissionMissing` when the server does not even tell what it is and
    :class:`~advisor.errors.ConnectionFailed` when it is lost before; whatever else cannot be had, a connection lost
    on the way included, is named in the coverage.
    """
    request.folder.mkdir(parents=True, exist_ok=True)
    progress(Step("Reading what the server is"))
    facts = await read_facts(session)
    taken = _Taken()
    progress(Step("Reading tables, indexes and statistics"))
    await _part(taken, "catalog", lambda: _catalog(session, request, taken))
    await _part(taken, "statements", lambda: _statements(session, request, taken, facts, progress))
    if request.logs:
        await _part(taken, "server log", lambda: _logs(request, taken, facts, progress))
    if request.explain:
        await _part(taken, "plans", lambda: _plans(session, request, taken, facts, progress))
    progress(Step("Writing the schema for the data-free planner"))
    await _part(taken, "schema", lambda: shadow.extract(session.connection, request.folder, request.keep_values))
    own = [entry for entry in facts.coverage() if entry.subject != "server log" or not request.logs]
    capture = Capture(
        folder=request.folder,
        server=facts.server,
        catalog=taken.catalog,
        coverage=for_role((*own, *taken.coverage), facts.role),
        plans=tuple(taken.plans),
        unexplained=taken.unexplained,
        captured_at=datetime.now(UTC),
        window_started_at=taken.started_at,
        window_ended_at=taken.ended_at,
        values=request.keep_values,
    )
    captures.save(capture)
    return capture


async def _part(taken: _Taken, subject: str, work: Callable[[], Awaitable[Any]]) -> None:
    """Run one part; its failure is one more line of coverage."""
    try:
        await work()
    except (AdvisorError, asyncpg.PostgresError, *LOST, duckdb.Error) as error:
        words = " ".join(str(error).split())
        remedy = ""
        if isinstance(error, asyncpg.InsufficientPrivilegeError):
            remedy = "GRANT pg_read_all_data, pg_monitor TO CURRENT_USER;"
        taken.coverage.append(Coverage(subject, seen=False, detail=f"This part failed: {words}", remedy=remedy))


async def _catalog(session: Session, request: CaptureRequest, taken: _Taken) -> None:
    taken.catalog = await read_catalog(session, request.schemas, request.keep_values)
    taken.coverage += catalog_coverage(taken.catalog)


async def _statements(
    session: Session, request: CaptureRequest, taken: _Taken, facts: Facts, progress: Progress
) -> None:
    if request.seconds > 0:
        watched = await live.watch(session, request, facts.server, progress)
        taken.statements, taken.started_at, taken.ended_at = watched.statements, watched.started_at, watched.ended_at
        taken.coverage += watched.coverage
    else:
        progress(Step("Reading pg_stat_statements"))
        taken.statements = await read_statements(session, facts.server.name, request.keep_values)
        taken.coverage.append(taken.statements.coverage())
        taken.started_at, taken.ended_at = taken.statements.reset_at, datetime.now(UTC)
    if taken.statements.rows:
        captures.write_statements(request.folder / "statements.parquet", taken.statements.rows)


async def _logs(request: CaptureRequest, taken: _Taken, facts: Facts, progress: Progress) -> None:
    from connectors.postgres import logs  # a capture without logs needs no reader of them

    events = request.folder / "events.parquet"

    def read(progress: Progress) -> logs.LogReading:
        return logs.read(
            request.logs,
            events,
            keep_values=request.keep_values,
            log_format=request.log_format,
            log_line_prefix=request.log_line_prefix,
            database_name=facts.server.database,
            progress=progress,
        )

    reading = await live.until_interrupted(read, progress)
    taken.coverage += reading.coverage
    taken.plans += reading.plans
    taken.started_at = reading.window_started_at or taken.started_at
    taken.ended_at = reading.window_ended_at or taken.ended_at


async def _plans(session: Session, request: CaptureRequest, taken: _Taken, facts: Facts, progress: Progress) -> None:
    texts = [*_texts_of_events(request), *(row["text"] for row in taken.statements.rows)]
    if taken.catalog:
        await session.widen(taken.catalog.search_path, (table.name.schema for table in taken.catalog.tables))
    explained: Explained = await explain_all(
        session,
        list(dict.fromkeys(texts))[: request.max_statements],
        keep_values=request.keep_values,
        planner=f"PostgreSQL {facts.server.version}",
        progress=progress,
    )
    taken.plans += explained.plans
    taken.unexplained = explained.unexplained
    taken.coverage.append(explained.coverage())


def _texts_of_events(request: CaptureRequest) -> Iterable[str]:
    """The logged statements of the inspected kind, most total time first."""
    path = request.folder / "events.parquet"
    if not path.exists():
        return []
    with duckdb.connect() as database:
        rows = database.execute(
            f"SELECT text FROM '{captures.quoted(path)}' WHERE text IS NOT NULL AND error_code IS NULL "
            "AND command IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'MERGE', 'VALUES', 'WITH', 'TABLE') "
            "GROUP BY text ORDER BY sum(duration_ms) DESC NULLS LAST, text LIMIT ?",
            [request.max_statements],
        ).fetchall()
    return [row[0] for row in rows]
