"""The shop over HTTP: each route is one call of a service."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from sample_dbs.shop_postgres.app.comments import current_route
from sample_dbs.shop_postgres.app.database import Database
from sample_dbs.shop_postgres.app.services import backoffice, catalog, customers, live, orders


class NamedRoute(APIRoute):
    """A route that tells the statements' comments its path template."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The ordinary handler, run with the route's name set."""
        handler = super().get_route_handler()

        async def named(request: Request) -> Response:
            token = current_route.set(self.path)
            try:
                return await handler(request)
            finally:
                current_route.reset(token)

        return named


def _session(request: Request) -> Iterator[Session]:
    database: Database = request.app.state.database
    with database.web() as session:
        yield session


async def _async_session(request: Request) -> AsyncIterator[AsyncSession]:
    database: Database = request.app.state.database
    async with database.web_async() as session:
        yield session


Db = Annotated[Session, Depends(_session)]
AsyncDb = Annotated[AsyncSession, Depends(_async_session)]
router = APIRouter(route_class=NamedRoute)


def create_app(database: Database) -> FastAPI:
    """The shop's web application over an open database."""
    app = FastAPI(title="Shop", openapi_url=None)
    app.state.database = database
    app.include_router(router)
    return app


@router.get("/categories/{category_id}")
def category_page(session: Db, category_id: int) -> Any:
    """Newest products of a category."""
    return catalog.category_page(session, category_id)


@router.get("/tags/{name}")
def tag_page(session: Db, name: str) -> Any:
    """Products of a tag."""
    return catalog.tag_page(session, name)


@router.get("/departments/{department_id}")
def department_overview(session: Db, department_id: int) -> Any:
    """Sizes of a department's categories."""
    return catalog.department_overview(session, department_id)


@router.get("/storefront/{category_id}")
def storefront(session: Db, category_id: int) -> Any:
    """Shop window of a category."""
    return catalog.storefront(session, category_id)


@router.get("/products/{product_id}")
def product_page(session: Db, product_id: int) -> Any:
    """One product."""
    return catalog.product_page(session, product_id)


@router.get("/teasers/{product_id}")
async def product_teaser(session: AsyncDb, product_id: int) -> Any:
    """One product, briefly."""
    return await live.product_teaser(session, product_id)


@router.get("/countries")
def delivery_countries(session: Db) -> Any:
    """Countries delivered to."""
    return catalog.delivery_countries(session)


@router.get("/settings/{key}")
def option(session: Db, key: str) -> Any:
    """A setting."""
    return catalog.option(session, key)


@router.get("/reviews/latest")
async def latest_reviews(session: AsyncDb, before: datetime) -> Any:
    """The wall of reviews."""
    return await live.latest_reviews(session, before)


@router.get("/carts/abandoned")
def abandoned_carts(session: Db, until: datetime) -> Any:
    """Carts to send a reminder for."""
    return customers.abandoned_carts(session, until)


@router.get("/carts/{cart_id}")
async def cart_preview(session: AsyncDb, cart_id: int) -> Any:
    """Products in a cart."""
    return await live.cart_preview(session, cart_id)


@router.get("/orders/recent")
def recent_orders(session: Db, before: datetime) -> Any:
    """The clerks' start page."""
    return orders.recent_orders(session, before)


@router.get("/orders/dispatch")
def dispatch_sheet(session: Db, since: datetime) -> Any:
    """The packing list."""
    return orders.dispatch_sheet(session, since)


@router.get("/orders/on-hold")
def orders_on_hold(session: Db) -> Any:
    """Orders that wait for a decision."""
    return orders.orders_on_hold(session)


@router.get("/orders/{order_id}")
def order_detail(session: Db, order_id: int) -> Any:
    """One order."""
    return orders.order_detail(session, order_id)


@router.get("/shipments/{tracking_number}")
def track_shipment(session: Db, tracking_number: str) -> Any:
    """Where a parcel is."""
    return orders.track_shipment(session, tracking_number)


@router.get("/coupons/{code}/orders")
def coupon_orders(session: Db, code: str) -> Any:
    """Uses of a coupon."""
    return orders.coupon_orders(session, code)


@router.post("/checkout/{customer_id}")
def checkout(session: Db, customer_id: int, product_ids: Annotated[list[int], Query()], now: datetime) -> Any:
    """Buys."""
    return orders.checkout(session, customer_id, product_ids, now)


@router.get("/customers/by-email")
def find_by_email(session: Db, email: str) -> Any:
    """Log-in by e-mail address."""
    return customers.find_by_email(session, email)


@router.post("/customers")
def register(session: Db, email: str, now: datetime) -> Any:
    """Opens an account."""
    return customers.register(session, email, now)


@router.delete("/customers/{customer_id}")
def erase_customer(session: Db, customer_id: int) -> Any:
    """Forgets a customer."""
    customers.erase_customer(session, customer_id)


@router.get("/customers/{customer_id}/history")
def order_history(session: Db, customer_id: int) -> Any:
    """A customer's orders with their lines."""
    return orders.order_history(session, customer_id)


@router.get("/customers/{customer_id}/orders")
def my_orders(session: Db, customer_id: int) -> Any:
    """A customer's orders in one line each."""
    return orders.my_orders(session, customer_id)


@router.get("/customers/{customer_id}/addresses")
def address_book(session: Db, customer_id: int) -> Any:
    """A customer's addresses."""
    return customers.address_book(session, customer_id)


@router.get("/customers/{customer_id}/cart")
def open_cart(session: Db, customer_id: int) -> Any:
    """A customer's cart."""
    return customers.open_cart(session, customer_id)


@router.get("/customers/{customer_id}/reviews")
def my_reviews(session: Db, customer_id: int) -> Any:
    """A customer's reviews."""
    return customers.my_reviews(session, customer_id)


@router.get("/logins/{token}")
def who_is_it(session: Db, token: str) -> Any:
    """The customer of a log-in."""
    return customers.who_is_it(session, token)


@router.get("/office/payments")
def reconcile_payments(session: Db, day: datetime) -> Any:
    """A day's payments."""
    return backoffice.reconcile_payments(session, day)


@router.get("/office/history/{entity_type}/{entity_id}")
def entity_history(session: Db, entity_type: str, entity_id: int) -> Any:
    """The audit trail of one thing."""
    return backoffice.entity_history(session, entity_type, entity_id)


@router.get("/office/recall/{product_id}")
def recall_product(session: Db, product_id: int) -> Any:
    """All buyers of a product."""
    return backoffice.recall_product(session, product_id)


@router.get("/office/stock/today")
def stock_today(session: Db, day: datetime) -> Any:
    """A day's movements."""
    return backoffice.stock_today(session, day)


@router.get("/office/stock/{product_id}")
def stock_ledger(session: Db, product_id: int, since: datetime) -> Any:
    """A product's movements."""
    return backoffice.stock_ledger(session, product_id, since)


@router.get("/office/order-values")
def order_value_tenths(session: Db, since: datetime, until: datetime) -> Any:
    """What orders are worth."""
    return backoffice.order_value_tenths(session, since, until)


@router.get("/office/opt-in-rates")
def opt_in_rates(session: Db, since: datetime) -> Any:
    """Who wants mail."""
    return backoffice.opt_in_rates(session, since)
