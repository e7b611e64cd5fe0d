"""golang-migrate files: one statement each, since several in one Exec share a transaction."""

from __future__ import annotations

from advisor.export._change import ExportOptions, IndexChange, Migration, Tool
from advisor.export._raw import ONE_JOB, PGOPTIONS, TIMEOUTS, joined
from advisor.model.recommendation import MigrationStub

TOOL = Tool("golang-migrate", "golang-migrate")


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """``.up.sql`` and ``.down.sql``, and after a build a second pair that checks the result."""
    change.only_whole_tables(TOOL)
    stem = f"{migration.stamp()}_{migration.slug}"
    head = TIMEOUTS + change.comment("--")
    files = [(f"{stem}.up.sql", head + joined(change.up)), (f"{stem}.down.sql", TIMEOUTS + joined(change.down))]
    if change.adds:
        check = f"{migration.stamp(1)}_verify_{migration.slug.removeprefix('add_')}"
        files += [(f"{check}.up.sql", TIMEOUTS + joined((change.verify,))), (f"{check}.down.sql", "SELECT 1;\n")]
    return MigrationStub(
        TOOL.name,
        change.recommendation.id,
        tuple(files),
        f"migrate up\nmigrate down {len(files) // 2}  # undo\n{PGOPTIONS.format(wait=options.wait_budget)}\n{ONE_JOB}\n"
        "After a failure: DROP INDEX CONCURRENTLY the INVALID index, migrate force <the version before>, migrate up.",
    )
