"""What-if questions answered on the target itself, by HypoPG's hypothetical indexes.

They live in the memory of our one session: nothing is written, and the session stays read-only. HypoPG 1.3 knows btree,
hash, brin and bloom, and cannot hide an index before 1.4; what it cannot do goes to the planner given as fallback.
Partial and expression indexes are never given to it: up to 1.4.3 the planner sees them only where their table stands
first in the statement (measured), and one behind a view can crash the server (HypoPG's issue 116).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import asyncpg

from advisor.errors import PlannerUnavailable, SourceError
from advisor.model.capture import Capture, Coverage
from advisor.model.catalog import Catalog, Index, Table, TableName
from advisor.model.ddl import index_body
from advisor.model.index_size import estimated_size
from advisor.model.plan import PlanNode
from advisor.model.recommendation import Cost, WhatIf
from advisor.ports import CostEstimator, Progress, Step, silent
from connectors.postgres.explain import explain
from connectors.postgres.session import LOST, Session, open_session
from connectors.postgres.sql import query

METHODS = frozenset(["btree", "hash", "brin", "bloom"])

Fallback = Callable[[Capture, Progress], CostEstimator]
Configuration = tuple[frozenset[Index], frozenset[str]]


class HypoPgPlanner:
    """A CostEstimator over HypoPG in one session of the target. Close it when done.

    ``fallback`` makes the planner that is asked what HypoPG cannot answer; it is made on the first such question.
    Raises :class:`PlannerUnavailable` when the extension is not there and
    :class:`~advisor.errors.ConnectionFailed` when the target is not.
    """

    def __init__(
        self, url: str, capture: Capture, progress: Progress = silent, *, fallback: Fallback | None = None
    ) -> None:
        self._capture = capture
        self._catalog = capture.catalog or Catalog()
        self._progress = progress
        self._make_fallback = fallback
        self._fallback: CostEstimator | None = None
        self._runner = asyncio.Runner()
        self.calls = 0
        """Statements planned so far."""
        try:
            self._session, self._version, self._hides = self._runner.run(_opened(url, self._catalog))
        except BaseException:
            self._runner.close()
            raise

    @property
    def planner(self) -> str:
        """Who answers: ``PostgreSQL 15.18 (HypoPG 1.3.1)``."""
        return f"PostgreSQL {self._capture.server.version} (HypoPG {self._version})"

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """What the fallback lacks; the target itself lacks nothing."""
        return self._fallback.coverage if self._fallback else ()

    def costs(self, questions: Sequence[WhatIf]) -> list[Cost]:
        """Answer a batch, in order; questions about the same indexes share one set-up.

        Raises :class:`PlannerUnavailable` when the session is lost.
        """
        answers = self._runner.run(self._answers(questions))
        others = [position for position in range(len(questions)) if position not in answers]
        elsewhere = self._elsewhere([questions[position] for position in others])
        answers.update(zip(others, elsewhere, strict=True))
        return [answers[position] for position in range(len(questions))]

    def _scale(self, texts: Iterable[str], other: CostEstimator) -> dict[str, float]:
        """What a cost of ``other`` is multiplied with: both planners' costs of a statement as it is, side by side."""
        as_is = [WhatIf("", text) for text in texts]
        pairs = zip(self.costs(as_is), other.costs(as_is), strict=True)
        return {
            asked.text: here.total / there.total if not here.error and 0 < there.total < math.inf else 1.0
            for asked, (here, there) in zip(as_is, pairs, strict=True)
        }

    def sizes(self, indexes: Sequence[Index]) -> list[int]:
        """The size in bytes that each index would have, by arithmetic on the catalog's statistics.

        HypoPG's own figure is 1.1 to 4 times too large where keys repeat, since it knows no deduplication (measured).
        """
        return [estimated_size(index, self._catalog) for index in indexes]

    def close(self) -> None:
        """End the session. Safe to call again."""
        if self._fallback is not None:
            self._fallback.close()
            self._fallback = None
        if self._session is not None:
            self._runner.run(self._session.close())
            self._session = None
        self._runner.close()

    def _refusal(self, question: WhatIf) -> str:
        """Why HypoPG cannot answer; empty when it can."""
        if question.hidden and not self._hides:
            return f"HypoPG {self._version} cannot hide an index; 1.4 can"
        if any(index.predicate or any(key.expression for key in index.columns) for index in question.indexes):
            return (
                f"HypoPG {self._version} does not place partial and expression indexes right, and can crash over them"
            )
        methods = sorted({index.method for index in question.indexes} - METHODS)
        return f"HypoPG does not know {methods[0]} indexes" if methods else ""

    def _elsewhere(self, questions: Sequence[WhatIf]) -> list[Cost]:
        if not questions:
            return []
        if self._fallback is None and self._make_fallback is not None:
            self._fallback = self._make_fallback(self._capture, self._progress)
        if self._fallback is not None:
            scale = self._scale(dict.fromkeys(question.text for question in questions), self._fallback)
            return [
                replace(cost, total=cost.total * scale[question.text])
                for question, cost in zip(questions, self._fallback.costs(questions), strict=True)
            ]
        return [
            Cost(math.inf, self.planner, error=self._refusal(question) or "HypoPG refused the index")
            for question in questions
        ]

    async def _answers(self, questions: Sequence[WhatIf]) -> dict[int, Cost]:
        """Answers by their question's position; those that HypoPG cannot give are left out."""
        groups: dict[Configuration, list[int]] = {}
        for position, question in enumerate(questions):
            if not self._refusal(question):
                configuration = (frozenset(question.indexes), frozenset(question.hidden))
                groups.setdefault(configuration, []).append(position)
        answers: dict[int, Cost] = {}
        done, total = 0, sum(map(len, groups.values()))
        try:
            for (indexes, hidden), group in groups.items():
                names = await self._set_up(indexes, hidden)
                for position in group if names is not None else ():
                    answers[position] = await self._cost(questions[position], names or {})
                done += len(group)
                self._progress(Step("Asking HypoPG", done, total, "questions"))
            await self._reset()
        except (asyncpg.PostgresError, *LOST) as error:
            raise PlannerUnavailable(f"HypoPG could not go on ({error}); try --planner shadow.") from error
        return answers

    async def _set_up(self, indexes: Iterable[Index], hidden: Iterable[str]) -> dict[str, Index] | None:
        """Make the indexes and hide the others; returns HypoPG's names, ``None`` when it refuses an index."""
        assert self._session is not None
        await self._reset()
        names: dict[str, Index] = {}
        for index in sorted(indexes, key=index_body):
            for table in _leaves(index.table, self._catalog):
                statement = f"CREATE INDEX {index_body(replace(index, table=table))}"
                try:
                    names[await self._session.value(query("hypopg_create"), statement)] = index
                except LOST:
                    raise
                except asyncpg.PostgresError:
                    return None
        for name in sorted(hidden):
            await self._session.fetch(query("hypopg_hide"), name)
        return names

    async def _reset(self) -> None:
        assert self._session is not None
        await self._session.fetch(query("hypopg_reset"))
        if self._hides:
            await self._session.fetch(query("hypopg_unhide"))

    async def _cost(self, question: WhatIf, names: dict[str, Index]) -> Cost:
        assert self._session is not None
        self.calls += 1
        try:
            plan = await explain(self._session, question.text, keep_values=self._capture.values, planner=self.planner)
        except SourceError as error:
            return Cost(math.inf, self.planner, error=str(error))
        used = frozenset(names[node.index] for node in plan.nodes() if node.index in names)
        shown = replace(plan, root=_renamed(plan.root, names), fingerprint=question.fingerprint)
        return Cost(plan.cost, self.planner, shown, used)


async def _opened(url: str, catalog: Catalog) -> tuple[Session | None, str, bool]:
    session = await open_session(url)
    try:
        rows = await session.fetch(query("hypopg"))
        if not rows:
            raise PlannerUnavailable(
                "HypoPG is not installed on the target; CREATE EXTENSION hypopg, or use --planner shadow."
            )
        if session.pooled:
            raise PlannerUnavailable(
                "HypoPG needs a session of its own, but this connection goes through a pooler; connect to the server."
            )
        await session.widen(catalog.search_path, (table.name.schema for table in catalog.tables))
        return session, rows[0]["version"], rows[0]["hides"]
    except asyncpg.PostgresError as error:
        await session.close()
        raise PlannerUnavailable(f"HypoPG cannot be used on the target ({error}); try --planner shadow.") from error
    except BaseException:
        await session.close()
        raise


def _leaves(name: TableName, catalog: Catalog) -> list[TableName]:
    """The tables with storage behind a name: HypoPG makes no index on a partitioned table itself."""
    table = catalog.by_name.get(name)
    if table is None or table.kind != "partitioned table":
        return [name]
    below: dict[TableName | None, list[Table]] = {}
    for one in catalog.tables:
        below.setdefault(one.partition_of, []).append(one)
    found, pending = [], [table]
    while pending:
        current = pending.pop()
        if current.kind == "partitioned table":
            pending.extend(below.get(current.name, ()))
        else:
            found.append(current.name)
    return sorted(found)


def _renamed(node: PlanNode, names: dict[str, Index]) -> PlanNode:
    """The plan with the names that the indexes would have instead of HypoPG's."""
    children = tuple(_renamed(child, names) for child in node.children)
    index = names.get(node.index)
    return replace(node, index=index.name if index and index.name else node.index, children=children)
