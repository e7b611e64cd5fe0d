"""mongosh scripts: each may be run again, and says when it does nothing."""

from __future__ import annotations

from advisor.export import _mongo
from advisor.export._change import ExportOptions, IndexChange, Migration, Tool
from advisor.model.mongosh import collection, create_index, drop_index, hide_index, unhide_index
from advisor.model.recommendation import MigrationStub

TOOL = Tool("mongosh", "mongosh", "javascript", ("mongodb",))


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """``<stamp>_<slug>.up.js`` and ``.down.js``; an index that goes gets a second pair under ``later``."""
    files = []
    for number, step in enumerate(_mongo.steps(change)):
        stem = _mongo.stem(migration, step, number)
        up, down = _ways(change, step)
        head = change.comment("//")
        files.append((_mongo.path(step, f"{stem}.up.js"), f"{head}\n{up}\n"))
        files.append((_mongo.path(step, f"{stem}.down.js"), f"// Undoes {stem}.up.js\n\n{down}\n"))
    first = files[0][0]
    return MigrationStub(
        TOOL.name,
        change.recommendation.id,
        tuple(files),
        f'mongosh "$MONGODB_URL" {first}\nmongosh "$MONGODB_URL" {first.replace(".up.js", ".down.js")}  // undo',
    )


def _ways(change: IndexChange, step: _mongo.Step) -> tuple[str, str]:
    index = change.index
    create = f"{create_index(index)};"
    dropped = f"{_there(change)} {{\n  {hide_index(index)};\n  {drop_index(index)};\n}}"
    match step.kind:
        case "create":
            return create, dropped
        case "hide":
            return (
                f"{_there(change)} {{\n  {hide_index(index)};\n}}",
                f"{_there(change)} {{\n  {unhide_index(index)};\n}}",
            )
        case _:
            return f"{_there(change)} {{\n  {drop_index(index)};\n}}", create


def _there(change: IndexChange) -> str:
    name = _mongo.quoted(change.index.name)
    return f"if ({collection(change.index.table)}.getIndexes().some((index) => index.name === {name}))"
