"""The shop's documents: the same ones for the same scale, skewed as real ones are."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import DBRef

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
COUNTS = {
    "users": 60_000,
    "products": 12_000,
    "orders": 180_000,
    "events": 240_000,
    "reviews": 90_000,
    "carts": 9_000,
    "invoices": 24_000,
}
"""Documents at scale 1: 615,000."""
_STATUS = (("done", 0.88), ("paid", 0.07), ("new", 0.04), ("failed", 0.01))
_COUNTRIES = ("US", "DE", "FR", "GB", "JP", "BR", "IN", "CA", "IT", "ES")

Document = dict[str, Any]


def documents(collection: str, scale: float = 1.0) -> Iterator[Document]:
    """The documents of one collection, by ``_id``."""
    rng = random.Random(collection)
    counts = {name: max(int(count * scale), 20) for name, count in COUNTS.items()}
    make = {
        "users": _user,
        "products": _product,
        "orders": _order,
        "events": _event,
        "reviews": _review,
        "carts": _cart,
        "invoices": _invoice,
    }
    for number in range(counts[collection]):
        yield {"_id": number, **make[collection](rng, number, counts)}


def _skewed(rng: random.Random, count: int) -> int:
    return min(count - 1, int(count * rng.random() ** 2))


def _when(rng: random.Random) -> datetime:
    return EPOCH + timedelta(seconds=rng.randrange(700 * 86_400))


def _status(rng: random.Random) -> str:
    drawn = rng.random()
    for name, share in _STATUS:
        drawn -= share
        if drawn < 0:
            return name
    return "done"


def _user(rng: random.Random, number: int, counts: dict[str, int]) -> Document:
    found: Document = {
        "email": f"user{number}@example.com",
        "country": _COUNTRIES[_skewed(rng, 10)],
        "tier": rng.choices(("free", "pro", "team"), (85, 12, 3))[0],
        "created_at": _when(rng),
    }
    if rng.random() < 0.03:
        found["deleted_at"] = _when(rng)
    return found


def _product(rng: random.Random, number: int, counts: dict[str, int]) -> Document:
    return {
        "sku": f"SKU-{number:06d}",
        "name": f"product {rng.randrange(100_000)}",
        "category": f"cat{_skewed(rng, 60)}",
        "price": round(5 + 500 * rng.random() ** 3, 2),
    }


def _order(rng: random.Random, number: int, counts: dict[str, int]) -> Document:
    found: Document = {
        "user_id": _skewed(rng, counts["users"]),
        "status": _status(rng),
        "channel": rng.choices(("web", "app", "store", "phone"), (50, 35, 12, 3))[0],
        "region": rng.randrange(10),
        "total": round(5 + 400 * rng.random() ** 2, 2),
        "created_at": _when(rng),
        "items": [
            {"product_id": _skewed(rng, counts["products"]), "qty": 1 + rng.randrange(4)}
            for _ in range(1 + rng.randrange(4))
        ],
    }
    if rng.random() < 0.2:
        found["assignee"] = f"agent{rng.randrange(50)}"
    return found


def _event(rng: random.Random, number: int, counts: dict[str, int]) -> Document:
    return {
        "session": f"s{_skewed(rng, max(counts['events'] // 6, 1)):06d}",
        "user_id": _skewed(rng, counts["users"]),
        "type": rng.choice(("view", "click", "search", "add", "pay", "login")),
        "ts": _when(rng),
    }


def _review(rng: random.Random, number: int, counts: dict[str, int]) -> Document:
    return {
        "product_id": _skewed(rng, counts["products"]),
        "user_id": _skewed(rng, counts["users"]),
        "rating": 1 + rng.randrange(5),
        "helpful": _skewed(rng, 500),
        "created_at": _when(rng),
    }


def _cart(rng: random.Random, number: int, counts: dict[str, int]) -> Document:
    return {"owner": number, "lines": [{"product": _skewed(rng, counts["products"])} for _ in range(rng.randrange(5))]}


def _invoice(rng: random.Random, number: int, counts: dict[str, int]) -> Document:
    """As Beanie stores it: the customer is a link."""
    return {
        "customer": DBRef("users", _skewed(rng, counts["users"])),
        "amount": round(5 + 400 * rng.random() ** 2, 2),
        "issued_at": EPOCH + timedelta(seconds=60 * number),
    }
