"""SQLAlchemy 2, async, asyncpg."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from cases import DEFERRED, M2M, M2O, O2M, Case, burst
from shop_models import Author, Book, Category, Counter, Job, Order, Publisher, Reading, Review, User
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import joinedload, selectinload


async def awaitable_to_one(session: AsyncSession) -> None:
    for book in await session.scalars(select(Book).limit(20)):
        (await book.awaitable_attrs.publisher).name  # noqa: B018


async def awaitable_to_many(session: AsyncSession) -> None:
    for book in await session.scalars(select(Book).limit(15)):
        await book.awaitable_attrs.reviews


async def awaitable_many_to_many(session: AsyncSession) -> None:
    for book in await session.scalars(select(Book).limit(15)):
        await book.awaitable_attrs.tags


async def awaitable_nested(session: AsyncSession) -> None:
    for author in await session.scalars(select(Author).limit(5)):
        for book in await author.awaitable_attrs.books:
            await book.awaitable_attrs.reviews


async def run_sync(session: AsyncSession) -> None:
    def visit(own):
        return [[i.book.title for i in order.items] for order in own.scalars(select(Order).limit(6))]

    await session.run_sync(visit)


async def get_loop(session: AsyncSession) -> None:
    for key in (await session.scalars(select(Review.user_id).distinct().order_by(Review.user_id).limit(12))).all():
        await session.get(User, key)


async def refresh(session: AsyncSession) -> None:
    users = (await session.scalars(select(User).limit(10))).all()
    for user in users:
        await session.refresh(user)


async def count(session: AsyncSession) -> None:
    for category in (await session.scalars(select(Category).where(Category.parent_id.is_(None)))).all():
        await session.scalar(select(func.count()).select_from(Category).where(Category.parent_id == category.id))


async def session_each(session: AsyncSession) -> None:
    """Each lookup in a session of its own, side by side: the pool spreads them over connections."""
    books = (await session.execute(select(Book.id).limit(20))).all()
    await session.commit()

    async def one(key: int) -> None:
        async with AsyncSession(session.bind) as own:
            (await own.execute(select(Review.stars).where(Review.book_id == key))).all()

    await asyncio.gather(*(one(book.id) for book in books))


async def interleaved(session: AsyncSession) -> None:
    for review in await session.scalars(select(Review).limit(15)):
        await review.awaitable_attrs.user
        await review.awaitable_attrs.book


async def insert_loop(session: AsyncSession) -> None:
    for n in range(10):
        await session.execute(insert(Reading).values(sensor=n, value=1.0))
    await session.commit()


async def no_parent(session: AsyncSession) -> None:
    for key in (5, 15, 25, 35, 45, 55, 8):
        await session.get(Publisher, key)
        await session.get(Book, key)


POSITIVE = [
    Case("awaitable_to_one", awaitable_to_one, (burst("publishers", "books", M2O, "Book.publisher"),)),
    Case("awaitable_to_many", awaitable_to_many, (burst("reviews", "books", O2M, "Book.reviews"),)),
    Case("awaitable_many_to_many", awaitable_many_to_many, (burst("tags", "books", M2M, "Book.tags"),)),
    Case(
        "awaitable_nested",
        awaitable_nested,
        (burst("books", "authors", O2M, "Author.books"), burst("reviews", "books", O2M, "Book.reviews")),
    ),
    Case(
        "run_sync",
        run_sync,
        (burst("order_items", "orders", O2M, "Order.items"), burst("books", "order_items", M2O, "OrderItem.book")),
    ),
    Case("get_loop", get_loop, (burst("users", "reviews", M2O),)),
    Case("refresh", refresh, (burst("users", "users", DEFERRED),)),
    Case("count", count, (burst("categories", "categories", O2M),)),
    Case("session_each", session_each, (burst("reviews", "books", O2M),), times=4),
    Case(
        "interleaved",
        interleaved,
        (burst("users", "reviews", M2O, "Review.user"), burst("books", "reviews", M2O, "Review.book")),
    ),
    Case("insert_loop", insert_loop, (burst("readings", pattern="row-by-row-write"),)),
    Case(
        "no_parent",
        no_parent,
        (burst("publishers", pattern="parentless-loop"), burst("books", pattern="parentless-loop")),
    ),
]


async def selectin(session: AsyncSession) -> None:
    statement = select(Author).options(selectinload(Author.books).selectinload(Book.reviews)).limit(20)
    (await session.scalars(statement)).all()


async def joined(session: AsyncSession) -> None:
    (await session.scalars(select(Review).options(joinedload(Review.book).joinedload(Book.author)).limit(50))).all()


async def keyset(session: AsyncSession) -> None:
    last = 0
    while rows := (await session.execute(select(User.id).where(User.id > last).order_by(User.id).limit(10))).all():
        last = rows[-1].id


async def stream(session: AsyncSession) -> None:
    async for _ in await session.stream(select(Book.id, Book.title), execution_options={"yield_per": 25}):
        pass


async def executemany(session: AsyncSession) -> None:
    await session.execute(update(Job), [{"id": n, "payload": n} for n in range(1, 150)])
    await session.commit()


async def visitors(session: AsyncSession) -> None:
    """Thirty visitors at once, one request each: a look-up, its relation."""

    async def request(n: int) -> None:
        async with AsyncSession(session.bind) as own:
            (await own.execute(select(Book.title).where(Book.id == n))).all()

    for turn in range(3):
        await asyncio.gather(*(request(turn * 30 + n) for n in range(30)))


async def mixed_visitors(session: AsyncSession) -> None:
    """A list now and then, details all the time: no detail belongs to a list."""

    async def listing() -> None:
        async with AsyncSession(session.bind) as own:
            (await own.execute(select(Book.id, Book.title).limit(20))).all()

    async def detail(n: int) -> None:
        await asyncio.sleep(n % 40 * 0.004)
        async with AsyncSession(session.bind) as own:
            (await own.execute(select(Review.stars).where(Review.book_id == n))).all()

    for _ in range(3):
        await asyncio.gather(*(detail(n) for n in range(60)), *(listing() for _ in range(4)))


async def poll(session: AsyncSession) -> None:
    for _ in range(8):
        (await session.execute(select(Counter.value).where(Counter.name == "sales"))).all()
        await session.commit()
        await asyncio.sleep(0.04)


async def queue(session: AsyncSession) -> None:
    for _ in range(7):
        statement = select(Job).where(Job.state == "queued").order_by(Job.id).limit(1).with_for_update(skip_locked=True)
        job = (await session.scalars(statement)).first()
        job.state = "done"
        await session.commit()


async def users_one_by_one(session: AsyncSession) -> None:
    for n in range(9):
        (await session.execute(select(User.name).where(User.id == n))).all()
        await session.commit()


NEGATIVE = [
    Case("selectinload", selectin, row="already batched"),
    Case("joinedload", joined, row="already batched"),
    Case("keyset_pages", keyset, row="pagination"),
    Case("stream", stream, row="cursor FETCH"),
    Case("executemany", executemany, row="bulk write"),
    Case("visitors", visitors, row="concurrent traffic"),
    Case("mixed_visitors", mixed_visitors, row="concurrent traffic"),
    Case("polling", poll, row="polling"),
    Case("queue", queue, row="job worker"),
    Case("users_one_by_one", users_one_by_one, row="concurrent traffic"),
]


def record(url: str, prefix: str) -> Iterator[Case]:
    for case in POSITIVE + NEGATIVE:
        asyncio.run(_record(case, url, prefix))
        yield case


async def _record(case: Case, url: str, prefix: str) -> None:
    settings = {"server_settings": {"application_name": prefix + case.name}}
    engine = create_async_engine(url, connect_args=settings, pool_size=8, max_overflow=0)
    for _ in range(case.times):
        async with AsyncSession(engine) as session:
            await case.run(session)
        time.sleep(0.02)  # noqa: ASYNC251
    await engine.dispose()
