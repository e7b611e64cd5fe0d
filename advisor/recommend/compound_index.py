"""Create an index on a MongoDB collection: equality, sort, range, merged over the workload; by rule, or tried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from advisor.model.catalog import Index, Table
from advisor.model.finding import Confidence, Finding
from advisor.model.impact import MigrationImpact
from advisor.model.mongosh import create_index, drop_index, hide_index, unhide_index
from advisor.model.recommendation import AddIndex, Benefit, Configure, Declined, Method, Recommendation, ShapeBenefit
from advisor.model.workload import Query
from advisor.ports import Study
from advisor.recommend import _mongo_words as words
from advisor.recommend._esr import Wish, wishes
from advisor.recommend._esr_merge import merged, serves
from advisor.recommend._naming import identifier
from advisor.recommend.trial import tried
from advisor.shape.mql_effort import DOCUMENT, KEY, MOST, SMALL, Effort, effort_of
from advisor.shape.mql_indexes import hint_of

BASIS = (
    "by rule: what the server examined against what it returned, as recorded; keys weigh 1, documents 2, a sort in "
    "memory half a document; an ideal index reads one key and one document for each returned"
)
_THERE = "it is there already: what the query still reads in vain is not a matter of indexes (see its findings)"
PLANNER = "rule (equality, sort, range)"


@dataclass(frozen=True)
class _Asked:
    """A query that an index could help, and what it asks for."""

    query: Query
    wish: Wish
    effort: Effort


def recommend(study: Study, findings: Sequence[Finding]) -> Iterator[Recommendation | Declined]:
    """Yield the indexes to create or to unhide, and what was considered and is not advised."""
    if study.capture.server.product != "mongodb":
        return
    asked: list[_Asked] = []
    hidden: dict[Index, list[_Asked]] = {}
    for query in study.workload.queries:
        for item in _considered(study, query):
            if isinstance(item, Declined):
                yield item
            elif (index := _hidden(study, item.wish)) is not None:
                hidden.setdefault(index, []).append(item)
            else:
                asked.append(item)
    for index, items in sorted(hidden.items(), key=lambda pair: (pair[0].table, pair[0].name)):
        yield _unhide(study, index, items, findings)
    for index in merged((item.wish for item in asked), study.catalog):
        served = [item for item in asked if _helped(index, item.wish)]
        yield tried(_create(study, index, served, findings), study.workload, study.estimator)


def _considered(study: Study, query: Query) -> Iterator[_Asked | Declined]:
    whole = effort_of(query)
    if whole is None or query.shape.unparsed:
        return
    for wish in wishes(query.shape, study.catalog, whole.own):
        effort = whole if wish.foreign else whole.own
        table = study.catalog.find(wish.table.name, wish.table.schema)
        label = f"{wish.table.name} ({', '.join(wish.fields)})"
        reason = _reason_against(wish, effort, table)
        if reason == _THERE and (hint := hint_of(query.shape)):
            reason = f"it is there already, but the query insists on another by its hint {hint}: take the hint away"
        if reason:
            yield Declined(label, reason, tables=(wish.table,), shapes=(query.shape.fingerprint,))
        elif reason is not None:
            yield _Asked(query, wish, effort)


def _reason_against(wish: Wish, effort: Effort, table: Table | None) -> str | None:
    """Why not; empty when the index is worth it, ``None`` when there is nothing to speak of."""
    served = table is not None and any(serves(index, wish) for index in table.indexes)
    if wish.foreign:
        return None if served or not effort.wasteful else ""
    most = 1.0 if wish.covered else MOST  # keys alone are less than documents, however many
    large = effort.collection_scan and effort.examined >= SMALL
    selective = effort.selective or (large and wish.covered)
    if not effort.wasteful and not selective and not effort.sorted_in_memory:
        return _all_of_it(effort) if large and effort.share is not None else None
    if served and effort.returned is None:
        return None  # a group or count reads all that matches: that it reads much says nothing
    if served:
        return _THERE
    if table is not None and 0 < table.rows < SMALL:
        return f"{table.name.name} has {table.rows:,.0f} documents: reading them all costs less than an index's upkeep"
    share = effort.share
    if share is not None and share >= most and not wish.sorts:
        return _all_of_it(effort)
    return ""


def _all_of_it(effort: Effort) -> str:
    return (
        f"the query returns {effort.share or 0.0:.0%} of what it scans ({effort.returned or 0:,.0f} of "
        f"{effort.documents:,.0f} documents): fetching them through an index costs more"
    )


def _hidden(study: Study, wish: Wish) -> Index | None:
    """A hidden index that would serve the wish."""
    table = study.catalog.find(wish.table.name, wish.table.schema)
    for index in table.indexes if table else ():
        if index.options.get("hidden") == "true" and serves(_visible(index), wish):
            return index
    return None


def _visible(index: Index) -> Index:
    return replace(index, options={key: value for key, value in index.options.items() if key != "hidden"})


def _helped(index: Index, wish: Wish) -> bool:
    """Whether the index is (also) for this wish: it serves it, or holds its equality fields first."""
    if serves(index, wish):
        return True
    count = len(wish.equal)
    return index.table == wish.table and bool(count) and set(index.keys[:count]) == set(wish.equal)


def _create(study: Study, index: Index, served: Sequence[_Asked], findings: Sequence[Finding]) -> Recommendation:
    table = study.catalog.find(index.table.name, index.table.schema)
    queries = list({item.query.shape.fingerprint: item.query for item in served}.values())
    wanted = [item.wish for item in served]
    action = AddIndex(index, _replaced(index, table))
    statement = create_index(index)
    return Recommendation(
        id=identifier("add_index", str(index.table), statement),
        title=f"Create index {words.keys(index)} on {index.table.name}: serves {_count(len(queries))}",
        action=action,
        statement=statement,
        tables=(index.table,),
        problem=words.problem(queries, study.workload),
        root_cause=words.root_cause(index, wanted, table),
        solution=words.solution(index, wanted),
        benefit=_benefit(study, served),
        migration_impact=_impact(study, action, statement, (hide_index(index), drop_index(index))),
        risks=(*words.hints(queries), *words.risks(index, table, wanted)),
        verification=tuple(words.verification(index, queries)),
        acceptance=tuple(words.acceptance(queries, wanted)),
        shapes=tuple(query.shape.fingerprint for query in queries),
        rules=_rules(findings, {query.shape.fingerprint for query in queries}),
        confidence=Confidence.MEDIUM if table is not None else Confidence.LOW,
        location=next((site for query in queries for site in query.call_sites), None),
    )


def _replaced(index: Index, table: Table | None) -> tuple[str, ...]:
    """Plain indexes whose keys the new one begins with."""
    found = []
    for other in table.indexes if table else ():
        special = other.unique or other.primary or other.predicate or other.method != "btree"
        odd = {"sparse", "expireAfterSeconds", "collation", "hidden"} & set(other.options)
        if not special and not odd and not index.options and other.columns == index.columns[: len(other.columns)]:
            found.append(other.name)
    return tuple(sorted(found))


def _unhide(study: Study, index: Index, served: Sequence[_Asked], findings: Sequence[Finding]) -> Recommendation:
    queries = list({item.query.shape.fingerprint: item.query for item in served}.values())
    statement = unhide_index(index)
    action = Configure(f"index {index.name} of {index.table.name}", "visible", "hidden", "collection")
    return Recommendation(
        id=identifier("configure", str(index.table), statement),
        title=f"Unhide index {index.name} of {index.table.name}: it would serve {_count(len(queries))}",
        action=action,
        statement=statement,
        tables=(index.table,),
        problem=words.problem(queries, study.workload),
        root_cause=f"The index {index.name} is there and is maintained by every write, but hidden from the planner.",
        solution="Unhide it: it is usable at once, nothing is built. Or drop it, if it was hidden for that.",
        benefit=_benefit(study, served),
        migration_impact=_impact(study, action, statement, (hide_index(index),)),
        risks=("Somebody hid it: ask why first. Its uses are counted from zero again.",),
        verification=tuple(words.verification(index, queries)),
        acceptance=tuple(words.acceptance(queries, [item.wish for item in served])),
        shapes=tuple(query.shape.fingerprint for query in queries),
        rules=_rules(findings, {query.shape.fingerprint for query in queries}),
        confidence=Confidence.MEDIUM,
    )


def _benefit(study: Study, served: Sequence[_Asked]) -> Benefit:
    shapes: dict[str, ShapeBenefit] = {}
    for item in served:
        effort, stats = item.effort, item.query.stats
        after = min(_least(item.wish, effort), effort.cost)
        saved = stats.total_ms * (1 - after / effort.cost) if effort.cost else 0.0
        shapes[item.query.shape.fingerprint] = ShapeBenefit(
            item.query.shape.fingerprint, effort.cost, after, stats.calls, saved
        )
    per_day = study.workload.per_day(sum(shape.saved_ms or 0.0 for shape in shapes.values()))
    return Benefit(
        method=Method.ESTIMATED,
        planner=PLANNER,
        cost_before=sum(shape.calls * shape.cost_before for shape in shapes.values()),
        cost_after=sum(shape.calls * shape.cost_after for shape in shapes.values()),
        ms_saved_per_day=per_day,
        ms_saved_low=per_day * 0.5,
        ms_saved_high=per_day,
        by_shape=tuple(shapes[key] for key in sorted(shapes)),
        basis=BASIS,
    )


def _least(wish: Wish, effort: Effort) -> float:
    """What an ideal index would still read; where what matched is not known, a tenth of what is read now."""
    if effort.returned is None or effort.joins:
        return effort.cost / 10
    reads = KEY if wish.covering else KEY + DOCUMENT
    return reads * max(effort.returned, 1.0)


def _impact(study: Study, action: AddIndex | Configure, statement: str, undo: tuple[str, ...]) -> MigrationImpact:
    if study.impact is not None:
        return study.impact(action, study.capture, study.workload, None)
    return MigrationImpact(summary=statement, rollback=undo)


def _rules(findings: Sequence[Finding], shapes: set[str]) -> tuple[str, ...]:
    return tuple(sorted({finding.rule for finding in findings if shapes & set(finding.shapes)}))


def _count(number: int) -> str:
    return f"{number} {'query' if number == 1 else 'queries'}"
