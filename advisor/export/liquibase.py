"""Liquibase changesets in formatted SQL, outside of a transaction, with their rollback."""

from __future__ import annotations

from advisor.export._change import ExportOptions, IndexChange, Migration, Tool
from advisor.export._raw import LEFTOVER, TIMEOUTS
from advisor.model.recommendation import MigrationStub

TOOL = Tool("liquibase", "Liquibase")


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """One changeset with exactly one statement, since several would be sent as one transaction."""
    change.only_whole_tables(TOOL)
    name = f"{migration.stamp()}-{migration.dashed}"
    there, back = (change.create_once, change.drop) if change.adds else (change.drop, change.create_once)
    text = (
        "--liquibase formatted sql\n"
        + TIMEOUTS.replace("-file require", "-file prefer-robust-stmts, require")
        + change.comment("--")
        + f"\n--changeset advisor:{name} runInTransaction:false dbms:postgresql\n{there};\n--rollback {back};\n"
    )
    return MigrationStub(
        TOOL.name,
        change.recommendation.id,
        ((f"db/changelog/{name}.sql", text),),
        f"Include it in your changelog, then:\nliquibase update\nliquibase rollback-count 1  # undo\n{LEFTOVER}",
    )
