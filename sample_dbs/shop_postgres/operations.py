"""What people and jobs do in the shop, one function an operation, and how often a day has each.

Each draws its parameters from the population's random numbers, so that a seed decides all of them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import FastAPI
from sqlalchemy import update

from sample_dbs.shop_postgres.app.database import Database
from sample_dbs.shop_postgres.app.models import Coupon
from sample_dbs.shop_postgres.app.services import batch, orders
from sample_dbs.shop_postgres.asgi import call
from sample_dbs.shop_postgres.population import NOW, START, Population

POLL_INTERVAL_S = 0.02
AT_ONCE = 40  # requests of a rush


@dataclass(frozen=True, slots=True)
class Shop:
    """All that an operation needs: the application, its database, and the people who use it."""

    app: FastAPI
    database: Database
    people: Population

    async def get(self, path: str, **query: Any) -> Any:
        """GETs a page."""
        return await call(self.app, "GET", path, **query)


Operation = Callable[[Shop], Awaitable[object]]


async def _recent_orders(shop: Shop) -> object:
    return await shop.get("/orders/recent", before=shop.people.moment())


async def _category_page(shop: Shop) -> object:
    return await shop.get(f"/categories/{shop.people.big_category()}")


async def _tag_page(shop: Shop) -> object:
    return await shop.get(f"/tags/tag-{1 + shop.people.random.randint(0, 30) * 7919 % 200}")


async def _order_history(shop: Shop) -> object:
    return await shop.get(f"/customers/{shop.people.regular_customer()}/history")


async def _dispatch_sheet(shop: Shop) -> object:
    return await shop.get("/orders/dispatch", since=shop.people.moment())


async def _department_overview(shop: Shop) -> object:
    return await shop.get(f"/departments/{shop.people.random.randint(1, 12)}")


async def _latest_reviews(shop: Shop) -> object:
    return await shop.get("/reviews/latest", before=shop.people.moment())


async def _cart_preview(shop: Shop) -> object:
    return await shop.get(f"/carts/{shop.people.any_of('carts')}")


async def _track_shipment(shop: Shop) -> object:
    return await shop.get(f"/shipments/{shop.people.tracking_number()}")


async def _reconcile_payments(shop: Shop) -> object:
    return await shop.get("/office/payments", day=shop.people.day())


async def _entity_history(shop: Shop) -> object:
    kind = shop.people.random.choice(("order", "order", "customer", "product"))
    number = shop.people.random.randint(1, shop.people.last_ids["audit_events"] // 8)
    return await shop.get(f"/office/history/{kind}/{number}")


async def _find_by_email(shop: Shop) -> object:
    return await shop.get("/customers/by-email", email=shop.people.email())


async def _abandoned_carts(shop: Shop) -> object:
    return await shop.get("/carts/abandoned", until=shop.people.day())


async def _orders_on_hold(shop: Shop) -> object:
    return await shop.get("/orders/on-hold")


async def _recall_product(shop: Shop) -> object:
    return await shop.get(f"/office/recall/{shop.people.quiet_product()}")


async def _stock_ledger(shop: Shop) -> object:
    since = NOW - timedelta(days=shop.people.random.randint(300, 500))
    return await shop.get(f"/office/stock/{shop.people.any_of('products')}", since=since)


async def _order_value_tenths(shop: Shop) -> object:
    since = shop.people.moment(0.6, 0.8)
    return await shop.get("/office/order-values", since=since, until=since + timedelta(days=190))


async def _opt_in_rates(shop: Shop) -> object:
    return await shop.get("/office/opt-in-rates", since=START + timedelta(days=shop.people.random.randint(60, 180)))


async def _register_and_erase(shop: Shop) -> object:
    email = f"New.{shop.people.random.getrandbits(48)}@Example.net"
    customer = await call(shop.app, "POST", "/customers", email=email, now=NOW)
    return await call(shop.app, "DELETE", f"/customers/{customer}")


async def _checkout(shop: Shop) -> object:
    products = [shop.people.quiet_product() for _ in range(shop.people.random.randint(1, 4))]
    customer = shop.people.regular_customer()
    return await call(shop.app, "POST", f"/checkout/{customer}", product_ids=products, now=NOW)


async def _rush(shop: Shop) -> object:
    """Many visitors ask for one product each, at the same time."""
    wanted = [shop.people.any_of("products") for _ in range(AT_ONCE)]
    return await asyncio.gather(*(shop.get(f"/teasers/{product}") for product in wanted))


async def _export_catalog(shop: Shop) -> object:
    with shop.database.batch() as session:
        return batch.export_catalog(session)


async def _export_customers(shop: Shop) -> object:
    with shop.database.batch() as session:
        return batch.export_customers(session)


async def _import_deliveries(shop: Shop) -> object:
    with shop.database.batch() as session:
        return batch.import_deliveries(session, [shop.people.any_of("products") for _ in range(200)], NOW)


async def _reprice(shop: Shop) -> None:
    first = shop.people.random.randint(1, 1000)
    with shop.database.batch() as session:
        batch.reprice(session, dict.fromkeys(range(first, first + 60), 10))


async def _count_stock(shop: Shop) -> None:
    counted = {shop.people.any_of("products"): shop.people.random.randint(0, 50) for _ in range(40)}
    with shop.database.batch() as session:
        batch.count_stock(session, counted, NOW)


async def _work_through_queue(shop: Shop) -> None:
    """The worker asks for a job at a constant interval and finds one now and then."""
    for turn in range(12):
        with shop.database.batch() as session:
            if turn in (3, 4):
                batch.enqueue(session, f"turn {turn}")
            batch.work_once(session)
        await asyncio.sleep(POLL_INTERVAL_S)


async def _redeem_coupon(shop: Shop) -> object:
    """Somebody else redeems the same coupon during the first two attempts, which therefore fail."""
    number = shop.people.any_of("coupons")

    def competitor(attempt: int) -> None:
        if attempt <= 2:
            with shop.database.batch() as session:
                session.execute(update(Coupon).where(Coupon.id == number).values(redeemed=Coupon.redeemed + 1))
                session.commit()

    return orders.redeem_coupon(shop.database.web, f"SAVE{number}", competitor)


def _page(path: str) -> Operation:
    """An operation that GETs a page whose path names the people's draws, such as ``/products/{any product}``."""

    async def visit(shop: Shop) -> object:
        people = shop.people
        return await shop.get(
            path.format(
                product=people.any_of("products"),
                order=people.any_of("orders"),
                customer=people.regular_customer(),
                frequent=people.frequent_customer(),
                coupon=people.any_of("coupons"),
                category=people.big_category(),
                token=people.token(),
                setting=people.random.randint(1, 12),
            )
        )

    return visit


async def _stock_today(shop: Shop) -> object:
    return await shop.get("/office/stock/today", day=shop.people.day())


OPERATIONS: dict[str, tuple[int, Operation]] = {
    # planted: filters, foreign keys, orders of columns
    "track_shipment": (100, _track_shipment),
    "reconcile_payments": (70, _reconcile_payments),
    "entity_history": (110, _entity_history),
    "find_by_email": (110, _find_by_email),
    "abandoned_carts": (60, _abandoned_carts),
    "orders_on_hold": (60, _orders_on_hold),
    "recall_product": (55, _recall_product),
    "register_and_erase": (25, _register_and_erase),
    "stock_ledger": (60, _stock_ledger),
    "order_value_tenths": (3, _order_value_tenths),
    # planted: N+1
    "recent_orders": (5, _recent_orders),
    "category_page": (5, _category_page),
    "tag_page": (5, _tag_page),
    "order_history": (5, _order_history),
    "dispatch_sheet": (5, _dispatch_sheet),
    "department_overview": (5, _department_overview),
    "latest_reviews": (5, _latest_reviews),
    "cart_preview": (6, _cart_preview),
    # look-alikes
    "storefront": (10, _page("/storefront/{category}")),
    "rush": (3, _rush),
    "export_catalog": (3, _export_catalog),
    "export_customers": (3, _export_customers),
    "import_deliveries": (3, _import_deliveries),
    "reprice": (3, _reprice),
    "count_stock": (3, _count_stock),
    "work_through_queue": (3, _work_through_queue),
    "redeem_coupon": (5, _redeem_coupon),
    "delivery_countries": (25, _page("/countries")),
    "option": (40, _page("/settings/shop.option_{setting}")),
    "opt_in_rates": (4, _opt_in_rates),
    # all is well
    "who_is_it": (60, _page("/logins/{token}")),
    "product_page": (30, _page("/products/{product}")),
    "order_detail": (20, _page("/orders/{order}")),
    "my_orders": (30, _page("/customers/{frequent}/orders")),
    "address_book": (15, _page("/customers/{customer}/addresses")),
    "open_cart": (15, _page("/customers/{customer}/cart")),
    "my_reviews": (12, _page("/customers/{customer}/reviews")),
    "coupon_orders": (6, _page("/coupons/SAVE{coupon}/orders")),
    "stock_today": (12, _stock_today),
    "checkout": (12, _checkout),
}
"""Each operation's calls at scale 1 and what it does."""
