"""Products and the shelves they stand on."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from sample_dbs.shop_postgres.app.models import Category, Country, Product, Review, Setting, Tag

PAGE = 24  # products on a page


def category_page(session: Session, category_id: int) -> list[dict[str, Any]]:
    """Newest products of a category with their pictures. PLANTED: n-plus-one-to-many."""
    newest = (
        select(Product)
        .where(Product.category_id == category_id, Product.deleted_at.is_(None))
        .order_by(Product.published_at.desc())
        .limit(PAGE)
    )
    return [
        {"name": product.name, "images": [image.url for image in product.images]} for product in session.scalars(newest)
    ]


def tag_page(session: Session, tag_name: str) -> list[dict[str, Any]]:
    """Products of a tag with all their tags. PLANTED: n-plus-one-many-to-many."""
    tagged = select(Product).join(Product.tags).where(Tag.name == tag_name).order_by(Product.id).limit(PAGE)
    return [
        {"name": product.name, "tags": sorted(tag.name for tag in product.tags)} for product in session.scalars(tagged)
    ]


def department_overview(session: Session, department_id: int) -> dict[str, int]:
    """How many products each category of a department has. PLANTED: n-plus-one-count."""
    sizes: dict[str, int] = {}
    for category in session.scalars(select(Category).where(Category.parent_id == department_id)):
        counted = select(func.count()).where(Product.category_id == category.id, Product.deleted_at.is_(None))
        sizes[category.name] = session.scalar(counted) or 0
    return sizes


def storefront(session: Session, category_id: int) -> list[dict[str, Any]]:
    """A category's products with pictures and tags, loaded in two batches. Not a fault: batched-in."""
    newest = (
        select(Product)
        .where(Product.category_id == category_id, Product.deleted_at.is_(None))
        .order_by(Product.published_at.desc())
        .limit(PAGE)
        .options(selectinload(Product.images), selectinload(Product.tags))
    )
    return [
        {"name": product.name, "images": len(product.images), "tags": [tag.name for tag in product.tags]}
        for product in session.scalars(newest)
    ]


def product_page(session: Session, product_id: int) -> dict[str, Any]:
    """One product with its category, pictures and latest reviews, as it should be."""
    wanted = (
        select(Product)
        .where(Product.id == product_id)
        .options(joinedload(Product.category, innerjoin=True), selectinload(Product.images))
    )
    product = session.scalars(wanted).one()
    latest = (
        select(Review.rating, Review.body)
        .where(Review.product_id == product_id)
        .order_by(Review.created_at.desc())
        .limit(10)
    )
    ratings = [row.rating for row in session.execute(latest)]
    return {"name": product.name, "category": product.category.name, "images": len(product.images), "ratings": ratings}


def delivery_countries(session: Session) -> list[str]:
    """Names of the countries that are delivered to. Not a fault: small-table-scan."""
    return list(session.scalars(select(Country.name).where(Country.active).order_by(Country.name)))


def option(session: Session, key: str) -> str | None:
    """The value of a setting. Not a fault: small-table-scan."""
    return session.scalar(select(Setting.value).where(Setting.key == key))
