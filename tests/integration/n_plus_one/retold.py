"""What the recorded functions do, told as a statement and a visit of each row, so that the advised options fit in.

``LOOPS`` maps the names of cases to (query, visit); ``ANSWERS`` those whose remedy is another statement instead of an
option: (query, what the loop asks of each row, what the advised code answers for its key).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Query = Callable[[], Any]
Visit = Callable[[Any], Any]


def sqlalchemy_sync() -> tuple[dict[str, tuple[Query, Visit]], dict[str, tuple[Query, Any, Any]]]:
    from shop_models import Author, Book, Review, User  # type: ignore[import-not-found]  # an application under cases
    from sqlalchemy import func, select

    def newest(session: Any, book: Any) -> Any:
        found = select(Review.id).where(Review.book_id == book.id).order_by(Review.created_at.desc()).limit(1)
        return session.scalar(found)

    def counted(session: Any, book: Any) -> int:
        return int(session.scalar(select(func.count()).select_from(Review).where(Review.book_id == book.id)))

    def books(n: int) -> Query:
        return lambda: select(Book).order_by(Book.id).limit(n)

    loops: dict[str, tuple[Query, Visit]] = {
        "get_after_keys": (lambda: select(Review).order_by(Review.id).limit(20), lambda r: r.book.title),
        "subquery_key": (lambda: select(Author).limit(15), lambda a: [b.title for b in a.books]),
        "one_element_in": (books(10), lambda b: [r.stars for r in b.reviews]),
        "autocommit": (books(15), lambda b: b.publisher.name),
        "pages_of_bursts": (books(8), lambda b: [r.stars for r in b.reviews]),
        "filtered_children": (books(15), lambda b: [r.stars for r in b.reviews if r.stars >= 3]),
        "expired": (lambda: select(User).order_by(User.id).limit(12), lambda u: u.email),
    }
    answers = {
        "count": (books(15), counted, lambda code, key: code["counts"].get(key, 0)),
        "exists": (
            books(15),
            lambda session, book: counted(session, book) > 0,
            lambda code, key: code["counts"].get(key, 0) > 0,
        ),
        "newest": (books(15), newest, lambda code, key: code["firsts"][key].id if key in code["firsts"] else None),
    }
    return loops, answers


def sqlalchemy_async() -> tuple[dict[str, tuple[Query, Visit]], dict[str, tuple[Query, Any, Any]]]:
    from shop_models import Author, Book, Category, Order, Review, User
    from sqlalchemy import func, select

    def counted(session: Any, category: Any) -> int:
        statement = select(func.count()).select_from(Category).where(Category.parent_id == category.id)
        return int(session.scalar(statement))

    def books(n: int) -> Query:
        return lambda: select(Book).order_by(Book.id).limit(n)

    loops: dict[str, tuple[Query, Visit]] = {
        "awaitable_to_one": (books(20), lambda b: b.publisher.name),
        "awaitable_to_many": (books(15), lambda b: [r.stars for r in b.reviews]),
        "awaitable_many_to_many": (books(15), lambda b: [t.name for t in b.tags]),
        "awaitable_nested": (
            lambda: select(Author).order_by(Author.id).limit(5),
            lambda a: [[r.stars for r in b.reviews] for b in a.books],
        ),
        "run_sync": (
            lambda: select(Order).order_by(Order.id).limit(6),
            lambda o: [i.book.title for i in o.items],
        ),
        "get_loop": (lambda: select(Review).order_by(Review.id).limit(12), lambda r: r.user.name),
        "session_each": (books(20), lambda b: [r.stars for r in b.reviews]),
        "interleaved": (
            lambda: select(Review).order_by(Review.id).limit(15),
            lambda r: (r.user.name, r.book.title),
        ),
        "refresh": (lambda: select(User).order_by(User.id).limit(10), lambda u: u.email),
    }
    roots = lambda: select(Category).where(Category.parent_id.is_(None))  # noqa: E731
    return loops, {"count": (roots, counted, lambda code, key: code["counts"].get(key, 0))}


def django_orm() -> tuple[dict[str, tuple[Query, Visit]], dict[str, tuple[Query, Visit, Visit]]]:
    from djshop.models import Book, Review  # type: ignore[import-not-found]  # an application under cases

    def books(n: int) -> Query:
        return lambda: Book.objects.order_by("id")[:n]

    loops: dict[str, tuple[Query, Visit]] = {
        "prefetch_each": (books(10), lambda b: sorted(r.stars for r in b.review_set.all())),
        "get_after_list": (lambda: Review.objects.order_by("id")[:15], lambda r: r.book.title),
        "filter_on_prefetched": (books(12), lambda b: sorted(r.stars for r in b.review_set.all() if r.stars >= 3)),
        "in_transaction": (books(12), lambda b: b.publisher.name),
    }
    answers: dict[str, tuple[Query, Visit, Visit]] = {
        "count": (books(15), lambda b: b.review_set.count(), lambda b: b.review_count),
        "exists": (books(15), lambda b: b.review_set.exists(), lambda b: b.review_count > 0),
        "first": (
            books(15),
            lambda b: getattr(b.review_set.order_by("-created_at").first(), "pk", None),
            lambda b: b.first_pk,
        ),
    }
    return loops, answers
