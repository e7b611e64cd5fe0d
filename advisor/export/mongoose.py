"""Mongoose: schema.index for the model, and a script that applies it both ways (autoIndex is off in production)."""

from __future__ import annotations

from advisor.export import _mongo
from advisor.export._change import ExportOptions, IndexChange, Migration, Tool
from advisor.model.recommendation import MigrationStub

TOOL = Tool("mongoose", "Mongoose", "javascript", ("mongodb",))


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """``indexes/<stamp>_<slug>.js`` with define(schema), up(connection) and down(connection)."""
    files = []
    for number, step in enumerate(_mongo.steps(change)):
        name = _mongo.stem(migration, step, number)
        files.append((_mongo.path(step, f"indexes/{name}.js"), _module(change, step)))
    keys = _mongo.javascript(_mongo.keys_of(change.index))
    options_text = _mongo.javascript(_mongo.options_of(change.index))
    return MigrationStub(
        TOOL.name,
        change.recommendation.id,
        tuple(files),
        "Add schema.index to the model, keep autoIndex: false in production, and run up(mongoose.connection) in a job; "
        "down(mongoose.connection) undoes it.",
        snippet=f"schema.index({keys}, {options_text});" if change.adds else "",
    )


def _module(change: IndexChange, step: _mongo.Step) -> str:
    index = change.index
    ways = {
        "create": (["await create(connection);"], ["await hide(connection, true);", "await drop(connection);"]),
        "hide": (["await hide(connection, true);"], ["await hide(connection, false);"]),
        "drop": (["await drop(connection);"], ["await create(connection);"]),
    }
    up, down = ways[step.kind]
    define = ["exports.define = (schema) => schema.index(keys, options);", ""] if step.kind == "create" else []
    return "\n".join(
        [
            *change.comment("//").splitlines(),
            f"const collection = {_mongo.quoted(index.table.name)};",
            f"const keys = {_mongo.javascript(_mongo.keys_of(index))};",
            f"const options = {_mongo.javascript(_mongo.options_of(index))};",
            "",
            "const ignoreAbsent = (error) => { if (error.code !== 27) throw error; };",
            "const create = (connection) => connection.collection(collection).createIndex(keys, options);",
            "const drop = (connection) =>",
            "  connection.collection(collection).dropIndex(options.name).catch(ignoreAbsent);",
            "const hide = (connection, hidden) =>",
            "  connection.db",
            "    .command({ collMod: collection, index: { name: options.name, hidden } })",
            "    .catch(ignoreAbsent);",
            "",
            *define,
            "exports.up = async (connection) => {",
            *(f"  {line}" for line in up),
            "};",
            "",
            "exports.down = async (connection) => {",
            *(f"  {line}" for line in down),
            "};",
            "",
        ]
    )
