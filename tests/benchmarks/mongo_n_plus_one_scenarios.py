"""Scenarios of a forum's application, each labelled with the faults that are to be found in it."""

from __future__ import annotations

from collections.abc import Callable

from tests.benchmarks.mongo_traffic import Server

COLLECTIONS = (
    "threads", "posts", "members", "boards", "badges", "votes", "files", "chunks", "jobs", "settings", "events", "tags",
    "articles", "visits",
)  # fmt: skip

Wanted = dict[tuple[str, str], int]
Scenario = Callable[[Server, float], float]
Labelled = list[tuple[Wanted, Scenario]]
SCENARIOS: Labelled = []
N_PLUS_ONE, LOOP, ROWS, AGAIN = "n-plus-one", "parentless-loop", "row-by-row-write", "repeated-identical-query"


def scenario(wanted: Wanted, of: Labelled = SCENARIOS) -> Callable[[Scenario], Scenario]:
    """Label a scenario with what is to be found in it: executions by pattern and collection."""

    def take(function: Scenario) -> Scenario:
        of.append((wanted, function))
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
