"""N+1 on MongoDB in scenarios that were not recorded: how many are found, and what else is called one?

    python -m tests.benchmarks.mongo_n_plus_one [log|profile]

Scenarios of a forum's application, written as the lines of a log at slowms 0 and as the documents of a profiler at
level 2, in the form of the recordings. The labels stand beside the scenarios and were written before the first run
(which found 22 of 27, and nothing else). What is wanted: of each scenario alone its faults by pattern and collection
with all their executions, and nothing else; of all of them in one log, two seconds apart, the sums of these.
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from advisor import pipeline
from connectors.mongo import analyze_files

Document = dict[str, Any]
BEGAN = datetime(2026, 3, 1, 9, tzinfo=UTC)
COLLECTIONS = (
    "threads", "posts", "members", "boards", "badges", "votes", "files", "chunks", "jobs", "settings", "events", "tags",
    "articles", "visits",
)  # fmt: skip


@dataclass
class Client:
    """One session on one connection of an application's pool."""

    server: Server
    connection: int
    session: UUID
    at: float = 0.0
    application: str = "forum"
    comment: str = ""
    transaction: int = 0
    old_uuid: bool = False

    def wait(self, seconds: float) -> None:
        self.at += seconds

    def command(self, command: Document, **facts: Any) -> None:
        """A command with its answer; ``plan``, ``keys``, ``docs``, ``returned``, ``ms``, ``cursor``, ``first``."""
        name, collection = next(iter(command.items()))
        sent = {**command, **self._added()}
        self.server.tell(self, collection if name != "getMore" else command["collection"], sent, facts)

    def find(self, collection: str, condition: Document, returned: int = 1, **more: Any) -> None:
        given: Document = {key: more.pop(key) for key in ("plan", "keys", "docs", "ms", "cursor") if key in more}
        plan = "IDHACK" if list(condition) == ["_id"] and not isinstance(condition["_id"], dict) else "COLLSCAN"
        facts = {"plan": plan, "keys": returned, "docs": returned, "returned": returned, **given}
        self.command({"find": collection, "filter": condition, **more}, **facts)

    def one(self, collection: str, condition: Document, **more: Any) -> None:
        self.find(collection, condition, 1, limit=1, singleBatch=True, **more)

    def aggregate(self, collection: str, *stages: Document, returned: int = 1, **facts: Any) -> None:
        told = {"plan": "COLLSCAN", "keys": 3, "docs": 3, "returned": returned, **facts}
        self.command({"aggregate": collection, "pipeline": list(stages), "cursor": {}}, **told)

    def write(self, kind: str, collection: str, *statements: Document) -> None:
        """An update or delete command with its statements."""
        self.server.tell_write(self, kind, collection, statements, self._added())

    def insert(self, collection: str, count: int) -> None:
        self.command({"insert": collection, "ordered": True}, inserted=count)

    def _added(self) -> Document:
        identity: Document = {"$uuid": str(self.session)}
        if self.old_uuid:
            identity = {"$binary": {"base64": base64.b64encode(self.session.bytes).decode(), "subType": "04"}}
        found: Document = {"comment": self.comment} if self.comment else {}
        found |= {"lsid": {"id": identity}}
        if self.transaction:
            found |= {"txnNumber": self.transaction, "autocommit": False}
        return {**found, "$clusterTime": {"clusterTime": {"$timestamp": {"t": 1772355600, "i": 1}}}, "$db": "forum"}


@dataclass
class Server:
    """What it tells of operations: log lines and profiler documents, in the order of time."""

    random: Random = field(default_factory=lambda: Random(7))
    told: list[tuple[float, int, Document, Document | None]] = field(default_factory=list)
    connections: int = 40

    def client(self, at: float, **more: Any) -> Client:
        self.connections += 1
        return Client(self, self.connections, UUID(int=self.random.getrandbits(128), version=4), at, **more)

    def tell(self, client: Client, collection: str, sent: Document, facts: Document) -> None:
        ms = facts.get("ms", 0)
        client.at += max(ms, self.random.uniform(0.6, 1.4)) / 1000
        counts = {
            "planSummary": facts.get("plan"),
            "keysExamined": facts.get("keys"),
            "docsExamined": facts.get("docs"),
        }
        counts |= {
            "cursorid": facts.get("cursor"),
            "nreturned": facts.get("returned"),
            "ninserted": facts.get("inserted"),
        }
        if sent.get("getMore") is None and facts.get("cursor") is None and "inserted" not in facts:
            counts["cursorExhausted"] = True
        if facts.get("last"):
            counts["cursorExhausted"] = True
        attr = {"type": "command", "ns": f"forum.{collection}", "appName": client.application, "command": sent}
        if "first" in facts:
            attr["originatingCommand"] = facts["first"]
        attr |= {key: value for key, value in counts.items() if value is not None}
        operation = {"find": "query", "insert": "insert", "getMore": "getmore"}.get(next(iter(sent)), "command")
        self._append(client, "COMMAND", attr, ms, operation)

    def tell_write(
        self, client: Client, kind: str, collection: str, statements: tuple[Document, ...], added: Document
    ) -> None:
        for number, statement in enumerate(statements):
            client.at += self.random.uniform(0.6, 1.4) / 1000
            done = {"nMatched": 1, "nModified": 1} if kind == "update" else {"ndeleted": 1}
            attr = {
                "type": "update" if kind == "update" else "remove", "ns": f"forum.{collection}",
                "appName": client.application, "command": statement, "planSummary": "IDHACK", "keysExamined": 1,
                "docsExamined": 1, **done, "numYields": 0,
                "locks": {"Collection": {"acquireCount": {"w": number + 1}}},
                "flowControl": {"acquireCount": number + 1},
            }  # fmt: skip
            self._append(client, "WRITE", attr, 0, "update" if kind == "update" else "remove")
        outer = {"type": "command", "ns": "forum.$cmd", "appName": client.application,
                 "command": {kind: collection, "ordered": True, **added}, "numYields": 0,
                 "locks": {"Collection": {"acquireCount": {"w": len(statements)}}},
                 "flowControl": {"acquireCount": len(statements)}}  # fmt: skip
        self._append(client, "COMMAND", outer, 1, None)

    def _append(self, client: Client, part: str, attr: Document, ms: float, operation: str | None) -> None:
        moment = (BEGAN + timedelta(seconds=client.at)).isoformat(timespec="milliseconds")
        remote = f"10.0.0.9:{50_000 + client.connection}"
        line = {"t": {"$date": moment}, "s": "I", "c": part, "id": 51803, "ctx": f"conn{client.connection}",
                "msg": "Slow query",
                "attr": {**attr, "remote": remote, "protocol": "op_msg", "durationMillis": round(ms)}}  # fmt: skip
        profiled = None
        if operation is not None:
            renamed = {"numYields": "numYield", "cursorid": "cursorid"}
            own = {renamed.get(key, key): value for key, value in attr.items() if key != "type"}
            profiled = {"op": operation, **own, "millis": round(ms), "ts": {"$date": moment.replace("+00:00", "Z")},
                        "client": "10.0.0.9", "allUsers": [], "user": ""}  # fmt: skip
        self.told.append((client.at, len(self.told), line, profiled))

    def log(self) -> str:
        return "".join(json.dumps(line, separators=(",", ":")) + "\n" for _, _, line, _ in sorted(self.told, key=_when))

    def profile(self) -> str:
        return "".join(json.dumps(own) + "\n" for _, _, _, own in sorted(self.told, key=_when) if own is not None)


def _when(row: tuple[float, int, Document, Document | None]) -> tuple[float, int]:
    return row[:2]


Wanted = dict[tuple[str, str], int]
Scenario = Callable[[Server, float], float]
SCENARIOS: list[tuple[Wanted, Scenario]] = []
N_PLUS_ONE, LOOP, ROWS, AGAIN = "n-plus-one", "parentless-loop", "row-by-row-write", "repeated-identical-query"


def scenario(wanted: Wanted) -> Callable[[Scenario], Scenario]:
    """Label a scenario with what is to be found in it: executions by pattern and collection."""

    def take(function: Scenario) -> Scenario:
        SCENARIOS.append((wanted, function))
        return function

    return take


def ids(server: Server, count: int) -> list[int]:
    return server.random.sample(range(1_000_000), count)


# ---- faults


@scenario({(N_PLUS_ONE, "posts"): 30})
def several_children_of_each(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("threads", {"board": 3}, 30, limit=30)
    for thread in ids(server, 30):
        app.find("posts", {"thread": thread}, server.random.randint(1, 9))
    return app.at


@scenario({(N_PLUS_ONE, "posts"): 25})
def the_three_newest_of_each(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("threads", {"board": 4}, 25, sort={"last": -1}, limit=25)
    for thread in ids(server, 25):
        app.find("posts", {"thread": thread, "hidden": {"$ne": True}}, 3, sort={"at": -1}, limit=3)
    return app.at


@scenario({(N_PLUS_ONE, "posts"): 18})
def a_count_for_each(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("boards", {"open": True}, 18)
    for board in ids(server, 18):
        app.aggregate("posts", {"$match": {"board": board}}, {"$group": {"_id": 1, "n": {"$sum": 1}}})
    return app.at


@scenario({(N_PLUS_ONE, "votes"): 22})
def the_old_count_for_each(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("posts", {"thread": 9}, 22)
    for post in ids(server, 22):
        app.command({"count": "votes", "query": {"post": post}}, plan="COUNT_SCAN { post: 1 }", keys=5, docs=0)
    return app.at


@scenario({(N_PLUS_ONE, "members"): 35})
def by_a_unique_name_on_an_express_path(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("posts", {"thread": 11}, 35)
    for member in ids(server, 35):
        app.one("members", {"handle": f"m{member}"}, plan="EXPRESS_IXSCAN { handle: 1 }")
    return app.at


@scenario({(N_PLUS_ONE, "members"): 12, (N_PLUS_ONE, "boards"): 12})
def two_parents_of_each_document(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("threads", {"pinned": True}, 12)
    for member, board in zip(ids(server, 12), ids(server, 12), strict=True):
        app.one("members", {"_id": member})
        app.one("boards", {"_id": board})
    return app.at


@scenario({(N_PLUS_ONE, "members"): 16, (N_PLUS_ONE, "badges"): 16})
def a_chain_of_two(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("posts", {"thread": 12}, 16)
    for member in ids(server, 16):
        app.one("members", {"_id": member})
        app.find("badges", {"member": member}, 2)
    return app.at


@scenario({(N_PLUS_ONE, "members"): 20})
def of_an_aggregations_groups(server: Server, at: float) -> float:
    app = server.client(at)
    app.aggregate("posts", {"$match": {"at": {"$gt": 5}}}, {"$group": {"_id": "$author", "n": {"$sum": 1}}},
                  {"$sort": {"n": -1}}, {"$limit": 20}, returned=20, ms=12)  # fmt: skip
    for member in ids(server, 20):
        app.one("members", {"_id": member})
    return app.at


@scenario({(N_PLUS_ONE, "members"): 150})
def while_a_cursor_is_read_in_batches(server: Server, at: float) -> float:
    app = server.client(at)
    first = {"find": "posts", "filter": {"thread": 77}, "batchSize": 50}
    app.find("posts", {"thread": 77}, 50, batchSize=50, cursor=900_077)
    for batch in range(3):
        for member in ids(server, 50):
            app.one("members", {"_id": member})
        if batch < 2:
            app.command({"getMore": 900_077, "collection": "posts"}, first=first, plan="COLLSCAN", keys=0, docs=50,
                        returned=50, cursor=900_077, last=batch == 1)  # fmt: skip
    return app.at


@scenario({(N_PLUS_ONE, "members"): 40})
def of_two_requests_at_once(server: Server, at: float) -> float:
    pair = [server.client(at), server.client(at + 0.0004)]
    for app in pair:
        app.find("threads", {"board": 5}, 20)
    for _ in range(20):
        for app in pair:
            app.one("members", {"_id": server.random.randrange(1_000_000)})
    return max(app.at for app in pair)


@scenario({(N_PLUS_ONE, "members"): 32})
def gathered_over_the_pool(server: Server, at: float) -> float:
    parent = server.client(at)
    parent.find("threads", {"board": 6}, 32)
    pool = [server.client(parent.at) for _ in range(8)]
    for number, member in enumerate(ids(server, 32)):
        pool[number % 8].one("members", {"_id": member})
    return max(app.at for app in pool)


@scenario({(N_PLUS_ONE, "members"): 14})
def in_a_transaction(server: Server, at: float) -> float:
    app = server.client(at, transaction=3)
    app.find("votes", {"post": 5}, 14)
    for member in ids(server, 14):
        app.one("members", {"_id": member})
    return app.at


@scenario({(N_PLUS_ONE, "members"): 26})
def with_a_drivers_binary_session(server: Server, at: float) -> float:
    app = server.client(at, old_uuid=True, application="forum-java")
    app.find("votes", {"post": 6}, 26)
    for member in ids(server, 26):
        app.one("members", {"_id": {"$oid": f"{member:024x}"}}, plan="IDHACK")
    return app.at


@scenario({(N_PLUS_ONE, "members"): 8})
def of_only_eight(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("votes", {"post": 7}, 8)
    for member in ids(server, 8):
        app.one("members", {"_id": member})
    return app.at


@scenario({(N_PLUS_ONE, "posts"): 15})
def a_tree_level_by_level(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("threads", {"_id": {"$in": ids(server, 15)}}, 15)
    for post in ids(server, 15):
        app.find("posts", {"parent": post}, server.random.randint(0, 3))
    return app.at


@scenario({(N_PLUS_ONE, "members"): 11, (N_PLUS_ONE, "articles"): 13})
def of_two_kinds_of_target(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("visits", {"day": 60}, 24)
    kinds = ["members"] * 11 + ["articles"] * 13
    server.random.shuffle(kinds)
    for kind, target in zip(kinds, ids(server, 24), strict=True):
        app.one(kind, {"_id": target})
    return app.at


@scenario({(N_PLUS_ONE, "tags"): 17})
def distinct_values_for_each(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("boards", {"kind": "open"}, 17)
    for board in ids(server, 17):
        app.command({"distinct": "tags", "key": "name", "query": {"board": board}}, plan="COLLSCAN", keys=0, docs=40)
    return app.at


@scenario({(N_PLUS_ONE, "members"): 30})
def by_request_with_comments(server: Server, at: float) -> float:
    for number in range(3):
        app = server.client(at + number * 0.4, comment=f"request_id=r{number}-{number * 7919}ab route=/threads")
        app.find("threads", {"board": 8 + number}, 10)
        for member in ids(server, 10):
            app.one("members", {"_id": member})
    return app.at


@scenario({(N_PLUS_ONE, "members"): 24})
def with_work_between(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("posts", {"thread": 40}, 24)
    for member in ids(server, 24):
        app.one("members", {"_id": member})
        app.wait(server.random.uniform(0.002, 0.02))
    return app.at


@scenario({(ROWS, "posts"): 30})
def one_delete_for_each(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("threads", {"spam": True}, 30)
    for post in ids(server, 30):
        app.write("delete", "posts", {"q": {"_id": post}, "limit": 1})
    return app.at


@scenario({(ROWS, "members"): 28})
def one_increment_for_each(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("votes", {"day": 61}, 28)
    for member in ids(server, 28):
        update = {"q": {"_id": member}, "u": {"$inc": {"karma": 1}}, "multi": False, "upsert": False}
        app.write("update", "members", update)
    return app.at


@scenario({(ROWS, "events"): 40})
def one_insert_for_each(server: Server, at: float) -> float:
    app = server.client(at)
    for _ in range(40):
        app.insert("events", 1)
    return app.at


@scenario({(LOOP, "articles"): 20})
def a_list_from_elsewhere(server: Server, at: float) -> float:
    app = server.client(at)
    for article in ids(server, 20):
        app.one("articles", {"slug": f"a-{article}"}, plan="IXSCAN { slug: 1 }")
    return app.at


@scenario({(AGAIN, "settings"): 24})
def the_same_settings_over_and_over(server: Server, at: float) -> float:
    app = server.client(at)
    for _ in range(24):
        app.one("settings", {"_id": "site"})
    return app.at


# ---- look-alikes


@scenario({})
def batches_of_ids(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("posts", {"thread": 50}, 300)
    for _ in range(3):
        app.find("members", {"_id": {"$in": ids(server, 100)}}, 100)
    return app.at


@scenario({})
def pages_by_key(server: Server, at: float) -> float:
    app = server.client(at)
    for page in range(12):
        app.find("articles", {"_id": {"$gt": page * 100}}, 100, sort={"_id": 1}, limit=100, plan="IXSCAN { _id: 1 }")
    return app.at


@scenario({})
def polled_each_second(server: Server, at: float) -> float:
    app = server.client(at)
    for _ in range(15):
        app.find("jobs", {"state": "ready"}, 0, limit=5)
        app.wait(1.0)
    return app.at


@scenario({})
def jobs_claimed_one_by_one(server: Server, at: float) -> float:
    app = server.client(at)
    for number in range(10):
        app.command({"findAndModify": "jobs", "query": {"state": "ready"}, "sort": {"at": 1},
                     "update": {"$set": {"state": "run", "by": number}}}, plan="IXSCAN { state: 1, at: 1 }", keys=1,
                    docs=1)  # fmt: skip
        app.wait(server.random.uniform(0.3, 1.2))
    return app.at


@scenario({})
def people_clicking(server: Server, at: float) -> float:
    app = server.client(at)
    for member in ids(server, 14):
        app.one("members", {"_id": member})
        app.wait(server.random.uniform(0.25, 0.9))
    return app.at


@scenario({})
def many_people_at_once(server: Server, at: float) -> float:
    last = at
    for member in ids(server, 40):
        app = server.client(at + server.random.uniform(0, 6))
        app.one("members", {"token": f"t{member}"}, plan="IXSCAN { token: 1 }")
        app.find("threads", {"follower": member}, 5, limit=10)
        last = max(last, app.at)
    return last


@scenario({})
def a_bulk_write(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("members", {"inactive": True}, 60)
    updates = [
        {"q": {"_id": m}, "u": {"$set": {"mail": False}}, "multi": False, "upsert": False} for m in ids(server, 60)
    ]
    app.write("update", "members", *updates)
    return app.at


@scenario({})
def inserted_in_batches(server: Server, at: float) -> float:
    app = server.client(at)
    for _ in range(6):
        app.insert("events", 1000)
    return app.at


@scenario({})
def only_three(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("threads", {"board": 30}, 3)
    for member in ids(server, 3):
        app.one("members", {"_id": member})
    return app.at


@scenario({})
def a_dashboard(server: Server, at: float) -> float:
    app = server.client(at)
    for collection in COLLECTIONS:
        app.command({"count": collection, "query": {"open": True}}, plan="COLLSCAN", keys=0, docs=50)
    for state in ("ready", "run", "done", "failed"):
        app.command({"count": "jobs", "query": {"state": state}}, plan="COUNT_SCAN { state: 1 }", keys=9, docs=0)
    return app.at


@scenario({})
def a_file_in_one_cursor(server: Server, at: float) -> float:
    app = server.client(at)
    app.one("files", {"_id": 8})
    first = {"find": "chunks", "filter": {"files_id": 8}, "sort": {"n": 1}}
    app.find("chunks", {"files_id": 8}, 20, sort={"n": 1}, cursor=900_008)
    for number in range(15):
        app.command({"getMore": 900_008, "collection": "chunks"}, first=first, plan="IXSCAN { files_id: 1, n: 1 }",
                    keys=20, docs=20, returned=20, cursor=900_008, last=number == 14)  # fmt: skip
    return app.at


@scenario({})
def a_watch_on_one_document(server: Server, at: float) -> float:
    app = server.client(at)
    for _ in range(8):
        app.one("settings", {"_id": "alive"})
        app.wait(2.0)
    return app.at


# ---- the measure


def told(runs: Sequence[Scenario]) -> Server:
    """Scenarios, one after another."""
    server, at = Server(), 0.0
    for run in runs:
        at = run(server, at) + 2.0
    return server


def catalog() -> Document:
    identity = {"v": 2, "key": {"_id": 1}, "name": "_id_"}
    return {"server": {"version": "7.0.12"}, "database": "forum", "collections": {
        name: {"options": {}, "type": "collection", "indexes": [identity], "index_stats": [],
               "stats": {"ns": f"forum.{name}", "storageStats": {"count": 50_000, "size": 10_000_000}}}
        for name in COLLECTIONS}}  # fmt: skip


def found_in(runs: Sequence[Scenario], source: str) -> Wanted:
    """What the advisor finds in a log or profile of these scenarios: executions by pattern and collection."""
    server = told(runs)
    with tempfile.TemporaryDirectory() as folder:
        path, schema = Path(folder) / "mongo.jsonl", Path(folder) / "catalog.json"
        path.write_text(server.log() if source == "log" else server.profile(), encoding="utf-8")
        schema.write_text(json.dumps(catalog()), encoding="utf-8")
        report = pipeline.analyze(analyze_files([path], schema, Path(folder) / "capture"))
    found: Counter[tuple[str, str]] = Counter()
    for burst in report.workload.bursts:
        found[burst.pattern, burst.child_table.name if burst.child_table else ""] += burst.executions
    return dict(found)


def main(source: str) -> int:
    """Print what is missed and what is called a fault and is none; recall and precision over the scenarios alone."""
    hits = wanted_all = found_all = 0
    total: Counter[tuple[str, str]] = Counter()
    for wanted, run in SCENARIOS:
        got = found_in([run], source)
        total.update(wanted)
        wanted_all, found_all = wanted_all + len(wanted), found_all + len(got)
        hits += len(wanted.items() & got.items())
        if got != wanted:
            print(f"{run.__name__:38} wanted {_words(wanted)}; found {_words(got)}", flush=True)
    together = found_in([run for _, run in SCENARIOS], source)
    for key in sorted(total.keys() | together.keys()):
        if total[key] != together.get(key, 0):
            print(f"all together: {' '.join(key)}: wanted {total[key]}, found {together.get(key, 0)}")
    print(
        f"{source}: recall {hits / wanted_all:.3f} ({hits} of {wanted_all}), precision {hits / max(found_all, 1):.3f}"
    )
    return 0 if hits == wanted_all == found_all and together == dict(total) else 1


def _words(told: Wanted) -> str:
    return ", ".join(f"{pattern} {table} x{n}" for (pattern, table), n in sorted(told.items())) or "nothing"


if __name__ == "__main__":
    sys.exit(max(main(source) for source in (sys.argv[1:] or ["log", "profile"])))
