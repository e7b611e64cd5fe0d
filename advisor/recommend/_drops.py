"""Dropping an index: what must never go, what the planner would do without it, and how it is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from advisor.errors import PlannerUnavailable
from advisor.model.catalog import Catalog, Index, Table
from advisor.model.ddl import create_index, drop_index
from advisor.model.finding import Confidence, Finding
from advisor.model.impact import MigrationImpact
from advisor.model.recommendation import Benefit, DropIndex, Method, Recommendation, WhatIf
from advisor.model.workload import Query
from advisor.ports import CostEstimator, Study
from advisor.recommend._figures import megabytes, milliseconds
from advisor.recommend._naming import identifier
from advisor.recommend._needs import needs
from advisor.recommend._texts import text_to_price
from advisor.recommend._weights import upkeep_ms
from advisor.recommend._words import shortened

DEARER = 0.05
"""Part by which a query may become dearer without the index: a wider index in its place is a little larger to read."""


@dataclass(frozen=True)
class Drop:
    """One index that could go: ``why`` is the problem, ``covered_by`` what serves its queries from then on."""

    index: Index
    table: Table
    why: str
    cause: str
    rule: str
    confidence: Confidence
    covered_by: str = ""
    cautions: tuple[str, ...] = ()


def protection(index: Index, table: Table, catalog: Catalog) -> str:
    """Why ``index`` must stay whatever its use, or empty."""
    if index.primary:
        return "it is the primary key"
    if index.constraint:
        return f"it backs the constraint {index.constraint}"
    if index.unique:
        return "it is unique: it keeps a promise about the data even when no query reads it"
    if index.replica_identity:
        return "logical replication finds rows by it (replica identity)"
    if index.clustered:
        return "the table is clustered by it"
    if index.parent:
        return f"it is a partition's part of {index.parent}, which can only be dropped as a whole"
    if any(
        key.referenced == table.name and set(key.referenced_columns) == set(index.keys) for key in catalog.foreign_keys
    ):
        unique = [keys for keys in table.unique_keys() if set(keys) == set(index.keys)]
        if not unique:
            return "a foreign key refers to its columns"
    return ""


def only_support(index: Index, table: Table, catalog: Catalog, gone: Iterable[str] = ()) -> str:
    """The foreign key that has no other index on its referencing columns than ``index``, or empty."""
    without = {index.name, *gone}
    for key in catalog.foreign_keys_of(table.name):
        if not _supports(index, key.columns):
            continue
        others = (other for other in table.indexes if other.name not in without)
        if not any(_supports(other, key.columns) for other in others):
            return key.name
    return ""


def _supports(index: Index, columns: Sequence[str]) -> bool:
    leading = set(index.keys[: len(columns)])
    return index.valid and index.method == "btree" and not index.predicate and leading == set(columns)


class Judge:
    """Asks the planner what the workload would cost without an index, those accepted before taken as gone."""

    def __init__(self, study: Study, planner: CostEstimator | None, added: frozenset[Index] = frozenset()) -> None:
        self._planner = planner
        self._added = added
        self._gone: set[str] = set()
        self._queries: dict[str, Query] = {}
        self._by_table: dict[object, list[str]] = {}
        self._before: dict[str, float] = {}
        if planner is None:
            return
        for query in study.workload.queries:
            if query.shape.blocks and not query.shape.unparsed:
                self._queries[query.shape.fingerprint] = query
                for table in dict.fromkeys(need.table.name for need in needs(query.shape, study.catalog)):
                    self._by_table.setdefault(table, []).append(query.shape.fingerprint)

    def objection(self, index: Index) -> str:
        """Which query the planner would plan dearer without ``index``, or empty; then it counts as gone."""
        name = f"{index.table.schema}.{index.name}"
        hidden = frozenset({*self._gone, name})
        asked = self._by_table.get(index.table, [])
        try:
            self._before.update(self._costs([q for q in asked if q not in self._before], frozenset(), frozenset()))
            after = self._costs(asked, hidden, self._added)
        except PlannerUnavailable as lost:
            return f"the planner could not be asked what happens without it: {lost}"
        worse = {
            query: after[query] / self._before[query] - 1
            for query in after
            if self._before[query] > 0 and after[query] > self._before[query] * (1 + DEARER)
        }
        if worse:
            query = max(worse, key=lambda key: (worse[key], key))
            text = shortened(self._queries[query].shape.text)
            return f"without it the planner's cost of `{text}` rises by {_percent(worse[query])}"
        self._gone.add(name)
        return ""

    def _costs(self, queries: Sequence[str], hidden: frozenset[str], added: frozenset[Index]) -> Mapping[str, float]:
        if self._planner is None or not queries:
            return {}
        answers = self._planner.costs(
            [WhatIf(query, text_to_price(self._queries[query]), added, hidden) for query in queries]
        )
        return {query: 0.0 if answer.error else answer.total for query, answer in zip(queries, answers, strict=True)}

    @property
    def asked(self) -> bool:
        """Whether there is a planner to ask."""
        return self._planner is not None


def _percent(part: float) -> str:
    return f"{part:.0%}" if part < 10 else f"{part + 1:,.0f} times"


def recommendation(study: Study, drop: Drop, findings: Sequence[Finding], *, asked: bool) -> Recommendation:
    """Write the recommendation to drop ``drop.index``."""
    index, table = drop.index, drop.table
    action = DropIndex(index, drop.covered_by)
    concurrently = table.kind != "partitioned table"
    statement = drop_index(index, concurrently=concurrently)
    undo = create_index(index, concurrently=concurrently)
    size = f"{megabytes(index.size_bytes)} of disk and " if index.size_bytes else ""
    checked = " The planner was asked: no query of the workload becomes dearer." if asked else ""
    return Recommendation(
        id=identifier("drop_index", str(table.name), index.name),
        title=f"Drop the index {index.name} on {study.catalog.short_name(table.name)}: {drop.rule.replace('-', ' ')}",
        action=action,
        statement=statement,
        tables=(table.name,),
        problem=drop.why,
        root_cause=drop.cause,
        solution=f"Drop {index.name}. That gives back {size}the work of every write that keeps it up.{checked}",
        benefit=_benefit(study, index),
        migration_impact=study.impact(action, study.capture, study.workload, index.size_bytes)
        if study.impact
        else MigrationImpact(summary=statement, rollback=(undo,)),
        risks=(
            *drop.cautions,
            "Only what the capture saw is known: a yearly report or a query of another team may use it.",
            f"If it is missed, build it again: {undo};",
        ),
        verification=(
            f"SELECT idx_scan FROM pg_stat_user_indexes WHERE schemaname = '{_text(index.table.schema)}' "
            f"AND indexrelname = '{_text(index.name)}';",
        ),
        acceptance=(
            f"{index.name} is gone, and no statement of the workload is slower a day later.",
            "Its last use (last_idx_scan, PostgreSQL 16+) and its use on every replica were looked at before.",
        ),
        rules=tuple(sorted({drop.rule, *(f.rule for f in findings if f.index == index.name)})),
        confidence=drop.confidence,
    )


def _text(name: str) -> str:
    return name.replace("'", "''")


def _benefit(study: Study, index: Index) -> Benefit:
    catalog = study.catalog
    writers = [query for query in study.workload.queries if query.shape.written == index.table]
    saved = sum(query.stats.calls * upkeep_ms(query, index, catalog) for query in writers)
    per_day = study.workload.per_day(saved) if study.workload.duration_s else saved
    calls = sum(query.stats.calls for query in writers)
    if not calls:
        return Benefit(Method.ESTIMATED, ms_saved_per_day=0.0, basis="no write to the table was seen in the capture")
    basis = f"{calls:,} writes seen, {milliseconds(saved)} of their time for this index by bytes written"
    return Benefit(Method.ESTIMATED, ms_saved_per_day=per_day, basis=basis)
