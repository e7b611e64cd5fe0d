"""Rebuild an index that takes far more room than its entries need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from advisor.model.catalog import Index, Table
from advisor.model.ddl import qualified
from advisor.model.finding import Confidence, Finding
from advisor.model.impact import MigrationImpact
from advisor.model.index_size import size_on
from advisor.model.recommendation import Benefit, Declined, Method, RebuildIndex, Recommendation
from advisor.ports import Study
from advisor.recommend._figures import megabytes
from advisor.recommend._naming import identifier

RULE = "bloated-index"
UNUSED = "unused-index"
OLDEST = 120_000
"""REINDEX CONCURRENTLY came with PostgreSQL 12; without it the table would be locked."""


def recommend(study: Study, findings: Sequence[Finding]) -> Iterator[Recommendation | Declined]:
    """Yield one recommendation a bloated index; one that no query uses is left to the advice to drop it."""
    unused = {finding.index for finding in findings if finding.rule == UNUSED}
    for finding in findings:
        if finding.rule != RULE:
            continue
        table = study.catalog.by_name[finding.tables[0]]
        index = next(index for index in table.indexes if index.name == finding.index)
        if index.name in unused:
            reason = "no query uses it: dropping it gives back more than rebuilding it"
            yield Declined(f"rebuild {index.name}", reason, "rebuild_index", (table.name,), rule=RULE)
        elif 0 < study.capture.server.version_number < OLDEST:
            reason = "this version can only rebuild it under a lock that stops writes; build a twin and swap the names"
            yield Declined(f"rebuild {index.name}", reason, "rebuild_index", (table.name,), rule=RULE)
        else:
            yield _recommendation(study, index, table)


def _recommendation(study: Study, index: Index, table: Table) -> Recommendation:
    needed, actual = size_on(index, table), index.size_bytes or 0
    action = RebuildIndex(index)
    statement = f"REINDEX INDEX CONCURRENTLY {qualified(index)}"
    name = study.catalog.short_name(table.name)
    return Recommendation(
        id=identifier("rebuild_index", str(table.name), index.name),
        title=f"Rebuild the index {index.name} on {name}: {megabytes(actual - needed)} of it is empty",
        action=action,
        statement=statement,
        tables=(table.name,),
        problem=(
            f"{index.name} ({', '.join(index.keys)}) takes {megabytes(actual)}; its {table.rows:,.0f} entries need "
            f"about {megabytes(needed)}."
        ),
        root_cause=(
            "Deletes and updates emptied its pages, or it was built before PostgreSQL 13 and came over by pg_upgrade. "
            "VACUUM does not merge half-empty pages."
        ),
        solution=(
            f"Rebuild it once. That gives back about {megabytes(actual - needed)} of disk and memory; then find what "
            "empties it, or it grows again."
        ),
        benefit=Benefit(
            Method.ESTIMATED,
            basis=f"about {megabytes(actual - needed)} less to keep in memory, by the catalog's widths and counts; "
            "the gain in time depends on what the cache holds and is not put into figures",
        ),
        migration_impact=study.impact(action, study.capture, study.workload, needed)
        if study.impact
        else MigrationImpact(summary=statement),
        risks=(
            "Old and new index stand side by side until it is done: the disk must have room for both.",
            f"The size is an estimate: SELECT * FROM pgstatindex({_text(index)}) (pgstattuple) measures it.",
        ),
        verification=(f"SELECT pg_size_pretty(pg_relation_size({_text(index)}));",),
        acceptance=(
            f"{index.name} is VALID and near {megabytes(needed)}.",
            "A month later it is still below twice that.",
        ),
        rules=(RULE,),
        confidence=Confidence.MEDIUM,
    )


def _text(index: Index) -> str:
    return "'" + qualified(index).replace("'", "''") + "'"
