"""pymongo-migrate migrations: one Python module each, with upgrade and downgrade."""

from __future__ import annotations

from advisor.export import _mongo
from advisor.export._change import ExportOptions, IndexChange, Migration, Tool
from advisor.model.recommendation import MigrationStub

TOOL = Tool("pymongo-migrate", "pymongo-migrate", "python", ("mongodb",))


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """``migrations/<stamp>_<slug>.py``; an index that goes gets a second one under ``later``."""
    files = []
    follows = migration.follows
    for number, step in enumerate(_mongo.steps(change)):
        name = _mongo.stem(migration, step, number)
        files.append((_mongo.path(step, f"migrations/{name}.py"), module(change, step, name, follows)))
        follows = name
    return MigrationStub(
        TOOL.name,
        change.recommendation.id,
        tuple(files),
        'pymongo-migrate migrate -u "$MONGODB_URL" -m migrations\n'
        'pymongo-migrate downgrade -u "$MONGODB_URL" -m migrations PREVIOUS  # undo',
    )


def module(change: IndexChange, step: _mongo.Step, name: str, follows: str) -> str:
    """The module's text. The tool takes one first migration only, so that each names the one that it ``follows``."""
    up, down = _ways(step)
    before = f"[{follows!r}]" if follows else "[]  # TODO: your latest migration, if there is one"
    index = change.index
    keys = list(_mongo.keys_of(index).items())
    return "\n".join(
        [
            *change.comment("#").splitlines(),
            "from pymongo.errors import OperationFailure",
            "",
            f"name = {name!r}",
            f"dependencies = {before}",
            "",
            f"COLLECTION = {index.table.name!r}",
            f"INDEX = {index.name!r}",
            f"KEYS = {keys!r}",
            f"OPTIONS = {_mongo.options_of(index)!r}",
            "ABSENT = 27",
            "",
            "",
            "def upgrade(db):",
            *(f"    {line}" for line in up),
            "",
            "",
            "def downgrade(db):",
            *(f"    {line}" for line in down),
            "",
            "",
            "def _create(db):",
            "    db[COLLECTION].create_index(KEYS, **OPTIONS)  # does nothing when it is there",
            "",
            "",
            "def _hide(db, hidden):",
            '    _if_there(lambda: db.command("collMod", COLLECTION, index={"name": INDEX, "hidden": hidden}))',
            "",
            "",
            "def _drop(db):",
            "    _if_there(lambda: db[COLLECTION].drop_index(INDEX))",
            "",
            "",
            "def _if_there(step):",
            "    try:",
            "        step()",
            "    except OperationFailure as error:",
            "        if error.code != ABSENT:",
            "            raise",
            "",
        ]
    )


def _ways(step: _mongo.Step) -> tuple[list[str], list[str]]:
    match step.kind:
        case "create":
            return ["_create(db)"], ["_hide(db, True)", "_drop(db)"]
        case "hide":
            return ["_hide(db, True)"], ["_hide(db, False)"]
        case _:
            return ["_drop(db)"], ["_create(db)"]
