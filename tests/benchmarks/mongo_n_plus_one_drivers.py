"""More scenarios of the forum, by other drivers and other uses of sessions and connections, each with its label."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from tests.benchmarks.mongo_n_plus_one_scenarios import AGAIN, LOOP, N_PLUS_ONE, ROWS, Labelled, ids
from tests.benchmarks.mongo_n_plus_one_scenarios import scenario as labelled
from tests.benchmarks.mongo_traffic import Client, Document, Server

SCENARIOS: Labelled = []
scenario = partial(labelled, of=SCENARIOS)


def another_session(app: Client) -> Client:
    """The same connection under another implicit session, as where the driver's pool of sessions is shared."""
    app.session = UUID(int=app.server.random.getrandbits(128), version=4)
    return app


# ---- faults


@scenario({(N_PLUS_ONE, "members"): 26})
def each_command_a_session_of_its_own(server: Server, at: float) -> float:
    """Go: FindOne in a loop; a busy process hands another implicit session to each command."""
    app = server.client(at, application="forum-go")
    app.find("threads", {"board": 11}, 26)
    for member in ids(server, 26):
        another_session(app).one("members", {"_id": {"$oid": f"{member:024x}"}}, plan="IDHACK")
    return app.at


@scenario({(N_PLUS_ONE, "members"): 24})
def one_session_over_a_pool(server: Server, at: float) -> float:
    """Java, an explicit session: each command takes whichever connection is free."""
    app = server.client(at, application="forum-java")
    app.find("posts", {"thread": 12}, 24)
    for number, member in enumerate(ids(server, 24)):
        app.connection = 900 + number % 3
        app.one("members", {"_id": member})
    return app.at


@scenario({(N_PLUS_ONE, "members"): 36})
def a_connection_for_each_request(server: Server, at: float) -> float:
    """PHP without a persistent pool: each request connects, lists, reads the author of each row and ends."""
    for request in range(3):
        app = server.client(at + request * 0.5, application="forum-php")
        app.find("threads", {"board": 20 + request}, 12, sort={"last": -1}, limit=12)
        for member in ids(server, 12):
            app.find(
                "members", {"_id": member, "deleted_at": None}, 1, limit=1, singleBatch=True, plan="IXSCAN { _id: 1 }"
            )
    return app.at


@scenario({(N_PLUS_ONE, "members"): 18})
def an_aggregation_that_takes_one(server: Server, at: float) -> float:
    """C#, LINQ's FirstOrDefault: a pipeline of $match by the key and $limit 1."""
    app = server.client(at, application="forum-cs")
    app.aggregate("posts", {"$match": {"thread": 5}}, {"$sort": {"at": 1}}, returned=18)
    for member in ids(server, 18):
        app.aggregate("members", {"$match": {"_id": member}}, {"$limit": 1}, plan="IDHACK", keys=1, docs=1)
    return app.at


@scenario({(N_PLUS_ONE, "posts"): 21})
def the_newest_by_a_pipeline(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("threads", {"board": 8}, 21)
    for thread in ids(server, 21):
        app.aggregate("posts", {"$match": {"thread": thread}}, {"$sort": {"at": -1}}, {"$limit": 1},
                      {"$project": {"text": 1}})  # fmt: skip
    return app.at


@scenario({(N_PLUS_ONE, "members"): 28})
def keys_that_are_uuids(server: Server, at: float) -> float:
    """C# or Java: identities as binary values."""
    app = server.client(at, old_uuid=True, application="forum-cs")
    app.find("votes", {"post": 31}, 28)
    for number in range(28):
        key = {"$binary": {"base64": f"{number:020d}AA==", "subType": "04"}}
        app.one("members", {"_id": key}, plan="IDHACK")
    return app.at


@scenario({(N_PLUS_ONE, "articles"): 30})
def within_one_tenant(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("visits", {"tenant": 4, "day": 70}, 30, limit=30)
    for article in ids(server, 30):
        app.one("articles", {"tenant": 4, "_id": article}, plan="IXSCAN { tenant: 1, _id: 1 }")
    return app.at


@scenario({(N_PLUS_ONE, "posts"): 8, (N_PLUS_ONE, "members"): 32})
def children_and_their_authors(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("threads", {"pinned": True, "board": 3}, 8)
    for thread in ids(server, 8):
        app.find("posts", {"thread": thread}, 4, limit=4, sort={"at": -1})
        for member in ids(server, 4):
            app.one("members", {"_id": member})
    return app.at


@scenario({(N_PLUS_ONE, "members"): 20, (ROWS, "threads"): 20})
def read_one_write_one(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("threads", {"stale": True}, 20)
    for thread, member in zip(ids(server, 20), ids(server, 20), strict=True):
        app.one("members", {"_id": member})
        app.write("update", "threads", {"q": {"_id": thread}, "u": {"$set": {"owner": "x"}}, "multi": False})
    return app.at


@scenario({(ROWS, "tags"): 33})
def an_upsert_for_each_line_of_a_file(server: Server, at: float) -> float:
    app = server.client(at, application="import.py")
    for tag in ids(server, 33):
        app.write(
            "update", "tags", {"q": {"name": f"t{tag}"}, "u": {"$set": {"seen": 1}}, "multi": False, "upsert": True}
        )
    return app.at


@scenario({(ROWS, "posts"): 25})
def find_and_modify_for_each(server: Server, at: float) -> float:
    """Mongoose's findByIdAndUpdate in a loop."""
    app = server.client(at, application="forum-node")
    app.find("posts", {"flagged": True}, 25)
    for post in ids(server, 25):
        change = {"findAndModify": "posts", "query": {"_id": post}, "update": {"$set": {"flagged": False}}, "new": True}
        app.command(change, plan="IDHACK", keys=1, docs=1)
    return app.at


@scenario({(ROWS, "events"): 16})
def one_insert_for_each_in_a_transaction(server: Server, at: float) -> float:
    app = server.client(at, transaction=9)
    app.find("jobs", {"state": "done"}, 16)
    for _ in range(16):
        app.insert("events", 1)
    return app.at


@scenario({(N_PLUS_ONE, "members"): 30})
def resolvers_of_one_request(server: Server, at: float) -> float:
    """GraphQL on Node without a loader: all at once over the pool, under the request's trace."""
    note = "traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    first = server.client(at, comment=note, application="forum-node")
    first.find("posts", {"thread": 90}, 30)
    pool = [server.client(first.at, comment=note, application="forum-node") for _ in range(5)]
    for number, member in enumerate(ids(server, 30)):
        pool[number % 5].one("members", {"_id": member})
    return max(app.at for app in pool)


@scenario({(AGAIN, "settings"): 15})
def the_same_row_between_other_work(server: Server, at: float) -> float:
    app = server.client(at)
    for number in range(15):
        app.one("settings", {"name": "banner"}, plan="IXSCAN { name: 1 }")
        app.insert("events", 2) if number % 3 else app.find("boards", {"open": True, "rank": {"$lt": number}}, 2)
    return app.at


@scenario({(AGAIN, "jobs"): 12})
def the_same_count_in_one_page(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("boards", {"owner": 5}, 12)
    for _ in range(12):
        app.command({"count": "jobs", "query": {"state": "new"}}, plan="COUNT_SCAN { state: 1 }", keys=40, docs=0)
    return app.at


@scenario({(LOOP, "members"): 27})
def keys_from_a_queue_message(server: Server, at: float) -> float:
    """A worker gets a list of keys in a message and reads each."""
    app = server.client(at, application="worker")
    for member in ids(server, 27):
        app.one("members", {"_id": member})
    app.write("update", "jobs", {"q": {"_id": 5}, "u": {"$set": {"state": "done"}}, "multi": False})
    return app.at


# ---- look-alikes


@scenario({})
def a_loader_with_uneven_batches(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("posts", {"thread": 91}, 41)
    for size in (20, 20, 1):
        app.find("members", {"_id": {"$in": ids(server, size)}}, size)
    app.find("badges", {"member": {"$in": ids(server, 41)}}, 60)
    return app.at


@scenario({})
def people_that_log_in(server: Server, at: float) -> float:
    last = at
    for member in ids(server, 30):
        app = server.client(at + server.random.uniform(0, 6))
        app.one("members", {"mail": f"{member}@forum"}, plan="IXSCAN { mail: 1 }")
        app.write("update", "members", {"q": {"_id": member}, "u": {"$set": {"seen": 1}}, "multi": False})
        last = max(last, app.at)
    return last


@scenario({})
def partitions_of_a_job(server: Server, at: float) -> float:
    """Spark's reader: each worker a range of keys, with batches."""
    last = at
    for part in range(16):
        app = server.client(at + part * 0.01, application="spark")
        first: Document = {"aggregate": "visits", "pipeline": [{"$match": {"_id": {"$gte": part, "$lt": part + 1}}}]}
        app.aggregate("visits", {"$match": {"_id": {"$gte": part, "$lt": part + 1}}}, returned=101, cursor=700 + part)
        app.command({"getMore": 700 + part, "collection": "visits"}, first=first, plan="IXSCAN { _id: 1 }", keys=4000,
                    docs=4000, returned=4000, cursor=700 + part, last=True)  # fmt: skip
        last = max(last, app.at)
    return last


@scenario({})
def a_limit_of_requests(server: Server, at: float) -> float:
    last = at
    for _ in range(40):
        app = server.client(at + server.random.uniform(0, 8))
        change = {"findAndModify": "visits", "query": {"ip": server.random.randrange(20)}, "update": {"$inc": {"n": 1}}}
        app.command({**change, "upsert": True}, plan="IXSCAN { ip: 1 }", keys=1, docs=1)
        last = max(last, app.at)
    return last


@scenario({})
def bulk_writes_of_hundreds(server: Server, at: float) -> float:
    app = server.client(at, application="import.py")
    for _ in range(4):
        statements = [{"q": {"_id": m}, "u": {"$set": {"v": 2}}, "multi": False} for m in ids(server, 100)]
        app.write("update", "members", *statements)
    return app.at


@scenario({})
def facets_of_one_page(server: Server, at: float) -> float:
    app = server.client(at)
    for field in ("board", "author", "kind", "year", "lang", "state", "source"):
        app.aggregate("articles", {"$match": {"open": True}}, {"$group": {"_id": f"${field}", "n": {"$sum": 1}}},
                      {"$sort": {"n": -1}}, returned=9, ms=3)  # fmt: skip
    return app.at


@scenario({})
def messages_handled_as_they_come(server: Server, at: float) -> float:
    app = server.client(at, application="consumer")
    for member in ids(server, 18):
        app.one("members", {"_id": member})
        app.insert("events", 1)
        app.wait(server.random.uniform(0.4, 1.1))
    return app.at


@scenario({})
def a_stream_of_changes(server: Server, at: float) -> float:
    app = server.client(at, application="sync")
    first: Document = {"aggregate": "posts", "pipeline": [{"$changeStream": {}}]}
    app.aggregate("posts", {"$changeStream": {}}, returned=0, cursor=777)
    for _ in range(12):
        app.command({"getMore": 777, "collection": "posts", "maxTimeMS": 1000}, first=first, plan="COLLSCAN", keys=0,
                    docs=3, returned=1, cursor=777, ms=900)  # fmt: skip
    return app.at


@scenario({})
def four_of_a_row(server: Server, at: float) -> float:
    app = server.client(at)
    app.find("boards", {"front": True}, 4)
    for board in ids(server, 4):
        app.find("threads", {"board": board}, 10, sort={"last": -1}, limit=10)
    return app.at
