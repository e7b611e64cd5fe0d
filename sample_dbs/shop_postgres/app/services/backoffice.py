"""What the office looks at: payments, stock, audit trail and reports."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sample_dbs.shop_postgres.app.models import (
    AuditEvent,
    Customer,
    InventoryMovement,
    Order,
    OrderItem,
    Payment,
)

DAY = timedelta(days=1)


def reconcile_payments(session: Session, day: datetime) -> dict[str, int]:
    """Cents received in a day from each payment provider. PLANTED: unindexed-range."""
    received = (
        select(Payment.provider, func.sum(Payment.amount_cents).label("cents"))
        .where(Payment.captured_at >= day, Payment.captured_at < day + DAY)
        .group_by(Payment.provider)
    )
    return {row.provider: int(row.cents) for row in session.execute(received)}


def entity_history(session: Session, entity_type: str, entity_id: int) -> list[dict[str, Any]]:
    """The last changes of one thing. PLANTED: unindexed-equality-sort-limit."""
    changes = (
        select(AuditEvent.action, AuditEvent.actor, AuditEvent.payload)
        .where(AuditEvent.entity_type == entity_type, AuditEvent.entity_id == entity_id)
        .order_by(AuditEvent.created_at.desc())
        .limit(20)
    )
    return [{"action": row.action, "actor": row.actor} for row in session.execute(changes)]


def recall_product(session: Session, product_id: int) -> list[str]:
    """E-mail addresses of all who bought a product. PLANTED: unindexed-fk-join."""
    buyers = (
        select(Customer.email)
        .join(Order, Order.customer_id == Customer.id)
        .join(OrderItem, OrderItem.order_id == Order.id)
        .where(OrderItem.product_id == product_id)
        .distinct()
    )
    return list(session.scalars(buyers))


def stock_ledger(session: Session, product_id: int, since: datetime) -> list[dict[str, Any]]:
    """A product's movements since a day. PLANTED: wrong-column-order."""
    movements = (
        select(InventoryMovement.moved_at, InventoryMovement.quantity)
        .where(InventoryMovement.product_id == product_id, InventoryMovement.moved_at >= since)
        .order_by(InventoryMovement.moved_at)
    )
    return [{"at": row.moved_at.isoformat(), "quantity": row.quantity} for row in session.execute(movements)]


def order_value_tenths(session: Session, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """Orders of a period in ten equal parts by value: the most in each, in cents. PLANTED: spilling-sort."""
    ranked = (
        select(Order.total_cents, func.ntile(10).over(order_by=Order.total_cents).label("tenth"))
        .where(Order.placed_at >= since, Order.placed_at < until)
        .subquery()
    )
    tenths = select(ranked.c.tenth, func.max(ranked.c.total_cents).label("cents")).group_by(ranked.c.tenth)
    return [{"tenth": row.tenth, "cents": row.cents} for row in session.execute(tenths)]


def stock_today(session: Session, day: datetime) -> dict[str, int]:
    """Pieces moved in a day for each reason, as it should be: the index on (moved_at, product_id) serves it."""
    moved = (
        select(InventoryMovement.reason, func.sum(InventoryMovement.quantity).label("pieces"))
        .where(InventoryMovement.moved_at >= day, InventoryMovement.moved_at < day + DAY)
        .group_by(InventoryMovement.reason)
    )
    return {row.reason: int(row.pieces) for row in session.execute(moved)}


def opt_in_rates(session: Session, since: datetime) -> list[dict[str, Any]]:
    """Points of those who want mail and those who do not, of nearly all. Not a fault: legitimate-full-scan."""
    rates = (
        select(
            Customer.marketing_opt_in, func.count().label("people"), func.avg(Customer.loyalty_points).label("points")
        )
        .where(Customer.created_at >= since)
        .group_by(Customer.marketing_opt_in)
    )
    return [
        {"opt_in": row.marketing_opt_in, "people": row.people, "points": float(row.points)}
        for row in session.execute(rates)
    ]
