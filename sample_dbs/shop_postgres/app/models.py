"""The shop's tables as SQLAlchemy models; column meanings and units are those of schema.sql."""

from datetime import datetime

from sqlalchemy import ARRAY, Column, DateTime, ForeignKey, Integer, Table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(AsyncAttrs, DeclarativeBase):
    """All models; a ``datetime`` is always with time zone."""

    type_annotation_map = {datetime: DateTime(timezone=True)}  # noqa: RUF012 - SQLAlchemy's own declaration


class Country(Base):
    """Where the shop delivers to."""

    __tablename__ = "countries"
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    active: Mapped[bool]


class Setting(Base):
    """A switch of the shop."""

    __tablename__ = "settings"
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class Warehouse(Base):
    """A place that holds stock."""

    __tablename__ = "warehouses"
    id: Mapped[int] = mapped_column(primary_key=True)
    city: Mapped[str]


class Customer(Base):
    """A person with an account."""

    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    first_name: Mapped[str]
    last_name: Mapped[str]
    loyalty_points: Mapped[int] = mapped_column(default=0)
    marketing_opt_in: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    addresses: Mapped[list["Address"]] = relationship(back_populates="customer", passive_deletes=True)
    orders: Mapped[list["Order"]] = relationship(back_populates="customer", passive_deletes="all")
    login_sessions: Mapped[list["LoginSession"]] = relationship(back_populates="customer", passive_deletes="all")


class Address(Base):
    """A customer's address."""

    __tablename__ = "addresses"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    line1: Mapped[str]
    city: Mapped[str]
    postal_code: Mapped[str]
    country_code: Mapped[str] = mapped_column(ForeignKey("countries.code"))
    customer: Mapped[Customer] = relationship(back_populates="addresses")


class LoginSession(Base):
    """A browser that is logged in."""

    __tablename__ = "sessions"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    token: Mapped[str] = mapped_column(unique=True)
    user_agent: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    customer: Mapped[Customer] = relationship(back_populates="login_sessions")


product_tags = Table(
    "product_tags",
    Base.metadata,
    Column("product_id", ForeignKey("products.id"), primary_key=True),
    Column("tag_id", ForeignKey("tags.id"), primary_key=True),
)


class Category(Base):
    """A shelf of the shop; top-level categories have no parent."""

    __tablename__ = "categories"
    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    name: Mapped[str]
    products: Mapped[list["Product"]] = relationship(back_populates="category")


class Product(Base):
    """A thing to buy; ``deleted_at`` set means withdrawn."""

    __tablename__ = "products"
    id: Mapped[int] = mapped_column(primary_key=True)
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id"))
    sku: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    description: Mapped[str]
    price_cents: Mapped[int]
    stock: Mapped[int]
    reorder_level: Mapped[int]
    weight_grams: Mapped[int]
    published_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    category: Mapped[Category] = relationship(back_populates="products")
    images: Mapped[list["ProductImage"]] = relationship(order_by="ProductImage.position")
    tags: Mapped[list["Tag"]] = relationship(secondary=product_tags)


class ProductImage(Base):
    """A picture of a product."""

    __tablename__ = "product_images"
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str]


class Tag(Base):
    """A word that products are found by."""

    __tablename__ = "tags"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class Coupon(Base):
    """A discount code."""

    __tablename__ = "coupons"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    percent: Mapped[int]
    redeemed: Mapped[int] = mapped_column(default=0)


class Order(Base):
    """An order; its customer is empty once the customer was erased."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id", ondelete="SET NULL"))
    shipping_address_id: Mapped[int | None] = mapped_column(ForeignKey("addresses.id", ondelete="SET NULL"))
    coupon_id: Mapped[int | None] = mapped_column(ForeignKey("coupons.id"))
    status: Mapped[str]
    total_cents: Mapped[int]
    placed_at: Mapped[datetime]
    customer: Mapped[Customer | None] = relationship(back_populates="orders")
    shipping_address: Mapped[Address | None] = relationship()
    items: Mapped[list["OrderItem"]] = relationship(back_populates="order", order_by="OrderItem.line_no")
    payments: Mapped[list["Payment"]] = relationship(back_populates="order")
    shipments: Mapped[list["Shipment"]] = relationship(back_populates="order")


class OrderItem(Base):
    """A line of an order."""

    __tablename__ = "order_items"
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True)
    line_no: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    quantity: Mapped[int]
    unit_price_cents: Mapped[int]
    order: Mapped[Order] = relationship(back_populates="items")
    product: Mapped[Product] = relationship()


class Payment(Base):
    """Money received for an order."""

    __tablename__ = "payments"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    provider: Mapped[str]
    provider_reference: Mapped[str] = mapped_column(unique=True)
    amount_cents: Mapped[int]
    captured_at: Mapped[datetime]
    order: Mapped[Order] = relationship(back_populates="payments")


class Shipment(Base):
    """A parcel on its way."""

    __tablename__ = "shipments"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    carrier: Mapped[str]
    tracking_number: Mapped[str]
    shipped_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    order: Mapped[Order] = relationship(back_populates="shipments")


class Review(Base):
    """What a customer says about a product; rating 1 to 5."""

    __tablename__ = "reviews"
    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    rating: Mapped[int]
    body: Mapped[str]
    created_at: Mapped[datetime]
    product: Mapped[Product] = relationship()
    customer: Mapped[Customer] = relationship()


class Cart(Base):
    """A basket; ``deleted_at`` is set at checkout or when it is thrown away. It knows its products by number only."""

    __tablename__ = "carts"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    product_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class InventoryMovement(Base):
    """Pieces that entered (positive) or left (negative) a warehouse."""

    __tablename__ = "inventory_movements"
    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouses.id"))
    quantity: Mapped[int]
    reason: Mapped[str]
    moved_at: Mapped[datetime]


class AuditEvent(Base):
    """Who changed what; the entity is named by type and number, without a foreign key."""

    __tablename__ = "audit_events"
    id: Mapped[int] = mapped_column(primary_key=True)
    entity_type: Mapped[str]
    entity_id: Mapped[int]
    action: Mapped[str]
    actor: Mapped[str]
    payload: Mapped[dict[str, object]] = mapped_column(JSONB)
    created_at: Mapped[datetime]


class Job(Base):
    """Work for later."""

    __tablename__ = "jobs"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    status: Mapped[str]
    payload: Mapped[str]
