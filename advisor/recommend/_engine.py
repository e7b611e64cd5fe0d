"""The index engine: candidates, their prices, the choice, and why the rest was not chosen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, permutations

from advisor.model.catalog import Catalog, Index
from advisor.model.index_size import estimated_size
from advisor.model.recommendation import Candidate, Declined
from advisor.model.workload import Query
from advisor.ports import CostEstimator, Options, Progress, Study
from advisor.recommend._by_rule import ByRule
from advisor.recommend._foreign_keys import foreign_key_checks
from advisor.recommend._needs import covers, needs
from advisor.recommend._pricing import Pricer
from advisor.recommend._special import answers
from advisor.recommend._texts import text_to_price
from advisor.recommend._twins import TOLERANCE, better_twins
from advisor.recommend._weights import SPREAD, Calibration, upkeep_ms
from advisor.recommend._worth import noticed_indexes, standing_share
from advisor.recommend.candidates import Options as CandidateOptions
from advisor.recommend.candidates import candidates, existing_cover, label, merged
from advisor.recommend.cost_table import CostTable
from advisor.recommend.selection import Selection, choose, exchanged

CALLS = 3_000
"""Planner calls that exploration aims at beyond two for each query, shared among the queries: a few seconds."""
ALTERNATIVES = (4, 60)
"""Fewest and most index sets explored for one query beyond the best one."""
WIDTH = 24
"""Candidates of one query that are combined with one another."""
MERGED = 2
"""Index sets of each query whose indexes are merged with other queries'."""
NEIGHBOURS = 6
"""Index sets of each query whose indexes are tried beside a choice."""
GAP = 1e-3
"""How far from the optimum, as a part of the saving, a choice may be: well under the planner's own error."""
ROUNDS = 4
"""How often a choice is checked against the planner and made again with what the check taught."""
UNSURE = 0.5
"""Part of its cost that a query must save when the planner guesses how much of the table a range with unknown bounds
takes (a third, or a two-hundredth between two bounds: selfuncs.h). A smaller gain is within the guess."""
TRIGRAM_CLASS = "gin_trgm_ops"
TRIGRAM = 0.05
"""Part of a pattern search's cost that a trigram index leaves where no planner can tell: on 100,000 titles, a search
for six characters took 0.1 ms instead of 190; short patterns gain less."""
WORTH_A_REGRESSION = 5.0
"""An index that slows a write beyond ``max_regression`` must give back this many times what all writes pay for it."""


@dataclass(frozen=True)
class Advice:
    """What the engine found: the chosen indexes and everything that the choice rests on.

    ``names`` maps the cost table's keys (:func:`~advisor.recommend.candidates.label`) to indexes; ``sizes`` are
    bytes; ``queries`` holds, by fingerprint, every query that was looked at, the foreign keys' own checks included.
    ``declined`` are those ruled out before pricing; ``refused`` those that slow writes too much; ``unsure`` the
    queries whose ranges the planner guesses; ``unpriced`` maps a query to the reason why the planner could not plan
    it. ``proven``: a planner answered, not a rule of thumb.
    """

    chosen: tuple[Index, ...]
    selection: Selection
    table: CostTable
    names: Mapping[str, Index]
    sizes: Mapping[Index, int]
    queries: Mapping[str, Query]
    writers: tuple[Query, ...]
    calibration: Calibration
    pricer: Pricer
    planner: str
    proven: bool
    catalog: Catalog
    candidates: tuple[Candidate, ...] = ()
    declined: tuple[Declined, ...] = ()
    refused: frozenset[Index] = frozenset()
    unsure: frozenset[str] = frozenset()
    unpriced: Mapping[str, str] = field(default_factory=dict)
    min_improvement: float = 0.0
    noticed: frozenset[str] = frozenset()

    def standing_share(self, index: Index) -> float:
        """The part of the workload's cost that ``index`` must save to be worth having at all."""
        queries = 0 if label(index) in self.noticed else len(self.table.base)
        return standing_share(index, self.catalog, self.min_improvement, queries)

    def helped(self, index: Index) -> list[str]:
        """Fingerprints of the queries that cost more without ``index`` than with it, most gain first."""
        everything = frozenset(map(label, self.chosen))
        without = everything - {label(index)}
        gain = {
            query: self.table.weight(query) * (self.table.cost(query, without) - self.table.cost(query, everything))
            for query in self.table.served(label(index))
        }
        return sorted((query for query in gain if gain[query] > 0), key=lambda query: (-gain[query], query))

    def upkeep(self, index: Index) -> float:
        """What all observed writes would pay for ``index``, in milliseconds over the window."""
        return upkeep(index, self.writers, self.catalog)


def upkeep(index: Index, writers: Sequence[Query], catalog: Catalog) -> float:
    """What ``writers`` would pay for ``index``, in milliseconds over the window."""
    return math.fsum(query.stats.calls * upkeep_ms(query, index, catalog) for query in writers)


def advise(study: Study, kinds: CandidateOptions | None = None) -> Advice:
    """Run the engine with the study's planner, or by rule where it has none.

    Raises :class:`~advisor.errors.PlannerUnavailable` when the planner goes away in the middle.
    """
    catalog = study.catalog
    queries = [query for query in study.workload.queries if query.shape.blocks and not query.shape.unparsed]
    queries += foreign_key_checks(study.workload.queries, catalog)
    writers = [query for query in study.workload.queries if query.shape.written]
    kinds = kinds or CandidateOptions()
    found, declined = candidates(queries, catalog, study.capture.server, kinds)
    planner = study.estimator or ByRule(queries, catalog)
    work = _Work(queries, writers, catalog, planner, study.options, study.progress, kinds)
    work.explore(found)
    return work.advice(found, declined)


def _guessed(query: Query, catalog: Catalog) -> bool:
    """Whether the planner prices a range of ``query`` without knowing its bounds."""
    return "$" in text_to_price(query) and any(need.ranges for need in needs(query.shape, catalog))


class _Work:
    """One run: prices and choices, refined until the planner has nothing to add."""

    def __init__(
        self,
        queries: Sequence[Query],
        writers: Sequence[Query],
        catalog: Catalog,
        planner: CostEstimator,
        options: Options,
        progress: Progress,
        kinds: CandidateOptions,
    ) -> None:
        self._kinds = kinds
        self._queries = {query.shape.fingerprint: query for query in queries}
        self._writers = writers
        self._catalog = catalog
        self._planner = planner
        self._options = options
        self._progress = progress
        self._pricer = Pricer(planner, {key: text_to_price(q) for key, q in self._queries.items()}, {}, progress)
        self._unsure = frozenset(key for key, query in self._queries.items() if _guessed(query, catalog))
        self._sizes: dict[Index, int] = {}
        self._calibration = Calibration(None, {})

    def explore(self, found: Sequence[Candidate]) -> None:
        """Price what each query could get, then what merging two queries' indexes would give."""
        self._relate([candidate.index for candidate in found])
        active = [query for query in sorted(self._queries) if self._pricer.relevant(query)]
        self._pricer.extremes(active)
        self._assume(found)
        promising = [query for query in active if self._pricer.gains(query)]
        self._pricer.singles(promising, CALLS // 2)
        share = min(ALTERNATIVES[1], max(ALTERNATIVES[0], CALLS // (4 * max(len(promising), 1))))
        self._pricer.explore(promising, share, WIDTH)
        self._merge(promising)
        assumed = any(table.assumed for table in self._catalog.tables)
        self._calibration = Calibration.of(
            list(self._queries.values()),
            {query: self._pricer.base(query).total for query in active},
            math.inf if assumed else SPREAD,
        )

    def _assume(self, found: Sequence[Candidate]) -> None:
        """Price by rule what the planner cannot build for want of an extension that the target has."""
        for candidate in found:
            if candidate.index in self._pricer.refused and candidate.index.columns[0].opclass == TRIGRAM_CLASS:
                for query in candidate.shapes:
                    self._pricer.assume(query, candidate.index, TRIGRAM)

    def _relate(self, indexes: Iterable[Index]) -> None:
        """Note which candidates could change which query's plan: those led by a key it asks for, or covering it."""
        by_table: dict[object, list[Index]] = {}
        for index in dict.fromkeys(indexes):
            by_table.setdefault(index.table, []).append(index)
        for fingerprint, query in self._queries.items():
            for need in needs(query.shape, self._catalog):
                self._pricer.extend(
                    fingerprint,
                    (
                        index
                        for index in by_table.get(need.table.name, ())
                        if (index.keys[0] in need.keys and answers(index, need)) or covers(index, need)
                    ),
                )

    def _merge(self, queries: Sequence[str]) -> None:
        """Price what could serve two queries at once, made from the indexes that each would like best."""
        found = {index for query in queries for index in self._pricer.liked(query, MERGED)}
        liked = sorted(found, key=lambda index: (index.table, label(index)))
        fresh = {
            index: None
            for same_table in (list(group) for _, group in groupby(liked, key=lambda index: index.table))
            for first, second in permutations(same_table, 2)
            for index in merged(first, second, include="include" in self._kinds.kinds)
            if existing_cover(index, self._catalog.by_name[index.table]) is None
        }
        known = {index for query in queries for index in self._pricer.relevant(query)}
        new = fresh.keys() - known
        self._relate(index for index in fresh if index in new)
        asked = sorted(
            ((index, query) for query in queries for index in self._pricer.relevant(query) & new),
            key=lambda pair: (label(pair[0]), pair[1]),
        )
        self._pricer.ask((query, frozenset({index})) for index, query in asked[: CALLS // 4])

    def _active(self) -> list[str]:
        """Queries that some candidate could change and that the planner can plan."""
        return [q for q in sorted(self._queries) if self._pricer.relevant(q) and not self._pricer.base(q).error]

    def _table(self) -> tuple[CostTable, dict[str, Index]]:
        """The cost table, weighted to milliseconds: calls times the query's milliseconds per cost unit."""
        active = self._active()
        sets = {query: self._pricer.sets(query) for query in active}
        indexes = sorted({index for priced in sets.values() for key in priced for index in key}, key=label)
        new = [index for index in indexes if index not in self._sizes]
        if new:
            given = self._planner.sizes(new)
            self._sizes.update(
                (index, size or estimated_size(index, self._catalog)) for index, size in zip(new, given, strict=True)
            )
        table = CostTable(
            base={query: self._pricer.base(query).total for query in active},
            sets={q: {frozenset(map(label, key)): cost for key, cost in sets[q].items()} for q in active},
            sizes={label(index): float(self._sizes[index]) for index in indexes},
            weights={q: max(self._queries[q].stats.calls, 1) * self._calibration.ratio(q) for q in active},
            table_of={label(index): str(index.table) for index in indexes},
        )
        total = table.total()
        least = self._options.min_improvement
        noticed = noticed_indexes(table, self._calibration)
        charges = {
            label(index): standing_share(index, self._catalog, least, 0 if label(index) in noticed else len(active))
            * total
            + upkeep(index, self._writers, self._catalog)
            for index in indexes
        }
        return replace(table, charges=charges), {label(index): index for index in indexes}

    def advice(self, found: Sequence[Candidate], declined: Sequence[Declined]) -> Advice:
        """Choose, check the choice with the planner, and choose again while the check teaches something."""
        refused: set[Index] = set()
        for turn in range(ROUNDS):
            table, names = self._table()
            selection = self._select(table, names, refused)
            chosen = frozenset(names[key] for key in selection.chosen)
            learned = self._learn(chosen, neighbours=turn < ROUNDS - 2)
            too_dear = self._too_dear(selection, names)
            refused |= too_dear
            if not learned and not too_dear:
                break
        return Advice(
            chosen=tuple(names[key] for key in selection.chosen),
            selection=selection,
            table=table,
            names=names,
            sizes=self._sizes,
            queries=self._queries,
            writers=tuple(self._writers),
            calibration=self._calibration,
            pricer=self._pricer,
            planner=self._planner.planner,
            proven=not isinstance(self._planner, ByRule),
            catalog=self._catalog,
            candidates=tuple(found),
            declined=tuple(declined),
            refused=frozenset(refused),
            unsure=self._unsure,
            unpriced={q: error for q in sorted(self._queries) if (error := self._error(q))},
            min_improvement=self._options.min_improvement,
            noticed=noticed_indexes(table, self._calibration),
        )

    def _error(self, query: str) -> str:
        return self._pricer.base(query).error if self._pricer.relevant(query) else ""

    def _select(self, table: CostTable, names: Mapping[str, Index], refused: set[Index]) -> Selection:
        limit = {query: table.base[query] * (1 - UNSURE if query in self._unsure else 1) for query in table.sets}
        allowed = {
            query: {
                key: cost
                for key, cost in sets.items()
                if cost <= limit[query] and not any(names[name] in refused for name in key)
            }
            for query, sets in table.sets.items()
        }
        options, table = self._options, replace(table, sets=allowed)
        selection = choose(
            table,
            options.budget_bytes,
            max_indexes=options.max_indexes,
            max_per_table=options.max_per_table,
            min_improvement=options.min_improvement,
            gap=GAP,
        )
        preferred = better_twins(table, names, self._queries, self._catalog, self._unsure)
        return exchanged(table, selection, preferred, TOLERANCE)

    def _learn(self, chosen: frozenset[Index], *, neighbours: bool) -> bool:
        """Price the choice itself, and each of its neighbours; say whether something came out cheaper than known."""
        active = self._active()
        questions = [(query, chosen) for query in active]
        if neighbours:
            questions += [
                (query, chosen | {index})
                for query in active
                for index in sorted(self._pricer.liked(query, NEIGHBOURS) - chosen, key=label)
            ]
        if len(questions) > CALLS:
            questions = questions[: len(active)]
        before = {query: dict(self._pricer.sets(query)) for query in active}
        self._pricer.ask(questions)
        return any(self._pricer.sets(query) != before[query] for query in active)

    def _too_dear(self, selection: Selection, names: Mapping[str, Index]) -> set[Index]:
        """The chosen indexes that slow some write beyond ``max_regression`` and give back too little for it."""
        limit = self._options.max_regression
        timed = [query for query in self._writers if query.stats.mean_ms]
        return {
            names[key]
            for key in selection.chosen
            if selection.gain[key] < (WORTH_A_REGRESSION - 1) * upkeep(names[key], self._writers, self._catalog)
            and any(upkeep_ms(query, names[key], self._catalog) > limit * query.stats.mean_ms for query in timed)
        }
