"""What SQLAlchemy applications do that looks like N+1 and is none; recorded by ``sqlalchemy_sync``."""

from __future__ import annotations

import time
from threading import Thread

from cases import Case, burst
from shop_models import Book, Counter, Job, Order, Reading, Review, Tag, User
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, joinedload, selectinload


def selectin(session: Session) -> None:
    for book in session.scalars(select(Book).options(selectinload(Book.reviews), selectinload(Book.tags)).limit(40)):
        len(book.reviews), len(book.tags)


def joined(session: Session) -> None:
    for book in session.scalars(select(Book).options(joinedload(Book.publisher)).limit(40)):
        book.publisher.name  # noqa: B018


def chunks(session: Session) -> None:
    for start in range(0, 400, 40):
        session.execute(select(Review.id).where(Review.book_id.in_(range(start, start + 40)))).all()


def keyset(session: Session) -> None:
    last = 0
    while rows := session.execute(select(Book.id, Book.title).where(Book.id > last).order_by(Book.id).limit(50)).all():
        last = rows[-1].id


def keyset_of_one(session: Session) -> None:
    session.execute(select(User.id).limit(20)).all()
    last = 0
    for _ in range(8):
        statement = select(Review.id).where(Review.user_id == 14, Review.id > last).order_by(Review.id).limit(2)
        rows = session.execute(statement).all()
        last = rows[-1].id if rows else last


def offsets(session: Session) -> None:
    for page in range(10):
        session.execute(select(Book.id).order_by(Book.id).limit(20).offset(20 * page)).all()


def server_cursor(session: Session) -> None:
    for _ in session.execute(select(Book.id), execution_options={"yield_per": 20}):
        pass


def retry(session: Session) -> None:
    for _ in range(6):
        try:
            session.execute(select(Counter.value).where(Counter.name == "sales")).all()
            session.execute(text("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$"))
        except OperationalError:
            session.rollback()


def check_then_insert(session: Session) -> None:
    for n in range(10):
        key = 100000 + n + int(time.time() * 1000) % 100000 * 100
        if session.scalar(select(1).where(Tag.name == f"new {key}").limit(1)) is None:
            session.add(Tag(id=key, name=f"new {key}"))
            session.flush()
    session.commit()


def select_then_update(session: Session) -> None:
    for key in range(1, 11):
        job = session.execute(select(Job).where(Job.id == key)).scalar_one()
        job.payload += 1
        session.flush()
    session.commit()


def worker(session: Session) -> None:
    for _ in range(8):
        job = session.scalars(
            select(Job).where(Job.state == "queued").limit(1).with_for_update(skip_locked=True)
        ).first()
        job.state = "done"
        session.commit()


def commit_per_item(session: Session) -> None:
    for key in range(1, 9):
        session.execute(select(Order.state).where(Order.id == key)).all()
        session.execute(update(Order).where(Order.id == key).values(state="sent"))
        session.commit()


def polling(session: Session) -> None:
    for _ in range(8):
        session.execute(select(func.count()).select_from(Job).where(Job.state == "failed")).all()
        session.commit()
        time.sleep(0.05)


def requests_in_turn(session: Session) -> None:
    """One connection, one request after the other: each looks up its user, then one book."""
    with session.get_bind().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(select(User.id).where(User.email == "user1@example.org")).all()
        connection.execute(select(Book.id, Book.title).limit(20)).all()
        for n in range(10):
            connection.execute(select(User.id).where(User.email == f"user{n}@example.org")).all()
            connection.execute(select(Book.title).where(Book.id == n)).all()


def transactions_in_turn(session: Session) -> None:
    session.execute(select(Book.id, Book.title).limit(20)).all()
    session.commit()
    for n in range(10):
        session.execute(select(Book.title).where(Book.id == n)).all()
        session.commit()


def side_by_side(session: Session) -> None:
    engine = session.get_bind()

    def request(n: int) -> None:
        with Session(engine) as own:
            own.execute(select(Book.id, Book.title).where(Book.id == n)).all()
            own.execute(select(Review.stars).where(Review.book_id == n)).all()

    threads = [Thread(target=request, args=(n,)) for n in range(12)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]


def bulk_insert(session: Session) -> None:
    session.add_all([Reading(sensor=n, value=2.0) for n in range(300)])
    session.commit()


def bulk_update(session: Session) -> None:
    session.execute(update(Job), [{"id": n, "payload": n} for n in range(1, 200)])
    session.commit()


def few(session: Session) -> None:
    for book in session.scalars(select(Book).limit(3)):
        book.reviews  # noqa: B018


def month_by_month(session: Session) -> None:
    for month in range(1, 13):
        session.execute(
            text("SELECT count(*) FROM reviews WHERE created_at >= :a AND created_at < :b"),
            {"a": f"2026-{month:02}-01", "b": f"2026-{month:02}-28"},
        ).all()


NEGATIVE = [
    Case("selectinload", selectin, row="already batched"),
    Case("joinedload", joined, row="already batched"),
    Case("chunks_of_keys", chunks, row="already batched"),
    Case("keyset_pages", keyset, row="pagination"),
    Case("keyset_pages_of_one_user", keyset_of_one, row="pagination"),
    Case("offset_pages", offsets, row="pagination"),
    Case("server_cursor", server_cursor, row="cursor FETCH"),
    Case("retry", retry, row="retry"),
    Case("check_then_insert", check_then_insert, (burst("tags", pattern="row-by-row-write"),), row="uniqueness check"),
    Case("select_then_update", select_then_update, (burst("jobs", pattern="row-by-row-write"),), row="write loop"),
    Case("worker", worker, row="job worker"),
    Case("commit_per_item", commit_per_item, row="job worker"),
    Case("polling", polling, row="polling"),
    Case("requests_in_turn", requests_in_turn, row="concurrent traffic"),
    Case("transactions_in_turn", transactions_in_turn, row="concurrent traffic"),
    Case("side_by_side", side_by_side, row="concurrent traffic"),
    Case("bulk_insert", bulk_insert, row="bulk write"),
    Case("bulk_update", bulk_update, row="bulk write"),
    Case("three_only", few, row="below the threshold"),
    Case("month_by_month", month_by_month, row="no key"),
]
