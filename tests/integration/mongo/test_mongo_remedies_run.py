"""The code that N+1 remedies hand over is run: the same answer, from two commands instead of N + 1.

Evidence: a live server (SecantusDB in CI, a real mongod where there is one), under PyMongo, Beanie and Mongoose.
"""

from __future__ import annotations

import json
import subprocess
import textwrap
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient, MongoClient, UpdateOne
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from advisor.model.capture import Capture, Server
from advisor.model.catalog import TableName
from advisor.model.recommendation import CodeChange, EagerLoad, Recommendation, RewriteQuery
from advisor.model.workload import Burst, Relation, UnitKind, Workload
from advisor.ports import Study
from advisor.recommend import batched_in

NAME = "advisor_remedies"
NODE = Path(__file__).parents[2] / "node" / "node_modules"
ORDERS = 12


class Counted(CommandListener):
    def __init__(self, names: tuple[str, ...] = ("find", "aggregate")) -> None:
        self.names = names
        self.reads: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in self.names:
            self.reads.append(str(event.command[event.command_name]))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


@pytest.fixture
def url(server_url: str) -> Iterator[str]:
    with MongoClient[dict[str, Any]](server_url) as client:
        client.drop_database(NAME)
        found = client[NAME]
        found.users.insert_many([{"_id": n, "email": f"user{n}"} for n in range(5)])
        found.orders.insert_many([{"_id": n, "user_id": n % 6} for n in range(ORDERS)])
        found.reviews.insert_many([{"_id": n, "order_id": n % 9, "rating": n} for n in range(30)])
        yield server_url
        client.drop_database(NAME)


def changes(relation: Relation) -> dict[str, CodeChange]:
    """The code for reading a user (or the reviews) of each order."""
    child, field = ("reviews", "order_id") if relation is Relation.ONE_TO_MANY else ("users", "_id")
    burst = Burst(
        "child", "parent", relation, units=3, executions=36, per_unit=12, per_unit_max=12, unit_kind=UnitKind.SESSION,
        child_table=TableName(NAME, child), child_columns=(field,), parent_table=TableName(NAME, "orders"),
    )  # fmt: skip
    study = Study(Capture(Path(), Server("mongodb")), Workload(bursts=(burst,)))
    [advice] = batched_in.recommend(study, [])
    assert not hasattr(advice, "reason")
    assert isinstance(advice.action, EagerLoad)
    return {change.tool: change for change in advice.action.changes}


def coroutine(code: str, result: str, **names: Any) -> Any:
    body = textwrap.indent(f"{code}\nreturn {result}", "    ")
    scope = dict(names)
    exec(f"async def run():\n{body}", scope)
    return scope["run"]()


RELATIONS = pytest.mark.parametrize("relation", [Relation.MANY_TO_ONE, Relation.ONE_TO_MANY])


@RELATIONS
async def test_pymongo(url: str, relation: Relation) -> None:
    change = changes(relation)["pymongo"]
    counted = Counted()
    async with AsyncMongoClient[dict[str, Any]](url, event_listeners=[counted]) as client:
        db = client[NAME]
        orders = await db.orders.find().to_list()
        answers = []
        for code in (change.before, change.after):
            answers.append(await coroutine(code, "documents", db=db, documents=deepcopy(orders)))
            counted.reads.append("--")
    assert answers[0] == answers[1]
    assert [part.count(",") for part in ",".join(counted.reads).split("--")] == [ORDERS + 1, 2, 0]


LINKED = """
class User(Document):
    id: int
    email: str

    class Settings:
        name = "users"


class Order(Document):
    id: int
    user_id: int
    users: Link[User]

    class Settings:
        name = "linked_orders"
"""


async def test_beanie(url: str, real_server: bool) -> None:
    """The links that Beanie keeps: both ways give the customers; In() by plain keys does too."""
    beanie = pytest.importorskip("beanie", reason="Beanie is not installed")
    from beanie.operators import In

    change = changes(Relation.MANY_TO_ONE)["beanie"]
    scope: dict[str, Any] = {"Document": beanie.Document, "Link": beanie.Link}
    exec(compile(LINKED, "models", "exec", dont_inherit=True), scope)
    counted = Counted()
    async with AsyncMongoClient[dict[str, Any]](url, event_listeners=[counted]) as client:
        user, order = scope["User"], scope["Order"]
        await beanie.init_beanie(client[NAME], document_models=[user, order])
        for n in range(ORDERS):
            await order(id=n, user_id=n % 5, users=user.link_from_id(n % 5)).insert()
        counted.reads.clear()
        answers = []
        for code in (change.before, change.after):
            code = code.replace("...", "{}")
            found = await coroutine(code, "documents", Order=order, User=user)
            answers.append(found)
            counted.reads.append("--")
        plain = change.after.partition("In):\n")[2].replace("# ", "").replace("await User", "users = await User")
        names = {"Order": order, "User": user, "In": In, "documents": await order.find_all().to_list()}
        users = await coroutine(plain, "users", **names)
    assert [one.users.email for one in answers[0]] == [f"user{n % 5}" for n in range(ORDERS)]
    if real_server:  # SecantusDB's $lookup does not look into a DBRef
        assert answers[0] == answers[1]
    assert counted.reads.index("--") == ORDERS + 1
    assert counted.reads[ORDERS + 2 :] == ["linked_orders", "--", "linked_orders", "users"]
    assert {one.email for one in users} == {f"user{n}" for n in range(5)}


MONGOOSE = """
const mongoose = require("mongoose");
const schema = new mongoose.Schema({_id: Number, user_id: Number}, {collection: "orders"});
%(virtual)s
const other = (name, field) =>
  mongoose.model(name, new mongoose.Schema({_id: Number, [field]: Number, email: String, rating: Number},
    {collection: name.toLowerCase() + "s"}));
const User = other("User", "x"), Review = other("Review", "order_id");
const Order = mongoose.model("Order", schema);
const filter = {};
let reads = 0;
(async () => {
  await mongoose.connect(process.argv[2], {monitorCommands: true, autoIndex: false});
  mongoose.connection.getClient().on("commandStarted", (event) => { if (event.commandName === "find") reads++; });
  const answers = [];
  {
    %(before)s
    answers.push([documents, reads]);
  }
  reads = 0;
  {
    %(after)s
    answers.push([documents, reads]);
  }
  await mongoose.disconnect();
  console.log(JSON.stringify(answers));
})().catch((error) => { console.error(error); process.exit(1); });
"""


@RELATIONS
def test_mongoose(url: str, tmp_path: Path, relation: Relation) -> None:
    if not (NODE / "mongoose").is_dir():
        pytest.skip("the tools of Node are missing: npm install --prefix tests/node")
    change = changes(relation)["mongoose"]
    virtual = change.after.partition("\n")[0].partition(": ")[2]
    script = tmp_path / "run.js"
    script.write_text(MONGOOSE % {"virtual": virtual, "before": change.before, "after": change.after})
    (tmp_path / "node_modules").symlink_to(NODE)
    done = subprocess.run(
        ["node", str(script), f"{url}/{NAME}"], cwd=tmp_path, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    (before, many), (after, few) = json.loads(done.stdout)
    assert before == after
    assert (many, few) == (ORDERS + 1, 2)


@RELATIONS
def test_lookup(url: str, relation: Relation) -> None:
    """The aggregation in the shell's words, read as JSON: what it joins is what the loop found."""
    change = changes(relation)["mongosh"]
    child, field, key = (
        ("reviews", "order_id", "_id") if relation is Relation.ONE_TO_MANY else ("users", "_id", "user_id")
    )
    text = change.after.partition("$lookup: ")[2].partition("}")[0].replace("'", '"') + "}"
    for name in ("from", "localField", "foreignField", "as"):
        text = text.replace(f"{name}:", f'"{name}":')
    join = json.loads(text)
    with MongoClient[dict[str, Any]](url) as client:
        db = client[NAME]
        for order in db.orders.aggregate([{"$lookup": join}]):
            assert order[child] == list(db[child].find({field: order[key]}))


async def test_bulk_write(url: str) -> None:
    """One command instead of one for each document, and the same documents afterwards."""
    burst = Burst(
        "child", "", Relation.UNKNOWN, units=3, executions=15, per_unit=5, per_unit_max=5, unit_kind=UnitKind.SESSION,
        child_table=TableName(NAME, "users"), child_columns=("_id",), pattern="row-by-row-write",
    )  # fmt: skip
    study = Study(Capture(Path(), Server("mongodb")), Workload(bursts=(burst,)))
    [advice] = batched_in.recommend(study, [])
    assert isinstance(advice, Recommendation)
    assert isinstance(advice.action, RewriteQuery)
    counted, answers = Counted(("update",)), []
    async with AsyncMongoClient[dict[str, Any]](url, event_listeners=[counted]) as client:
        db = client[NAME]
        for number, code in enumerate((advice.action.before, advice.action.after)):
            items = await db.users.find().to_list()
            names = {"db": db, "items": items, "UpdateOne": UpdateOne, "new": lambda item: {"seen": item["_id"] * 2}}
            await coroutine(code, "None", **names)
            answers.append([(item["_id"], item["seen"]) async for item in db.users.find().sort("_id")])
            await db.users.update_many({}, {"$unset": {"seen": number}})
            counted.reads.append("--")
    assert answers[0] == answers[1] == [(n, 2 * n) for n in range(5)]
    assert counted.reads == ["users"] * 6 + ["--"] + ["users"] * 2 + ["--"]
