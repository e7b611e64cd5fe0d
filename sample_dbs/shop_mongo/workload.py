"""The shop's application on PyMongo's async API and Beanie: what it asks, with the faults that ``expected.json`` lists.

    python -m sample_dbs.shop_mongo.workload mongodb://localhost/shop [SCALE [OPERATIONS]]

It loads the documents (which drops the shop's collections in that database), runs the workload, and leaves the profiler
at level 2 for ``advisor scan``: name an expendable database.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from itertools import islice
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConfigurationError

from sample_dbs.shop_mongo.billing import invoice_list, invoice_list_joined, start
from sample_dbs.shop_mongo.documents import COUNTS, EPOCH, Document, documents

Database = AsyncDatabase[dict[str, Any]]
Operation = Callable[[Database, random.Random, float], Coroutine[Any, Any, None]]
Unit = Callable[[str], AbstractContextManager[Any]]

INDEXES: dict[str, list[tuple[list[tuple[str, int]], dict[str, Any]]]] = {
    "users": [([("email", 1)], {"unique": True}), ([("country", 1)], {})],
    "products": [([("sku", 1)], {"unique": True}), ([("category", 1), ("price", 1)], {})],
    "orders": [
        ([("user_id", 1)], {}),
        ([("user_id", 1), ("status", 1)], {}),
        ([("channel", 1)], {}),
        ([("region", 1), ("created_at", 1)], {}),
    ],
    "events": [([("ts", 1)], {"expireAfterSeconds": 1_000_000_000}), ([("user_id", 1), ("ts", -1)], {})],
    "reviews": [([("product_id", 1)], {}), ([("rating", 1)], {})],
    "carts": [([("owner", 1)], {"hidden": True})],
    "invoices": [([("issued_at", 1)], {})],
}
BATCH = 2_000
PROFILE_BYTES = 64 << 20
"""The profile's size; the server's own default of 1 MB holds a few hundred operations."""
LEAST = 5
"""How often each operation runs at least."""


async def load_and_run(url: str, scale: float = 1.0, operations: int = 600) -> int:
    """Load the documents at ``scale`` and run ``operations`` operations on the database that the URL names ("shop").

    The profiler is left at level 2; returns the level that it had.
    """
    async with _client(url) as client:
        database = _database(client)
        await load(database, scale)
        before = await database.command("profile", 0)
        await database.drop_collection("system.profile")
        await database.create_collection("system.profile", capped=True, size=PROFILE_BYTES)
        await database.command("profile", 2)
        await run(database, scale, operations)
        return int(before.get("was", 0))


async def set_profiler(url: str, level: int) -> None:
    """Set the profiler of the database that the URL names."""
    async with _client(url) as client:
        await _database(client).command("profile", level)


def _client(url: str) -> AsyncMongoClient[dict[str, Any]]:
    return AsyncMongoClient(url, appname="shop", tz_aware=True)


def _database(client: AsyncMongoClient[dict[str, Any]]) -> Database:
    try:
        return client.get_default_database()
    except ConfigurationError:
        return client["shop"]


async def load(database: Database, scale: float) -> None:
    """Put the documents and the indexes that the shop has."""
    for name in COUNTS:
        await database.drop_collection(name)
        source: Iterator[Document] = documents(name, scale)
        while batch := list(islice(source, BATCH)):
            await database[name].insert_many(batch, ordered=False)
        for keys, options in INDEXES[name]:
            await database[name].create_index(keys, **options)


async def run(database: Database, scale: float, operations: int, seed: int = 7, unit: Unit = nullcontext) -> None:
    """Each operation a few times, others drawn by their weights, in an order that is always the same.

    ``unit`` is opened around each, with its name: a recorder's unit of work.
    """
    rng = random.Random(seed)
    weights = [weight for _, weight in OPERATIONS]
    chosen = [operation for operation, _ in OPERATIONS for _ in range(LEAST)]
    drawn = rng.choices(OPERATIONS, weights, k=max(operations - len(chosen), 0))
    chosen += [operation for operation, _ in drawn]
    rng.shuffle(chosen)
    await start(database)
    for operation in chosen:
        with unit(operation.__name__):
            await operation(database, rng, scale)


def _user(rng: random.Random, scale: float) -> int:
    return rng.randrange(max(int(COUNTS["users"] * scale), 20))


async def sign_in(database: Database, rng: random.Random, scale: float) -> None:
    """Right: the unique index on email."""
    await database.users.find_one({"email": f"user{_user(rng, scale)}@example.com"})


async def latest_orders(database: Database, rng: random.Random, scale: float) -> None:
    """Fault: an index on user_id alone, and a sort in memory."""
    await database.orders.find({"user_id": _user(rng, scale)}).sort("created_at", -1).limit(20).to_list()


async def session_events(database: Database, rng: random.Random, scale: float) -> None:
    """Fault: the TTL index on ts is walked from end to end."""
    await database.events.find({"session": f"s{rng.randrange(1000):06d}"}).sort("ts", 1).to_list()


async def agent_queue(database: Database, rng: random.Random, scale: float) -> None:
    """Fault: no index on assignee."""
    await database.orders.find({"assignee": f"agent{rng.randrange(50)}", "status": {"$ne": "done"}}).to_list()


async def recent_of_channel(database: Database, rng: random.Random, scale: float) -> None:
    """Fault: the index on channel finds half of the collection."""
    since = EPOCH + timedelta(days=600 + rng.randrange(90))
    await database.orders.count_documents({"status": "failed", "channel": "web", "created_at": {"$gte": since}})


async def orders_with_product(database: Database, rng: random.Random, scale: float) -> None:
    """Fault: no index on the array of items."""
    await database.orders.find({"items.product_id": rng.randrange(500)}).limit(20).to_list()


async def reviews_of_user(database: Database, rng: random.Random, scale: float) -> None:
    """Fault: no index on user_id."""
    await database.reviews.find({"user_id": _user(rng, scale)}).to_list()


async def helpful_reviews(database: Database, rng: random.Random, scale: float) -> None:
    """Fault: everything is sorted for ten."""
    await database.reviews.find().sort("helpful", -1).limit(10).to_list()


async def search_products(database: Database, rng: random.Random, scale: float) -> None:
    """Fault that no b-tree index cures: a regular expression without case."""
    await database.products.find({"name": {"$regex": f"T {rng.randrange(100)}", "$options": "i"}}).limit(10).to_list()


async def page_of_region(database: Database, rng: random.Random, scale: float) -> None:
    """Fault: a deep skip over the right index."""
    skip = int(2000 * scale) + rng.randrange(100)
    await database.orders.find({"region": 1}).sort("created_at", 1).skip(skip).limit(20).to_list()


async def carts_with_reviews(database: Database, rng: random.Random, scale: float) -> None:
    """Fault: a $lookup without index, and a hidden index."""
    first = rng.randrange(20)
    join = {"from": "reviews", "localField": "owner", "foreignField": "user_id", "as": "reviews"}
    found = await database.carts.aggregate(
        [{"$match": {"owner": {"$gte": first, "$lt": first + 2}}}, {"$lookup": join}]
    )
    await found.to_list()


async def order_list_with_customers(database: Database, rng: random.Random, scale: float) -> None:
    """Fault: N+1, a read of the customer for each order."""
    for order in await database.orders.find({"status": "new", "region": rng.randrange(10)}).limit(15).to_list():
        await database.users.find_one({"_id": order["user_id"]})


async def order_list_batched(database: Database, rng: random.Random, scale: float) -> None:
    """Right: one $in for all customers."""
    orders = await database.orders.find({"status": "new", "region": rng.randrange(10)}).limit(15).to_list()
    await database.users.find({"_id": {"$in": [order["user_id"] for order in orders]}}).to_list()


OPERATIONS: tuple[tuple[Operation, int], ...] = (
    (sign_in, 30),
    (latest_orders, 30),
    (session_events, 10),
    (agent_queue, 8),
    (recent_of_channel, 8),
    (orders_with_product, 4),
    (reviews_of_user, 4),
    (helpful_reviews, 2),
    (search_products, 4),
    (page_of_region, 2),
    (carts_with_reviews, 1),
    (order_list_with_customers, 4),
    (order_list_batched, 4),
    (invoice_list, 4),
    (invoice_list_joined, 4),
)

if __name__ == "__main__":
    asyncio.run(
        load_and_run(
            sys.argv[1],
            float(sys.argv[2]) if len(sys.argv) > 2 else 1.0,
            int(sys.argv[3]) if len(sys.argv) > 3 else 600,
        )
    )
    print("The profiler is at level 2. Next: advisor scan with the same URL; db.setProfilingLevel(0) when done.")
