"""Plans of captured statements, by the target's own planner, with nothing executed.

A parameter's value is not known, so the plan asked for is the generic one. ``EXPLAIN (GENERIC_PLAN)`` of PostgreSQL 16
takes its ``$n`` only over the simple protocol, whose answers the driver does not show; a prepared statement under
``plan_cache_mode = force_generic_plan`` gives the same plan on every version (manual, EXPLAIN and PREPARE).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg

from advisor.errors import SourceError
from advisor.model.capture import Coverage
from advisor.model.plan import Plan
from advisor.ports import Progress, Step, silent
from connectors.postgres.placeholders import EXPLAINABLE, command, is_single, numbered, with_types
from connectors.postgres.plan.build import build
from connectors.postgres.session import Session

NAME = "query_advisor"
OPTIONS = "FORMAT JSON, VERBOSE, SETTINGS, COSTS"
_TYPES_UNKNOWN = (
    asyncpg.UndefinedFunctionError,
    asyncpg.AmbiguousFunctionError,
    asyncpg.DatatypeMismatchError,
    asyncpg.IndeterminateDatatypeError,
)
_PRUNED = re.compile(r'"Subplans Removed": [1-9]')
"""NULL for a partition's key: partitions are left out when the plan starts, and with them what it does there."""
SAME = 1.01
"""Two costs are taken for the same up to this ratio."""
LONGEST = 1_000_000
"""Characters; longer statements (bulk inserts) are not sent to the planner."""


@dataclass
class Explained:
    """Plans by their order of asking, and the reason for each statement that has none."""

    plans: list[Plan] = field(default_factory=list)
    unexplained: dict[str, str] = field(default_factory=dict)
    asked: int = 0

    def coverage(self) -> Coverage:
        """How many statements have a plan, and what would give the others one."""
        missing = self.asked - len(self.plans)
        detail = f"{len(self.plans)} of {self.asked} statements have a plan of the server's own planner"
        if not missing:
            return Coverage(
                "plans", seen=bool(self.plans) or not self.asked, detail=detail + ".", count=len(self.plans)
            )
        reasons: dict[str, int] = {}
        for reason in self.unexplained.values():
            reasons[reason] = reasons.get(reason, 0) + 1
        worst = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:3]
        detail += "; without one: " + "; ".join(f"{count} × {reason}" for reason, count in worst) + "."
        seen = 2 * len(self.plans) >= self.asked  # a report on the lesser part must not pass for the whole
        return Coverage("plans", seen=seen, detail=detail, remedy=self._remedy(), count=len(self.plans))

    def _remedy(self) -> str:
        """What would give most of the statements without a plan one; empty when that is not known."""
        if any("permission denied" in reason for reason in self.unexplained.values()):
            return "GRANT pg_read_all_data TO CURRENT_USER;"
        absent = sum(
            reason.startswith("relation ") and "does not exist" in reason for reason in self.unexplained.values()
        )
        if 2 * absent > self.asked:
            return "Pass the log of this database: most statements name tables that it does not have."
        return ""


def refusal(text: str) -> str:
    """Say why a text is never sent to the server; empty when it may be."""
    if len(text) > LONGEST:
        return f"longer than {LONGEST:,} characters"
    word = command(text)
    if word not in EXPLAINABLE:
        return f"{word or 'the text'} is not a statement that EXPLAIN takes"
    if not is_single(text):
        return "more than one statement"
    return ""


async def explain(session: Session, text: str, *, keep_values: bool = False, planner: str = "PostgreSQL") -> Plan:
    """Return the generic plan of one statement; nothing is executed, parameters are planned as unknown.

    ``text`` may hold ``$0`` (a literal taken out) and ``$n``. Raises :class:`SourceError` with a short reason when
    it may not or cannot be planned, :class:`~advisor.errors.ConnectionFailed` when the session is gone.
    """
    if reason := refusal(text):
        raise SourceError(reason)
    statement, count = numbered(text)
    answer = await _answer(session, [statement, *with_types(statement)], count)
    document = json.loads(answer)[0]
    return replace(build(document, keep_values=keep_values, text=text, planner=planner), generic=count > 0)


async def _answer(session: Session, variants: Sequence[str], count: int) -> str:
    """The first variant's plan that the server can make; where none can be made, the first one's reason is raised."""
    reasons: list[asyncpg.PostgresError] = []
    for variant in variants:
        try:
            async with session.block() as connection:
                return await _ask(connection, variant, count)
        except asyncpg.PostgresError as error:
            reasons.append(error)
            if not isinstance(error, _TYPES_UNKNOWN):
                break
    raise SourceError(_reason(reasons[0])) from reasons[0]


async def _ask(connection: Any, statement: str, count: int) -> str:
    # The extended protocol, which `fetch` speaks, takes one command at a time: a text that smuggles a second one in is
    # refused by the server, whatever our own reading of it.
    run = connection.fetch
    if not count:
        return str((await run(f"EXPLAIN ({OPTIONS}) {statement}"))[0][0])
    answer = await _as_prepared(connection, statement, count)
    if not _PRUNED.search(answer):
        return answer
    await run("SET enable_partition_pruning = off")
    try:
        whole = await _as_prepared(connection, statement, count)
    finally:
        await asyncio.shield(connection.execute("RESET enable_partition_pruning"))
    # Dearer, it reads partitions that constants of the statement leave out: then the first answer is nearer.
    return whole if _cost(whole) <= _cost(answer) * SAME else answer


def _cost(answer: str) -> float:
    return float(json.loads(answer)[0]["Plan"]["Total Cost"])


async def _as_prepared(connection: Any, statement: str, count: int) -> str:
    """The generic plan, by way of parameters that are all NULL."""
    run = connection.fetch
    await run(f"PREPARE {NAME} AS {statement}")
    try:
        values = ", ".join(["NULL"] * count)
        return str((await run(f"EXPLAIN ({OPTIONS}) EXECUTE {NAME}({values})"))[0][0])
    finally:
        await asyncio.shield(connection.execute(f"DEALLOCATE {NAME}"))


async def explain_all(
    session: Session,
    texts: Iterable[str],
    *,
    keep_values: bool = False,
    planner: str = "PostgreSQL",
    progress: Progress = silent,
    seconds: float = 60.0,
) -> Explained:
    """Explain distinct statements in the order given, for at most ``seconds``; the rest gets that as its reason."""
    wanted = list(dict.fromkeys(texts))
    found = Explained(asked=len(wanted))
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    for done, text in enumerate(wanted):
        if clock() > end:
            found.unexplained.update(dict.fromkeys(wanted[done:], f"no time left after {seconds:g} s of planning"))
            break
        progress(Step("Asking the planner", done, len(wanted), "statements"))
        try:
            found.plans.append(await explain(session, text, keep_values=keep_values, planner=planner))
        except SourceError as error:
            found.unexplained[text] = str(error)
            # A table that a DDL holds is in many statements: wait for it once, not with each of them.
            if isinstance(error.__cause__, asyncpg.LockNotAvailableError):
                await _wait_less(session)
    return found


async def _wait_less(session: Session) -> None:
    if not session.pooled:
        await session.connection.execute("SET lock_timeout = '50ms'")


def _reason(error: asyncpg.PostgresError) -> str:
    """The server's words without the value that they may quote."""
    message = " ".join(str(getattr(error, "message", None) or error).split())
    if isinstance(error, asyncpg.DataError):
        return f"a value is missing that the planner needs ({type(error).__name__})"
    return message
