"""A chain of cinemas: SQLAlchemy 2 on psycopg 3, everything declared, small lists, many requests seen once only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from cases import DEFERRED, M2M, M2O, O2M, O2O, Case, burst
from sqlalchemy import Column, ForeignKey, Table, create_engine, exists, func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    deferred,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
    subqueryload,
)


class Base(DeclarativeBase):
    pass


film_genres = Table(
    "film_genres",
    Base.metadata,
    Column("film_id", ForeignKey("films.id"), primary_key=True),
    Column("genre_id", ForeignKey("genres.id"), primary_key=True),
)


class Person(Base):
    __tablename__ = "people"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Language(Base):
    __tablename__ = "languages"
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


class Genre(Base):
    __tablename__ = "genres"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Film(Base):
    __tablename__ = "films"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str]
    title: Mapped[str]
    synopsis: Mapped[str] = deferred(mapped_column())
    released: Mapped[int]
    director_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    language_code: Mapped[str] = mapped_column(ForeignKey("languages.code"))
    director: Mapped[Person] = relationship()
    language: Mapped[Language] = relationship()
    genres: Mapped[list[Genre]] = relationship(secondary=film_genres)
    screenings: Mapped[list[Screening]] = relationship(back_populates="film")
    reviews: Mapped[list[Review]] = relationship()


class Cinema(Base):
    __tablename__ = "cinemas"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    halls: Mapped[list[Hall]] = relationship()


class Hall(Base):
    __tablename__ = "halls"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    cinema_id: Mapped[int] = mapped_column(ForeignKey("cinemas.id"))
    screenings: Mapped[list[Screening]] = relationship()


class Screening(Base):
    __tablename__ = "screenings"
    id: Mapped[int] = mapped_column(primary_key=True)
    starts: Mapped[datetime]
    film_id: Mapped[int] = mapped_column(ForeignKey("films.id"))
    hall_id: Mapped[int] = mapped_column(ForeignKey("halls.id"))
    film: Mapped[Film] = relationship(back_populates="screenings")
    bookings: Mapped[list[Booking]] = relationship(back_populates="screening")


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    name: Mapped[str]
    card: Mapped[LoyaltyCard] = relationship(back_populates="customer", uselist=False)


class LoyaltyCard(Base):
    __tablename__ = "loyalty_cards"
    id: Mapped[int] = mapped_column(primary_key=True)
    points: Mapped[int]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    customer: Mapped[Customer] = relationship(back_populates="card")


class Booking(Base):
    __tablename__ = "bookings"
    id: Mapped[int] = mapped_column(primary_key=True)
    seats: Mapped[int]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    screening_id: Mapped[int] = mapped_column(ForeignKey("screenings.id"))
    customer: Mapped[Customer] = relationship()
    screening: Mapped[Screening] = relationship(back_populates="bookings")
    payments: Mapped[list[Payment]] = relationship()


class Payment(Base):
    __tablename__ = "payments"
    id: Mapped[int] = mapped_column(primary_key=True)
    cents: Mapped[int]
    booking_id: Mapped[int] = mapped_column(ForeignKey("bookings.id"))


class Review(Base):
    __tablename__ = "reviews"
    id: Mapped[int] = mapped_column(primary_key=True)
    stars: Mapped[int]
    film_id: Mapped[int] = mapped_column(ForeignKey("films.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))


class Employee(Base):
    __tablename__ = "employees"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    manager_id: Mapped[int | None] = mapped_column(ForeignKey("employees.id"))
    manager: Mapped[Employee | None] = relationship(remote_side="Employee.id")
    reports: Mapped[list[Employee]] = relationship(overlaps="manager")


class Transfer(Base):
    __tablename__ = "transfers"
    id: Mapped[int] = mapped_column(primary_key=True)
    from_hall_id: Mapped[int] = mapped_column(ForeignKey("halls.id"))
    to_hall_id: Mapped[int] = mapped_column(ForeignKey("halls.id"))
    source: Mapped[Hall] = relationship(foreign_keys=from_hall_id)
    target: Mapped[Hall] = relationship(foreign_keys=to_hall_id)


class Setting(Base):
    __tablename__ = "settings"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class Outbox(Base):
    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(primary_key=True)
    payload: Mapped[str]
    sent: Mapped[bool] = mapped_column(default=False)


def films(s: Session, count: int, *options: Any) -> list[Film]:
    return list(s.scalars(select(Film).order_by(Film.id).limit(count).options(*options)))


def directors(s: Session) -> None:
    [film.director.name for film in films(s, 8)]


def screenings(s: Session) -> None:
    [len(film.screenings) for film in films(s, 10)]


def genres(s: Session) -> None:
    [[genre.name for genre in film.genres] for film in films(s, 6)]


def languages(s: Session) -> None:
    """Six films of six languages; the key is a text."""
    [film.language.name for film in films(s, 6)]


def programme(s: Session) -> None:
    """1 + 5 + 5 * 6."""
    for cinema in s.scalars(select(Cinema).where(Cinema.id <= 5)):
        for hall in cinema.halls:
            len(hall.screenings)


def box_office(s: Session) -> None:
    """Of each booking the customer, the screening, its film and the payments in turn."""
    for booking in s.scalars(select(Booking).where(Booking.seats == 2).order_by(Booking.id).limit(7)):
        booking.customer.name, booking.screening.film.title, len(booking.payments)


def synopses(s: Session) -> None:
    [film.synopsis for film in films(s, 8)]


def after_commit(s: Session) -> None:
    """A commit in between expires all that was read."""
    found = films(s, 7)
    s.commit()
    [film.title for film in found]


def managers(s: Session) -> None:
    [e.manager.name for e in s.scalars(select(Employee).where(Employee.id > 40).order_by(Employee.id)) if e.manager]


def teams(s: Session) -> None:
    [len(employee.reports) for employee in s.scalars(select(Employee).where(Employee.manager_id.is_(None)))]


def moves(s: Session) -> None:
    for transfer in s.scalars(select(Transfer).order_by(Transfer.id).limit(9)):
        transfer.source.name, transfer.target.name  # noqa: B018


def review_counts(s: Session) -> None:
    for film in films(s, 9):
        s.scalar(select(func.count()).select_from(Review).where(Review.film_id == film.id))


def sold_out(s: Session) -> None:
    for it in s.scalars(select(Screening).where(Screening.hall_id == 3).limit(11)).all():
        s.scalar(select(exists().where(Booking.screening_id == it.id)))


def best_review(s: Session) -> None:
    for film in films(s, 8):
        s.scalar(select(Review).where(Review.film_id == film.id).order_by(Review.stars.desc()).limit(1))


def cards(s: Session) -> None:
    [customer.card.points for customer in s.scalars(select(Customer).where(Customer.id < 9))]


def shop_window(s: Session) -> None:
    for (slug,) in s.execute(select(Film.slug).order_by(Film.released.desc()).limit(9)).all():
        wanted = select(Film.id).where(Film.slug == slug).scalar_subquery()
        s.scalars(select(Screening).where(Screening.film_id == wanted)).all()


def one_in(s: Session) -> None:
    for booking in s.scalars(select(Booking).where(Booking.screening_id.between(1, 6))).all():
        s.scalars(select(Payment).where(Payment.booking_id.in_([booking.id]))).all()


def joined_list(s: Session) -> None:
    rows = s.execute(select(Screening.id, Film.title).join(Screening.film).where(Film.released > 2015).limit(10)).all()
    for key, _ in rows:
        s.execute(select(Booking.id, Booking.seats).where(Booking.screening_id == key)).all()


def wishes(s: Session) -> None:
    """Numbers that came with the request."""
    for number in (4, 8, 15, 16, 23, 42):
        s.get(Film, number)


def tax(s: Session) -> None:
    for _ in range(8):
        s.execute(select(Setting.value).where(Setting.name == "s4")).one()


def flush_each(s: Session) -> None:
    for number in range(9):
        s.add(Outbox(payload=f"mail {number}"))
        s.flush()
    s.commit()


def mark_each(s: Session) -> None:
    for it in s.scalars(select(Outbox).where(Outbox.id <= 10)).all():
        s.execute(update(Outbox).where(Outbox.id == it.id).values(payload="again"))
    s.commit()


def varying(s: Session) -> None:
    """Requests of 3 to 10 rows."""
    for count in range(3, 11):
        [film.director.name for film in films(s, count)]
        s.rollback()
        s.expunge_all()
        time.sleep(0.01)


POSITIVE = [
    Case("directors", directors, (burst("people", "films", M2O),)),
    Case("screenings", screenings, (burst("screenings", "films", O2M),), times=1),
    Case("genres", genres, (burst("genres", "films", M2M),), times=1),
    Case("languages", languages, (burst("languages", "films", M2O),)),
    Case("programme", programme, (burst("halls", "cinemas", O2M), burst("screenings", "halls", O2M)), times=1),
    Case(
        "box_office",
        box_office,
        (
            burst("customers", "bookings", M2O),
            burst("screenings", "bookings", M2O),
            burst("films", "screenings", M2O),
            burst("payments", "bookings", O2M),
        ),
    ),
    Case("synopses", synopses, (burst("films", "films", DEFERRED),), times=1),
    Case("after_commit", after_commit, (burst("films", "films", DEFERRED),)),
    Case("managers", managers, (burst("employees", "employees", M2O),), times=1),
    Case("teams", teams, (burst("employees", "employees", O2M),)),
    Case("moves", moves, (burst("halls", "transfers", M2O),), times=1),
    Case("review_counts", review_counts, (burst("reviews", "films", O2M),)),
    Case("sold_out", sold_out, (burst("bookings", "screenings", O2M),), times=1),
    Case("best_review", best_review, (burst("reviews", "films", O2M),)),
    Case("cards", cards, (burst("loyalty_cards", "customers", O2O),), times=1),
    Case("shop_window", shop_window, (burst("screenings", "films", O2M),)),
    Case("one_in", one_in, (burst("payments", "bookings", O2M),), times=1),
    Case("joined_list", joined_list, (burst("bookings", "screenings", O2M),)),
    Case("wishes", wishes, (burst("films", pattern="parentless-loop"),)),
    Case("tax", tax, (burst("settings", pattern="repeated-identical-query"),)),
    Case("flush_each", flush_each, (burst("outbox", pattern="row-by-row-write"),), times=1),
    Case("mark_each", mark_each, (burst("outbox", pattern="row-by-row-write"),)),
    Case("varying", varying, (burst("people", "films", M2O),), times=1),
]


def joined(s: Session) -> None:
    [film.director.name for film in films(s, 30, joinedload(Film.director), joinedload(Film.language))]


def selected(s: Session) -> None:
    [len(film.genres) for film in films(s, 30, selectinload(Film.genres), selectinload(Film.screenings))]


def subqueried(s: Session) -> None:
    [len(film.reviews) for film in films(s, 30, subqueryload(Film.reviews))]


def chunks(s: Session) -> None:
    for start in range(0, 120, 15):
        s.scalars(select(Screening).where(Screening.film_id.in_(range(start, start + 15)))).all()


def streamed(s: Session) -> None:
    for _ in s.scalars(select(Booking).execution_options(yield_per=100)):
        pass


def paged(s: Session) -> None:
    for page in range(8):
        s.scalars(select(Customer).order_by(Customer.name).offset(page * 20).limit(20)).all()


def keyset(s: Session) -> None:
    last = 0
    for _ in range(8):
        last = s.scalars(select(Booking).where(Booking.id > last).order_by(Booking.id).limit(25)).all()[-1].id


def polled(s: Session) -> None:
    for _ in range(10):
        s.execute(select(Outbox.id).where(Outbox.sent.is_(False), Outbox.payload == "none")).all()
        s.commit()
        time.sleep(0.05)


def retried(s: Session) -> None:
    for attempt in range(6):
        try:
            s.execute(select(Customer.name).where(Customer.id == 77)).one()
            if attempt < 5:
                s.execute(text("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$"))
            s.commit()
        except OperationalError:
            s.rollback()
            time.sleep(0.01)


def registered(s: Session) -> None:
    """Each sign-up in a transaction of its own asks whether the address is taken."""
    for number in range(8):
        email = f"new{time.monotonic_ns()}{number}@example.org"
        if not s.scalar(select(Customer.id).where(Customer.email == email)):
            s.add(Customer(email=email, name="new"))
        s.commit()


def worker(s: Session) -> None:
    for _ in range(8):
        it = s.scalars(
            select(Outbox).where(Outbox.sent.is_(False)).order_by(Outbox.id).limit(1).with_for_update(skip_locked=True)
        ).first()
        if it:
            it.sent = True
        s.commit()


def bulk(s: Session) -> None:
    s.add_all([Outbox(payload=f"mail {number}") for number in range(50)])
    s.commit()


def dashboard(s: Session) -> None:
    """Different questions, one each."""
    for table in (Film, Cinema, Hall, Screening, Customer, Booking, Review):
        s.scalar(select(func.count()).select_from(table))


def years(s: Session) -> None:
    for year in range(1960, 1968):
        s.scalar(select(func.count()).select_from(Film).where(Film.released > year))


def visitors(engine: Any) -> None:
    """Five threads; each request shows one film."""

    def client(number: int) -> None:
        for visit in range(12):
            with Session(engine) as s:
                film = s.get(Film, number * 31 + visit * 2 + 1)
                film.director.name, len(film.screenings)
            time.sleep(0.001 * (number * 7 + visit * 5 % 17))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(5)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]


NEGATIVE = [
    Case("joined", joined, row="already batched"),
    Case("selected", selected, row="already batched"),
    Case("subqueried", subqueried, row="already batched"),
    Case("chunks", chunks, row="already batched", times=1),
    Case("streamed", streamed, row="cursor FETCH"),
    Case("paged", paged, row="pagination"),
    Case("keyset", keyset, row="pagination", times=1),
    Case("polled", polled, row="polling"),
    Case("retried", retried, row="retry"),
    Case("registered", registered, row="uniqueness check"),
    Case("worker", worker, row="job worker"),
    Case("bulk", bulk, row="bulk write"),
    Case("dashboard", dashboard, row="no repetition"),
    Case("years", years, row="no key"),
    Case("visitors", visitors, row="concurrent traffic", times=1),
]
SETTINGS = {"log_destination": "csvlog", "log_min_duration_statement": "0"}


def record(url: str, prefix: str) -> Iterator[Case]:
    for case in POSITIVE + NEGATIVE:
        engine = create_engine(url, connect_args={"application_name": prefix + case.name})
        run: Callable[..., Any] = case.run
        for _ in range(case.times):
            if case.name == "visitors":
                run(engine)
            else:
                with Session(engine) as session:
                    run(session)
            time.sleep(0.3)
        engine.dispose()
        yield case
