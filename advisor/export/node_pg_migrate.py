"""node-pg-migrate migrations outside of a transaction."""

from __future__ import annotations

import json

from advisor.export._change import ExportOptions, IndexChange, Migration, Tool
from advisor.export._raw import LEFTOVER, PGOPTIONS
from advisor.model.recommendation import MigrationStub

TOOL = Tool("node-pg-migrate", "node-pg-migrate", "javascript")


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """``migrations/<milliseconds>_<slug>.js``; plain SQL where its own words cannot say the index."""
    change.only_whole_tables(TOOL)
    build, drop = _build(change), _drop(change)
    up, down = (build, drop) if change.adds else (drop, build)
    text = (
        change.comment("//")
        + f"exports.up = (pgm) => {{\n  pgm.noTransaction();\n  {up}\n}};\n\n"
        + f"exports.down = (pgm) => {{\n  pgm.noTransaction();\n  {down}\n}};\n"
    )
    return MigrationStub(
        TOOL.name,
        change.recommendation.id,
        ((f"migrations/{migration.milliseconds()}_{migration.dashed}.js", text),),
        "npx node-pg-migrate up\nnpx node-pg-migrate down  # undo\n"
        f"{PGOPTIONS.format(wait=options.wait_budget)}\n{LEFTOVER}",
    )


def _build(change: IndexChange) -> str:
    if not change.plain:
        return f"pgm.sql({json.dumps(change.create_once, ensure_ascii=False)});"
    return f"pgm.createIndex({_target(change)}, {{ name: {json.dumps(change.index.name)}, concurrently: true }});"


def _drop(change: IndexChange) -> str:
    if not change.plain:
        return f"pgm.sql({json.dumps(change.drop, ensure_ascii=False)});"
    name = json.dumps(change.index.name)
    return f"pgm.dropIndex({_target(change)}, {{ name: {name}, concurrently: true, ifExists: true }});"


def _target(change: IndexChange) -> str:
    table = change.index.table
    named = f"{{ schema: {json.dumps(table.schema)}, name: {json.dumps(table.name)} }}"
    return f"{named}, {json.dumps([column.name for column in change.index.columns], ensure_ascii=False)}"
