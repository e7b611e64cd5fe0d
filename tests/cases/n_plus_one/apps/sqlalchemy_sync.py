"""SQLAlchemy 2, sync, psycopg 3."""

from __future__ import annotations

import time
from collections.abc import Iterator

from cases import DEFERRED, M2M, M2O, O2M, O2O, Case, burst
from shop_models import (
    Author,
    Book,
    Category,
    Counter,
    Order,
    Profile,
    Publisher,
    Reading,
    Review,
    Tag,
    User,
)
from sqlalchemy import create_engine, func, select, text, update
from sqlalchemy.orm import Session, load_only
from sqlalchemy_sync_look_alikes import NEGATIVE


def _books(n: int = 20):
    return lambda: select(Book).order_by(Book.id).limit(n)


POSITIVE = [
    Case(
        "m2o",
        query=_books(),
        visit=lambda b: b.publisher.name,
        expected=(burst("publishers", "books", M2O, "Book.publisher"),),
    ),
    Case("m2o_ambiguous", query=_books(), visit=lambda b: b.author.name, expected=(burst("authors", "books", M2O),)),
    Case(
        "m2o_nullable",
        query=_books(30),
        visit=lambda b: b.editor and b.editor.name,
        expected=(burst("authors", "books", M2O),),
    ),
    Case(
        "o2m",
        query=_books(),
        visit=lambda b: [r.stars for r in b.reviews],
        expected=(burst("reviews", "books", O2M, "Book.reviews"),),
    ),
    Case(
        "o2m_all",
        query=lambda: select(Publisher),
        visit=lambda p: [b.title for b in p.books],
        expected=(burst("books", "publishers", O2M, "Publisher.books"),),
    ),
    Case(
        "m2m",
        query=_books(),
        visit=lambda b: [t.name for t in b.tags],
        expected=(burst("tags", "books", M2M, "Book.tags"),),
    ),
    Case(
        "m2m_reverse",
        query=lambda: select(Tag).order_by(Tag.id),
        visit=lambda t: [b.title for b in t.books],
        expected=(burst("books", "tags", M2M, "Tag.books"),),
    ),
    Case(
        "o2o_reverse",
        query=lambda: select(Author).limit(15),
        visit=lambda a: a.profile.bio,
        expected=(burst("profiles", "authors", O2O, "Author.profile"),),
    ),
    Case(
        "o2o_forward",
        query=lambda: select(Profile).limit(15),
        visit=lambda p: p.author.name,
        expected=(burst("authors", "profiles", O2O, "Profile.author"),),
    ),
    Case(
        "nested",
        query=lambda: select(Author).order_by(Author.id).limit(6),
        visit=lambda a: [[r.stars for r in b.reviews] for b in a.books],
        expected=(burst("books", "authors", O2M, "Author.books"), burst("reviews", "books", O2M, "Book.reviews")),
    ),
    Case(
        "nested_to_one",
        query=lambda: select(Review).order_by(Review.id).limit(20),
        visit=lambda r: r.book.publisher.name,
        expected=(burst("books", "reviews", M2O, "Review.book"), burst("publishers", "books", M2O, "Book.publisher")),
    ),
    Case(
        "nested_three",
        query=lambda: select(Order).order_by(Order.id).limit(8),
        visit=lambda o: [[i.quantity, i.book.title, [e.what for e in i.events]] for i in o.items],
        expected=(
            burst("order_items", "orders", O2M, "Order.items"),
            burst("books", "order_items", M2O, "OrderItem.book"),
            burst("item_events", "order_items", O2M, "OrderItem.events"),
        ),
    ),
    Case(
        "interleaved",
        query=_books(12),
        visit=lambda b: (b.publisher.name, [r.stars for r in b.reviews], [t.name for t in b.tags]),
        expected=(
            burst("publishers", "books", M2O, "Book.publisher"),
            burst("reviews", "books", O2M, "Book.reviews"),
            burst("tags", "books", M2M, "Book.tags"),
        ),
    ),
    Case(
        "long",
        query=lambda: select(Book),
        visit=lambda b: [r.stars for r in b.reviews],
        times=1,
        expected=(burst("reviews", "books", O2M, "Book.reviews"),),
    ),
    Case(
        "self_children",
        query=lambda: select(Category).where(Category.parent_id.is_(None)),
        visit=lambda c: [d.name for d in c.children],
        expected=(burst("categories", "categories", O2M, "Category.children"),),
    ),
    Case(
        "self_parent",
        query=lambda: select(Category).where(Category.id > 40).limit(30),
        visit=lambda c: c.parent and c.parent.name,
        expected=(burst("categories", "categories", M2O, "Category.parent"),),
    ),
    Case(
        "by_name_only",
        query=lambda: select(Order).limit(10),
        visit=lambda o: [s.carrier for s in o.shipments],
        expected=(burst("shipments", "orders", O2M, "Order.shipments"),),
    ),
    Case(
        "parent_with_join",
        query=lambda: select(Book).join(Book.publisher).where(Publisher.name != "x").limit(15),
        visit=lambda b: [r.stars for r in b.reviews],
        expected=(burst("reviews", "books", O2M, "Book.reviews"),),
    ),
    Case(
        "parent_with_cte",
        query=lambda: (lambda c: select(Book).join(c, c.c.id == Book.id))(
            select(Book.id).where(Book.id < 20).cte("few")
        ),
        visit=lambda b: [r.stars for r in b.reviews],
        expected=(burst("reviews", "books", O2M, "Book.reviews"),),
    ),
    Case(
        "deferred",
        query=lambda: select(Book).limit(15),
        visit=lambda b: b.body,
        expected=(burst("books", "books", DEFERRED),),
    ),
    Case(
        "load_only",
        query=lambda: select(User).options(load_only(User.id)).limit(15),
        visit=lambda u: u.email,
        expected=(burst("users", "users", DEFERRED),),
    ),
]


def expired(session: Session) -> None:
    users = session.scalars(select(User).limit(12)).all()
    session.commit()
    for user in users:
        user.email  # noqa: B018


def get_loop(session: Session) -> None:
    for key in session.scalars(select(Review.book_id).limit(20)).all():
        session.get(Book, key)


def count(session: Session) -> None:
    for book in session.scalars(select(Book).limit(15)):
        session.scalar(select(func.count()).select_from(Review).where(Review.book_id == book.id))


def exists(session: Session) -> None:
    for book in session.scalars(select(Book).limit(15)).all():
        session.scalar(select(select(Review.id).where(Review.book_id == book.id).exists()))


def newest(session: Session) -> None:
    for book in session.scalars(select(Book).limit(15)).all():
        session.scalars(
            select(Review).where(Review.book_id == book.id).order_by(Review.created_at.desc()).limit(1)
        ).first()


def subquery_key(session: Session) -> None:
    for slug in session.scalars(select(Author.slug).limit(15)).all():
        session.execute(
            text("SELECT id, title FROM books WHERE author_id = (SELECT id FROM authors WHERE slug = :s)"), {"s": slug}
        ).all()


def one_element_in(session: Session) -> None:
    for book in session.scalars(select(Book).limit(10)).all():
        session.scalars(select(Review).where(Review.book_id.in_([book.id]))).all()


def autocommit(session: Session) -> None:
    with session.get_bind().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for row in connection.execute(select(Book.id, Book.publisher_id).limit(15)).all():
            connection.execute(select(Publisher.name).where(Publisher.id == row.publisher_id)).all()


def pages_of_bursts(session: Session) -> None:
    for page in range(3):
        for book in session.scalars(select(Book).order_by(Book.id).limit(8).offset(8 * page)).all():
            [r.stars for r in book.reviews]


def filtered_children(session: Session) -> None:
    for book in session.scalars(select(Book).limit(15)).all():
        session.scalars(select(Review).where(Review.book_id == book.id, Review.stars >= 3)).all()


def loop_without_parent(session: Session) -> None:
    for key in (3, 14, 15, 92, 65, 35, 89, 79):
        session.get(Book, key)


def same_again(session: Session) -> None:
    for _ in range(8):
        session.execute(select(Counter.value).where(Counter.name == "sales")).all()


def writes(session: Session) -> None:
    for n in range(12):
        session.add(Reading(sensor=n, value=1.0))
        session.flush()
    session.commit()


def updates(session: Session) -> None:
    for n in range(12):
        session.execute(update(Counter).where(Counter.name == "visits").values(value=n))
    session.commit()


POSITIVE += [
    Case("expired", expired, (burst("users", "users", DEFERRED),)),
    Case("get_after_keys", get_loop, (burst("books", "reviews", M2O),)),
    Case("count", count, (burst("reviews", "books", O2M),)),
    Case("exists", exists, (burst("reviews", "books", O2M),)),
    Case("newest", newest, (burst("reviews", "books", O2M),)),
    Case("subquery_key", subquery_key, (burst("books", "authors", O2M),)),
    Case("one_element_in", one_element_in, (burst("reviews", "books", O2M),)),
    Case("autocommit", autocommit, (burst("publishers", "books", M2O),)),
    Case("pages_of_bursts", pages_of_bursts, (burst("reviews", "books", O2M),)),
    Case("filtered_children", filtered_children, (burst("reviews", "books", O2M),)),
    Case("loop_without_parent", loop_without_parent, (burst("books", pattern="parentless-loop"),)),
    Case("same_again", same_again, (burst("counters", pattern="repeated-identical-query"),)),
    Case("row_by_row_insert", writes, (burst("readings", pattern="row-by-row-write"),)),
    Case("row_by_row_update", updates, (burst("counters", pattern="row-by-row-write"),)),
]


def record(url: str, prefix: str) -> Iterator[Case]:
    """Run every case, its events under ``application_name`` ``prefix + name``."""
    for case in POSITIVE + NEGATIVE:
        engine = create_engine(url, connect_args={"application_name": prefix + case.name}, pool_size=12)
        for _ in range(case.times):
            with Session(engine) as session:
                answer(case, session)
            time.sleep(0.02)
        engine.dispose()
        yield case


def answer(case: Case, session: Session, options: tuple = ()) -> object:
    """One request."""
    if case.run is not None:
        return case.run(session)
    return [case.visit(row) for row in session.scalars(case.query().options(*options)).unique()]
