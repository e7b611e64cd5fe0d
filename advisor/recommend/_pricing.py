"""What-if pricing with few questions.

A plan's cost depends only on the indexes that the plan uses. So the answer to "what if all of S existed" that used U
is also the answer for every set between U and S, and is the price of building U alone. Asking for everything first
and then leaving out, one by one, what was used, walks through the good alternatives best first (the same observation
as in Papadomanolakis, Dash, Ailamaki: "Efficient Use of the Query Optimizer for Automated Physical Design", VLDB 2007).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from advisor.model.catalog import Index
from advisor.model.recommendation import Cost, WhatIf
from advisor.ports import CostEstimator, Progress, Step, silent

BATCH = 256
"""Questions handed over at once: enough to use several backends, few enough to show progress."""

SAME = 1e-6
"""Relative difference under which two costs are the same."""

Question = tuple[str, frozenset[Index]]


@dataclass(frozen=True, slots=True)
class Answer:
    """The price of one query when ``asked`` exist: the plan uses ``used``."""

    asked: frozenset[Index]
    used: frozenset[Index]
    total: float
    error: str = ""


class Pricer:
    """Asks a planner, remembers, and concludes what need not be asked.

    ``texts`` maps a query's fingerprint to the text to be priced, ``relevant`` to the candidates that could change
    its plan. ``calls`` counts what the planner was asked, ``concluded`` what followed from earlier answers.
    """

    def __init__(
        self,
        estimator: CostEstimator,
        texts: Mapping[str, str],
        relevant: Mapping[str, Collection[Index]],
        progress: Progress = silent,
    ) -> None:
        self._estimator = estimator
        self._texts = texts
        self._relevant = {query: frozenset(indexes) for query, indexes in relevant.items()}
        self._answers: dict[str, list[Answer]] = {}
        self._exact: dict[Question, Answer] = {}
        self._progress = progress
        self.calls = 0
        self.concluded = 0
        self.refused: dict[Index, str] = {}

    def relevant(self, query: str) -> frozenset[Index]:
        """The candidates that could change ``query``'s plan."""
        return self._relevant.get(query, frozenset())

    def extend(self, query: str, indexes: Iterable[Index]) -> None:
        """Take more candidates into account for ``query``."""
        self._relevant[query] = self.relevant(query) | frozenset(indexes)

    def known(self, query: str, indexes: frozenset[Index]) -> Answer | None:
        """What is known of ``query`` with ``indexes``, without asking."""
        indexes = indexes & self.relevant(query)
        if exact := self._exact.get((query, indexes)):
            return exact
        for answer in self._answers.get(query, ()):
            if answer.used <= indexes <= answer.asked:
                self.concluded += 1
                return answer
        return None

    def ask(self, questions: Iterable[Question]) -> list[Answer]:
        """Answer in order; only what is not known goes to the planner."""
        asked = [(query, indexes & self.relevant(query)) for query, indexes in questions]
        new = [question for question in dict.fromkeys(asked) if self.known(*question) is None]
        for start in range(0, len(new), BATCH):
            part = new[start : start + BATCH]
            self._progress(Step("Asking the planner", self.calls, 0, "plans"))
            costs = self._estimator.costs([self._what_if(*question, with_plan=False) for question in part])
            self.calls += len(part)
            for question, cost in zip(part, costs, strict=True):
                self._remember(question, cost)
        return [self.known(*question) or self._exact[question] for question in asked]

    def plans(self, questions: Sequence[Question], hidden: frozenset[str] = frozenset()) -> list[Cost]:
        """Answers with their plans; not remembered, since plans are large."""
        self.calls += len(questions)
        return self._estimator.costs(
            [self._what_if(query, indexes & self.relevant(query), hidden) for query, indexes in questions]
        )

    def _what_if(
        self, query: str, indexes: frozenset[Index], hidden: frozenset[str] = frozenset(), *, with_plan: bool = True
    ) -> WhatIf:
        return WhatIf(query, self._texts[query], indexes - frozenset(self.refused), hidden, with_plan)

    def _remember(self, question: Question, cost: Cost) -> None:
        query, indexes = question
        total = math.inf if cost.error else cost.total
        answer = Answer(indexes, cost.used & indexes, total, cost.error)
        self._exact[question] = answer
        if not cost.error:
            self._answers.setdefault(query, []).append(answer)

    def base(self, query: str) -> Answer:
        """The query as things are."""
        return self.ask([(query, frozenset())])[0]

    def extremes(self, queries: Sequence[str]) -> None:
        """Price each query as it is and with everything that is relevant to it: all that could be gained.

        A candidate that the planner refuses spoils every question that holds it; such are found and left out.
        """
        self.ask((query, frozenset()) for query in queries)
        sound = [query for query in queries if not self.base(query).error]
        spoiled = [
            query
            for query, answer in zip(sound, self.ask((q, self.relevant(q)) for q in sound), strict=True)
            if answer.error
        ]
        if not spoiled:
            return
        self.singles(spoiled, limit=None)
        for query in spoiled:
            answers = {index: self.known(query, frozenset({index})) for index in self.relevant(query)}
            bad = {index: answer.error for index, answer in answers.items() if answer and answer.error}
            self.refused.update(bad)
        for query in self._relevant:
            self._relevant[query] -= frozenset(self.refused)
        self.ask((query, self.relevant(query)) for query in spoiled)

    def assume(self, query: str, index: Index, part: float) -> None:
        """Take it that ``index``, which the planner refuses, brings ``query`` down to ``part`` of its cost."""
        self._relevant[query] |= {index}
        alone = frozenset({index})
        base = self.base(query)
        if not base.error:
            self._remember((query, alone), Cost(base.total * part, self._estimator.planner, used=alone))

    def singles(self, queries: Sequence[str], limit: int | None) -> None:
        """Price relevant candidates of each query alone, an index's queries side by side.

        At most ``limit`` in all, the narrowest of each query first: the wide ones are what exploring meets anyway.
        """
        asked: list[tuple[Index, str]] = []
        for query in queries:
            narrow = sorted(self.relevant(query), key=lambda i: (len(i.columns) + len(i.include), repr(i)))
            asked += [(index, query) for index in narrow[: None if limit is None else limit // len(queries)]]
        self.ask((query, frozenset({index})) for index, query in sorted(asked, key=lambda p: (repr(p[0]), p[1])))

    def explore(self, queries: Sequence[str], alternatives: int, width: int) -> None:
        """Learn up to ``alternatives`` good index sets of each query, best first, all queries side by side.

        Only a query's ``width`` best candidates so far are combined.
        """
        frontier = {query: [self._best(query, width)] for query in queries if self.gains(query)}
        seen: dict[str, set[frozenset[Index]]] = {query: set(sets) for query, sets in frontier.items()}
        left = dict.fromkeys(frontier, alternatives)
        while frontier:
            questions = [(query, indexes) for query, sets in frontier.items() for indexes in sets]
            answers = self.ask(questions)
            following: dict[str, list[frozenset[Index]]] = {}
            for (query, indexes), answer in zip(questions, answers, strict=True):
                if answer.total >= self.base(query).total * (1 - SAME):
                    continue
                for index in sorted(answer.used, key=repr):
                    smaller = indexes - {index}
                    if smaller and smaller not in seen[query] and left[query] > 0:
                        seen[query].add(smaller)
                        left[query] -= 1
                        following.setdefault(query, []).append(smaller)
            frontier = following

    def gains(self, query: str) -> bool:
        """Whether everything relevant together makes ``query`` cheaper."""
        base, best = self.base(query), self.known(query, self.relevant(query))
        return not base.error and best is not None and best.total < base.total * (1 - SAME)

    def _best(self, query: str, width: int) -> frozenset[Index]:
        """What the best plan used, and the candidates with the cheapest sets, ``width`` in all."""
        best = self.known(query, self.relevant(query))
        chosen: dict[Index, None] = dict.fromkeys(sorted(best.used, key=repr)) if best else {}
        priced = sorted(self.sets(query).items(), key=lambda row: (row[1], len(row[0]), sorted(map(repr, row[0]))))
        for indexes, _ in priced:
            for index in sorted(indexes, key=repr):
                if len(chosen) < width:
                    chosen[index] = None
        if not priced or len(priced) == 1:
            chosen.update(dict.fromkeys(self.relevant(query)))
        return frozenset(chosen)

    def sets(self, query: str) -> dict[frozenset[Index], float]:
        """The priced index sets of ``query``: what plans used, with their cost."""
        priced: dict[frozenset[Index], float] = {}
        for answer in self._answers.get(query, ()):
            if answer.used and answer.total < priced.get(answer.used, math.inf):
                priced[answer.used] = answer.total
        return priced

    def liked(self, query: str, count: int) -> frozenset[Index]:
        """The indexes of the ``count`` cheapest priced sets of ``query``."""
        cheapest = sorted(self.sets(query).items(), key=lambda row: (row[1], len(row[0]), sorted(map(repr, row[0]))))
        return frozenset(index for indexes, _ in cheapest[:count] for index in indexes)
