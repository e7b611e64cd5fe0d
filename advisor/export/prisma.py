"""Prisma migrations: one statement, which older versions send without a transaction too."""

from __future__ import annotations

from advisor.export._change import ExportOptions, IndexChange, Migration, Tool
from advisor.export._raw import TIMEOUTS, joined, opposite
from advisor.model.recommendation import MigrationStub

TOOL = Tool("prisma", "Prisma")


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """``prisma/migrations/<stamp>_<slug>/migration.sql``; Prisma has no way back, so that is a second folder."""
    change.only_whole_tables(TOOL)
    name = f"{migration.stamp()}_{migration.slug}"
    (there,), (back,) = change.up, change.down
    undo = f"undo/STAMP_{opposite(migration.slug)}/migration.sql"
    keys = ", ".join(column.name for column in change.index.columns)
    snippet = f'@@index([{keys}], map: "{change.index.name}")' if change.plain else ""
    if snippet and not change.adds:
        snippet = f"Remove from the model: {snippet}"
    return MigrationStub(
        TOOL.name,
        change.recommendation.id,
        (
            (f"prisma/migrations/{name}/migration.sql", TIMEOUTS + change.comment("--") + joined((there,))),
            (
                undo,
                TIMEOUTS
                + f"-- Undoes {name}: move it to prisma/migrations under a stamp of its own.\n"
                + joined((back,)),
            ),
        ),
        "prisma migrate deploy\nAfter a failure: DROP INDEX CONCURRENTLY the INVALID index, then "
        f"prisma migrate resolve --rolled-back {name}, then deploy again.\n"
        "Keep schema.prisma in step (fields by the names of your model), or the next migrate dev reports drift.",
        snippet=snippet,
    )
