"""Probes of the same kinds as the recorded ones, over the recorded documents: a fourth set for ``mongo_oracle_unseen``.

Each recorded kind is varied as somebody would who has the recorded set before him: other fields and collections, other
values, orders and directions, more and fewer conditions, longer lists, commands of other kinds. Written before its
first run: 105 of 114 good, none not picked. By it negations came before ranges, numbers before dates, the order of a
sort before a list too long to be merged in it.
"""

from __future__ import annotations

from typing import Any

from tests.benchmarks.mongo_index_probe import Probe
from tests.benchmarks.mongo_shop import day

OD, U, P, E, R, C = "orders", "users", "products", "events", "reviews", "carts"


def piped(collection: str, *stages: dict[str, Any]) -> dict[str, Any]:
    return {"aggregate": collection, "pipeline": list(stages), "cursor": {}}


def group(key: str, **more: Any) -> dict[str, Any]:
    return {"$group": {"_id": f"${key}", **more}}


def changed(condition: dict[str, Any], *, multi: bool = False) -> dict[str, Any]:
    return {"q": condition, "u": {"$set": {"flag": 1}}, "multi": multi, "upsert": False}


AGENT = {"assignee": "agent12", "status": "paid"}
RARE = {"type": "error", "value": {"$lt": 20}}
NEXT = {"status": "failed", "region": 3}
EARLY = {"status": "new", "created_at": {"$lt": day(2024, 1, 20)}}

PROBES: dict[str, Probe] = {
    # Equality, by itself.
    "fourth-eq-name": Probe(U, {"name": "A123456"}),
    "fourth-eq-session": Probe(E, {"session": "s004242"}),
    "fourth-eq-zip": Probe(U, {"address.zip": "33333"}),
    "fourth-eq-two-users": Probe(U, {"country": "NO", "active": False}),
    "fourth-eq-two-products": Probe(P, {"brand": "brand7", "stock": 0}),
    "fourth-eq-three-reviews": Probe(R, {"product_id": 2, "lang": "ja", "rating": 1}),
    "fourth-eq-four": Probe(OD, {"status": "paid", "channel": "phone", "region": 6, "priority": 0}),
    "fourth-eq-nested-kind": Probe(E, {"ref.kind": "mail", "ref.id": 77}),
    "fourth-eq-nested-three": Probe(U, {"address.city": "city3", "tier": "pro", "country": "US"}),
    "fourth-eq-third": Probe(E, {"ref.kind": "organic"}),
    "fourth-eq-most": Probe(U, {"tier": "free"}),
    "fourth-eq-quarter": Probe(R, {"rating": 4}),
    # Ranges.
    "fourth-range-date-users": Probe(U, {"last_seen": {"$lt": day(2024, 1, 10)}}),
    "fourth-range-date-between": Probe(OD, {"updated_at": {"$gte": day(2024, 6, 1), "$lt": day(2024, 6, 8)}}),
    "fourth-range-number": Probe(OD, {"total": {"$gte": 900}}),
    "fourth-range-most": Probe(R, {"helpful": {"$lt": 200}}),
    "fourth-range-nested": Probe(E, {"ref.kind": "ad", "ref.id": {"$lt": 60}}),
    "fourth-eq-range-events": Probe(E, {"user_id": 9, "ts": {"$gte": day(2024, 2, 1)}}),
    "fourth-eq-range-products": Probe(P, {"category": "cat1", "price": {"$lt": 10}}),
    "fourth-eq-two-range": Probe(R, {"lang": "en", "rating": 2, "created_at": {"$gte": day(2025, 10)}}),
    "fourth-eq-ranges-two": Probe(OD, {"status": "done", "total": {"$gt": 880}, "created_at": {"$gte": day(2025, 6)}}),
    "fourth-ranges-two": Probe(E, {"value": {"$gte": 950}, "ts": {"$gte": day(2024, 2, 15)}}),
    # Orders.
    "fourth-sort-limit-orders": Probe(OD, {}, [("total", -1)], 25),
    "fourth-sort-limit-nested": Probe(U, {}, [("address.zip", 1)], 10),
    "fourth-sort-two-same": Probe(U, {}, [("country", 1), ("created_at", 1)], 50),
    "fourth-sort-two-mixed": Probe(R, {}, [("rating", -1), ("helpful", 1)], 10),
    "fourth-eq-sort-down": Probe(R, {"user_id": 21}, [("created_at", -1)]),
    "fourth-eq-sort-three": Probe(OD, {"user_id": 2, "status": "done"}, [("total", -1)], 5),
    "fourth-eq-two-sort-two": Probe(P, {"category": "cat0", "brand": "brand0"}, [("stock", -1), ("price", 1)], 10),
    "fourth-eq-sort-first": Probe(E, {"user_id": 3, "type": "pay"}, [("ts", -1)], 1),
    "fourth-eq-is-sorted-by": Probe(OD, {"region": 4}, [("region", 1), ("created_at", -1)], 15),
    # Equality, sort, range.
    "fourth-esr-reviews": Probe(R, {"product_id": 0, "rating": {"$gte": 3}}, [("created_at", -1)], 10),
    "fourth-esr-web": Probe(OD, {"channel": "web", "total": {"$lt": 500}}, [("created_at", 1)], 30),
    "fourth-esr-two": Probe(
        OD, {"channel": "app", "status": "done", "priority": {"$gte": 1}}, [("updated_at", -1)], 20),
    "fourth-esr-sort-two": Probe(P, {"category": "cat3", "price": {"$gt": 20}}, [("brand", 1), ("stock", -1)], 12),
    "fourth-esr-whole": Probe(OD, {"region": 2, "total": {"$gte": 800}}, [("created_at", -1)]),
    "fourth-esr-whole-rare": Probe(E, {"type": "view", "value": {"$gte": 990}}, [("ts", 1)]),
    "fourth-esr-short": Probe(E, {"user_id": 0, "value": {"$lt": 5}}, [("ts", -1)], 100),
    "fourth-range-is-sort": Probe(R, {"lang": "fr", "created_at": {"$gte": day(2025, 11)}}, [("created_at", 1)]),
    "fourth-range-is-sort-limit": Probe(
        U, {"country": "SE", "last_seen": {"$lt": day(2025, 1)}}, [("last_seen", -1)], 10),
    "fourth-range-is-sort-alone": Probe(C, {"touched_at": {"$gte": day(2024, 1, 29)}}, [("touched_at", -1)], 5),
    "fourth-range-sort-other": Probe(P, {"price": {"$lt": 6}}, [("created_at", -1)]),
    # $in.
    "fourth-in-three": Probe(P, {"sku": {"$in": ["SKU-000001", "SKU-000500", "SKU-003999"]}}),
    "fourth-in-eq": Probe(R, {"rating": {"$in": [1, 2]}, "product_id": 5}),
    "fourth-in-three-lists": Probe(
        E, {"type": {"$in": ["pay", "refund"]}, "ref.kind": {"$in": ["ad", "mail"]}, "user_id": 1}),
    "fourth-in-sort-50": Probe(OD, {"user_id": {"$in": list(range(0, 500, 10))}}, [("created_at", -1)], 20),
    "fourth-in-sort-eq": Probe(
        OD, {"status": {"$in": ["new", "paid"]}, "assignee": "agent1"}, [("updated_at", -1)], 10),
    "fourth-in-sort-200": Probe(R, {"product_id": {"$in": list(range(0, 2000, 10))}}, [("created_at", -1)], 10),
    "fourth-in-sort-250": Probe(R, {"product_id": {"$in": list(range(0, 2500, 10))}}, [("created_at", -1)], 10),
    "fourth-in-sort-1000": Probe(E, {"session": {"$in": [f"s{n:06d}" for n in range(0, 16000, 16)]}}, [("ts", 1)], 50),
    "fourth-in-sort-whole": Probe(OD, {"user_id": {"$in": [40, 41, 42]}}, [("total", -1)]),
    "fourth-in-sort-product": Probe(
        E, {"user_id": {"$in": list(range(60))}, "type": {"$in": ["pay", "refund", "error", "admin"]}},
        [("ts", -1)], 20),
    "fourth-in-range": Probe(OD, {"region": {"$in": [1, 8]}, "total": {"$gt": 890}}),
    "fourth-in-range-sort": Probe(
        OD, {"status": {"$in": ["new", "failed"]}, "total": {"$gt": 300}}, [("created_at", -1)], 10),
    # $or.
    "fourth-or-two": Probe(U, {"$or": [{"email": "user5@example.com"}, {"name": "B000001"}]}),
    "fourth-or-three": Probe(OD, {"$or": [{"assignee": "agent30"}, {"coupon": "C77"}, {"user_id": 9999}]}),
    "fourth-or-with-and-two": Probe(OD, {"channel": "phone", "status": "done", "$or": [{"user_id": 1}, {"region": 9}]}),
    "fourth-or-eq-range": Probe(E, {"$or": [{"session": "s001111"}, {"type": "admin", "value": {"$lt": 9}}]}),
    "fourth-or-sort": Probe(R, {"$or": [{"user_id": 8}, {"product_id": 14}]}, [("created_at", -1)], 5),
    "fourth-or-same-field": Probe(P, {"$or": [{"brand": "brand150"}, {"brand": "brand151"}]}),
    # Negations.
    "fourth-ne-eq": Probe(R, {"lang": {"$ne": "en"}, "user_id": 3}),
    "fourth-ne-eq-two": Probe(OD, {"channel": {"$ne": "web"}, "assignee": "agent0", "status": "new"}),
    "fourth-nin-eq": Probe(E, {"type": {"$nin": ["view", "click"]}, "session": "s000900"}),
    "fourth-ne-range": Probe(OD, {"status": {"$ne": "done"}, "created_at": {"$gte": day(2025, 9)}}),
    "fourth-ne-sort": Probe(OD, {"status": {"$ne": "done"}, "user_id": 0}, [("created_at", -1)], 10),
    "fourth-not-regex-eq": Probe(U, {"tier": {"$ne": "free"}, "city": "city11"}),
    # Null, missing, types.
    "fourth-exists-eq": Probe(OD, {"coupon": {"$exists": True}, "channel": "store"}),
    "fourth-exists-sort": Probe(U, {"deleted_at": {"$exists": True}}, [("deleted_at", -1)], 20),
    "fourth-missing-eq": Probe(OD, {"assignee": {"$exists": False}, "status": "failed"}),
    "fourth-null-eq": Probe(OD, {"coupon": None, "user_id": 6}),
    "fourth-not-null-eq": Probe(OD, {"assignee": {"$ne": None}, "status": "failed"}),
    "fourth-type-eq": Probe(U, {"deleted_at": {"$type": "date"}, "tier": "team"}),
    # Regular expressions.
    "fourth-regex-prefix": Probe(U, {"email": {"$regex": "^user1999"}}),
    "fourth-regex-prefix-eq": Probe(P, {"name": {"$regex": "^product 99"}, "category": "cat2"}),
    "fourth-regex-ci": Probe(P, {"sku": {"$regex": "^sku-0003", "$options": "i"}}),
    "fourth-regex-inside": Probe(U, {"name": {"$regex": "9999"}}),
    "fourth-regex-ci-eq": Probe(U, {"email": {"$regex": "^USER7", "$options": "i"}, "country": "DK"}),
    # Arrays.
    "fourth-array-tags": Probe(U, {"tags": "tag39"}),
    "fourth-array-eq": Probe(OD, {"items.product_id": 5, "status": "paid"}),
    "fourth-array-sort": Probe(OD, {"items.product_id": 9}, [("created_at", -1)], 10),
    "fourth-array-in": Probe(C, {"lines.product": {"$in": [3500, 3600, 3700]}}),
    "fourth-array-all-three": Probe(U, {"tags": {"$all": ["tag05", "tag06", "tag07"]}, "tier": "pro"}),
    "fourth-array-elem": Probe(OD, {"items": {"$elemMatch": {"product_id": 40, "qty": {"$gte": 4}}}}),
    "fourth-array-elem-attrs": Probe(
        P, {"attrs": {"$elemMatch": {"k": "year", "v": {"$gte": 18}}}, "category": "cat0"}),
    # Covered, counted, distinct.
    "fourth-covered-two": Probe(E, {"user_id": 4}, covered=("user_id", "type", "value")),
    "fourth-covered-sort": Probe(
        OD, {"status": "failed"}, [("created_at", -1)], 50, covered=("status", "created_at", "total")),
    "fourth-covered-range": Probe(P, {"price": {"$gte": 400}}, covered=("price", "sku")),
    "fourth-covered-own": Probe(U, {"city": "city0"}, covered=("city", "tier")),
    "fourth-count-two": Probe(E, {"type": "refund", "ref.kind": "mail"}, covered=("type", "ref.kind")),
    "fourth-count-range": Probe(
        OD, {"region": 7, "created_at": {"$gte": day(2025, 11)}}, covered=("region", "created_at")),
    "fourth-count-in": Probe(R, {"rating": {"$in": [1, 2]}, "lang": "fr"}, covered=("rating", "lang")),
    "fourth-distinct": Probe(P, {}, distinct="brand", covered=("brand",)),
    "fourth-distinct-nested": Probe(U, {}, distinct="address.city", covered=("address.city",)),
    "fourth-distinct-of": Probe(OD, {"status": "new"}, distinct="region", covered=("region", "status")),
    # Aggregations.
    "fourth-agg-group": Probe(E, {"type": "checkout"}, covered=("type", "user_id"), answer=5_800, sent=piped(
        E, {"$match": {"type": "checkout"}}, group("user_id", n={"$sum": 1}))),
    "fourth-agg-sum": Probe(
        OD, {"channel": "phone", "status": "done"}, covered=("channel", "status", "region", "total"), answer=10,
        sent=piped(OD, {"$match": {"channel": "phone", "status": "done"}}, group("region", sum={"$sum": "$total"}))),
    "fourth-agg-range-group": Probe(
        R, {"product_id": 11, "created_at": {"$gte": day(2025, 1)}}, covered=("product_id", "created_at", "rating"),
        answer=1, sent=piped(R, {"$match": {"product_id": 11, "created_at": {"$gte": day(2025, 1)}}},
                             group("product_id", mean={"$avg": "$rating"}))),
    "fourth-agg-match-sort": Probe(P, {"category": "cat6"}, [("price", 1)], 5, sent=piped(
        P, {"$match": {"category": "cat6"}}, {"$sort": {"price": 1}}, {"$limit": 5})),
    "fourth-agg-sort-match": Probe(OD, {"assignee": "agent2"}, [("updated_at", -1)], 10, sent=piped(
        OD, {"$sort": {"updated_at": -1}}, {"$match": {"assignee": "agent2"}}, {"$limit": 10})),
    "fourth-agg-project": Probe(OD, {"region": 1, "status": "failed"}, sent=piped(
        OD, {"$project": {"region": 1, "status": 1, "total": 1}}, {"$match": {"region": 1, "status": "failed"}})),
    "fourth-agg-unwind": Probe(OD, {"user_id": 13}, answer=20, sent=piped(
        OD, {"$match": {"user_id": 13}}, {"$unwind": "$items"}, group("items.product_id", n={"$sum": "$items.qty"}))),
    "fourth-agg-count": Probe(U, {"country": "AT", "tier": "team"}, covered=("country", "tier"), sent=piped(
        U, {"$match": {"country": "AT", "tier": "team"}}, {"$count": "n"}), answer=1),
    "fourth-agg-facet": Probe(R, {"product_id": 30, "lang": "en"}, sent=piped(
        R, {"$match": {"product_id": 30, "lang": "en"}},
        {"$facet": {"best": [{"$sort": {"helpful": -1}}, {"$limit": 3}], "n": [{"$count": "n"}]}}), answer=1),
    # Writes.
    "fourth-update-one": Probe(P, {"sku": "SKU-001234"}, limit=1, sent=changed({"sku": "SKU-001234"}), answer=1),
    "fourth-update-many": Probe(OD, AGENT, sent=changed(AGENT, multi=True)),
    "fourth-update-range": Probe(OD, EARLY, sent=changed(EARLY, multi=True)),
    "fourth-delete-many": Probe(E, RARE, sent={"q": RARE, "limit": 0}),
    "fourth-modify": Probe(OD, NEXT, [("created_at", 1)], 1, sent={
        "findAndModify": OD, "query": NEXT,
        "sort": {"created_at": 1}, "update": {"$set": {"status": "new"}}}, answer=1),
    "fourth-modify-two": Probe(OD, {"status": "new", "assignee": None}, [("priority", -1)], 1, sent={
        "findAndModify": OD, "query": {"status": "new", "assignee": None},
        "sort": {"priority": -1}, "remove": True}, answer=1),
    # Skip, limit, collation.
    "fourth-skip-deep": Probe(E, {"type": "view"}, [("ts", -1)], 50, 5_000),
    "fourth-skip-filter": Probe(R, {"rating": 5, "lang": "de"}, [("helpful", -1)], 20, 1_000),
    "fourth-limit-bare": Probe(U, {"city": "city399"}, limit=3),
    "fourth-collation": Probe(U, {"name": "c123456"}, sent={
        "find": U, "filter": {"name": "c123456"}, "collation": {"locale": "en", "strength": 2}}),
    "fourth-collation-sort": Probe(U, {"country": "JP"}, [("name", 1)], 10, sent={
        "find": U, "filter": {"country": "JP"},
        "sort": {"name": 1}, "limit": 10, "collation": {"locale": "en", "strength": 2}}),
}  # fmt: skip
