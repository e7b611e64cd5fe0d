"""Flyway migrations with the configuration that a concurrent build needs."""

from __future__ import annotations

from advisor.export._change import ExportOptions, IndexChange, Migration, Tool
from advisor.export._raw import LEFTOVER, ignoring, joined, opposite
from advisor.model.recommendation import MigrationStub

TOOL = Tool("flyway", "Flyway")


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """``V<stamp>__<slug>.sql`` with its ``.conf``; the way back is a forward file, kept apart in ``undo/``."""
    change.only_whole_tables(TOOL)
    name = f"V{migration.stamp()}__{migration.slug}.sql"
    back = f"undo/VSTAMP__{opposite(migration.slug)}.sql"
    # Without IF NOT EXISTS an INVALID leftover fails loudly instead of passing for done.
    there = change.create_once if change.adds else change.drop
    undone = change.drop if change.adds else change.create_once
    ignore = ignoring("require-lock-timeout, require-statement-timeout, prefer-robust-stmts")
    outside = "executeInTransaction=false\n"
    return MigrationStub(
        TOOL.name,
        change.recommendation.id,
        (
            (name, ignore + change.comment("--") + joined((there,))),
            (f"{name}.conf", outside),
            (
                back,
                ignore
                + f"-- Undoes {name}: give it a version of its own and move it to your migrations.\n"
                + joined((undone,)),
            ),
            (f"{back}.conf", outside),
        ),
        "Mandatory in Flyway's configuration: flyway.postgresql.transactional.lock=false (its own transactional lock "
        "on a second connection would make the build wait for ever).\n"
        f"flyway migrate\n{LEFTOVER}\nUndo migrations are not in Flyway's free edition, so the way back goes forward.",
    )
