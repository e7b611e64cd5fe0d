"""Atlas versioned migrations outside of a transaction."""

from __future__ import annotations

from advisor.export._change import ExportOptions, IndexChange, Migration, Tool
from advisor.export._raw import LEFTOVER, TIMEOUTS, joined, opposite
from advisor.model.recommendation import MigrationStub

TOOL = Tool("atlas", "Atlas")


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """``migrations/<stamp>_<slug>.sql``; Atlas goes up only, so the way back is a second file in ``undo/``."""
    change.only_whole_tables(TOOL)
    name = f"migrations/{migration.stamp()}_{migration.slug}.sql"
    mode = "-- atlas:txmode none\n\n"
    undo = f"undo/STAMP_{opposite(migration.slug)}.sql"
    return MigrationStub(
        TOOL.name,
        change.recommendation.id,
        (
            (name, mode + TIMEOUTS + change.comment("--") + joined(change.up)),
            (undo, mode + TIMEOUTS + f"-- Undoes {name}.\n" + joined(change.down)),
        ),
        f"atlas migrate hash\natlas migrate apply\natlas migrate down  # undo, or apply the second file\n{LEFTOVER}",
    )
