"""What the shadow has answered so far, so that no question is asked twice, and how an answer becomes a Cost."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from advisor.model.catalog import Index
from advisor.model.recommendation import Cost, WhatIf
from connectors.postgres.plan import build
from connectors.postgres.shadow.asking import Answer


@dataclass(frozen=True, slots=True)
class Scope:
    """What a statement can see: its tables (partitions and views' included) and the indexes on them, as SQL names."""

    tables: frozenset[str]
    indexes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Refined:
    """A question without what cannot matter to its answer: indexes on other tables."""

    text: str
    shown: frozenset[Index] = frozenset()
    hidden: frozenset[str] = frozenset()
    with_plan: bool = field(default=True, compare=False)


@dataclass
class Memory:
    """Answers by question, and what each statement can see.

    An answer also holds for every set of indexes between those used and those offered: the planner had all of the
    larger set and chose the smaller.
    """

    _scopes: dict[str, Scope] = field(default_factory=dict)
    _answers: dict[Refined, Cost] = field(default_factory=dict)
    _offered: dict[tuple[str, frozenset[str]], list[tuple[frozenset[Index], Cost]]] = field(default_factory=dict)

    def knows(self, text: str) -> bool:
        """Whether the statement has been planned before."""
        return text in self._scopes

    def refine(self, question: WhatIf) -> Refined:
        """Leave out of a question what its statement cannot see."""
        scope = self._scopes.get(question.text)
        if scope is None:
            return Refined(question.text, with_plan=question.with_plan)
        return Refined(
            question.text,
            frozenset(index for index in question.indexes if index.table.sql in scope.tables),
            frozenset(name for name in question.hidden if name in scope.indexes),
            question.with_plan,
        )

    def find(self, question: Refined) -> Cost | None:
        """The answer, if it is known or follows from a known one, with its plan if that is wanted."""
        if (answer := self._answers.get(question)) is not None and _enough(answer, question):
            return answer
        for offered, cost in self._offered.get((question.text, question.hidden), ()):
            if (
                _enough(cost, question)
                and cost.used <= question.shown <= offered
                and not _informs(offered - question.shown)
            ):
                self._answers[question] = cost
                return cost
        return None

    def keep(self, question: Refined, cost: Cost, scope: Scope | None) -> None:
        """Remember an answer, and what the statement can see when that is news."""
        self._answers[question] = cost
        if question.text not in self._scopes:
            self._scopes[question.text] = scope or Scope(frozenset(), frozenset())
        if not cost.error:
            self._offered.setdefault((question.text, question.hidden), []).append((question.shown, cost))


def cost_of(question: Refined, answer: Answer, names: Mapping[str, Index], planner: str) -> Cost:
    """Make a Cost of the planner's answer; ``names`` are those of the hypothetical indexes that were visible.

    An index on a partition counts as the index on the partitioned table that it stands for. Literals in the plan are
    the statement's own or the schema's: the shadow knows no others.
    """
    if not answer.plan:
        return Cost(math.inf, planner, error=answer.failure or "PostgreSQL gave no plan")
    document = json.loads(answer.plan)[0]
    if not question.with_plan:
        seen = {str(node.get("Index Name")) for node in _nodes(document["Plan"])}
        return Cost(
            document["Plan"]["Total Cost"], planner, used=frozenset(names[name] for name in seen & names.keys())
        )
    used = set()
    for node in _nodes(document["Plan"]):
        node.pop("Output", None)
        if (index := names.get(node.get("Index Name", ""))) is not None:
            used.add(index)
            node["Index Name"] = index.name or _readable(index)
    plan = replace(build(document, keep_values=True, planner=planner), text=question.text)
    return Cost(plan.cost, planner, plan, frozenset(used))


def _enough(cost: Cost, question: Refined) -> bool:
    return cost.plan is not None or not question.with_plan or bool(cost.error)


def _informs(indexes: Iterable[Index]) -> bool:
    """Whether one of these tells the planner something even when no plan uses it: statistics of its expression."""
    return any(column.expression for index in indexes for column in index.columns)


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _readable(index: Index) -> str:
    return f"{index.method} on {index.table.name} ({', '.join(index.keys)})"
