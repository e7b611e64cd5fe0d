"""Beanie: the IndexModel for a document's Settings, and a module that applies it both ways."""

from __future__ import annotations

from advisor.export import _mongo
from advisor.export._change import ExportOptions, IndexChange, Migration, Tool
from advisor.model.recommendation import MigrationStub

TOOL = Tool("beanie", "Beanie", "python", ("mongodb",))


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """``indexes/<stamp>_<slug>.py`` with INDEX, upgrade, downgrade; ``snippet`` goes into the Settings."""
    files = []
    for number, step in enumerate(_mongo.steps(change)):
        name = _mongo.stem(migration, step, number)
        files.append((_mongo.path(step, f"indexes/{name}.py"), _module(change, step)))
    snippet = f"class Settings:\n    name = {change.index.table.name!r}\n    indexes = [{_model(change)}]"
    return MigrationStub(
        TOOL.name,
        change.recommendation.id,
        tuple(files),
        "Put the IndexModel into the document's Settings.indexes (init_beanie creates it and drops nothing "
        "unless allow_index_dropping), or await upgrade(database) from a job; downgrade(database) undoes it.",
        snippet=snippet if change.adds else "",
    )


def _model(change: IndexChange) -> str:
    keys = list(_mongo.keys_of(change.index).items())
    options = ", ".join(f"{name}={value!r}" for name, value in _mongo.options_of(change.index).items())
    return f"IndexModel({keys!r}, {options})"


def _module(change: IndexChange, step: _mongo.Step) -> str:
    ways = {
        "create": (["await _create(database)"], ["await _hide(database, True)", "await _drop(database)"]),
        "hide": (["await _hide(database, True)"], ["await _hide(database, False)"]),
        "drop": (["await _drop(database)"], ["await _create(database)"]),
    }
    up, down = ways[step.kind]
    return "\n".join(
        [
            *change.comment("#").splitlines(),
            "from pymongo import IndexModel",
            "from pymongo.errors import OperationFailure",
            "",
            f"COLLECTION = {change.index.table.name!r}",
            f"INDEX = {_model(change)}",
            "ABSENT = 27",
            "",
            "",
            "async def upgrade(database):",
            *(f"    {line}" for line in up),
            "",
            "",
            "async def downgrade(database):",
            *(f"    {line}" for line in down),
            "",
            "",
            "async def _create(database):",
            "    await database[COLLECTION].create_indexes([INDEX])  # does nothing when it is there",
            "",
            "",
            "async def _hide(database, hidden):",
            '    name = INDEX.document["name"]',
            '    await _if_there(database.command("collMod", COLLECTION, index={"name": name, "hidden": hidden}))',
            "",
            "",
            "async def _drop(database):",
            '    await _if_there(database[COLLECTION].drop_index(INDEX.document["name"]))',
            "",
            "",
            "async def _if_there(step):",
            "    try:",
            "        await step",
            "    except OperationFailure as error:",
            "        if error.code != ABSENT:",
            "            raise",
            "",
        ]
    )
