"""Customers, their log-ins and their carts."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from sample_dbs.shop_postgres.app.models import Address, Cart, Customer, LoginSession, Product, Review


def find_by_email(session: Session, email: str) -> int | None:
    """The customer with this e-mail address, whatever its case. PLANTED: unindexed-expression."""
    return session.scalar(select(Customer.id).where(func.lower(Customer.email) == email.lower()))


def erase_customer(session: Session, customer_id: int) -> None:
    """Forgets a customer; sessions and addresses go with the row. PLANTED: unindexed-fk-cascade."""
    session.execute(delete(Customer).where(Customer.id == customer_id))
    session.commit()


def abandoned_carts(session: Session, until: datetime) -> list[dict[str, Any]]:
    """The oldest open carts that nobody touched since ``until``. PLANTED: soft-delete-partial."""
    abandoned = (
        select(Cart.id, Cart.customer_id, Cart.updated_at)
        .where(Cart.deleted_at.is_(None), Cart.updated_at < until)
        .order_by(Cart.updated_at)
        .limit(50)
    )
    return [{"id": row.id, "customer_id": row.customer_id} for row in session.execute(abandoned)]


def register(session: Session, email: str, now: datetime) -> int:
    """Opens an account with an address and a log-in; returns the customer's number."""
    customer = Customer(email=email, first_name="New", last_name="Customer", created_at=now)
    customer.addresses = [Address(line1="Street 1", city="City 1", postal_code="00001", country_code="AA")]
    customer.login_sessions = [
        LoginSession(token=f"token of {email}", user_agent="test", created_at=now, expires_at=now + timedelta(days=30))
    ]
    session.add(customer)
    session.flush()
    number = customer.id
    session.commit()
    return number


def who_is_it(session: Session, token: str) -> int | None:
    """The customer of a log-in, as it should be: the token is unique."""
    return session.scalar(select(LoginSession.customer_id).where(LoginSession.token == token))


def address_book(session: Session, customer_id: int) -> list[str]:
    """A customer's addresses, as it should be."""
    mine = select(Address.line1, Address.city).where(Address.customer_id == customer_id)
    return [f"{row.line1}, {row.city}" for row in session.execute(mine)]


def open_cart(session: Session, customer_id: int) -> list[int]:
    """The products in a customer's open carts, as it should be."""
    mine = select(Cart.product_ids).where(Cart.customer_id == customer_id, Cart.deleted_at.is_(None))
    return [product_id for products in session.scalars(mine) for product_id in products]


def my_reviews(session: Session, customer_id: int) -> list[dict[str, Any]]:
    """What a customer wrote about which product, as it should be: one join."""
    mine = (
        select(Review.rating, Product.name)
        .join(Product, Product.id == Review.product_id)
        .where(Review.customer_id == customer_id)
        .limit(20)
    )
    return [{"rating": row.rating, "product": row.name} for row in session.execute(mine)]
