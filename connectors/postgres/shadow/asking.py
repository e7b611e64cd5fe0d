"""Asking one backend of the shadow: many statements, under many sets of visible indexes, in one round trip."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import asyncpg

PLAN = "VERBOSE, FORMAT JSON"
"""EXPLAIN's options; VERBOSE names the schema of every table."""


@dataclass(frozen=True, slots=True)
class Question:
    """Statements to plan while the indexes ``shown`` are visible and ``hidden`` are not (object ids)."""

    shown: tuple[int, ...]
    hidden: tuple[int, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A plan as JSON text, or why there is none; ``relations`` are what the statement refers to, if asked for."""

    plan: str
    failure: str
    relations: frozenset[int] = frozenset()


async def ask(
    connection: Any, questions: Sequence[Question], options: str = PLAN, *, relations: bool = False
) -> list[Answer]:
    """Answer every statement of every question, in order.

    A statement that takes too long to plan costs the whole round trip; then each is asked alone.
    Raises ``asyncpg.PostgresConnectionError`` (or another loss of connection) when the backend is gone.
    """
    try:
        rows = await connection.fetch(
            "SELECT plan, failure, relations FROM advisor_shadow.ask($1, $2, $3)",
            json.dumps([asdict(question) for question in questions]),
            options,
            relations,
        )
    except asyncpg.QueryCanceledError as error:
        alone = [Question(q.shown, q.hidden, (text,)) for q in questions for text in q.texts]
        if len(alone) == 1:
            return [Answer("", " ".join(str(error).split()))]
        return [(await ask(connection, [question], options, relations=relations))[0] for question in alone]
    return [Answer(row["plan"] or "", row["failure"] or "", frozenset(row["relations"] or ())) for row in rows]
