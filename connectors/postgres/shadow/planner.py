"""What-if questions answered by PostgreSQL's own planner over a shadow of the target: no connection, no data."""

from __future__ import annotations

import asyncio
import math
import os
import zlib
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any

import asyncpg

from advisor.errors import CaptureError, PlannerUnavailable
from advisor.model.capture import Capture, Coverage
from advisor.model.catalog import Index
from advisor.model.ddl import index_body
from advisor.model.recommendation import Cost, WhatIf
from advisor.ports import Progress, Step, silent
from connectors.postgres.shadow.answers import Memory, Refined, cost_of
from connectors.postgres.shadow.asking import Answer, Question, ask
from connectors.postgres.shadow.cluster import Built, Cluster, Database
from connectors.postgres.shadow.hypothetical import build
from connectors.postgres.shadow.load import LeftOut
from connectors.postgres.shadow.servers import NAMED, ServerChoice, choose_server, extensions_of, installed_servers

_CHUNK = 200
"""Statements of one round trip: enough to hide its latency, few enough to show progress."""
_MOST_RESTARTS = 5
_MOST_TOLD = 12
_LOST = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, ConnectionError, asyncpg.CannotConnectNowError)
_CRASHED = "PostgreSQL's planner crashed on this statement"


class ShadowPlanner:
    """A CostEstimator over a capture's ``schema.sql`` and ``statistics.sql`` alone; a context manager.

    ``backends``: how many statements are planned at a time (default: one a processor, four at most).
    ``version``: of the embedded PostgreSQL, 16 or 18 (default: whose planner is nearest to the target's, an installed
    PostgreSQL of the same version or with the schema's extensions included).
    Raises :class:`CaptureError` when the capture has no schema, :class:`PlannerUnavailable` when no server can be had.
    """

    def __init__(
        self, capture: Capture, progress: Progress = silent, *, backends: int | None = None, version: int | None = None
    ) -> None:
        if not capture.schema_sql.exists():
            raise CaptureError(
                f"{capture.folder} has no schema.sql, so that no planner can stand in; capture again from the "
                "database, or pass --schema with a dump."
            )
        self._capture = capture
        self._progress = progress
        self._backends = backends or max(1, min(4, os.cpu_count() or 1))
        self._choice = ServerChoice(version) if version else _choice(capture)
        self._memory = Memory()
        self._restarts = 0
        self.calls = 0
        """Statements planned so far; answers from memory do not count."""
        self._runner = asyncio.Runner()
        try:
            progress(Step("Starting the data-free planner"))
            self._cluster = self._runner.run(self._started())
        except BaseException:
            self._runner.close()
            raise

    @property
    def planner(self) -> str:
        """Who answers: ``PostgreSQL 18.4 (shadow)``."""
        return f"PostgreSQL {self._cluster.version} (shadow)"

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """What of the target's schema the shadow lacks or has otherwise, and why."""
        return tuple(self._cluster.left_out)

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """The same for a report's reader: one line, with what would show the rest."""
        if not (left_out := self.left_out):
            return (Coverage("data-free planner", seen=True, detail=f"{self.planner} has the whole schema."),)
        told = "; ".join(f"{one.name}: {one.reason}" for one in left_out[:_MOST_TOLD])
        more = f"; and {len(left_out) - _MOST_TOLD} more" if len(left_out) > _MOST_TOLD else ""
        return (
            Coverage(
                "data-free planner",
                seen=False,
                detail=f"{self.planner} lacks or changes {len(left_out)} of the schema's objects: {told}{more}.",
                remedy=f"Install PostgreSQL with these extensions, or name its bin folder in {NAMED}; "
                "or price indexes on the target with HypoPG, or in a sandbox.",
                count=len(left_out),
            ),
        )

    def costs(self, questions: Sequence[WhatIf]) -> list[Cost]:
        """Answer a batch, in order; see :class:`~advisor.ports.CostEstimator`."""
        return self._runner.run(self._costs(questions))

    def sizes(self, indexes: Sequence[Index]) -> list[int]:
        """The size in bytes that each index would have, newly built; 0 for one that PostgreSQL refuses."""
        return self._runner.run(self._sizes(indexes))

    def close(self) -> None:
        """End the server. Safe to call again."""
        if self._cluster.databases:
            self._runner.run(self._cluster.close())
        self._runner.close()

    def __enter__(self) -> ShadowPlanner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _started(self) -> Cluster:
        catalog = self._capture.catalog
        cluster = Cluster(
            [self._capture.schema_sql, self._capture.statistics_sql],
            self._choice,
            self._capture.server.settings,
            catalog.search_path if catalog else ("public",),
        )
        try:
            await cluster.open(self._backends)
        except BaseException:
            await cluster.close()
            raise
        return cluster

    async def _sizes(self, indexes: Sequence[Index]) -> list[int]:
        known = self._known_sizes(indexes)
        missing = [index for index in dict.fromkeys(indexes) if index not in known]
        for _ in range(2):
            databases = self._cluster.databases
            work = [build(self._cluster, one, missing[n :: len(databases)]) for n, one in enumerate(databases)]
            outcomes = await asyncio.gather(*work, return_exceptions=True)
            if not _lost(outcomes):
                break
            await self._restart()
        known |= self._known_sizes(missing)
        return [known.get(index, 0) for index in indexes]

    def _known_sizes(self, indexes: Iterable[Index]) -> dict[Index, int]:
        """Sizes of those indexes that some backend has been asked about."""
        found = ((index, one.built.get(index)) for index in indexes for one in self._cluster.databases)
        return {index: one.size_bytes if isinstance(one, Built) else 0 for index, one in found if one is not None}

    async def _costs(self, questions: Sequence[WhatIf]) -> list[Cost]:
        await self._learn_scopes(dict.fromkeys(question.text for question in questions))
        refined = [self._memory.refine(question) for question in questions]
        planned_first = dict.fromkeys(sorted(refined, key=lambda one: not one.with_plan))
        missing = [one for one in planned_first if self._memory.find(one) is None]
        done = 0
        for start in range(0, len(missing), _CHUNK * self._backends):
            part = missing[start : start + _CHUNK * self._backends]
            await self._ask_all(part)
            done += len(part)
            self._progress(Step("Asking the planner", done, len(missing), "questions"))
        answers = [self._memory.find(one) for one in refined]
        return [answer or Cost(math.inf, self.planner, error=_CRASHED) for answer in answers]

    async def _learn_scopes(self, texts: Iterable[str]) -> None:
        """Plan what was never seen as things are; that also tells which tables and indexes can matter to it."""
        new = [Refined(text) for text in texts if not self._memory.knows(text)]
        for start in range(0, len(new), _CHUNK * self._backends):
            await self._ask_all(new[start : start + _CHUNK * self._backends])
            if len(new) > 1:
                self._progress(Step("Planning the statements as they are", start, len(new), "statements"))

    async def _ask_all(self, wanted: Sequence[Refined]) -> None:
        """Ask all backends at once; what a crash left unanswered is asked one by one."""
        shares: list[list[Refined]] = [[] for _ in self._cluster.databases]
        for one in wanted:
            shares[zlib.crc32(one.text.encode()) % len(shares)].append(one)
        work = [self._ask(database, share) for database, share in zip(self._cluster.databases, shares, strict=True)]
        outcomes = await asyncio.gather(*work, return_exceptions=True)
        if not _lost(outcomes):
            return
        await self._restart()
        for one in wanted:
            if self._memory.find(one) is None:
                try:
                    await self._ask(self._cluster.databases[0], [one])
                except _LOST:
                    await self._restart()
                    self._memory.keep(one, Cost(math.inf, self.planner, error=_CRASHED), None)

    async def _ask(self, database: Database, wanted: Sequence[Refined]) -> None:
        if not wanted:
            return
        await build(self._cluster, database, sorted({index for one in wanted for index in one.shown}, key=index_body))
        askable = []
        for one in wanted:
            if refused := database.refusal(one.shown):
                self._memory.keep(one, Cost(math.inf, self.planner, error=refused), None)
            else:
                askable.append(one)
        # Statements under the same indexes share one change of the catalog; a first look stands alone, for its locks.
        fresh = [one for one in askable if not self._memory.knows(one.text)]
        known = [one for one in askable if self._memory.knows(one.text)]
        for group, alone in ((fresh, True), (known, False)):
            await self._ask_group(database, group, alone)

    async def _ask_group(self, database: Database, wanted: Sequence[Refined], alone: bool) -> None:
        together: dict[Any, list[Refined]] = {}
        for one in wanted:
            together.setdefault(one.text if alone else (one.shown, one.hidden), []).append(one)
        questions = [
            Question(
                database.ids_of(group[0].shown),
                self._cluster.ids_of(group[0].hidden),
                tuple(one.text for one in group),
            )
            for group in together.values()
        ]
        answers = await ask(database.asking, questions, relations=alone) if questions else []
        self.calls += len(answers)
        ordered = [one for group in together.values() for one in group]
        for one, answer in zip(ordered, answers, strict=True):
            self._keep(database, one, answer)

    def _keep(self, database: Database, one: Refined, answer: Answer) -> None:
        cost = cost_of(one, answer, database.names_of(one.shown), self.planner)
        scope = self._cluster.scope(answer.relations) if not self._memory.knows(one.text) else None
        self._memory.keep(one, cost, scope)

    async def _restart(self) -> None:
        self._restarts += 1
        if self._restarts > _MOST_RESTARTS:
            raise PlannerUnavailable(
                f"The data-free planner crashed {self._restarts} times; use --planner hypopg or --sandbox instead."
            )
        await self._cluster.close()
        self._cluster = await self._started()


def _choice(capture: Capture) -> ServerChoice:
    wanted = extensions_of(capture.schema_sql.read_text(encoding="utf-8"))
    return choose_server(capture.server.version_number, wanted, installed_servers())


def _lost(outcomes: Iterable[BaseException | None]) -> bool:
    """Whether a backend was lost; any other exception among ``outcomes`` is raised."""
    failures = [outcome for outcome in outcomes if outcome is not None]
    for failure in failures:
        if not isinstance(failure, _LOST):
            raise failure
    return bool(failures)
