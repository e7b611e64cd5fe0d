"""Orders, from checkout to the parcel at the door."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, joinedload, selectinload, sessionmaker

from sample_dbs.shop_postgres.app.models import AuditEvent, Coupon, Order, OrderItem, Payment, Product, Shipment

ATTEMPTS = 5  # a transaction that lost against another one is tried again so often


def recent_orders(session: Session, before: datetime) -> list[dict[str, Any]]:
    """The clerks' start page: the last orders and who placed them. PLANTED: n-plus-one-to-one."""
    latest = select(Order).where(Order.placed_at < before).order_by(Order.placed_at.desc()).limit(40)
    return [
        {"id": order.id, "customer": order.customer.last_name if order.customer else None}
        for order in session.scalars(latest)
    ]


def order_history(session: Session, customer_id: int) -> list[dict[str, Any]]:
    """A customer's last orders, their lines and what was bought. PLANTED: n-plus-one-nested."""
    history = select(Order).where(Order.customer_id == customer_id).order_by(Order.placed_at.desc()).limit(10)
    return [
        {"id": order.id, "bought": [(item.quantity, item.product.name) for item in order.items]}
        for order in session.scalars(history)
    ]


def dispatch_sheet(session: Session, since: datetime) -> list[dict[str, Any]]:
    """What the warehouse packs next: buyer, address and payments of each order. PLANTED: n-plus-one-interleaved."""
    waiting = select(Order).where(Order.placed_at >= since).order_by(Order.placed_at).limit(15)
    sheet = []
    for order in session.scalars(waiting).all():
        buyer = order.customer
        address = order.shipping_address
        paid = sum(payment.amount_cents for payment in order.payments)
        sheet.append(
            {"to": buyer and buyer.last_name, "city": address and address.city, "open": order.total_cents - paid}
        )
    return sheet


def track_shipment(session: Session, tracking_number: str) -> dict[str, Any] | None:
    """Where a parcel is. PLANTED: unindexed-equality."""
    found = session.execute(
        select(Shipment.order_id, Shipment.carrier, Shipment.delivered_at).where(
            Shipment.tracking_number == tracking_number
        )
    ).first()
    return None if found is None else {"order_id": found.order_id, "delivered": found.delivered_at is not None}


def orders_on_hold(session: Session) -> list[dict[str, Any]]:
    """The few orders that wait for a clerk's decision, oldest first. PLANTED: unindexed-rare-status."""
    held = select(Order.id, Order.placed_at).where(Order.status == "on_hold").order_by(Order.placed_at)
    return [{"id": row.id, "placed_at": row.placed_at.isoformat()} for row in session.execute(held)]


def order_detail(session: Session, order_id: int) -> dict[str, Any]:
    """One order with all that belongs to it, as it should be."""
    wanted = (
        select(Order)
        .where(Order.id == order_id)
        .options(
            selectinload(Order.items).joinedload(OrderItem.product, innerjoin=True),
            selectinload(Order.payments),
            selectinload(Order.shipments),
            joinedload(Order.shipping_address),
        )
    )
    order = session.scalars(wanted).one()
    return {
        "lines": [item.product.name for item in order.items],
        "paid": sum(payment.amount_cents for payment in order.payments),
        "parcels": len(order.shipments),
        "city": order.shipping_address.city if order.shipping_address else None,
    }


def my_orders(session: Session, customer_id: int) -> list[dict[str, Any]]:
    """A customer's last orders in one line each, as it should be."""
    mine = (
        select(Order.id, Order.status, Order.total_cents)
        .where(Order.customer_id == customer_id)
        .order_by(Order.placed_at.desc())
        .limit(20)
    )
    return [{"id": row.id, "status": row.status, "total_cents": row.total_cents} for row in session.execute(mine)]


def coupon_orders(session: Session, code: str) -> int:
    """Orders that a coupon was used for, as it should be: both sides are indexed."""
    used = select(Order.total_cents).join(Coupon, Coupon.id == Order.coupon_id).where(Coupon.code == code)
    return len(session.scalars(used).all())


def checkout(session: Session, customer_id: int, product_ids: list[int], now: datetime) -> int:
    """Places and pays an order for one piece of each product; returns its number."""
    priced = session.execute(select(Product.id, Product.price_cents).where(Product.id.in_(product_ids)))
    prices = {row.id: row.price_cents for row in priced}
    order = Order(
        customer_id=customer_id,
        status="pending",
        total_cents=sum(prices.values()),
        placed_at=now + timedelta(seconds=1),
    )
    order.items = [
        OrderItem(line_no=line, product_id=product_id, quantity=1, unit_price_cents=price)
        for line, (product_id, price) in enumerate(sorted(prices.items()), start=1)
    ]
    session.add(order)
    session.flush()
    session.add(
        Payment(
            order_id=order.id,
            provider="card",
            provider_reference=f"live-{order.id}",
            amount_cents=order.total_cents,
            captured_at=now + timedelta(seconds=2),
        )
    )
    session.add(
        AuditEvent(
            entity_type="order",
            entity_id=order.id,
            action="create",
            actor="shop",
            payload={"total_cents": order.total_cents},
            created_at=now,
        )
    )
    number = order.id
    session.commit()
    return number


def redeem_coupon(sessions: sessionmaker[Session], code: str, meanwhile: Callable[[int], None]) -> int:
    """Counts a use of a coupon, again from the start when somebody else was faster; returns the attempts it took.

    ``meanwhile(attempt)`` is called between reading and writing. Not a fault: retry-after-serialization-failure.
    """
    for attempt in range(1, ATTEMPTS + 1):
        with sessions() as session:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            coupon = session.scalars(select(Coupon).where(Coupon.code == code)).one()
            meanwhile(attempt)
            coupon.redeemed += 1
            try:
                session.commit()
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", None) != "40001" or attempt == ATTEMPTS:
                    raise
            else:
                return attempt
    raise AssertionError("unreachable: the last attempt returns or raises")
