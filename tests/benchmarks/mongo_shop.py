"""Probes over the recorded shop's documents (tests/cases/mongo/recorded/dataset.py), other than the recorded ones.

Written after the rules had been changed for ``mongo_fleet``, and before the first run: a second held-out set.
"""

from __future__ import annotations

import runpy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.mongo_index_probe import Probe

MAKERS: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / "cases" / "mongo" / "recorded" / "dataset.py"))[
    "COLLECTIONS"
]

OD, U, P, E, R, C = "orders", "users", "products", "events", "reviews", "carts"


def day(year: int, month: int, number: int = 1) -> datetime:
    return datetime(year, month, number, tzinfo=UTC)


PROBES: dict[str, Probe] = {
    "shop-eq-sku": Probe(P, {"sku": "SKU-002222"}),
    "shop-eq-category-brand": Probe(P, {"category": "cat4", "brand": "brand3"}),
    "shop-eq-channel-third": Probe(OD, {"channel": "app"}),
    "shop-eq-channel-most": Probe(OD, {"channel": "web"}),
    "shop-eq-lang-rating": Probe(R, {"lang": "de", "rating": 2}),
    "shop-eq-city": Probe(U, {"city": "city7"}),
    "shop-eq-zip-tier": Probe(U, {"address.zip": "51234", "tier": "free"}),
    "shop-eq-owner": Probe(C, {"owner": 77}),
    "shop-range-price": Probe(P, {"price": {"$gte": 480}}),
    "shop-range-price-between": Probe(P, {"price": {"$gte": 20, "$lt": 22}}),
    "shop-range-created": Probe(U, {"created_at": {"$gte": day(2025, 11, 20)}}),
    "shop-range-touched": Probe(C, {"touched_at": {"$lt": day(2024, 1, 2)}}),
    "shop-eq-range-total": Probe(OD, {"status": "paid", "total": {"$gt": 850}}),
    "shop-eq-range-helpful": Probe(R, {"rating": 1, "helpful": {"$gte": 150}}),
    "shop-eq-two-range": Probe(OD, {"region": 3, "priority": 2, "created_at": {"$gte": day(2025, 9)}}),
    "shop-nested-range-eq": Probe(E, {"ref.kind": "ad", "ref.id": {"$lt": 40}, "type": "view"}),
    "shop-eq-sort-user": Probe(OD, {"user_id": 5}, [("created_at", -1)], 10),
    "shop-eq-sort-mixed": Probe(R, {"product_id": 1}, [("rating", -1), ("created_at", 1)], 15),
    "shop-sort-only": Probe(U, {}, [("last_seen", -1)], 20),
    "shop-sort-two": Probe(P, {}, [("stock", 1), ("price", -1)], 10),
    "shop-esr-cheap": Probe(P, {"category": "cat2", "price": {"$lt": 400}}, [("created_at", -1)], 10),
    "shop-esr-user": Probe(E, {"type": "click", "value": {"$gte": 100}}, [("ts", -1)], 50),
    "shop-ers-rare": Probe(OD, {"channel": "store", "total": {"$gt": 905}}, [("created_at", -1)], 100),
    "shop-ers-whole": Probe(E, {"type": "search", "value": {"$gte": 990}}, [("ts", 1)]),
    "shop-range-sort-other": Probe(OD, {"total": {"$gt": 500}}, [("updated_at", -1)], 25),
    "shop-range-sort-rare": Probe(R, {"helpful": {"$gte": 298}}, [("created_at", -1)]),
    "shop-range-equals-sort": Probe(E, {"type": "login", "ts": {"$gte": day(2024, 2, 20)}}, [("ts", -1)], 30),
    "shop-in-five": Probe(R, {"product_id": {"$in": [7, 70, 700, 1700, 2700]}}),
    "shop-in-three-sort": Probe(OD, {"status": {"$in": ["new", "failed"]}, "region": 4}, [("created_at", -1)], 20),
    "shop-in-100-sort": Probe(E, {"session": {"$in": [f"s{n:06d}" for n in range(0, 10000, 100)]}}, [("ts", -1)], 10),
    "shop-in-300-sort": Probe(R, {"user_id": {"$in": list(range(3, 9003, 30))}}, [("created_at", -1)], 20),
    "shop-in-500-sort": Probe(E, {"user_id": {"$in": list(range(0, 5000, 10))}}, [("ts", -1)], 30),
    "shop-in-250": Probe(P, {"sku": {"$in": [f"SKU-{n:06d}" for n in range(0, 2500, 10)]}}),
    "shop-in-range": Probe(OD, {"priority": {"$in": [3, 4]}, "total": {"$lt": 12}}),
    "shop-ne-eq": Probe(R, {"lang": {"$ne": "en"}, "product_id": 9}),
    "shop-ne-alone": Probe(R, {"lang": {"$ne": "en"}}),
    "shop-nin-eq": Probe(OD, {"channel": {"$nin": ["web", "app"]}, "assignee": "agent4"}),
    "shop-exists": Probe(OD, {"assignee": {"$exists": True}, "status": "new"}),
    "shop-missing": Probe(OD, {"assignee": None, "status": "new", "channel": "phone"}),
    "shop-type": Probe(OD, {"coupon": {"$type": "string"}, "region": 2}),
    "shop-regex-prefix": Probe(U, {"name": {"$regex": "^A00"}}),
    "shop-regex-prefix-sort": Probe(P, {"brand": {"$regex": "^brand11"}}, [("price", 1)], 10),
    "shop-regex-ci": Probe(P, {"sku": {"$regex": "^sku-00123", "$options": "i"}}),
    "shop-regex-inside": Probe(U, {"email": {"$regex": "r1234"}}),
    "shop-or-fields": Probe(E, {"$or": [{"session": "s000007"}, {"user_id": 4321}]}),
    "shop-or-and": Probe(R, {"lang": "ja", "$or": [{"user_id": 40}, {"product_id": 15}]}),
    "shop-or-sort": Probe(OD, {"$or": [{"assignee": "agent7"}, {"user_id": 33}]}, [("created_at", -1)], 10),
    "shop-array": Probe(U, {"tags": "tag07", "country": "IT"}),
    "shop-array-sort": Probe(OD, {"items.product_id": 55}, [("created_at", -1)], 5),
    "shop-array-all": Probe(U, {"tags": {"$all": ["tag11", "tag12", "tag13"]}}),
    "shop-array-elem": Probe(P, {"attrs": {"$elemMatch": {"k": "color", "v": 7}}}),
    "shop-covered": Probe(R, {"product_id": 12}, covered=("product_id", "rating", "helpful")),
    "shop-count": Probe(OD, {"region": 5, "status": "failed"}, covered=("region", "status")),
    "shop-count-range": Probe(P, {"stock": {"$lt": 5}, "category": "cat0"}, covered=("stock", "category")),
    "shop-distinct": Probe(E, {}, distinct="type", covered=("type",)),
    "shop-skip": Probe(R, {"lang": "fr"}, [("created_at", 1)], 10, 900),
    "shop-first": Probe(OD, {"status": "new", "channel": "phone"}, [("priority", -1), ("created_at", 1)], 1),
}  # fmt: skip
