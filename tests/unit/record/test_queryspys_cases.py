"""Every case that queryspy 0.6 documents as found or as not flagged, through our detector and through queryspy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import queryspy
from sqlalchemy import ForeignKey, StaticPool, create_engine, event, select, update
from sqlalchemy.ext.asyncio import AsyncAttrs, AsyncSession, create_async_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
    subqueryload,
    undefer,
)

from advisor.record import Recorder, ignore
from advisor.record.repeats import COLUMNS, IDENTICAL, LAZY, LOOP, WRITES, Repeat, repeats, statements


class Base(AsyncAttrs, DeclarativeBase):
    pass


class Owner(Base):
    __tablename__ = "owners"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    essay: Mapped[str] = mapped_column(default="", deferred=True)
    pets: Mapped[list[Pet]] = relationship(back_populates="owner")


class Pet(Base):
    __tablename__ = "pets"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    owner_id: Mapped[int] = mapped_column(ForeignKey("owners.id"))
    owner: Mapped[Owner] = relationship(back_populates="pets")


def fill(session: Session) -> None:
    session.add_all([Owner(id=n, name=f"owner {n}", essay="long") for n in range(1, 7)])
    session.add_all([Pet(id=n, name=f"pet {n}", owner_id=n % 6 + 1) for n in range(1, 13)])
    session.commit()


def to_many(session: Session) -> None:
    for owner in session.scalars(select(Owner)).all():
        len(owner.pets)


def to_one(session: Session) -> None:
    for pet in session.scalars(select(Pet)).all():
        pet.owner.name  # noqa: B018


def two_rows(session: Session) -> None:
    for owner in session.scalars(select(Owner).limit(2)).all():
        len(owner.pets)


def from_two_functions(session: Session) -> None:
    def first(owner: Owner) -> int:
        return len(owner.pets)

    def second(owner: Owner) -> int:
        return len(owner.pets)

    one, two = session.scalars(select(Owner).limit(2)).all()
    first(one)
    second(two)


def deferred_column(session: Session) -> None:
    for owner in session.scalars(select(Owner)).all():
        owner.essay  # noqa: B018


def after_commit(session: Session) -> None:
    owners = session.scalars(select(Owner)).all()
    session.commit()
    for owner in owners:
        owner.name  # noqa: B018


def get_loop(session: Session) -> None:
    for key in range(1, 6):
        session.get(Owner, key)


def parents_one_at_a_time(session: Session) -> None:
    for key in range(1, 6):
        session.scalars(select(Owner).where(Owner.id == key)).one()


def same_question(session: Session) -> None:
    for _ in range(4):
        session.execute(select(Pet.name).where(Pet.id == 1)).all()


def writes(session: Session) -> None:
    for key in range(1, 7):
        session.execute(update(Owner).where(Owner.id == key).values(name="new"))


FOUND: list[tuple[Callable[[Session], None], str]] = [
    (to_many, LAZY),
    (to_one, LAZY),
    (two_rows, LAZY),
    (from_two_functions, LAZY),
    (deferred_column, COLUMNS),
    (after_commit, COLUMNS),
    (get_loop, LOOP),
    (parents_one_at_a_time, LOOP),
    (same_question, IDENTICAL),
    (writes, WRITES),
]


def selectin(session: Session) -> None:
    for owner in session.scalars(select(Owner).options(selectinload(Owner.pets))).all():
        len(owner.pets)


def subquery(session: Session) -> None:
    for owner in session.scalars(select(Owner).options(subqueryload(Owner.pets))).all():
        len(owner.pets)


def joined(session: Session) -> None:
    for pet in session.scalars(select(Pet).options(joinedload(Pet.owner))).all():
        pet.owner.name  # noqa: B018


def undeferred(session: Session) -> None:
    for owner in session.scalars(select(Owner).options(undefer(Owner.essay))).all():
        owner.essay  # noqa: B018


def one_row(session: Session) -> None:
    len(session.scalars(select(Owner)).all()[0].pets)


def different_questions(session: Session) -> None:
    session.scalars(select(Owner)).all()
    session.scalars(select(Pet)).all()


def on_purpose(session: Session) -> None:
    owners = session.scalars(select(Owner)).all()
    with ignore(), queryspy.ignore():
        for owner in owners:
            len(owner.pets)


def flush(session: Session) -> None:
    session.add_all([Pet(id=100 + n, name="new", owner_id=1) for n in range(8)])
    session.flush()


NOT_FLAGGED: list[Callable[[Session], None]] = [
    selectin,
    subquery,
    joined,
    undeferred,
    one_row,
    different_questions,
    on_purpose,
    flush,
]

KINDS = {"lazy_load": {LAZY}, "column_load": {COLUMNS}, "repeated_statement": {LOOP, IDENTICAL, WRITES}}


def run(case: Callable[[Session], None]) -> tuple[list[Repeat], int, int, list[Any]]:
    """What we find, how many statements we and the driver's event count, and what queryspy finds."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        fill(session)
    sent: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *told: sent.append(told[2]))
    recorder = Recorder(root=Path(__file__).parent).sqlalchemy(engine, relations=True)
    with Session(engine) as session:
        with queryspy.record() as spy:
            case(session)
        theirs = list(spy.findings())
        found, counted = repeats(recorder.events), len(statements(recorder.events))
    recorder.close()
    engine.dispose()
    return found, counted, len(sent), theirs


@pytest.mark.parametrize(("case", "kind"), FOUND, ids=[case.__name__ for case, _ in FOUND])
def test_what_it_finds_is_found_with_its_line(case: Callable[[Session], None], kind: str) -> None:
    found, _, _, theirs = run(case)
    (repeat,) = found
    assert repeat.kind == kind
    assert repeat.file.endswith("test_queryspys_cases.py")
    assert repeat.line > 0
    assert repeat.hint
    if kind != WRITES:  # which it does not tell
        (their,) = theirs
        assert kind in KINDS[their.kind]
        assert repeat.count >= their.count


@pytest.mark.parametrize("case", NOT_FLAGGED, ids=[case.__name__ for case in NOT_FLAGGED])
def test_what_it_does_not_flag_is_not_flagged(case: Callable[[Session], None]) -> None:
    found, counted, sent, theirs = run(case)
    assert found == []
    assert counted == sent, "ignored statements are counted"
    assert theirs == []


async def awaitable_attributes(session: AsyncSession) -> None:
    for owner in (await session.scalars(select(Owner))).all():
        await owner.awaitable_attrs.pets


async def async_get_loop(session: AsyncSession) -> None:
    for key in range(1, 6):
        await session.get(Owner, key)


async def async_selectin(session: AsyncSession) -> None:
    for owner in (await session.scalars(select(Owner).options(selectinload(Owner.pets)))).all():
        len(owner.pets)


@pytest.mark.parametrize(("case", "kind"), [(awaitable_attributes, LAZY), (async_get_loop, LOOP), (async_selectin, "")])
async def test_async_cases(case: Callable[[AsyncSession], Any], kind: str) -> None:
    """A lazy load runs in a greenlet without a frame of the application; its line is told all the same."""
    pytest.importorskip("aiosqlite")
    engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(engine) as session:
        await session.run_sync(fill)
    recorder = Recorder(root=Path(__file__).parent).sqlalchemy(engine, relations=True)
    async with AsyncSession(engine) as session:
        await case(session)
    found = repeats(recorder.events)
    recorder.close()
    await engine.dispose()
    assert [repeat.kind for repeat in found] == ([kind] if kind else [])
    assert all(repeat.function == case.__name__ for repeat in found)


async def test_interleaved_requests_stay_apart() -> None:
    """Each request's statements carry its own unit of work."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    recorder = Recorder(root=Path(__file__).parent).sqlalchemy(engine)

    async def request(name: str) -> None:
        with recorder.unit(name), Session(engine) as session:
            for _ in range(3):
                session.execute(select(1))
                await asyncio.sleep(0)

    await asyncio.gather(request("/a"), request("/b"))
    recorder.close()
    routes = [(event.unit.route, event.unit.key) for event in statements(recorder.events) if event.unit]
    assert sorted(set(routes)) == sorted({routes[0], routes[1]})
    assert len(routes) == 6
