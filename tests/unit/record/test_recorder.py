from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import ForeignKey, create_engine, select, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload
from sqlalchemy.pool import StaticPool

from advisor import captures
from advisor.ports import Options
from advisor.record import Recorder
from advisor.record.events import numbered
from advisor.record.hooks_sqlalchemy import EAGER
from advisor.record.middleware import template
from advisor.workload import digest


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list[Book]] = relationship(back_populates="author")


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship(back_populates="books")


@pytest.fixture
def engine() -> Iterator[Any]:
    made = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(made)
    with Session(made) as session:
        session.add_all([Author(id=n, name=f"a{n}") for n in range(8)])
        session.add_all([Book(id=n, author_id=n % 8) for n in range(24)])
        session.commit()
    yield made
    made.dispose()


def events(folder: Path) -> list[dict[str, Any]]:
    with duckdb.connect() as database:
        cursor = database.execute(
            f"SELECT * EXCLUDE (started_at, ended_at) FROM '{folder / 'events.parquet'}' ORDER BY line"
        )
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def lazy(session: Session) -> None:
    for author in session.scalars(select(Author)):
        len(author.books)


def test_a_recording_is_a_capture_whose_bursts_are_found_with_file_and_line(engine: Any, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, application="shop").sqlalchemy(engine, relations=True)
    for _ in range(3):
        with recorder.unit("/authors"), Session(engine) as session:
            lazy(session)
    recorder.close()
    recorder.save()
    capture = captures.load(tmp_path)
    (burst,) = digest(capture, Options()).bursts
    assert burst.pattern == "n-plus-one"
    assert burst.unit_kind.value == "trace"
    assert burst.per_unit == 8
    assert burst.routes == ("/authors",)
    assert burst.call_sites[0].file.endswith("test_recorder.py")
    assert burst.call_sites[0].function == "lazy"
    assert "authors.id" in events(tmp_path)[1]["text"]
    assert {row["tags"].get("relation") for row in events(tmp_path)} >= {"Author.books"}
    assert not recorder.failures


def test_selectinload_is_not_told_as_a_lazy_load(engine: Any, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path).sqlalchemy(engine)
    with Session(engine) as session:
        session.scalars(select(Author).options(selectinload(Author.books))).all()
    recorder.close()
    assert not [recorded.relation for recorded in recorder.events if recorded.relation.strip(EAGER)]


def test_values_are_not_kept(engine: Any, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path).sqlalchemy(engine)
    with Session(engine) as session:
        session.execute(select(Author).where(Author.name == "s3cret-value")).all()
        session.execute(text("SELECT id FROM authors WHERE name = 's3cret-literal'")).all()
    recorder.close()
    recorder.save()
    with duckdb.connect() as database:
        assert not recorder.failures
        stored = str(database.execute(f"SELECT text, params_digest, tags FROM '{tmp_path}/events.parquet'").fetchall())
    assert "s3cret" not in stored


def test_nothing_in_the_recorder_breaks_the_application(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder().sqlalchemy(engine)

    def broken(*_: Any) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(recorder._frames, "place", broken)
    with Session(engine) as session:
        lazy(session)
    recorder.close()
    assert recorder.failures
    with Session(engine) as session:
        assert len(session.scalars(select(Author)).all()) == 8


def test_failed_statements_are_recorded_with_their_error(engine: Any) -> None:
    recorder = Recorder().sqlalchemy(engine)
    with Session(engine) as session, pytest.raises(Exception, match="no such table"):
        session.execute(text("SELECT * FROM nowhere"))
    recorder.close()
    assert not recorder.failures
    assert [recorded.error for recorded in recorder.events if recorded.error] == ["XX000"]


async def test_async_loads_have_the_applications_line(tmp_path: Path) -> None:
    engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        await connection.execute(text("INSERT INTO authors VALUES (1, 'a'), (2, 'b')"))
    recorder = Recorder(tmp_path).sqlalchemy(engine)
    async with AsyncSession(engine) as session:
        await session.get(Author, 1)
    recorder.close()
    await engine.dispose()
    read = [recorded for recorded in recorder.events if recorded.text.startswith("SELECT")]
    assert read[0].function == "test_async_loads_have_the_applications_line"


async def test_an_asgi_request_is_a_unit_with_its_route() -> None:
    recorder = Recorder()

    class Route:
        path = "/orders/{order_id}"

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["route"] = Route()
        await asyncio.sleep(0)
        recorder.add("1", "SELECT 1", None, 0.001)

    wrapped = recorder.asgi(app)
    await asyncio.gather(*(wrapped({"type": "http", "path": f"/orders/{n}"}, None, None) for n in range(3)))
    assert len({recorded.unit.key for recorded in recorder.events if recorded.unit}) == 3
    assert {recorded.unit.route for recorded in recorder.events if recorded.unit} == {"/orders/{order_id}"}


def test_a_wsgi_request_lasts_until_its_response_is_read() -> None:
    recorder = Recorder()

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        recorder.add("1", "SELECT 1", None, 0.001)
        yield b"a"
        recorder.add("1", "SELECT 2", None, 0.001)

    response = recorder.wsgi(app)({"PATH_INFO": "/orders/7"}, None)
    assert list(response) == [b"a"]
    response.close()
    assert {recorded.unit.route for recorded in recorder.events if recorded.unit} == {"/orders/{id}"}
    assert len({recorded.unit.key for recorded in recorder.events if recorded.unit}) == 1


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("SELECT a FROM t WHERE b = %s AND c IN (%s, %s)", "SELECT a FROM t WHERE b = $1 AND c IN ($2, $3)"),
        ("SELECT %(x)s, %(y)s, %(x)s", "SELECT $1, $2, $1"),
        ("SELECT a FROM t WHERE b = ? -- why", "SELECT a FROM t WHERE b = $1"),
        ("SELECT a FROM t WHERE b = $1 AND c = 'x' AND d = 3", "SELECT a FROM t WHERE b = $1 AND c = $0 AND d = $0"),
    ],
)
def test_texts(given: str, wanted: str) -> None:
    assert numbered(given) == wanted


def test_paths_become_templates() -> None:
    assert template("/a/17/b/0f8fad5b-d9cb-469f-a165-70867728950e") == "/a/{id}/b/{id}"


def test_a_recording_of_many_statements_is_written_quickly(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    for n in range(20_000):
        recorder.add("1", "SELECT a FROM t WHERE b = %s", (n,), 0.001)
    started = time.perf_counter()
    recorder.save()
    assert time.perf_counter() - started < 10
    assert not recorder.failures


def test_detached_engines_keep_no_listener(engine: Any) -> None:
    recorder = Recorder().sqlalchemy(engine)
    recorder.close()
    with Session(engine) as session:
        session.execute(select(Author)).all()
    assert not recorder.events
