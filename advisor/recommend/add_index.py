"""Add an index: the set that serves the whole workload best, each one proven by the planner."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from advisor.errors import PlannerUnavailable
from advisor.model.catalog import Catalog, Index, Table, TableName
from advisor.model.finding import Confidence, Finding
from advisor.model.impact import MigrationImpact
from advisor.model.recommendation import (
    AddIndex,
    Benefit,
    Cost,
    Declined,
    Method,
    PlanPair,
    Recommendation,
    ShapeBenefit,
)
from advisor.model.workload import Query
from advisor.ports import Study
from advisor.recommend import _reasons, _words
from advisor.recommend._drops import Drop, Judge, protection
from advisor.recommend._drops import recommendation as drop_recommendation
from advisor.recommend._engine import Advice, advise
from advisor.recommend._figures import milliseconds
from advisor.recommend._foreign_keys import PREFIX
from advisor.recommend._naming import identifier, named, names_in
from advisor.recommend.candidates import label, normal

SHOWN_PLANS = 5
"""Queries whose plans before and after are kept with a recommendation."""
UNINDEXED_KEY = "unindexed-foreign-key"
"""The rule whose findings a foreign key's own checks answer; other findings must name a shape that gets faster."""


def recommend(study: Study, findings: Sequence[Finding]) -> Iterator[Recommendation | Declined]:
    """Yield the indexes to build, best first, and every other candidate with the reason why not."""
    if study.capture.server.product != "postgresql" or study.capture.catalog is None:
        return
    try:
        advice = advise(study)
    except PlannerUnavailable as lost:
        yield Declined("indexes proven by a planner", f"the planner was lost: {lost} What follows is advised by rule.")
        study = replace(study, estimator=None)
        advice = advise(study)
    yield from advice.declined
    for query, reason in advice.unpriced.items():
        text = _words.shortened(advice.queries[query].shape.text)
        yield Declined(f"indexes for `{text}`", f"the planner could not plan it: {reason}", shapes=(query,))
    yield from _reasons.declined(advice, study.options)
    taken: dict[str, set[str]] = {}
    ranked = sorted(advice.chosen, key=lambda index: (-advice.selection.gain[label(index)], label(index)))
    for index in ranked:
        if parent := _of_parent(index, ranked, study.catalog):
            yield Declined(label(index), f"{parent} is advised on the partitioned table and builds it there, too")
            continue
        names = taken.setdefault(index.table.schema, names_in(study.catalog, index.table.schema))
        final = named(index, names)
        names.add(final.name)
        built = _Writer(study, advice, index, final).recommendation(findings)
        yield built
        yield from _replaced(study, advice, built, findings)


def _of_parent(index: Index, chosen: Sequence[Index], catalog: Catalog) -> str:
    """The chosen index of a partitioned table that brings ``index`` to its partition by itself, or nothing."""
    table = catalog.by_name.get(index.table)
    while table is not None and table.partition_of is not None:
        moved = replace(index, table=table.partition_of)
        if moved in chosen:
            return label(moved)
        table = catalog.by_name.get(table.partition_of)
    return ""


def _replaced(
    study: Study, advice: Advice, built: Recommendation, findings: Sequence[Finding]
) -> Iterator[Recommendation | Declined]:
    """Advise to drop what the new index makes superfluous, once it is built and if the planner agrees."""
    if not isinstance(built.action, AddIndex) or not built.action.replaces:
        return
    new, table = built.action.index, study.catalog.by_name[built.action.index.table]
    judge = Judge(study, study.estimator, frozenset(advice.chosen))
    for old in (index for index in table.indexes if index.name in built.action.replaces):
        drop = Drop(
            old,
            table,
            f"{new.name} ({', '.join(new.keys)}), advised here, begins with the keys of {old.name} "
            f"({', '.join(old.keys)}) and will serve all of its queries.",
            f"{old.name} is narrower than what the workload asks for.",
            "redundant-index",
            Confidence.MEDIUM,
            new.name,
            (f"Only after {new.name} is built and valid.",),
        )
        objection = protection(old, table, study.catalog) or judge.objection(old)
        if objection:
            yield Declined(f"drop {old.name}", f"{drop.why} But {objection}.", "drop_index", (table.name,))
        else:
            yield drop_recommendation(study, drop, findings, asked=judge.asked)


class _Writer:
    """Writes one recommendation: ``index`` as it was priced, ``final`` with its name."""

    def __init__(self, study: Study, advice: Advice, index: Index, final: Index) -> None:
        self._study = study
        self._advice = advice
        self._index = index
        self._final = final
        self._table: Table = study.catalog.by_name[index.table]
        self._helped = advice.helped(index)
        self._refusal = advice.pricer.refused.get(index, "")
        self._proven = advice.proven and not self._refusal and not self._table.assumed
        self._queries: list[Query] = [advice.queries[key] for key in self._helped]

    def recommendation(self, findings: Sequence[Finding]) -> Recommendation:
        """The whole recommendation."""
        pairs = self._plans()
        by_shape = tuple(self._by_shape(key) for key in self._helped)
        statement = _words.statement(self._final, self._table)
        before = [pairs[key][0].plan if key in pairs else None for key in self._helped]
        shapes = tuple(key for key in self._helped if not key.startswith(PREFIX))
        action = AddIndex(self._final, self._replaces(), self._partitions())
        size = self._advice.sizes.get(self._index)
        return Recommendation(
            id=identifier("add_index", str(self._index.table), label(self._index)),
            title=_words.title(self._final, by_shape, self._study.catalog),
            action=action,
            statement=statement,
            tables=(self._index.table,),
            problem=_words.problem(self._queries, self._table, before, self._study.workload),
            root_cause=_words.root_cause(self._final, self._queries, self._table),
            solution=_words.solution(
                self._final,
                self._advice.planner,
                proven=self._proven,
                refusal=self._refusal,
                assumed=self._table.assumed,
            ),
            benefit=self._benefit(by_shape),
            migration_impact=self._impact(action, size, statement),
            risks=_words.risks(
                self._final, self._advice.writers, self._table, self._study.catalog, self._slower(pairs)
            ),
            verification=_words.verification(self._final),
            acceptance=_words.acceptance(self._final, by_shape, self._queries),
            shapes=shapes,
            rules=self._rules(findings, set(shapes)),
            confidence=self._confidence(),
            location=next((site for query in self._queries for site in query.call_sites), None),
            plans=tuple(
                PlanPair(key, pairs[key][0].plan, pairs[key][1].plan)
                for key in self._helped
                if key in pairs and pairs[key][0].plan is not None
            ),
        )

    def _plans(self) -> Mapping[str, tuple[Cost, Cost]]:
        """(before, after everything chosen) of the most helped queries; empty when the planner is gone by now."""
        top = self._helped[:SHOWN_PLANS]
        chosen = frozenset(self._advice.chosen)
        try:
            before = self._advice.pricer.plans([(key, frozenset()) for key in top])
            after = self._advice.pricer.plans([(key, chosen) for key in top])
        except PlannerUnavailable:
            return {}
        return {key: (first, last) for key, first, last in zip(top, before, after, strict=True)}

    def _by_shape(self, key: str) -> ShapeBenefit:
        """The query's cost as things are and with everything chosen; the time saved is this index's own part."""
        table, everything = self._advice.table, frozenset(map(label, self._advice.chosen))
        before, after = table.base[key], table.cost(key, everything)
        own = table.cost(key, everything - {label(self._index)}) - after
        query = self._advice.queries[key]
        saved = query.stats.calls * self._advice.calibration.ratio(key) * own
        if query.stats.total_ms and before > 0:
            saved = min(saved, query.stats.total_ms * own / before)
        timed = self._advice.calibration.median is not None
        return ShapeBenefit(key, before, after, query.stats.calls, saved if timed else None)

    def _benefit(self, by_shape: Sequence[ShapeBenefit]) -> Benefit:
        """What this index adds to the others: the queries' cost before and after, and the time that it stands for."""
        advice, workload = self._advice, self._study.workload
        saved = [shape.saved_ms for shape in by_shape if shape.saved_ms is not None]
        net = sum(saved) - advice.upkeep(self._index)
        per_day = workload.per_day(net) if saved else None
        # Plan costs and times of one server agree within a factor of two for most statements.
        return Benefit(
            method=Method.PLANNER if self._proven else Method.ESTIMATED,
            planner=advice.planner,
            cost_before=sum(shape.calls * shape.cost_before for shape in by_shape),
            cost_after=sum(shape.calls * shape.cost_after for shape in by_shape),
            ms_saved_per_day=per_day,
            ms_saved_low=per_day * 0.5 if per_day is not None else None,
            ms_saved_high=per_day and min(per_day * 2, max(per_day, workload.per_day(self._spent()))),
            by_shape=tuple(by_shape),
            basis=self._basis(),
        )

    def _spent(self) -> float:
        """The time that the helped queries took, in milliseconds: more cannot be saved. A foreign key's check took
        its time inside another statement."""
        checks = any(key.startswith(PREFIX) for key in self._helped)
        return math.inf if checks else math.fsum(query.stats.total_ms for query in self._queries)

    def _basis(self) -> str:
        advice = self._advice
        source = advice.planner if self._proven else "a rule of thumb (no planner could be asked)"
        if self._table.assumed:
            source = f"{advice.planner} over tables of an assumed {self._table.rows:,.0f} rows"
        if advice.calibration.median is None:
            return f"costs by {source}; no times were observed, so none are derived"
        upkeep = advice.upkeep(self._index)
        return (
            f"costs by {source}, turned into time at {advice.calibration.median:.3g} ms per cost unit "
            f"(median of what was observed), upkeep of {milliseconds(upkeep)} by writes taken off"
        )

    def _impact(self, action: AddIndex, size: int | None, statement: str) -> MigrationImpact:
        study = self._study
        if study.impact is not None:
            return study.impact(action, study.capture, study.workload, size)
        return MigrationImpact(summary=statement, rollback=(_words.undo(self._final),))

    def _replaces(self) -> tuple[str, ...]:
        """Existing indexes that it makes superfluous: no constraint's own, and none that is superfluous already."""
        found = []
        for existing in self._table.indexes:
            bound = existing.constraint or existing.primary or existing.unique or not existing.valid
            others = [other for other in self._table.indexes if other.valid and other.name != existing.name]
            already = existing.scans == 0 or any(normal(other).covers(normal(existing)) for other in others)
            if not bound and not already and normal(self._index).covers(normal(existing)):
                found.append(existing.name)
        return tuple(found)

    def _partitions(self) -> tuple[TableName, ...]:
        """The leaves below a partitioned table, at any depth."""
        catalog = self._study.catalog
        leaves: list[TableName] = []
        level = [self._table.name]
        while level:
            below = [table for table in catalog.tables if table.partition_of in level]
            leaves += [table.name for table in below if table.kind != "partitioned table"]
            level = [table.name for table in below if table.kind == "partitioned table"]
        return tuple(sorted(leaves))

    def _rules(self, findings: Sequence[Finding], shapes: set[str]) -> tuple[str, ...]:
        checks = any(key.startswith(PREFIX) for key in self._helped)
        return tuple(
            sorted(
                {
                    finding.rule
                    for finding in findings
                    if self._index.table in finding.tables
                    and (shapes & set(finding.shapes) or (checks and finding.rule == UNINDEXED_KEY))
                }
            )
        )

    def _confidence(self) -> Confidence:
        if not self._proven:
            return Confidence.LOW
        known = self._table.rows > 0 and not _words.without_statistics(self._index, self._table)
        return Confidence.HIGH if known and self._advice.calibration.median is not None else Confidence.MEDIUM

    def _slower(self, pairs: Mapping[str, tuple[Cost, Cost]]) -> list[ShapeBenefit]:
        """Queries that the planner plans dearer with the chosen indexes than without any."""
        limit = 1.0 + 1e-3
        return [
            ShapeBenefit(key, before.total, after.total, self._advice.queries[key].stats.calls)
            for key, (before, after) in pairs.items()
            if after.total > before.total * limit
        ]
