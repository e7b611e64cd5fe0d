"""knex migrations outside of a transaction, the result checked."""

from __future__ import annotations

import json
from collections.abc import Iterator

from advisor.export._change import ExportOptions, IndexChange, Migration, Tool
from advisor.export._raw import PGOPTIONS
from advisor.model.recommendation import MigrationStub

TOOL = Tool("knex", "knex", "javascript")


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """``migrations/<stamp>_<slug>.js`` in CommonJS."""
    build, drop = list(_build(change)), [_raw(change.drop)]
    up, down = (build, drop) if change.adds else (drop, build)
    lines = [
        *change.comment("//").splitlines(),
        "exports.config = { transaction: false };",
        "",
        "exports.up = async (knex) => {",
        *(f"  {line}" for line in up),
        "};",
        "",
        "exports.down = async (knex) => {",
        *(f"  {line}" for line in down),
        "};",
    ]
    return MigrationStub(
        TOOL.name,
        change.recommendation.id,
        ((f"migrations/{migration.stamp()}_{migration.slug}.js", "\n".join(lines) + "\n"),),
        "npx knex migrate:latest\nnpx knex migrate:down  # undo\n"
        f"{PGOPTIONS.format(wait=options.wait_budget)}\n"
        "With an INVALID leftover it raises and is not recorded: DROP INDEX CONCURRENTLY it, run again.",
    )


def _raw(statement: str) -> str:
    # knex takes ? for a binding; a backslash keeps it (jsonb's operators have it).
    return "await knex.raw(" + json.dumps(statement.replace("?", "\\?"), ensure_ascii=False) + ");"


def _build(change: IndexChange) -> Iterator[str]:
    yield from map(_raw, change.build)
    yield "const { rows } = " + _raw(change.is_valid)
    yield f"if (rows.length === 0) throw new Error({json.dumps(change.invalid_message, ensure_ascii=False)});"
