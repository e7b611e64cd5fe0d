"""Every export for MongoDB is run by its own tool: up, up again, down, down again, and everything is as it was.

Evidence: a live server (SecantusDB in CI, a real mongod where there is one). Liquibase's extension is on no registry
that is reached: its changelogs are checked against what its published schema allows, and their commands are run by a
reader of this test. SecantusDB takes ``collMod`` and forgets ``hidden``: that is seen on a real server only.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure

from advisor import export
from advisor.model.catalog import Index, IndexColumn, TableName
from advisor.model.impact import MigrationImpact
from advisor.model.recommendation import Action, AddIndex, Benefit, DropIndex, Method, MigrationStub, Recommendation

NAME = "advisor_exports"
AT = datetime(2026, 11, 20, 16, 41, tzinfo=UTC)
NODE = Path(__file__).parents[2] / "node"
ORDERS = TableName(NAME, "orders")
PLAIN = Index(
    ORDERS,
    (IndexColumn("status"), IndexColumn("items.sku"), IndexColumn("at", descending=True)),
    name="status_and_more",
)
ODD = Index(
    TableName(NAME, "user's-log"),
    (IndexColumn("gone_at"),),
    name="gone_at_1_sparse",
    options={"sparse": "true", "collation": '{"locale": "de", "strength": 2}'},
)
OLD = Index(
    ORDERS,
    (IndexColumn("rating"),),
    name="rating_1",
    exists=True,
    definition='{"key": {"rating": 1}, "name": "rating_1", "partialFilterExpression": {"rating": {"$gt": 3}}}',
)
ACTIONS: dict[str, Action] = {
    "plain": AddIndex(PLAIN),
    "odd": AddIndex(ODD),
    "drop": DropIndex(OLD, hide_first=True),
}
State = dict[str, dict[str, Any]]


@pytest.fixture
def database(server_url: str) -> Iterator[Database[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](server_url) as client:
        client.drop_database(NAME)
        found = client[NAME]
        found.orders.insert_many([{"_id": n, "status": n % 3, "rating": n % 5} for n in range(50)])
        found.orders.create_index([("rating", 1)], name="rating_1", partialFilterExpression={"rating": {"$gt": 3}})
        found["user's-log"].insert_many([{"_id": n, "gone_at": "x"} for n in range(9)])
        yield found
        client.drop_database(NAME)


@pytest.fixture(scope="session")
def node() -> Path:
    if not (NODE / "node_modules" / "mongodb").is_dir():
        pytest.skip("the tools of Node are missing: npm install --prefix tests/node")
    return NODE / "node_modules"


def state(database: Database[dict[str, Any]]) -> State:
    return {
        f"{name}.{index['name']}": {key: value for key, value in index.items() if key not in ("v", "hidden")}
        for name in ("orders", "user's-log")
        for index in map(dict, database[name].list_indexes())
    }


def stub(tool: str, case: str) -> MigrationStub:
    [found] = stubs(tool, case)
    return found


def stubs(tool: str, *cases: str) -> list[MigrationStub]:
    recommendations = [
        Recommendation(
            f"x-{case}", "Create an index", action, "", (ORDERS,), "problem", "", "", Benefit(Method.ESTIMATED),
            MigrationImpact("cost"), (), (), (),
        )
        for case, action in ACTIONS.items() if case in cases
    ]  # fmt: skip
    return export.stubs(recommendations, tool, at=AT)


def written(found: MigrationStub, folder: Path) -> list[Path]:
    for name, text in found.files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name, _ in found.files]


def run(*command: str | Path, folder: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def seen(database: Database[dict[str, Any]]) -> None:
    """The indexes that were to be added are there as they should be, and the one to drop is gone."""
    changed = state(database)
    assert list(changed["orders.status_and_more"]["key"].items()) == [("status", 1), ("items.sku", 1), ("at", -1)]
    assert changed["user's-log.gone_at_1_sparse"]["sparse"] is True
    assert changed["user's-log.gone_at_1_sparse"]["collation"]["locale"] == "de"
    assert "orders.rating_1" not in changed


def there_and_back(
    database: Database[dict[str, Any]], up: Callable[[list[Path]], None], down: Callable[[list[Path]], None],
    ups: list[Path], downs: list[Path] | None = None,
) -> None:  # fmt: skip
    """Each file up, and all again; each down, and all again."""
    before = state(database)
    up([*ups, *ups])
    seen(database)
    backwards = (downs or ups)[::-1]
    down([*backwards, *backwards])
    assert state(database) == before


def test_mongosh(server_url: str, database: Database[dict[str, Any]], node: Path, tmp_path: Path) -> None:
    files = [path for found in stubs("mongosh", *ACTIONS) for path in written(found, tmp_path)]

    def shell(scripts: list[Path]) -> None:
        run(node / ".bin" / "mongosh", "--quiet", "--norc", f"{server_url}/other", *scripts, folder=tmp_path)

    ups, downs = ([path for path in files if path.name.endswith(f".{way}.js")] for way in ("up", "down"))
    there_and_back(database, shell, shell, ups, downs)


CONFIG = """
module.exports = {{
  mongodb: {{url: "{url}", databaseName: "{name}", options: {{}}}},
  migrationsDir: "migrations", changelogCollectionName: "changelog", migrationFileExtension: ".js",
  useFileHash: false, moduleSystem: "commonjs",
}};
"""


def test_migrate_mongo(server_url: str, database: Database[dict[str, Any]], node: Path, tmp_path: Path) -> None:
    """The tool itself, over all migrations at once, the later one last."""
    (tmp_path / "migrate-mongo-config.js").write_text(CONFIG.format(url=server_url, name=NAME))
    (tmp_path / "node_modules").symlink_to(node)
    for found in stubs("migrate-mongo", *ACTIONS):
        written(found, tmp_path)
    before = state(database)

    def tool(verb: str) -> str:
        return run(node / ".bin" / "migrate-mongo", verb, folder=tmp_path)

    tool("up")
    assert {"orders.status_and_more", "user's-log.gone_at_1_sparse", "orders.rating_1"} <= state(database).keys()
    assert "MIGRATED UP" not in tool("up"), "nothing is left to do"
    for path in (tmp_path / "later" / "migrations").iterdir():
        path.rename(tmp_path / "migrations" / path.name)
    assert "MIGRATED UP" in tool("up")
    assert "orders.rating_1" not in state(database)
    for _ in range(5):
        tool("down")
    assert state(database) == before


APPLY = """
const {MongoClient} = require("mongodb");
const [url, way, ...files] = process.argv.slice(2);
MongoClient.connect(url).then(async (client) => {
  for (const file of files) await require(file)[way](client.db("%s"), client);
  await client.close();
});
"""


def test_migrations_of_migrate_mongo_run_twice(
    server_url: str, database: Database[dict[str, Any]], node: Path, tmp_path: Path
) -> None:
    files = [path for found in stubs("migrate-mongo", *ACTIONS) for path in written(found, tmp_path)]
    (tmp_path / "node_modules").symlink_to(node)
    (tmp_path / "apply.js").write_text(APPLY % NAME)

    def apply(way: str, scripts: list[Path]) -> None:
        run("node", "apply.js", server_url, way, *scripts, folder=tmp_path)

    there_and_back(database, partial(apply, "up"), partial(apply, "down"), files)


MONGOOSE = """
const mongoose = require("mongoose");
const [url, way, ...files] = process.argv.slice(2);
mongoose.connect(url, {autoIndex: false}).then(async () => {
  for (const file of files) {
    const migration = require(file);
    if (way === "define") {
      const schema = new mongoose.Schema({}, {strict: false});
      migration.define(schema);
      const [[keys, options]] = schema.indexes();
      const Model = mongoose.model(options.name, schema, options.name.startsWith("gone") ? "user's-log" : "orders");
      await Model.createIndexes();
      await Model.createIndexes();
    } else await migration[way](mongoose.connection);
  }
  await mongoose.disconnect();
}).catch((error) => { console.error(error); process.exit(1); });
"""


def test_mongoose(server_url: str, database: Database[dict[str, Any]], node: Path, tmp_path: Path) -> None:
    found = stubs("mongoose", *ACTIONS)
    files = [path for one in found for path in written(one, tmp_path)]
    (tmp_path / "node_modules").symlink_to(node)
    (tmp_path / "apply.js").write_text(MONGOOSE)

    def apply(way: str, scripts: list[Path]) -> None:
        run("node", "apply.js", f"{server_url}/{NAME}", way, *scripts, folder=tmp_path)

    there_and_back(database, partial(apply, "up"), partial(apply, "down"), files)
    assert [bool(one.snippet) for one in found] == [True, True, False]
    apply(
        "define", files[:2]
    )  # the models' own way; Mongoose adds background: true, which a server from 4.2 on ignores
    assert {"orders.status_and_more", "user's-log.gone_at_1_sparse"} <= state(database).keys()


def test_pymongo_migrate(server_url: str, database: Database[dict[str, Any]], tmp_path: Path) -> None:
    for found in stubs("pymongo-migrate", *ACTIONS):
        written(found, tmp_path)
    before = state(database)
    program = Path(sys.executable).with_name("pymongo-migrate")
    if not program.exists():
        pytest.skip("pymongo-migrate is not installed")

    def tool(verb: str, *names: str) -> str:
        return run(program, verb, *names, "-u", f"{server_url}/{NAME}", "-m", "migrations", folder=tmp_path)

    tool("migrate")
    tool("migrate")
    after = state(database)
    assert {"orders.status_and_more", "user's-log.gone_at_1_sparse", "orders.rating_1"} <= after.keys()
    for path in (tmp_path / "later" / "migrations").glob("*.py"):
        path.rename(tmp_path / "migrations" / path.name)
    tool("migrate")
    assert "orders.rating_1" not in state(database)
    tool("downgrade")
    tool("downgrade")
    assert state(database) == before


async def test_a_beanie_document_with_the_index_makes_it_once(
    server_url: str, database: Database[dict[str, Any]]
) -> None:
    beanie = pytest.importorskip("beanie", reason="Beanie is not installed")
    from pymongo import AsyncMongoClient, IndexModel

    settings = textwrap.indent(stub("beanie", "plain").snippet, "    ")
    scope: dict[str, Any] = {"Document": beanie.Document, "IndexModel": IndexModel}
    exec(f"class Order(Document):\n{settings}\n", scope)
    async with AsyncMongoClient[dict[str, Any]](server_url) as client:
        for _ in range(2):
            await beanie.init_beanie(client[NAME], document_models=[scope["Order"]])
    assert {"orders._id_", "orders.rating_1", "orders.status_and_more"} <= state(database).keys()


LIQUIBASE, EXTENSION = "{http://www.liquibase.org/xml/ns/dbchangelog}", "{http://www.liquibase.org/xml/ns/mongodb}"
ALLOWED = {
    "createIndex": ({"collectionName"}, ["keys", "options"]),
    "runCommand": (set(), ["command"]),
}
"""What the extension's published schema allows of these changes: attributes, and elements in this order."""


def changes(path: Path) -> tuple[list[ElementTree.Element], list[ElementTree.Element]]:
    """(the changeset's changes, its rollback's), each checked."""
    root = ElementTree.parse(path).getroot()
    assert root.tag == f"{LIQUIBASE}databaseChangeLog"
    [changeset] = list(root)
    assert changeset.tag == f"{LIQUIBASE}changeSet"
    assert changeset.get("id")
    assert changeset.get("author")
    kinds = [child.tag for child in changeset]
    assert kinds[0] == f"{LIQUIBASE}comment"
    assert kinds[-1] == f"{LIQUIBASE}rollback"
    found = [child for child in changeset if child.tag.startswith(EXTENSION)], list(changeset[-1])
    for change in (*found[0], *found[1]):
        attributes, elements = ALLOWED[change.tag.removeprefix(EXTENSION)]
        assert set(change.attrib) == attributes
        assert [child.tag.removeprefix(EXTENSION) for child in change] == elements
        assert all(isinstance(json.loads(child.text or ""), dict) for child in change)
    return found


def applied(database: Database[dict[str, Any]], found: list[ElementTree.Element]) -> None:
    """As the extension does: each element is one call of the driver."""
    for change in found:
        given = {child.tag.removeprefix(EXTENSION): json.loads(child.text or "") for child in change}
        match change.tag.removeprefix(EXTENSION):
            case "createIndex":
                database[change.attrib["collectionName"]].create_index(list(given["keys"].items()), **given["options"])
            case _:
                database.command(given["command"])


@pytest.mark.parametrize("case", ACTIONS)
def test_liquibase(database: Database[dict[str, Any]], tmp_path: Path, case: str) -> None:
    """A changeset is run once by Liquibase's own changelog table, its rollback too: the second time it is not asked."""
    files = [changes(path) for path in written(stub("liquibase-mongodb", case), tmp_path)]
    before = state(database)
    for up, _ in files:
        applied(database, up)
    assert state(database) != before
    for _, down in reversed(files):
        applied(database, down)
    assert state(database) == before
    if case != "drop":
        applied(database, files[0][0])
        applied(database, files[0][0])
        with pytest.raises(OperationFailure):
            applied(database, [*files[0][1], *files[0][1]])
