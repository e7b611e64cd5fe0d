"""How long captured SELECTs take in a sandbox: run for real, read-only, under a time limit, timed by the server."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from advisor.model.catalog import TableName
from advisor.model.identifiers import quote
from advisor.model.shape import Predicate, QueryShape
from advisor.ports import Progress, Step, silent
from connectors.postgres.explain import refusal
from connectors.postgres.placeholders import numbered
from connectors.postgres.session import LOST, Session
from connectors.postgres.sql import array

NAME = "query_advisor_run"
LIMIT_MS = 10_000
SETS = 3
"""Sets of values that each statement is run with."""
ROW_LIMIT = "20"
"""Stands for a LIMIT whose value was not kept: a page of a list."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The median time of one execution in milliseconds; ``limited``: it reached the time limit."""

    ms: float
    limited: bool = False


async def measure(
    session: Session, shapes: Sequence[QueryShape], progress: Progress = silent, title: str = "Measuring"
) -> dict[str, Measured]:
    """Run those shapes that only read; returns times by fingerprint. Shapes that cannot be run are left out.

    Values come from the sandbox's rows, the same in every call: so that before and after compare the same work.
    """
    found: dict[str, Measured] = {}
    for done, shape in enumerate(shapes):
        progress(Step(title, done, len(shapes), "statements"))
        if not shape.reads_only or shape.volatile or refusal(shape.text):
            continue
        sets = await _values(session, shape)
        times = [time for values in sets if (time := await _run(session, shape, values)) is not None]
        if times:
            found[shape.fingerprint] = Measured(
                statistics.median(time.ms for time in times), any(time.limited for time in times)
            )
    return found


async def _run(session: Session, shape: QueryShape, values: Sequence[str | None]) -> Measured | None:
    """Time one set of values, the second of two runs, so that both sides find a warm cache; ``None`` if it fails."""
    text, count = numbered(shape.text)
    connection = session.connection
    literals = ", ".join("NULL" if value is None else "'" + value.replace("'", "''") + "'" for value in values[:count])
    call = f"{NAME}({literals})" if count else NAME
    transaction = connection.transaction(readonly=True)
    await transaction.start()
    prepared = False
    try:
        # The application's plans know the values: five executions of a prepared statement do (manual, PREPARE).
        await connection.execute(f"SET LOCAL statement_timeout = {LIMIT_MS}; SET LOCAL plan_cache_mode = auto")
        await connection.fetch(f"PREPARE {NAME} AS {text}")
        prepared = True
        time = 0.0
        for _ in range(2):
            rows = await connection.fetch(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE {call}")
            time = float(json.loads(rows[0][0])[0]["Execution Time"])
        return Measured(time)
    except asyncpg.QueryCanceledError:
        return Measured(float(LIMIT_MS), limited=True)
    except LOST:
        raise
    except asyncpg.PostgresError:
        return None
    finally:
        await transaction.rollback()
        if prepared:
            await connection.execute(f"DEALLOCATE {NAME}")


async def _values(session: Session, shape: QueryShape) -> list[list[str | None]]:
    """Sets of values for the shape's parameters: each from the column that it is compared with, row by row."""
    bound = {p.parameter: p for block in shape.blocks for p in block.predicates if p.parameter and p.column}
    by_table: dict[TableName, list[Predicate]] = {}
    for predicate in bound.values():
        by_table.setdefault(predicate.table, []).append(predicate)
    sets: list[list[str | None]] = [[ROW_LIMIT] * shape.parameters for _ in range(SETS)]
    for table in sorted(by_table):
        predicates = by_table[table]
        rows = await _sample(session, table, sorted({predicate.column for predicate in predicates}))
        for values, row in zip(sets, rows, strict=False):
            for predicate in predicates:
                if predicate.parameter and predicate.parameter <= shape.parameters:
                    values[predicate.parameter - 1] = _fitting(shape, predicate, row[predicate.column])
        del sets[max(1, len(rows)) :]
    return sets if shape.parameters else sets[:1]


def _fitting(shape: QueryShape, predicate: Predicate, value: str) -> str:
    """The value, as an array of one where the statement compares with ``ANY($n)``."""
    if re.search(rf"\bANY\s*\(\s*\${predicate.parameter}\b", shape.text, re.IGNORECASE):
        return array([value])
    return value


async def _sample(session: Session, table: TableName, columns: Sequence[str]) -> list[Any]:
    """A few rows of ``table`` as text, the same in every call as long as the table is unchanged."""
    chosen = ", ".join(f"{quote(column)}::text AS {quote(column)}" for column in columns)
    filled = " AND ".join(f"{quote(column)} IS NOT NULL" for column in columns)
    for sample in ("TABLESAMPLE SYSTEM (1) REPEATABLE (7) ", ""):
        try:
            rows = await session.fetch(f"SELECT {chosen} FROM {table.sql} {sample}WHERE {filled} LIMIT {SETS}")
        except asyncpg.PostgresError:  # a view takes no sample
            continue
        if len(rows) >= SETS or not sample:
            return rows
    return []
