"""The shop's billing, on Beanie: documents with links, and what is asked of them."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from beanie import Document, Link, init_beanie
from pymongo.asynchronous.database import AsyncDatabase

from sample_dbs.shop_mongo.documents import EPOCH

PAGE = 12


class User(Document):
    """A customer."""

    id: int  # type: ignore[assignment]  # the shop numbers its documents
    email: str

    class Settings:
        """Where it is kept."""

        name = "users"


class Invoice(Document):
    """An invoice, linked with its customer."""

    id: int  # type: ignore[assignment]  # the shop numbers its documents
    customer: Link[User]
    amount: float
    issued_at: datetime

    class Settings:
        """Where it is kept."""

        name = "invoices"


async def start(database: AsyncDatabase[dict[str, Any]]) -> None:
    """Tell Beanie the database."""
    await init_beanie(database, document_models=[User, Invoice], skip_indexes=True)


async def invoice_list(database: AsyncDatabase[dict[str, Any]], rng: random.Random, scale: float) -> None:
    """Fault: N+1, each invoice fetches its customer's link."""
    for invoice in await Invoice.find(_page(rng, scale)).limit(PAGE).to_list():
        await invoice.fetch_link(Invoice.customer)


async def invoice_list_joined(database: AsyncDatabase[dict[str, Any]], rng: random.Random, scale: float) -> None:
    """Right: one $lookup by the customers' _id for the whole page."""
    await Invoice.find(_page(rng, scale), fetch_links=True).limit(PAGE).to_list()


def _page(rng: random.Random, scale: float) -> dict[str, Any]:
    return {"issued_at": {"$gte": EPOCH + timedelta(seconds=60 * rng.randrange(max(int(20_000 * scale), 5)))}}
