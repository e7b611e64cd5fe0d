"""A database that the user gave up for trials: indexes are really built there, planned with, measured, and dropped."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import asyncpg

from advisor.errors import ConnectionFailed, SandboxError, SourceError
from advisor.model.capture import Capture, Coverage, Server
from advisor.model.catalog import Catalog, Index, TableName
from advisor.model.ddl import index_body
from advisor.model.identifiers import quote
from advisor.model.plan import PlanNode
from advisor.model.recommendation import AddIndex, Benefit, Cost, Method, Recommendation, WhatIf
from advisor.model.report import Report
from advisor.ports import Progress, Step, silent
from connectors.postgres.explain import explain
from connectors.postgres.measure import Measured, measure
from connectors.postgres.session import LOST, Session, open_session
from connectors.postgres.sql import query

PREFIX = "advisor_trial_"
BUILD_TIMEOUT_S = 3600
"""Longest time for one index; a sandbox of a terabyte is no sandbox."""

Configuration = tuple[frozenset[Index], frozenset[str]]


class Trial:
    """A writable session on the sandbox and the indexes that it built; everything built is dropped on close."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.built: dict[Index, str] = {}
        self.names: dict[str, Index] = {}
        """Indexes by the names that plans give them: a partitioned one has a name a partition."""
        self.sizes: dict[Index, int] = {}
        self.refused: dict[Index, str] = {}

    async def build(self, indexes: Iterable[Index]) -> None:
        """Build those that are missing; a refusal of the server is kept with its reason."""
        for index in sorted(set(indexes) - self.built.keys() - self.refused.keys(), key=index_body):
            name = trial_name(index)
            try:
                # An earlier trial that was killed may have left it; nobody else uses the prefix.
                await self._run(f"DROP INDEX IF EXISTS {_qualified(index.table.schema, name)}")
                await self._run(f"CREATE INDEX {quote(name)} {index_body(index)}")
                self.built[index] = name
                rows = await self.session.fetch(query("index_tree"), _qualified(index.table.schema, name))
                self.names.update((row["name"], index) for row in rows)
                self.sizes[index] = sum(row["bytes"] for row in rows)
            except LOST:
                raise
            except asyncpg.PostgresError as error:
                self.refused[index] = " ".join(str(error).split())

    async def analyze(self) -> None:
        """Give new expression indexes their statistics."""
        for table in sorted({index.table for index in self.built if any(key.expression for key in index.columns)}):
            await self._run(f"ANALYZE {table.sql}")

    async def drop(self) -> None:
        """Drop what was built."""
        for index in [*self.built]:
            await self._run(f"DROP INDEX IF EXISTS {_qualified(index.table.schema, self.built.pop(index))}")

    async def close(self) -> None:
        """Drop what was built and end the session."""
        try:
            await self.drop()
        finally:
            await self.session.close()

    async def _run(self, statement: str) -> None:
        await self.session.connection.execute(statement, timeout=BUILD_TIMEOUT_S)


async def open_trial(url: str, target: Server | None, catalog: Catalog | None) -> Trial:
    """Open the sandbox for writing. It is told from the inspected server ``target`` and has its ``catalog``.

    Raises :class:`SandboxError` when it is the inspected database itself, is read-only, or cannot be reached.
    """
    try:
        session = await open_session(url, writable=True)
    except (ConnectionFailed, SourceError) as error:
        raise SandboxError(f"The sandbox cannot be used: {error}") from error
    try:
        row = (await session.fetch(query("server")))[0]
        same = (
            target is not None
            and target.database == row["database"]
            and (session.target.name == target.name or row["started_at"] == target.started_at)
        )
        if same:
            raise SandboxError("The sandbox is the inspected database itself; name a copy that may be changed.")
        if row["replica"] or session.pooled:
            raise SandboxError("The sandbox is a replica or behind a pooler; name a database that can be written to.")
        # Building takes long and waits for nobody: the database is the trial's alone.
        await session.connection.execute("SET statement_timeout = 0; SET lock_timeout = '60s'")
        if catalog:
            await session.widen(catalog.search_path, (table.name.schema for table in catalog.tables))
    except asyncpg.PostgresError as error:
        await session.close()
        raise SandboxError(f"The sandbox cannot be used ({error}).") from error
    except BaseException:
        await session.close()
        raise
    return Trial(session)


class SandboxPlanner:
    """A CostEstimator over indexes that are really built in the sandbox. Close it, and they are gone.

    Each distinct index is built once. For each question those that do not belong to it are dropped in a transaction
    that is rolled back. Raises :class:`SandboxError` when the sandbox cannot be used.
    """

    coverage: tuple[Coverage, ...] = ()

    def __init__(self, url: str, capture: Capture, progress: Progress = silent) -> None:
        self._capture = capture
        self._catalog = capture.catalog or Catalog()
        self._progress = progress
        self._runner = asyncio.Runner()
        self._closed = False
        self.calls = 0
        """Statements planned so far."""
        try:
            self._trial = self._runner.run(open_trial(url, capture.server, capture.catalog))
            version = self._runner.run(self._trial.session.value("SHOW server_version"))
        except BaseException:
            self._runner.close()
            raise
        self.planner = f"PostgreSQL {version.split(' ')[0]} (sandbox)"
        """Who answers: ``PostgreSQL 18.4 (sandbox)``."""

    def costs(self, questions: Sequence[WhatIf]) -> list[Cost]:
        """Answer a batch, in order; see :class:`~advisor.ports.CostEstimator`."""
        try:
            return self._runner.run(self._costs(questions))
        except (asyncpg.PostgresError, *LOST) as error:
            raise SandboxError(f"The sandbox could not go on ({error}).") from error

    def sizes(self, indexes: Sequence[Index]) -> list[int]:
        """The size in bytes of each index as built; 0 for one that was refused."""
        return self._runner.run(self._sizes(indexes))

    def close(self) -> None:
        """Drop what was built and end the session. Safe to call again."""
        if not self._closed:
            self._closed = True
            self._runner.run(self._trial.close())
            self._runner.close()

    async def _costs(self, questions: Sequence[WhatIf]) -> list[Cost]:
        wanted = {index for question in questions for index in question.indexes}
        self._progress(Step(f"Building {len(wanted)} indexes in the sandbox"))
        await self._trial.build(wanted)
        await self._trial.analyze()
        groups: dict[Configuration, list[int]] = {}
        for position, question in enumerate(questions):
            groups.setdefault((frozenset(question.indexes), frozenset(question.hidden)), []).append(position)
        answers: dict[int, Cost] = {}
        for (indexes, hidden), group in groups.items():
            refused = next((self._trial.refused[index] for index in indexes if index in self._trial.refused), "")
            if refused:
                costs = [Cost(math.inf, self.planner, error=refused)] * len(group)
            else:
                costs = await self._group(indexes, hidden, [questions[position] for position in group])
            answers.update(zip(group, costs, strict=True))
        return [answers[position] for position in range(len(questions))]

    async def _group(self, indexes: frozenset[Index], hidden: frozenset[str], group: Sequence[WhatIf]) -> list[Cost]:
        built = self._trial.built
        away = [_qualified(index.table.schema, name) for index, name in built.items() if index not in indexes]
        away += [TableName(*name.split(".", 1)).sql for name in sorted(hidden)]
        transaction = self._trial.session.connection.transaction()
        await transaction.start()
        try:
            for name in away:
                await self._trial.session.connection.execute(f"DROP INDEX {name}")
            return [await self._cost(question) for question in group]
        except LOST:
            raise
        except asyncpg.PostgresError as error:
            words = " ".join(str(error).split())
            return [Cost(math.inf, self.planner, error=words)] * len(group)
        finally:
            if not self._trial.session.connection.is_closed():
                await transaction.rollback()

    async def _cost(self, question: WhatIf) -> Cost:
        self.calls += 1
        names = self._trial.names
        try:
            # A savepoint: a statement that cannot be planned must not end the transaction that hides the indexes.
            async with self._trial.session.connection.transaction():
                plan = await explain(
                    self._trial.session, question.text, keep_values=self._capture.values, planner=self.planner
                )
        except SourceError as error:
            return Cost(math.inf, self.planner, error=str(error))
        used = frozenset(names[node.index] for node in plan.nodes() if node.index in names)
        shown = replace(plan, root=_renamed(plan.root, names), fingerprint=question.fingerprint)
        return Cost(plan.cost, self.planner, shown, used)

    async def _sizes(self, indexes: Sequence[Index]) -> list[int]:
        await self._trial.build(indexes)
        return [self._trial.sizes.get(index, 0) for index in indexes]


def trial_name(index: Index) -> str:
    """The name under which an index is built for a trial.

    >>> trial_name(Index(TableName("public", "t"), ())).startswith(PREFIX)
    True
    """
    return PREFIX + hashlib.sha256(index_body(index).encode()).hexdigest()[:16]


def _qualified(schema: str, name: str) -> str:
    return TableName(schema, name).sql


def _renamed(node: PlanNode, names: dict[str, Index]) -> PlanNode:
    children = tuple(_renamed(child, names) for child in node.children)
    index = names.get(node.index)
    return replace(node, index=index.name if index and index.name else node.index, children=children)


def verify(report: Report, capture: Capture, sandbox_url: str, progress: Progress = silent) -> Report:
    """Build the report's indexes in the sandbox, run its SELECTs before and after, and put the times into the report.

    Statements run in a read-only transaction under a time limit, with the values that the capture kept or with values
    taken from the sandbox's own rows. What was built is dropped. A recommendation none of whose SELECTs could be run
    stays as it was. Raises :class:`SandboxError`.
    """
    try:
        return asyncio.run(_verify(report, capture, sandbox_url, progress))
    except (asyncpg.PostgresError, *LOST) as error:
        raise SandboxError(f"The sandbox could not go on ({error}).") from error


async def _verify(report: Report, capture: Capture, url: str, progress: Progress) -> Report:
    trial = await open_trial(url, capture.server, capture.catalog)
    try:
        advised = [one for one in report.recommendations if isinstance(one.action, AddIndex)]
        wanted = {name for one in advised for name in one.shapes}
        shapes = [query.shape for query in report.workload.queries if query.shape.fingerprint in wanted]
        before = await measure(trial.session, shapes, progress, "Measuring before")
        for done, one in enumerate(advised):
            progress(Step("Building indexes in the sandbox", done, len(advised), "indexes"))
            if isinstance(one.action, AddIndex):
                await trial.build([one.action.index])
        await trial.analyze()
        after = await measure(trial.session, shapes, progress, "Measuring after")
    finally:
        await trial.close()
    return replace(report, recommendations=tuple(_with_times(one, before, after) for one in report.recommendations))


def _with_times(one: Recommendation, before: dict[str, Measured], after: dict[str, Measured]) -> Recommendation:
    """Put the sum of its shapes' times, one execution each, into a recommendation; the time limit is a floor there."""
    both = [name for name in one.shapes if name in before and name in after]
    if not isinstance(one.action, AddIndex) or not both:
        return one
    was, is_now = (sum(times[name].ms for name in both) for times in (before, after))
    basis = f"{len(both)} of {len(one.shapes)} statements run in the sandbox, one execution each, median of several"
    if any(before[name].limited or after[name].limited for name in both):
        basis += "; some reached the time limit"
    benefit: Benefit = replace(
        one.benefit,
        method=Method.MEASURED,
        measured_ms_before=round(was, 3),
        measured_ms_after=round(is_now, 3),
        basis="; ".join(part for part in (one.benefit.basis, basis) if part),
    )
    return replace(one, benefit=benefit)
