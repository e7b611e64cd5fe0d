"""Hide, then drop a MongoDB index: unused, or its queries are another's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from advisor.model.catalog import Index, Table
from advisor.model.finding import Confidence, Finding
from advisor.model.impact import MigrationImpact
from advisor.model.mongosh import create_index, drop_index, hide_index, unhide_index
from advisor.model.recommendation import Benefit, Declined, DropIndex, Method, Recommendation
from advisor.ports import Study
from advisor.recommend._esr import wishes
from advisor.recommend._esr_merge import serves
from advisor.recommend._naming import identifier
from advisor.shape.mql_effort import effort_of
from advisor.shape.mql_indexes import is_hinted, superfluous, used_indexes


def recommend(study: Study, findings: Sequence[Finding]) -> Iterator[Recommendation | Declined]:
    """Yield the indexes to hide and then drop; what the workload uses, or is about to use, stays."""
    if study.capture.server.product != "mongodb":
        return
    used = used_indexes(study.workload.queries)
    for table in study.catalog.tables:
        for index, reason, wider in superfluous(table, used):
            if keep := _keep(study, table, index, wider, used):
                tables = (table.name,)
                yield Declined(f"hide and drop {index.name}", f"{reason}; but {keep}", "drop_index", tables)
            else:
                yield _recommendation(study, table, index, reason, wider, findings)
    for table in study.catalog.tables:
        for index in table.indexes:
            if index.scans == 0 and not index.primary and (why := _purpose(index)):
                text = f"it has no use in the counted time, but {why}"
                yield Declined(f"hide and drop {index.name}", text, "drop_index", (table.name,))


def _keep(study: Study, table: Table, index: Index, wider: str, used: frozenset[tuple[str, str]]) -> str:
    if (table.name.name, index.name) in used:
        return (
            f"the workload uses it: hide it and see that its queries move to {wider}"
            if wider
            else "the workload uses it"
        )
    for query in study.workload.queries:
        if is_hinted(index, query.shape):
            return "a query insists on it by a hint, and would fail without it"
        for wish in wishes(query.shape, study.catalog, effort_of(query)):
            if not wider and wish.table == table.name and serves(index, wish):
                return (
                    "a query asks for exactly these keys, and will use it when the rest of its conditions has indexes"
                )
    return ""


def _purpose(index: Index) -> str:
    if index.unique:
        return "it is unique: it guards the data"
    if "expireAfterSeconds" in index.options:
        return "it expires documents (TTL)"
    return ""


def _recommendation(
    study: Study, table: Table, index: Index, reason: str, wider: str, findings: Sequence[Finding]
) -> Recommendation:
    action = DropIndex(index, covered_by=wider, hide_first=True)
    statement = hide_index(index)
    size = f"{index.size_bytes / 1e6:,.1f} MB and " if index.size_bytes else ""
    return Recommendation(
        id=identifier("drop_index", str(table.name), index.name),
        title=f"Hide, then drop index {index.name} of {table.name.name}",
        action=action,
        statement=statement,
        tables=(table.name,),
        problem=f"{index.name}: {reason}. Every insert and delete, and every update of its fields, maintains it.",
        root_cause="Nothing asks for it." if not wider else f"{wider} answers whatever it answers.",
        solution=f"Hide it now; after a whole business cycle: {drop_index(index)}. That gives back {size}its upkeep.",
        benefit=Benefit(Method.ESTIMATED, ms_saved_per_day=0.0, basis="one key fewer an insert, delete and update"),
        migration_impact=study.impact(action, study.capture, study.workload, index.size_bytes)
        if study.impact
        else MigrationImpact(summary=statement, rollback=(unhide_index(index), create_index(index))),
        risks=(
            "Uses are counted by each member from its start: a secondary that serves reports counts its own.",
            "Code that names it in a hint fails while it is hidden.",
        ),
        verification=(f"{statement}; then watch for collection scans of {table.name.name}.",),
        acceptance=(f"For a business cycle no query of {table.name.name} examines more than before.",),
        rules=tuple(sorted({f.rule for f in findings if f.index == index.name and table.name in f.tables})),
        confidence=Confidence.MEDIUM if int(index.options.get("members", "1")) > 1 else Confidence.LOW,
    )
