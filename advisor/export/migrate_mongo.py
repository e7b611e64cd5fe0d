"""migrate-mongo migrations in CommonJS."""

from __future__ import annotations

from advisor.export import _mongo
from advisor.export._change import ExportOptions, IndexChange, Migration, Tool
from advisor.model.recommendation import MigrationStub

TOOL = Tool("migrate-mongo", "migrate-mongo", "javascript", ("mongodb",))

ABSENT = 27
"""IndexNotFound: what is to be dropped is gone already."""


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """``migrations/<stamp>-<slug>.js``; an index that goes gets a second one under ``later``."""
    files = []
    for number, step in enumerate(_mongo.steps(change)):
        name = _mongo.stem(migration, step, number).replace("_", "-")
        up, down = _ways(change, step)
        lines = [
            *change.comment("//").splitlines(),
            f"const ignoreAbsent = (error) => {{ if (error.code !== {ABSENT}) throw error; }};",
            "",
            "module.exports = {",
            "  async up(db, client) {",
            *(f"    {line}" for line in up),
            "  },",
            "",
            "  async down(db, client) {",
            *(f"    {line}" for line in down),
            "  },",
            "};",
        ]
        files.append((_mongo.path(step, f"migrations/{name}.js"), "\n".join(lines) + "\n"))
    return MigrationStub(
        TOOL.name, change.recommendation.id, tuple(files), "npx migrate-mongo up\nnpx migrate-mongo down  # undo"
    )


def _ways(change: IndexChange, step: _mongo.Step) -> tuple[list[str], list[str]]:
    index = change.index
    place = f"db.collection({_mongo.quoted(index.table.name)})"
    keys, options = _mongo.javascript(_mongo.keys_of(index)), _mongo.javascript(_mongo.options_of(index))
    create = [f"await {place}.createIndex({keys}, {options});"]
    drop = [f"await {place}.dropIndex({_mongo.quoted(index.name)}).catch(ignoreAbsent);"]
    hide, show = ([_hidden(index.table.name, index.name, way)] for way in ("true", "false"))
    match step.kind:
        case "create":
            return create, [*hide, *drop]
        case "hide":
            return hide, show
        case _:
            return drop, create


def _hidden(table: str, name: str, way: str) -> str:
    command = f"{{collMod: {_mongo.quoted(table)}, index: {{name: {_mongo.quoted(name)}, hidden: {way}}}}}"
    return f"await db.command({command}).catch(ignoreAbsent);"
