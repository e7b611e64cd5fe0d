"""An observatory: SQLAlchemy 2, six clients at once with pauses of 0 to 50 ms, requests of several kinds mixed.

psycopg 3 in threads and in asyncio, through pools of the application's own and through PgBouncer in transaction mode;
UUID keys, a schema for each site (schema_translate_map).
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cases import M2O, O2M, Case, burst
from parcels_pooled import bouncer
from sqlalchemy import ForeignKey, Uuid, create_engine, func, select
from sqlalchemy.ext.asyncio import AsyncAttrs, AsyncSession, create_async_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    contains_eager,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
)
from sqlalchemy.pool import NullPool

CLIENTS, REQUESTS = 6, 10


class Base(AsyncAttrs, DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "person"
    person_uuid: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    full_name: Mapped[str]


class Night(Base):
    __tablename__ = "night"
    night_uuid: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    evening: Mapped[date]
    observer_uuid: Mapped[uuid.UUID] = mapped_column(ForeignKey(Person.person_uuid))
    observer: Mapped[Person] = relationship()
    observations: Mapped[list[Observation]] = relationship(back_populates="night")


class Target(Base):
    __tablename__ = "target"
    target_uuid: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    designation: Mapped[str]
    magnitude: Mapped[float]


class Observation(Base):
    __tablename__ = "observation"
    observation_uuid: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    night_uuid: Mapped[uuid.UUID] = mapped_column(ForeignKey(Night.night_uuid))
    target_uuid: Mapped[uuid.UUID] = mapped_column(ForeignKey(Target.target_uuid))
    proposed_by: Mapped[uuid.UUID] = mapped_column(ForeignKey(Person.person_uuid))
    state: Mapped[str]
    night: Mapped[Night] = relationship(back_populates="observations")
    target: Mapped[Target] = relationship()
    proposer: Mapped[Person] = relationship()
    exposures: Mapped[list[Exposure]] = relationship()


class Exposure(Base):
    __tablename__ = "exposure"
    exposure_uuid: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    observation_uuid: Mapped[uuid.UUID] = mapped_column(ForeignKey(Observation.observation_uuid))
    seconds: Mapped[int]


class Weather(Base):
    __tablename__ = "weather"
    station: Mapped[str] = mapped_column(primary_key=True)
    minute: Mapped[int] = mapped_column(primary_key=True)
    humidity: Mapped[float]


def key(kind: int, n: int) -> uuid.UUID:
    return uuid.UUID(f"{kind:08}-0000-4000-8000-{n:012}")


def plan(session: Session, n: int) -> None:
    """The observations of one night, each with its target."""
    for it in session.scalars(select(Observation).where(Observation.night_uuid == key(2, n % 120 + 1))):
        it.target.designation  # noqa: B018


def proposers(session: Session, n: int) -> None:
    for it in session.scalars(select(Observation).where(Observation.observation_uuid > key(4, n)).limit(7)):
        it.proposer.full_name  # noqa: B018


def log_book(session: Session, n: int) -> None:
    """Two levels, with time for rendering between."""
    for night in session.scalars(select(Night).where(Night.evening > date(2026, 1, 1) + timedelta(n % 100)).limit(6)):
        for it in night.observations:
            sum(exposure.seconds for exposure in it.exposures)
        time.sleep(0.002)


def observers(session: Session, n: int) -> None:
    """A slow page: up to 50 ms of work on each row."""
    for night in session.scalars(select(Night).order_by(Night.evening).offset(n % 90).limit(8)):
        night.observer.full_name  # noqa: B018
        time.sleep(0.001 * (n * 7 % 50))


def totals(session: Session, n: int) -> None:
    for it in session.scalars(select(Observation).where(Observation.night_uuid == key(2, n % 120 + 1))).all():
        session.scalar(select(func.sum(Exposure.seconds)).where(Exposure.observation_uuid == it.observation_uuid))


def joined_parent(session: Session, n: int) -> None:
    """The list joins the night; the lookups hang on the night's column."""
    found = select(Observation).join(Observation.night).options(contains_eager(Observation.night))
    for it in session.scalars(
        found.where(Observation.target_uuid.in_([key(3, n % 99 + 1), key(3, n % 99 + 2)])).limit(9)
    ):
        it.night.observer.full_name  # noqa: B018


def from_cache(session: Session, n: int) -> None:
    """Keys out of a cache."""
    for number in range(7):
        session.get(Target, key(3, (n * 5 + number * 17) % 200 + 1))


def detail(session: Session, n: int) -> None:
    it = session.get(Observation, key(4, n))
    it.target.designation  # noqa: B018
    len(it.exposures)


def evening(session: Session, n: int) -> None:
    night = session.scalar(select(Night).where(Night.evening == date(2026, 1, 1) + timedelta(n % 120 + 1)))
    night.observer.full_name  # noqa: B018
    session.scalar(select(Weather.humidity).where(Weather.station == "dome", Weather.minute == n % 500 + 1))


def finish(session: Session, n: int) -> None:
    session.get(Observation, key(4, n)).state = f"done {time.monotonic_ns()}"
    session.flush()


def few(session: Session, n: int) -> None:
    """Three rows at most: below the threshold."""
    for it in session.scalars(select(Observation).where(Observation.night_uuid == key(2, n % 120 + 1)).limit(3)):
        it.target.designation  # noqa: B018


def batched(session: Session, n: int) -> None:
    options = selectinload(Night.observations).selectinload(Observation.exposures), joinedload(Night.observer)
    found = select(Night).where(Night.evening > date(2026, 1, 1) + timedelta(n % 100)).options(*options).limit(6)
    for night in session.scalars(found):
        len(night.observations)


def pages(session: Session, n: int) -> None:
    for page in range(6):
        session.execute(
            select(Weather.minute, Weather.humidity).order_by(Weather.minute).offset(page * 20).limit(20)
        ).all()


Work = Callable[[Session, int], None]


def threads(engine: Any, *works: Work, site: str = "north", pause: float = 0.05) -> None:
    def client(number: int) -> None:
        chance = random.Random(number)
        for _ in range(REQUESTS):
            n = chance.randrange(1, 1400)
            with Session(engine.execution_options(schema_translate_map={None: site})) as session:
                works[n % len(works)](session, n)
                session.commit()
            time.sleep(chance.uniform(0, pause))

    started = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    [thread.start() for thread in started]
    [thread.join() for thread in started]


def together(engine: Any, *works: Callable[[AsyncSession, int], Any]) -> None:
    async def client(number: int) -> None:
        chance = random.Random(number)
        for _ in range(REQUESTS):
            n = chance.randrange(1, 1400)
            async with AsyncSession(engine.execution_options(schema_translate_map={None: "south"})) as session:
                await works[n % len(works)](session, n)
                await session.commit()
            await asyncio.sleep(chance.uniform(0, 0.05))

    async def all_of_them() -> None:
        await asyncio.gather(*(client(number) for number in range(CLIENTS)))
        await engine.dispose()

    asyncio.run(all_of_them())


async def awaited(session: AsyncSession, n: int) -> None:
    for it in await session.scalars(select(Observation).where(Observation.night_uuid == key(2, n % 120 + 1))):
        (await it.awaitable_attrs.proposer).full_name  # noqa: B018


async def a_session_each(session: AsyncSession, n: int) -> None:
    """One session for each row, at the same time (the advice of SQLAlchemy's own documentation on gather)."""
    rows = (
        await session.execute(
            select(Night.night_uuid, Night.observer_uuid).order_by(Night.evening).offset(n % 80).limit(10)
        )
    ).all()
    options = session.bind

    async def observer(of: uuid.UUID) -> None:
        async with AsyncSession(options) as own:
            await own.get(Person, of)

    await asyncio.gather(*(observer(row.observer_uuid) for row in rows))


async def async_detail(session: AsyncSession, n: int) -> None:
    it = await session.get(Observation, key(4, n))
    await it.awaitable_attrs.target
    await it.awaitable_attrs.exposures


async def async_batched(session: AsyncSession, n: int) -> None:
    found = (
        select(Observation)
        .where(Observation.night_uuid == key(2, n % 120 + 1))
        .options(selectinload(Observation.exposures))
    )
    (await session.scalars(found)).all()


TARGETS = burst("target", "observation", M2O)
POSITIVE = [
    Case("plan", lambda e: threads(e, plan, detail, evening, finish), (TARGETS,)),
    Case("proposers", lambda e: threads(e, proposers, detail, evening, few), (burst("person", "observation", M2O),)),
    Case(
        "log_book",
        lambda e: threads(e, log_book, evening, detail),
        (burst("observation", "night", O2M), burst("exposure", "observation", O2M)),
    ),
    Case("observers", lambda e: threads(e, observers, detail, finish), (burst("person", "night", M2O),)),
    Case("joined_parent", lambda e: threads(e, joined_parent, detail, evening), (burst("person", "night", M2O),)),
    Case("from_cache", lambda e: threads(e, from_cache, evening, few), (burst("target", pattern="parentless-loop"),)),
    Case("bouncer_totals", lambda e: threads(e, totals, detail, evening), (burst("exposure", "observation", O2M),)),
    Case("bouncer_plan", lambda e: threads(e, plan, evening, pages), (TARGETS,)),
    Case("autocommit_plan", lambda e: threads(e, plan, evening, finish), (TARGETS,)),
    Case("autocommit_observers", lambda e: threads(e, observers, evening), (burst("person", "night", M2O),)),
    Case("south", lambda e: threads(e, plan, batched, site="south"), (TARGETS,)),
    Case("async_awaited", lambda e: together(e, awaited, async_detail), (burst("person", "observation", M2O),)),
    Case("async_a_session_each", lambda e: together(e, a_session_each, async_detail), (burst("person", "night", M2O),)),
]
NEGATIVE = [
    Case("details", lambda e: threads(e, detail, evening, finish, few), row="concurrent traffic"),
    Case("bouncer_details", lambda e: threads(e, detail, evening, few), row="concurrent traffic"),
    Case("autocommit_details", lambda e: threads(e, detail, evening, few, pause=0.01), row="concurrent traffic"),
    Case("one_page", lambda e: threads(e, evening), row="concurrent traffic"),
    Case("batched", lambda e: threads(e, batched, evening), row="already batched"),
    Case("pages", lambda e: threads(e, pages, detail), row="pagination"),
    Case("async_details", lambda e: together(e, async_detail, async_batched), row="concurrent traffic"),
]
SETTINGS = {"log_destination": "csvlog", "log_min_duration_statement": "0"}


def record(url: str, prefix: str) -> Iterator[Case]:
    parts = urlsplit(url)
    host, database = parse_qs(parts.query)["host"][0], parts.path.lstrip("/")
    with bouncer(host, database) as folder:
        for case in POSITIVE + NEGATIVE:
            through = (folder, 6432) if case.name.startswith("bouncer") else (host, 5432)
            where = {"host": through[0], "port": through[1], "user": parts.username, "dbname": database}
            options: dict[str, Any] = {"connect_args": where | {"application_name": prefix + case.name}}
            if case.name.startswith("async"):
                engine: Any = create_async_engine("postgresql+psycopg://", pool_size=4, **options)
            elif case.name.startswith("bouncer"):
                options["connect_args"]["prepare_threshold"] = None
                engine = create_engine("postgresql+psycopg://", poolclass=NullPool, **options)
            else:
                level = "AUTOCOMMIT" if case.name.startswith("autocommit") else "READ COMMITTED"
                engine = create_engine("postgresql+psycopg://", pool_size=4, isolation_level=level, **options)
            for _ in range(1 if case.name.startswith("async") else 2):
                case.run(engine)
                time.sleep(0.3)
            if not case.name.startswith("async"):
                engine.dispose()
            yield case
