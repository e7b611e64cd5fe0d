"""An airline: SQLAlchemy 2 in asyncio, on asyncpg's pool and on psycopg 3 through PgBouncer in transaction mode."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cases import M2M, M2O, O2M, Case, burst
from parcels_pooled import bouncer
from sqlalchemy import ForeignKey, func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncAttrs, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship, selectinload
from sqlalchemy.pool import NullPool


class Base(AsyncAttrs, DeclarativeBase):
    id: Mapped[int] = mapped_column(primary_key=True)


class Airport(Base):
    __tablename__ = "airport"
    iata: Mapped[str]
    city: Mapped[str]


class Aircraft(Base):
    __tablename__ = "aircraft"
    registration: Mapped[str]


class Crew(Base):
    __tablename__ = "crew_member"
    name: Mapped[str]
    reports_to_id: Mapped[int | None] = mapped_column(ForeignKey("crew_member.id"))
    boss: Mapped[Crew | None] = relationship(remote_side="Crew.id")


class Duty(Base):
    __tablename__ = "flight_crew"
    id = None
    flight_id: Mapped[int] = mapped_column(ForeignKey("flight.id"), primary_key=True)
    crew_member_id: Mapped[int] = mapped_column(ForeignKey("crew_member.id"), primary_key=True)


class Flight(Base):
    __tablename__ = "flight"
    number: Mapped[str]
    departs: Mapped[datetime]
    origin_id: Mapped[int] = mapped_column(ForeignKey("airport.id"))
    destination_id: Mapped[int] = mapped_column(ForeignKey("airport.id"))
    aircraft_id: Mapped[int] = mapped_column(ForeignKey("aircraft.id"))
    origin: Mapped[Airport] = relationship(foreign_keys=origin_id)
    destination: Mapped[Airport] = relationship(foreign_keys=destination_id)
    aircraft: Mapped[Aircraft] = relationship()
    tickets: Mapped[list[Ticket]] = relationship(back_populates="flight")
    crew: Mapped[list[Crew]] = relationship(secondary="flight_crew")


class Passenger(Base):
    __tablename__ = "passenger"
    name: Mapped[str]
    passport: Mapped[str]


class Ticket(Base):
    __tablename__ = "ticket"
    fare: Mapped[int]
    flight_id: Mapped[int] = mapped_column(ForeignKey("flight.id"))
    passenger_id: Mapped[int] = mapped_column(ForeignKey("passenger.id"))
    flight: Mapped[Flight] = relationship(back_populates="tickets")
    passenger: Mapped[Passenger] = relationship()
    bags: Mapped[list[Bag]] = relationship()


class Bag(Base):
    __tablename__ = "bag"
    kilos: Mapped[int]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))


class Message(Base):
    __tablename__ = "message"
    body: Mapped[str]
    state: Mapped[str]


def departures(n: int, count: int = 8) -> Any:
    return select(Flight).order_by(Flight.departs).offset(n * 10).limit(count)


async def aircraft(e: Any, n: int) -> None:
    async with AsyncSession(e) as s:
        for flight in await s.scalars(departures(n, 7)):
            (await flight.awaitable_attrs.aircraft).registration  # noqa: B018


async def manifest(e: Any, n: int) -> None:
    async with AsyncSession(e) as s:
        flights = (await s.scalars(departures(n, 5))).all()
        for flight in flights:
            for ticket in await flight.awaitable_attrs.tickets:
                await ticket.awaitable_attrs.passenger
                await ticket.awaitable_attrs.bags


async def crews(e: Any, n: int) -> None:
    async with AsyncSession(e) as s:
        for flight in (await s.scalars(departures(n, 9))).all():
            len(await flight.awaitable_attrs.crew)


async def bosses(e: Any, n: int) -> None:
    async with AsyncSession(e) as s:
        for crew in (await s.scalars(select(Crew).where(Crew.id > 80))).all():
            await crew.awaitable_attrs.boss


async def routes(e: Any, n: int) -> None:
    async with AsyncSession(e) as s:
        for flight in (await s.scalars(departures(n, 6))).all():
            await flight.awaitable_attrs.origin
            await flight.awaitable_attrs.destination


async def got(e: Any, n: int) -> None:
    """The rows are tuples; each passenger is fetched by its key."""
    async with AsyncSession(e) as s:
        for (key,) in (await s.execute(select(Ticket.passenger_id).where(Ticket.flight_id == n + 5))).all():
            await s.get(Passenger, key)


async def fanned_out(e: Any, n: int) -> None:
    """A session for each flight, at the same time."""
    async with AsyncSession(e) as s:
        keys = (await s.scalars(select(Flight.id).order_by(Flight.departs).offset(n).limit(12))).all()

    async def seats(key: int) -> None:
        async with AsyncSession(e) as own:
            await own.scalar(select(func.count()).select_from(Ticket).where(Ticket.flight_id == key))

    await asyncio.gather(*(seats(key) for key in keys))


async def refreshed(e: Any, n: int) -> None:
    async with AsyncSession(e) as s:
        for flight in (await s.scalars(departures(n, 6))).all():
            await s.refresh(flight)


async def nested_sync(e: Any, n: int) -> None:
    def work(s: Any) -> None:
        for flight in s.scalars(departures(n, 8)):
            sum(ticket.fare for ticket in flight.tickets)

    async with AsyncSession(e) as s:
        await s.run_sync(work)


async def by_code(e: Any, n: int) -> None:
    async with AsyncSession(e) as s:
        for code in (await s.scalars(select(Airport.iata).where(Airport.id <= 9))).all():
            airport = select(Airport.id).where(Airport.iata == code).scalar_subquery()
            (await s.scalars(select(Flight).where(Flight.origin_id == airport))).all()


async def first_bag(e: Any, n: int) -> None:
    async with AsyncSession(e) as s:
        for ticket in (await s.scalars(select(Ticket).where(Ticket.flight_id.in_([n + 1, n + 2])))).all():
            await s.scalar(select(Bag).where(Bag.ticket_id == ticket.id).order_by(Bag.kilos.desc()).limit(1))


async def scanned(e: Any, n: int) -> None:
    async with AsyncSession(e) as s:
        for passport in ("P9", "P44", "P7", "P81", "P32", "P12", "P5"):
            await s.scalar(select(Passenger).where(Passenger.passport == passport))


async def hub(e: Any, n: int) -> None:
    async with AsyncSession(e) as s:
        for _ in range(9):
            await s.execute(select(Airport.city).where(Airport.iata == "AAX"))


async def rebook(e: Any, n: int) -> None:
    async with AsyncSession(e) as s:
        for ticket in (await s.scalars(select(Ticket).where(Ticket.flight_id == 9 + n))).all():
            await s.execute(update(Ticket).where(Ticket.id == ticket.id).values(fare=1))
        await s.commit()


async def notify(e: Any, n: int) -> None:
    async with AsyncSession(e) as s:
        for number in range(8):
            s.add(Message(body=f"gate {number}", state="new"))
            await s.flush()
        await s.commit()


async def served(e: Any, *works: Any) -> None:
    """Four clients, each with requests of several kinds."""

    async def client(number: int) -> None:
        for turn in range(6):
            await works[(number + turn) % len(works)](e, number * 6 + turn)
            await asyncio.sleep(0.003 * ((number * 5 + turn * 3) % 7))

    await asyncio.gather(*(client(number) for number in range(4)))


async def detail(e: Any, n: int) -> None:
    async with AsyncSession(e) as s:
        flight = await s.get_one(Flight, n + 30)
        await flight.awaitable_attrs.aircraft
        await flight.awaitable_attrs.tickets


async def identity(e: Any, n: int) -> None:
    async with AsyncSession(e) as s:
        await s.scalar(select(Passenger).where(Passenger.passport == f"P{n + 1}"))


BAGS = burst("bag", "ticket", O2M)
POSITIVE = [
    Case("aircraft", aircraft, (burst("aircraft", "flight", M2O),)),
    Case(
        "manifest",
        manifest,
        (burst("ticket", "flight", O2M), burst("passenger", "ticket", M2O), BAGS),
        times=1,
    ),
    Case("crews", crews, (burst("crew_member", "flight", M2M),)),
    Case("bosses", bosses, (burst("crew_member", "crew_member", M2O),)),
    Case("routes", routes, (burst("airport", "flight", M2O),), times=1),
    Case("got", got, (burst("passenger", "ticket", M2O),)),
    Case("fanned_out", fanned_out, (burst("ticket", "flight", O2M),)),
    Case("refreshed", refreshed, (burst("flight", "flight", "deferred columns"),)),
    Case("nested_sync", nested_sync, (burst("ticket", "flight", O2M),), times=1),
    Case("by_code", by_code, (burst("flight", "airport", O2M),)),
    Case("first_bag", first_bag, (BAGS,)),
    Case("scanned", scanned, (burst("passenger", pattern="parentless-loop"),)),
    Case("hub", hub, (burst("airport", pattern="repeated-identical-query"),)),
    Case("rebook", rebook, (burst("ticket", pattern="row-by-row-write"),)),
    Case("notify", notify, (burst("message", pattern="row-by-row-write"),), times=1),
    Case("served_aircraft", lambda e, n: served(e, aircraft, detail, identity), (burst("aircraft", "flight", M2O),)),
    Case("served_manifests", lambda e, n: served(e, nested_sync, identity), (burst("ticket", "flight", O2M),)),
    Case("bouncer_crews", lambda e, n: served(e, crews, identity), (burst("crew_member", "flight", M2M),)),
    Case("bouncer_got", lambda e, n: served(e, got, detail), (burst("passenger", "ticket", M2O),)),
]


async def selected(e: Any, n: int) -> None:
    async with AsyncSession(e) as s:
        options = selectinload(Flight.tickets).selectinload(Ticket.bags), joinedload(Flight.aircraft)
        (await s.scalars(departures(n, 20).options(*options))).all()


async def at_once(e: Any, n: int) -> None:
    """Different questions of one page, at the same time."""

    async def ask(statement: Any) -> None:
        async with AsyncSession(e) as s:
            await s.execute(statement)

    counts = [select(func.count()).select_from(table) for table in (Flight, Ticket, Bag, Crew, Airport)]
    await asyncio.gather(*(ask(statement) for statement in counts))


async def streamed(e: Any, n: int) -> None:
    async with AsyncSession(e) as s:
        async for _ in await s.stream_scalars(select(Ticket).execution_options(yield_per=400)):
            pass


async def paged(e: Any, n: int) -> None:
    async with AsyncSession(e) as s:
        for page in range(7):
            (await s.scalars(select(Passenger).order_by(Passenger.name).offset(page * 50).limit(50))).all()


async def polled(e: Any, n: int) -> None:
    for _ in range(9):
        async with AsyncSession(e) as s:
            (await s.scalars(select(Message).where(Message.state == "urgent"))).all()
        await asyncio.sleep(0.05)


async def retried(e: Any, n: int) -> None:
    for attempt in range(6):
        async with AsyncSession(e) as s:
            try:
                await s.get(Flight, 5)
                if attempt < 5:
                    await s.execute(text("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$"))
                await s.commit()
            except DBAPIError:
                await asyncio.sleep(0.004)


async def relayed(e: Any, n: int) -> None:
    for _ in range(8):
        async with AsyncSession(e) as s:
            first = select(Message).where(Message.state == "new").order_by(Message.id).limit(1)
            message = await s.scalar(first.with_for_update(skip_locked=True))
            if message:
                message.state = "sent"
            await s.commit()


async def checked_in(e: Any, n: int) -> None:
    for number in range(7):
        async with AsyncSession(e) as s:
            passport = f"N{time.monotonic_ns()}{number}"
            if (await s.scalar(select(Passenger.id).where(Passenger.passport == passport))) is None:
                s.add(Passenger(name="new", passport=passport))
            await s.commit()


NEGATIVE = [
    Case("selected", selected, row="already batched"),
    Case("at_once", at_once, row="no repetition"),
    Case("streamed", streamed, row="cursor FETCH"),
    Case("paged", paged, row="pagination", times=1),
    Case("polled", polled, row="polling"),
    Case("retried", retried, row="retry"),
    Case("relayed", relayed, row="job worker"),
    Case("checked_in", checked_in, row="uniqueness check"),
    Case("served_details", lambda e, n: served(e, detail, identity), row="concurrent traffic"),
    Case("bouncer_details", lambda e, n: served(e, detail, identity, detail), row="concurrent traffic"),
    Case("bouncer_selected", lambda e, n: served(e, selected, identity), row="already batched"),
]
SETTINGS = {"log_destination": "jsonlog", "log_min_duration_statement": "0"}


def record(url: str, prefix: str) -> Iterator[Case]:
    parts = urlsplit(url)
    host, database = parse_qs(parts.query)["host"][0], parts.path.lstrip("/")
    with bouncer(host, database) as folder:
        for case in POSITIVE + NEGATIVE:
            asyncio.run(_run(case, prefix, folder if case.name.startswith("bouncer") else host, database))
            yield case


async def _run(case: Case, prefix: str, host: str, database: str) -> None:
    if case.name.startswith("bouncer"):
        where = {"host": host, "port": 6432, "user": "postgres", "dbname": database, "prepare_threshold": None}
        arguments = where | {"application_name": prefix + case.name}
        engine = create_async_engine("postgresql+psycopg://", poolclass=NullPool, connect_args=arguments)
    else:
        arguments = {"host": host, "user": "postgres", "database": database}
        arguments["server_settings"] = {"application_name": prefix + case.name}
        engine = create_async_engine("postgresql+asyncpg://", pool_size=5, connect_args=arguments)
    for turn in range(case.times):
        await case.run(engine, turn)
        await asyncio.sleep(0.3)
    await engine.dispose()
