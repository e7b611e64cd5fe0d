"""One ``$in`` instead of a query for each document: the remedy for N+1 on MongoDB, as code for each driver.

The order is deliberate: a batch of keys first (as Mongoose's populate does), ``$lookup`` only
where its preconditions hold, embedding as advice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from advisor.model.finding import Finding
from advisor.model.impact import MigrationImpact
from advisor.model.recommendation import CodeChange, Declined, EagerLoad, Recommendation, RewriteQuery
from advisor.model.workload import Burst
from advisor.ports import Study
from advisor.recommend import _code_change
from advisor.recommend._mongo_code import changes as code_of
from advisor.recommend._mongo_code import loop_of
from advisor.recommend._naming import identifier

PATTERNS = ("n-plus-one", "parentless-loop", "row-by-row-write")


def recommend(study: Study, findings: Sequence[Finding]) -> Iterator[Recommendation | Declined]:
    """Yield one recommendation a burst."""
    if study.capture.server.product != "mongodb":
        return
    for burst in study.workload.bursts:
        if burst.pattern in PATTERNS and burst.child_table is not None:
            yield (
                _write(study, burst, findings) if burst.pattern == "row-by-row-write" else _read(study, burst, findings)
            )


def _read(study: Study, burst: Burst, findings: Sequence[Finding]) -> Recommendation:
    asked = study.workload.by_fingerprint.get(burst.child)
    loop = loop_of(burst, asked.shape.text if asked else "")
    child, parent, field, changes = loop.child, loop.parent, loop.field, code_of(loop)
    whose = f"for each document of {parent}" if parent else "in a loop"
    action = (
        EagerLoad(burst.parent, (burst.child,), changes)
        if burst.parent
        else RewriteQuery(changes[0].before, changes[0].after, changes[:1])
    )
    missing = _code_change.unindexed([burst], study.catalog)
    return _whole(
        study, burst, findings, action,
        title=f"Read {child} once for all, by $in: {1 + burst.per_unit:g} commands become 2",
        problem=f"{child} is read by {field} {whose}: {burst.per_unit:g} times a {burst.unit_kind.value}, "
        f"{burst.executions} executions in all. {_code_change.places([burst])}".strip(),
        cause="Each read waits for a round trip; the server's own time is the smaller part.",
        solution=f"Collect the keys and ask once, {{{field}: {{$in: keys}}}}; put the answers together in memory. "
        "$lookup only where the foreign field is indexed, types and collation are equal, and a document stays below 16 "
        "MB; embed what is always read together and rarely changes.",
        statement=changes[0].after,
        missing=missing,
    )  # fmt: skip


def _write(study: Study, burst: Burst, findings: Sequence[Finding]) -> Recommendation:
    name = burst.child_table.name if burst.child_table else ""
    change = CodeChange(
        "pymongo", "PyMongo: bulk_write",
        f"for item in items:\n    await db.{name}.update_one({{'_id': item['_id']}}, {{'$set': new(item)}})",
        f"await db.{name}.bulk_write(\n"
        "    [UpdateOne({'_id': item['_id']}, {'$set': new(item)}) for item in items],\n    ordered=False,\n)",
        guessed=True,
    )  # fmt: skip
    return _whole(
        study, burst, findings, RewriteQuery(change.before, change.after, (change,)),
        title=f"Write {name} in one bulk_write: {burst.per_unit:g} commands become 1",
        problem=f"{name} is written document by document, {burst.per_unit:g} times a {burst.unit_kind.value}. "
        f"{_code_change.places([burst])}".strip(),
        cause="Each write waits for a round trip, and for its write concern.",
        solution="Send them as one bulk_write; ordered=False lets the server go on after an error.",
        statement=change.after,
        missing=[],
    )  # fmt: skip


def _whole(
    study: Study, burst: Burst, findings: Sequence[Finding], action: EagerLoad | RewriteQuery, *, title: str,
    problem: str, cause: str, solution: str, statement: str, missing: Sequence[str],
) -> Recommendation:  # fmt: skip
    shapes = tuple(shape for shape in (burst.parent, burst.child) if shape)
    tables = tuple(t for t in (burst.parent_table, burst.child_table) if t is not None)
    impact: MigrationImpact = _code_change.code_impact(
        "A change in the application only: nothing runs on the database.", missing,
        ("The answers of one command are held in memory: cut very long key lists into pieces of some thousands.",),
    )  # fmt: skip
    return Recommendation(
        id=identifier(action.kind, str(burst.child_table), f"{burst.parent} {burst.child} {burst.pattern}"),
        title=title,
        action=action,
        statement=statement,
        tables=tables,
        problem=problem,
        root_cause=cause,
        solution=solution,
        benefit=_code_change.benefit([burst], study.workload, 1 + burst.per_unit, 2),
        migration_impact=impact,
        risks=("Names in the code are guessed from collections and fields.",),
        verification=("Count a request's commands with a CommandListener: it does not grow with the documents.",),
        acceptance=("One request sends as many commands for a hundred documents as for one.",),
        shapes=shapes,
        rules=tuple(sorted({f.rule for f in findings if burst.child in f.shapes and "index" not in f.rule})),
        confidence=_code_change.confidence([burst]),
        location=_code_change.place([burst]),
    )
