"""The asynchronous part of the shop: pages that are asked for all the time."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from sample_dbs.shop_postgres.app.models import Cart, Product, Review


async def latest_reviews(session: AsyncSession, before: datetime) -> list[dict[str, Any]]:
    """The last reviews and who wrote them. PLANTED: n-plus-one-awaitable-attrs."""
    latest = select(Review).where(Review.created_at < before).order_by(Review.created_at.desc()).limit(30)
    wall = []
    for review in (await session.scalars(latest)).all():
        author = await review.awaitable_attrs.customer
        wall.append({"rating": review.rating, "by": author.first_name})
    return wall


async def cart_preview(session: AsyncSession, cart_id: int) -> list[str]:
    """Names of the products in a cart, which knows their numbers only. PLANTED: n-plus-one-get-loop."""
    cart = await session.get_one(Cart, cart_id)
    names = []
    for product_id in cart.product_ids:
        product = await session.get(Product, product_id)
        if product is not None:
            names.append(product.name)
    return names


async def product_teaser(session: AsyncSession, product_id: int) -> dict[str, Any]:
    """Name and price of one product. Not a fault, however many ask at once: concurrent-single-lookups."""
    found = (await session.execute(select(Product.name, Product.price_cents).where(Product.id == product_id))).one()
    return {"name": found.name, "price_cents": found.price_cents}
