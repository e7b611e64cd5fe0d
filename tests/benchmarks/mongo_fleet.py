"""A fleet's vehicles, trips, readings and tickets, made up, and the probes asked of them by ``mongo_oracle_unseen``."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.benchmarks.mongo_index_probe import Probe

START = datetime(2026, 1, 1, tzinfo=UTC)


def skewed(rng: random.Random, count: int, power: float = 2.0) -> int:
    return min(count - 1, int(count * rng.random() ** power))


def when(rng: random.Random, days: int) -> datetime:
    return START + timedelta(seconds=rng.randrange(days * 86_400))


def vehicles() -> Iterator[dict[str, Any]]:
    rng = random.Random(11)
    for number in range(8_000):
        vehicle = {
            "_id": number, "plate": f"AB-{number:05d}", "model": f"m{skewed(rng, 30)}", "depot": skewed(rng, 12, 1.5),
            "mileage": rng.randrange(300_000), "active": rng.random() < 0.97,
            "tags": rng.sample(["cold", "long", "city", "night", "hire", "tow", "lift", "bus"], rng.randrange(1, 4)),
            "owner": {"name": f"own{skewed(rng, 900)}", "city": f"c{skewed(rng, 80)}"},
        }  # fmt: skip
        if rng.random() < 0.9:
            vehicle["serviced_at"] = when(rng, 300)
        if rng.random() < 0.02:
            vehicle["recall"] = f"R{rng.randrange(40)}"
        yield vehicle


def trips() -> Iterator[dict[str, Any]]:
    rng = random.Random(12)
    states = ["ended"] * 80 + ["planned"] * 12 + ["running"] * 6 + ["aborted"] * 2
    for number in range(24_000):
        started = when(rng, 200)
        trip = {
            "_id": number, "vehicle": skewed(rng, 8_000, 1.4), "driver": f"d{skewed(rng, 600)}",
            "state": rng.choice(states), "city": f"c{skewed(rng, 25)}", "distance": round(200 * rng.random() ** 2, 1),
            "fare": round(4 + 900 * rng.random() ** 4, 2), "started_at": started, "seats": rng.randrange(1, 7),
            "rating": None if rng.random() < 0.3 else 1 + skewed(rng, 5, 0.5),
            "device": {"os": rng.choice(["ios", "ios", "android", "web"]), "version": rng.randrange(60)},
            "stops": [{"place": skewed(rng, 700), "minutes": rng.randrange(50)} for _ in range(rng.randrange(1, 4))],
        }  # fmt: skip
        if rng.random() < 0.82:
            trip["ended_at"] = started + timedelta(minutes=rng.randrange(300))
        yield trip


def readings() -> Iterator[dict[str, Any]]:
    rng = random.Random(13)
    for number in range(30_000):
        yield {
            "_id": number, "sensor": rng.randrange(500), "kind": f"k{skewed(rng, 8, 2.5)}", "at": when(rng, 30),
            "value": round(rng.gauss(50, 20), 2), "flags": [rng.randrange(100) for _ in range(rng.randrange(0, 4))],
        }  # fmt: skip


def tickets() -> Iterator[dict[str, Any]]:
    rng = random.Random(14)
    for number in range(15_000):
        ticket = {
            "_id": number, "team": f"t{skewed(rng, 9)}", "severity": 1 + skewed(rng, 5, 1.7),
            "customer": skewed(rng, 4_000, 1.3), "opened_at": when(rng, 400), "title": f"case {rng.randrange(9_999)}",
            "closed_at": None if rng.random() < 0.08 else when(rng, 400), "score": rng.randrange(1_000),
        }  # fmt: skip
        if rng.random() < 0.6:
            ticket["assignee"] = f"a{skewed(rng, 60)}"
        yield ticket


MAKERS = {"vehicles": vehicles, "trips": trips, "readings": readings, "tickets": tickets}
T, R, V, K = "trips", "readings", "vehicles", "tickets"
LATE = START + timedelta(days=190)


def every(step: int, count: int) -> list[int]:
    return [step * number for number in range(count)]


PROBES: dict[str, Probe] = {
    "eq-unique": Probe(V, {"plate": "AB-00412"}),
    "eq-two": Probe(T, {"state": "aborted", "city": "c7"}),
    "eq-three": Probe(T, {"driver": "d3", "seats": 4, "state": "ended"}),
    "eq-most": Probe(T, {"state": "ended"}),
    "eq-bool-few": Probe(V, {"active": False}),
    "eq-bool-most": Probe(V, {"active": True}),
    "eq-nested": Probe(V, {"owner.city": "c9", "model": "m4"}),
    "eq-nested-sort": Probe(V, {"owner.name": "own40"}, [("mileage", -1)]),
    "range-few": Probe(R, {"value": {"$gt": 105}}),
    "range-most": Probe(R, {"value": {"$gt": 30}}),
    "range-third": Probe(R, {"value": {"$gt": 60}}),
    "range-between": Probe(V, {"mileage": {"$gte": 100_000, "$lt": 104_000}}),
    "range-date-few": Probe(T, {"started_at": {"$gte": LATE}}),
    "eq-range": Probe(K, {"team": "t4", "opened_at": {"$gte": LATE}}),
    "eq-range-nested": Probe(T, {"device.os": "web", "device.version": {"$gte": 55}}),
    "two-ranges": Probe(T, {"distance": {"$gt": 150}, "fare": {"$gt": 400}}),
    "eq-two-ranges": Probe(T, {"city": "c1", "distance": {"$gt": 120}, "fare": {"$gt": 700}}),
    "eq-sort": Probe(K, {"customer": 12}, [("opened_at", -1)]),
    "eq-sort-mixed": Probe(K, {"team": "t2"}, [("severity", -1), ("opened_at", 1)], 20),
    "eq-sort-reversed": Probe(K, {"team": "t2"}, [("severity", -1), ("opened_at", -1)], 20),
    "sort-mixed": Probe(R, {}, [("value", -1), ("at", 1)], 5),
    "sort-one": Probe(T, {}, [("fare", -1)], 30),
    "sort-whole": Probe(K, {}, [("score", 1)]),
    "esr": Probe(T, {"city": "c2", "distance": {"$gt": 3}}, [("started_at", -1)], 25),
    "esr-half": Probe(K, {"team": "t1", "score": {"$gte": 500}}, [("opened_at", 1)], 10),
    "ers-few": Probe(T, {"city": "c2", "fare": {"$gt": 860}}, [("started_at", -1)], 50),
    "ers-few-whole": Probe(K, {"team": "t1", "score": {"$gte": 985}}, [("opened_at", 1)]),
    "range-sort-many": Probe(T, {"fare": {"$gt": 5}}, [("started_at", -1)], 10),
    "range-sort-few": Probe(T, {"fare": {"$gt": 895}}, [("started_at", -1)], 100),
    "range-sort-whole": Probe(R, {"value": {"$gte": 90}}, [("at", 1)]),
    "range-is-sort": Probe(R, {"at": {"$gte": START + timedelta(days=29)}}, [("at", 1)], 40),
    "eq-range-is-sort": Probe(R, {"sensor": 7, "at": {"$gte": START + timedelta(days=20)}}, [("at", -1)], 40),
    "range-then-sort-two": Probe(R, {"kind": "k3", "at": {"$gte": START + timedelta(days=15)}}, [("value", 1)], 20),
    "in-few": Probe(T, {"vehicle": {"$in": [4, 900, 2001]}}),
    "in-eq": Probe(T, {"driver": {"$in": ["d2", "d5"]}, "state": "planned"}),
    "in-sort-few": Probe(K, {"severity": {"$in": [4, 5]}, "team": "t6"}, [("opened_at", -1)], 10),
    "in-sort-150": Probe(K, {"customer": {"$in": every(7, 150)}}, [("opened_at", -1)], 10),
    "in-sort-200": Probe(K, {"customer": {"$in": every(7, 200)}}, [("opened_at", -1)], 10),
    "in-sort-201": Probe(K, {"customer": {"$in": every(7, 201)}}, [("opened_at", -1)], 10),
    "in-sort-400": Probe(R, {"sensor": {"$in": every(1, 400)}}, [("at", -1)], 10),
    "in-sort-400-few": Probe(T, {"vehicle": {"$in": every(19, 400)}}, [("fare", -1)], 20),
    "in-product-sort": Probe(R, {"sensor": {"$in": every(3, 80)}, "kind": {"$in": ["k1", "k2", "k3"]}}, [("at", -1)], 20),  # noqa: E501
    "in-many": Probe(K, {"customer": {"$in": every(5, 500)}}),
    "in-range": Probe(R, {"kind": {"$in": ["k5", "k6", "k7"]}, "value": {"$lt": 20}}),
    "ne-few-left": Probe(T, {"state": {"$ne": "ended"}, "seats": 3}),
    "ne-eq": Probe(K, {"customer": 5, "severity": {"$ne": 1}}),
    "ne-alone-few": Probe(R, {"kind": {"$nin": ["k0", "k1", "k2", "k3", "k4"]}}),
    "ne-alone-most": Probe(K, {"team": {"$ne": "t8"}}),
    "nin-eq": Probe(T, {"driver": "d9", "state": {"$nin": ["ended", "planned"]}}),
    "ne-sort": Probe(K, {"team": "t3", "severity": {"$ne": 1}}, [("score", -1)], 10),
    "exists-eq": Probe(V, {"recall": {"$exists": True}, "depot": 2}),
    "exists-not-eq": Probe(T, {"ended_at": {"$exists": False}, "driver": "d7"}),
    "null-eq": Probe(K, {"closed_at": None, "team": "t5"}),
    "null-sort": Probe(K, {"closed_at": None}, [("severity", -1)], 20),
    "null-alone": Probe(K, {"closed_at": None}),
    "type-eq": Probe(T, {"rating": {"$type": "number"}, "driver": "d30"}),
    "regex-prefix": Probe(V, {"plate": {"$regex": "^AB-0012"}}),
    "regex-prefix-eq": Probe(V, {"owner.name": {"$regex": "^own1"}, "depot": 3}),
    "regex-ci-one": Probe(V, {"plate": {"$regex": "^ab-00123$", "$options": "i"}}),
    "regex-inside-eq": Probe(V, {"plate": {"$regex": "77"}, "model": "m9"}),
    "or-two": Probe(T, {"$or": [{"driver": "d50"}, {"vehicle": 77}]}),
    "or-eq-eq": Probe(T, {"$or": [{"driver": "d50", "seats": 2}, {"vehicle": 77, "state": "ended"}]}),
    "or-sort": Probe(T, {"$or": [{"driver": "d10"}, {"vehicle": 9}]}, [("started_at", -1)], 5),
    "or-with-and": Probe(K, {"team": "t3", "$or": [{"assignee": "a9"}, {"customer": 31}]}),
    "array-eq": Probe(R, {"flags": 17}),
    "array-eq-sort": Probe(R, {"flags": 17}, [("at", -1)], 10),
    "array-nested": Probe(T, {"stops.place": 333}),
    "array-nested-eq": Probe(T, {"stops.place": 3, "state": "planned"}),
    "array-all": Probe(R, {"flags": {"$all": [3, 4]}}),
    "array-elem": Probe(T, {"stops": {"$elemMatch": {"place": 5, "minutes": {"$gte": 45}}}}),
    "array-elem-scalar": Probe(R, {"flags": {"$elemMatch": {"$gte": 96, "$lt": 98}}}),
    "covered": Probe(T, {"driver": "d1"}, covered=("driver", "fare")),
    "covered-two": Probe(R, {"sensor": 33}, covered=("sensor", "at", "value")),
    "count-eq": Probe(K, {"team": "t5", "severity": 5}, covered=("team", "severity")),
    "count-range": Probe(T, {"city": "c3", "fare": {"$lt": 5}}, covered=("city", "fare")),
    "distinct": Probe(T, {}, distinct="city", covered=("city",)),
    "skip": Probe(K, {"team": "t0"}, [("opened_at", -1)], 20, 1_500),
    "limit-one": Probe(K, {"assignee": "a40"}, [("score", -1)], 1),
    "limit-no-sort": Probe(T, {"driver": "d590"}, limit=5),
}  # fmt: skip


def eq(collection: str, condition: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"find": collection, "filter": condition, **more}


def piped(collection: str, *stages: dict[str, Any]) -> dict[str, Any]:
    return {"aggregate": collection, "pipeline": list(stages), "cursor": {}}


SINCE = {"$date": "2026-07-01T00:00:00Z"}
JOIN = {"$lookup": {"from": "vehicles", "localField": "vehicle", "foreignField": "plate", "as": "v"}}
PIPED = {
    "$lookup": {
        "from": "tickets", "let": {"d": "$driver"}, "as": "t",
        "pipeline": [{"$match": {"$expr": {"$eq": ["$assignee", "$$d"]}}}, {"$sort": {"opened_at": -1}}, {"$limit": 1}],
    }
}  # fmt: skip
TREE = {"$graphLookup": {"from": "trips", "startWith": "$driver", "connectFromField": "driver",
                         "connectToField": "device.os", "as": "t"}}  # fmt: skip

BY_RULE: dict[str, tuple[dict[str, Any], int, int, str]] = {
    # name: (command, documents examined, returned, the answers that are right: indexes joined by +, answers by |)
    "agg-match-sort-limit": (piped(K, {"$match": {"team": "t4"}}, {"$sort": {"score": -1}}, {"$limit": 10}),
                             15_000, 10, "team,score-"),
    "agg-match-group": (piped(T, {"$match": {"driver": "d4"}}, {"$group": {"_id": "$state", "n": {"$sum": "$fare"}}}),
                        24_000, 4, "driver | driver,state,fare | driver,fare,state"),
    "agg-unwind-match": (piped(T, {"$match": {"city": "c24"}}, {"$unwind": "$stops"}, {"$match": {"stops.place": 4}}),
                         24_000, 2, "city | city,stops.place | stops.place,city"),
    "agg-addfields-match": (piped(T, {"$addFields": {"far": {"$gt": ["$distance", 9]}}}, {"$match": {"far": True}}),
                            24_000, 19_000, ""),
    "agg-group-match": (piped(T, {"$group": {"_id": "$driver", "n": {"$sum": 1}}}, {"$match": {"n": {"$gt": 90}}}),
                        24_000, 40, " | driver"),
    "agg-sort-after-group": (piped(T, {"$match": {"vehicle": 4}}, {"$group": {"_id": "$city", "n": {"$sum": 1}}},
                                   {"$sort": {"n": -1}}), 24_000, 3, "vehicle | vehicle,city"),
    "agg-facet": (piped(K, {"$match": {"customer": 8}}, {"$facet": {"a": [{"$count": "n"}], "b": [{"$limit": 3}]}}),
                  15_000, 1, "customer"),
    "agg-count": (piped(K, {"$match": {"team": "t7", "severity": 4}}, {"$count": "n"}), 15_000, 1,
                  "team,severity | severity,team"),
    "lookup": (piped(T, {"$match": {"vehicle": 7}}, JOIN), 104_000, 10, "vehicle + plate"),
    "lookup-piped": (piped(T, {"$match": {"vehicle": 7}}, PIPED), 174_000, 10, "vehicle + assignee,opened_at-"),
    "lookup-by-id": (piped(T, {"$match": {"city": "c24", "state": "aborted"}},
                           {"$lookup": {"from": "vehicles", "localField": "vehicle", "foreignField": "_id", "as": "v"}}),  # noqa: E501
                     24_010, 10, "city,state | state,city"),
    "graph-lookup": (piped(V, {"$match": {"plate": "AB-00001"}}, TREE), 32_000, 1, "plate + device.os"),
    "update": ({"q": {"assignee": "a3", "team": "t1"}, "u": {"$set": {"severity": 2}}, "multi": True}, 15_000, 9,
               "assignee,team | team,assignee"),
    "delete": ({"q": {"sensor": 8, "at": {"$lt": SINCE}}, "limit": 0}, 30_000, 60, "sensor,at"),
    "find-and-modify": ({"findAndModify": K, "query": {"closed_at": None, "team": "t3"}, "sort": {"opened_at": 1},
                         "update": {"$set": {"assignee": "a1"}}}, 15_000, 1,
                        "closed_at,team,opened_at | team,closed_at,opened_at"),
    "collation": (eq(V, {"owner.name": "OWN40"}, collation={"locale": "en", "strength": 2}), 8_000, 9, "owner.name"),
    "text": (eq(K, {"$text": {"$search": "case"}, "team": "t1"}), 900, 20, ""),
    "geo": (eq(V, {"position": {"$nearSphere": {"$geometry": {"type": "Point", "coordinates": [1, 2]}}}}, limit=5),
            900, 5, ""),
    "where": (eq(T, {"$where": "this.fare > 3"}), 24_000, 5, ""),
    "expr": (eq(T, {"$expr": {"$gt": ["$fare", "$distance"]}}), 24_000, 40, ""),
    "exists-alone": (eq(V, {"recall": {"$exists": True}}), 8_000, 160, "recall"),
    "size": (eq(T, {"stops": {"$size": 3}, "driver": "d8"}), 24_000, 12, "driver | driver,stops"),
    "mod": (eq(K, {"score": {"$mod": [10, 0]}, "customer": 6}), 15_000, 2, "customer | customer,score"),
    "id-range": (eq(T, {"_id": {"$gt": 100, "$lt": 200}}), 24_000, 99, ""),
    "regex-ci-many": (eq(V, {"model": {"$regex": "m1", "$options": "i"}}), 8_000, 2_500, ""),
    "natural": (eq(T, {}, sort={"$natural": -1}, limit=5), 5, 5, ""),
}  # fmt: skip
