"""dbmate migrations: one statement a section, and a second file that checks the result."""

from __future__ import annotations

from advisor.export._change import ExportOptions, IndexChange, Migration, Tool
from advisor.export._raw import PGOPTIONS, TIMEOUTS, joined
from advisor.model.recommendation import MigrationStub

TOOL = Tool("dbmate", "dbmate")


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """A file a step, since two statements in one section would share a transaction."""
    change.only_whole_tables(TOOL)
    (there,), (back,) = change.up, change.down
    folder, head = "db/migrations", TIMEOUTS + change.comment("--")
    name = f"{folder}/{migration.stamp()}_{migration.slug}.sql"
    text = head + f"-- migrate:up transaction:false\n{there};\n\n-- migrate:down transaction:false\n{back};\n"
    files = [(name, text)]
    if change.adds:
        verify = TIMEOUTS + "-- migrate:up\n" + joined((change.verify,)) + "\n-- migrate:down\n"
        files.append(
            (f"{folder}/{migration.stamp(1)}_verify_{change.recommendation.slug.removeprefix('add_')}.sql", verify)
        )
    return MigrationStub(
        TOOL.name,
        change.recommendation.id,
        tuple(files),
        f"dbmate up\ndbmate down  # undo, once a file\n{PGOPTIONS.format(wait=options.wait_budget)}\n"
        "When the second file fails, the first is recorded: REINDEX INDEX CONCURRENTLY the index, then dbmate up.",
    )
