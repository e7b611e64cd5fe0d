"""Proof on a server that may be changed: an index is built on a sample, and the query explained with executionStats."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from bson.errors import BSONError
from pymongo.errors import PyMongoError

from advisor.errors import AdvisorError, ConnectionFailed, PlannerUnavailable, SandboxError
from advisor.model.capture import Capture, Coverage
from advisor.model.catalog import Index, TableName
from advisor.model.plan import Plan, PlanNode
from advisor.model.recommendation import Cost, WhatIf
from advisor.ports import CostEstimator, Progress, Step, silent
from connectors.mongo import local
from connectors.mongo.asking import command_of, tables_of
from connectors.mongo.plan import parse_explain
from connectors.mongo.session import translated
from connectors.mongo.trial import Trial, open_trial, trial_name
from connectors.mongo.values import Unfillable

SETS = 3
"""Sets of values that a query is tried with; the one of the middle effort is compared before and after."""

T = TypeVar("T")


def estimator(
    capture: Capture,
    url: str | None = None,
    kind: str = "auto",
    sandbox_url: str | None = None,
    progress: Progress = silent,
) -> CostEstimator | None:
    """The sandbox of that ``kind``: "auto" or "sandbox". ``None``: there is none, advice stays by rule.

    With ``sandbox_url`` that database, else a mongod on PATH, which takes its sample from ``url``. Raises
    :class:`SandboxError` when it cannot be used, :class:`PlannerUnavailable` for a planner of another database.
    """
    if kind not in ("auto", "sandbox"):
        raise PlannerUnavailable(f"--planner {kind} is PostgreSQL's; for MongoDB use sandbox or none.")
    if sandbox_url and not sandbox_url.startswith(("mongodb://", "mongodb+srv://")):
        raise SandboxError("The sandbox of a MongoDB must be a MongoDB itself; name one as mongodb://host/scratch.")
    program = local.found() if url and not sandbox_url else None
    if sandbox_url or program:
        return SandboxPlanner(capture, sandbox_url, url, program, progress)
    if kind == "sandbox":
        raise SandboxError("--planner sandbox needs --sandbox URL, a MongoDB that may be changed, or a mongod on PATH.")
    return None


class SandboxPlanner:
    """A CostEstimator over indexes that are really built on samples of the collections. Close it, and they are gone.

    A Cost's ``total`` is keys plus documents examined by one execution. Raises :class:`SandboxError` when the sandbox
    cannot be used.
    """

    def __init__(
        self, capture: Capture, sandbox_url: str | None, url: str | None, program: str | None = None,
        progress: Progress = silent,
    ) -> None:  # fmt: skip
        self._progress = progress
        self._runner = asyncio.Runner()
        self._server: local.LocalServer | None = None
        self._trial: Trial | None = None
        self._commands: dict[str, dict[str, Any]] = {}
        self._known: dict[tuple[str, frozenset[Index]], Cost] = {}
        try:
            if sandbox_url is None and program is not None:
                progress(Step("Starting a local mongod"))
                self._server = local.LocalServer(program)
                sandbox_url = self._server.url
            self._trial = self._runner.run(open_trial(str(sandbox_url), capture.server, url))
            build = self._runner.run(self._trial.session.command("admin", "buildInfo"))
        except BaseException:
            self.close()
            raise
        self.planner = f"MongoDB {build.get('version', '')} (sandbox)"
        """Who answers: ``MongoDB 8.0.4 (sandbox)``."""

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """What the samples hold of their collections."""
        trial = self._open()
        told = [
            Coverage(
                "sandbox", True,
                f"Indexes were tried on {sample.documents:,} of {sample.total:,} documents of {table.name}.",
                count=sample.documents,
            )
            for table, sample in sorted(trial.samples.items())
        ]  # fmt: skip
        told += [
            Coverage("sandbox", False, f"{table.name}'s index {why}")
            for table, sample in sorted(trial.samples.items())
            for why in sample.refused
        ]
        return (*told, *(Coverage("sandbox", False, why) for _, why in sorted(trial.missing.items())))

    def costs(self, questions: Sequence[WhatIf]) -> list[Cost]:
        """Answer a batch, in order; see :class:`~advisor.ports.CostEstimator`."""
        return self._run(self._costs(questions))

    def sizes(self, indexes: Sequence[Index]) -> list[int]:
        """The size in bytes that each index would have over the whole collection; 0 for one that was refused."""
        return self._run(self._sizes(indexes))

    def close(self) -> None:
        """Drop what was put into the sandbox, end the sessions and a server of our own. Safe to call again."""
        trial, self._trial = self._trial, None
        try:
            if trial is not None:
                self._runner.run(trial.close())
        finally:
            self._runner.close()
            if self._server is not None:
                self._server.close()
                self._server = None

    def _open(self) -> Trial:
        if self._trial is None:
            raise SandboxError("The sandbox was closed; open it again.")
        return self._trial

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return self._runner.run(work)
        except (PyMongoError, ConnectionFailed) as error:
            why = translated(error) if isinstance(error, PyMongoError) else error
            raise SandboxError(f"The sandbox could not go on: {why}") from error

    async def _sizes(self, indexes: Sequence[Index]) -> list[int]:
        return [await self._open().size(index) for index in indexes]

    async def _costs(self, questions: Sequence[WhatIf]) -> list[Cost]:
        answers = []
        for done, question in enumerate(questions):
            self._progress(Step("Trying indexes in the sandbox", done, len(questions), "queries"))
            asked = (question.text, question.indexes)
            if asked not in self._known:
                self._known[asked] = await self._cost(question)
            answers.append(self._known[asked])
        return answers

    async def _cost(self, question: WhatIf) -> Cost:
        trial = self._open()
        if question.hidden:
            return self._failed("an index that is hidden cannot be tried")
        try:
            tables = [*tables_of(question.text), *(index.table for index in question.indexes)]
            await trial.fill(tables)
            if missing := next((trial.missing[table] for table in tables if table in trial.missing), ""):
                return self._failed(missing)
            command = self._commands.get(question.text) or await self._chosen(question)
            if refused := await trial.configure(question.indexes):
                return self._failed(refused)
            return await self._explained(question, command)
        except ConnectionFailed:
            raise
        except (AdvisorError, BSONError, Unfillable) as error:
            return self._failed(" ".join(str(error).split()))

    async def _chosen(self, question: WhatIf) -> dict[str, Any]:
        """The command with the values that the server has middling effort with, as the collection is."""
        trial = self._open()
        await trial.configure(frozenset())
        tried: list[tuple[float, int, dict[str, Any]]] = []
        for seed in range(SETS):
            command = dict(command_of(question.text, trial.documents, trial.place, seed))
            if not any(command == other for _, _, other in tried):
                tried.append(((await self._explained(question, command)).total, seed, command))
        chosen = sorted(tried, key=lambda one: one[:2])[len(tried) // 2][2]
        self._commands[question.text] = chosen
        return chosen

    async def _explained(self, question: WhatIf, command: dict[str, Any]) -> Cost:
        trial = self._open()
        answer = await trial.session.command(trial.database.name, "explain", command, verbosity="executionStats")
        names = {trial_name(index): index for index in question.indexes}
        places = {trial.place(table): table for table in trial.samples}
        plan = parse_explain(answer, question.text)
        used = frozenset(names[name] for name in _indexes_used(answer) if name in names)
        shown = _told(plan, names, places, self.planner, question.fingerprint)
        keys, documents = plan.keys_examined(), plan.documents_examined()
        if keys is None and documents is None:
            return self._failed("the sandbox does not tell what a query examines")
        return Cost(float((keys or 0) + (documents or 0)), self.planner, shown, used)

    def _failed(self, why: str) -> Cost:
        return Cost(math.inf, self.planner, error=why)


def _indexes_used(answer: Any) -> Iterator[str]:
    """The names of indexes anywhere in an explain but in the plans that lost."""
    if isinstance(answer, list):
        for part in answer:
            yield from _indexes_used(part)
    elif isinstance(answer, dict):
        for key, part in answer.items():
            if key == "indexName":
                yield str(part)
            elif key == "indexesUsed":
                yield from map(str, part)
            elif key not in ("rejectedPlans", "allPlansExecution"):
                yield from _indexes_used(part)


def _told(plan: Plan, names: dict[str, Index], places: dict[str, TableName], planner: str, fingerprint: str) -> Plan:
    return replace(plan, root=_renamed(plan.root, names, places), planner=planner, fingerprint=fingerprint)


def _renamed(node: PlanNode, names: dict[str, Index], places: dict[str, TableName]) -> PlanNode:
    """The node with the names that its index and collection have outside of the trial."""
    index = names.get(node.index)
    attributes = {key: places[value].name if value in places else value for key, value in node.attributes.items()}
    used = attributes.get("indexes used", "")
    if used:
        attributes["indexes used"] = ", ".join(names[name].name if name in names else name for name in used.split(", "))
    return replace(
        node,
        index=index.name if index else node.index,
        table=places.get(node.table.name, node.table) if node.table else None,
        attributes=attributes,
        children=tuple(_renamed(child, names, places) for child in node.children),
    )
