"""Jobs without a user: exports, imports, the worker. Their engine appends no comments."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from sample_dbs.shop_postgres.app.models import Customer, InventoryMovement, Job, Product

NEXT_JOB = text("SELECT id, kind FROM jobs WHERE status = 'queued' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED")
FINISH_JOB = text("UPDATE jobs SET status = 'done' WHERE id = :id")


def export_catalog(session: Session, page: int = 100, pages: int = 12) -> int:
    """Walks the catalog by key, a page at a time. Not a fault: keyset-pagination."""
    last = exported = 0
    for _ in range(pages):
        rows = session.execute(
            select(Product.id, Product.sku, Product.price_cents)
            .where(Product.id > last)
            .order_by(Product.id)
            .limit(page)
        ).all()
        if not rows:
            break
        last, exported = rows[-1].id, exported + len(rows)
    return exported


def export_customers(session: Session, page: int = 100, pages: int = 8) -> int:
    """Walks the first customers by offset, a page at a time. Not a fault: offset-pagination."""
    exported = 0
    for number in range(pages):
        listed = select(Customer.id, Customer.email).order_by(Customer.id).limit(page).offset(number * page)
        exported += len(session.execute(listed).all())
    return exported


def import_deliveries(session: Session, product_ids: list[int], now: datetime) -> int:
    """Books a delivery of each product, many rows in one statement; returns the rows. Not a fault: bulk-import."""
    booked = session.scalars(
        insert(InventoryMovement).returning(InventoryMovement.id),
        [
            {"product_id": product_id, "warehouse_id": 1, "quantity": 20, "reason": "delivery", "moved_at": now}
            for product_id in product_ids
        ],
    ).all()
    session.commit()
    return len(booked)


def reprice(session: Session, reorder_levels: dict[int, int]) -> None:
    """Sets the reorder level of each product with one executemany. Not a fault: bulk-update."""
    rows: list[dict[str, Any]] = [{"id": number, "reorder_level": level} for number, level in reorder_levels.items()]
    session.execute(update(Product), rows)
    session.commit()


def count_stock(session: Session, counted: dict[int, int], now: datetime) -> None:
    """Books what was counted, one INSERT after the other. Not an N+1 read: row-by-row-write."""
    for product_id, quantity in counted.items():
        session.add(
            InventoryMovement(product_id=product_id, warehouse_id=2, quantity=quantity, reason="count", moved_at=now)
        )
        session.flush()
    session.commit()


def enqueue(session: Session, payload: str) -> None:
    """Leaves a job for the worker."""
    session.add(Job(kind="send-receipt", status="queued", payload=payload))
    session.commit()


def work_once(session: Session) -> bool:
    """Does the next job if there is one; asked at a constant interval. Not a fault: polling."""
    job = session.execute(NEXT_JOB).first()
    if job is not None:
        session.execute(FINISH_JOB, {"id": job.id})
    session.commit()
    return job is not None
