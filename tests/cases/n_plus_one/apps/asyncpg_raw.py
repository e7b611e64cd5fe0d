"""asyncpg without an ORM: a pool, and statements by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import asyncpg
from cases import DEFERRED, M2M, M2O, O2M, Case, burst

BOOKS = "SELECT id, title, author_id, publisher_id FROM books ORDER BY id LIMIT 20"


async def to_one(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        for book in await connection.fetch(BOOKS):
            await connection.fetchrow("SELECT name FROM publishers WHERE id = $1", book["publisher_id"])


async def to_many_in_transaction(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        for book in await connection.fetch(BOOKS):
            await connection.fetch("SELECT stars FROM reviews WHERE book_id = $1 ORDER BY id", book["id"])


async def many_to_many(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        for book in await connection.fetch(BOOKS):
            await connection.fetch(
                "SELECT t.name FROM tags t JOIN book_tags bt ON bt.tag_id = t.id WHERE bt.book_id = $1", book["id"]
            )


async def gathered(pool: asyncpg.Pool) -> None:
    books = await pool.fetch(BOOKS)
    await asyncio.gather(*(pool.fetch("SELECT stars FROM reviews WHERE book_id = $1", b["id"]) for b in books))


async def pool_each(pool: asyncpg.Pool) -> None:
    """One after the other, but each through the pool: a reset after every statement."""
    for book in await pool.fetch(BOOKS):
        await pool.fetchrow("SELECT name FROM publishers WHERE id = $1", book["publisher_id"])


async def star(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        for order in await connection.fetch("SELECT * FROM orders WHERE id < 15"):
            await connection.fetch("SELECT * FROM order_items WHERE order_id = $1", order["id"])


async def literals(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        for author in await connection.fetch("SELECT id, slug FROM authors LIMIT 12"):
            await connection.execute(f"SELECT title FROM books WHERE author_id = {author['id']}")


async def reread(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        for book in await connection.fetch("SELECT id FROM books LIMIT 10"):
            await connection.fetchrow("SELECT title, body FROM books WHERE id = $1", book["id"])


async def exists(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        for user in await connection.fetch("SELECT id, name FROM users LIMIT 15"):
            await connection.fetchval("SELECT EXISTS (SELECT 1 FROM orders WHERE user_id = $1)", user["id"])


async def by_unique_key(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        for key in ("author-1", "author-2", "author-3", "author-4", "author-5", "author-6", "author-7"):
            await connection.fetchrow("SELECT id, name FROM authors WHERE slug = $1", key)


async def settings(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        for _ in range(10):
            await connection.fetchval("SELECT value FROM counters WHERE name = $1", "visits")


async def insert_each(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        for n in range(15):
            await connection.execute("INSERT INTO readings (sensor, value) VALUES ($1, $2)", n, 1.5)


POSITIVE = [
    Case("to_one", to_one, (burst("publishers", "books", M2O),)),
    Case("to_many_in_transaction", to_many_in_transaction, (burst("reviews", "books", O2M),)),
    Case("many_to_many", many_to_many, (burst("tags", "books", M2M),)),
    Case("gathered", gathered, (burst("reviews", "books", O2M),), times=4),
    Case("pool_each", pool_each, (burst("publishers", "books", M2O),), times=4),
    Case("star", star, (burst("order_items", "orders", O2M),)),
    Case("literals", literals, (burst("books", "authors", O2M),)),
    Case("reread", reread, (burst("books", "books", DEFERRED),)),
    Case("exists", exists, (burst("orders", "users", O2M),)),
    Case("by_unique_key", by_unique_key, (burst("authors", pattern="parentless-loop"),)),
    Case("settings", settings, (burst("counters", pattern="repeated-identical-query"),)),
    Case("insert_each", insert_each, (burst("readings", pattern="row-by-row-write"),)),
]


async def any_array(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        books = await connection.fetch("SELECT id FROM books")
        for start in range(0, 400, 40):
            keys = [book["id"] for book in books[start : start + 40]]
            await connection.fetch("SELECT stars FROM reviews WHERE book_id = ANY($1)", keys)


async def cursor(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        async for _ in connection.cursor("SELECT id FROM books", prefetch=20):
            pass


async def many(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        await connection.executemany(
            "INSERT INTO readings (sensor, value) VALUES ($1, $2)", [(n, 2.5) for n in range(300)]
        )


async def copy(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        await connection.copy_records_to_table(
            "readings", records=[(n, 3.5) for n in range(300)], columns=["sensor", "value"]
        )


async def visitors(pool: asyncpg.Pool) -> None:
    for turn in range(3):
        await asyncio.gather(
            *(pool.fetchrow("SELECT title FROM books WHERE id = $1", turn * 25 + n) for n in range(25))
        )


async def requests(pool: asyncpg.Pool) -> None:
    """A list, then details; each request takes its connection from the pool, some milliseconds apart."""
    await pool.fetch(BOOKS)
    for n in range(10):
        await asyncio.sleep(0.02)
        await pool.fetch("SELECT stars FROM reviews WHERE book_id = $1", n)


async def upsert_check(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        for n in range(8):
            name = f"raw {time.monotonic_ns()} {n}"
            if not await connection.fetchval("SELECT 1 FROM tags WHERE name = $1 LIMIT 1", name):
                await connection.execute("INSERT INTO tags SELECT max(id) + 1, $1 FROM tags", name)


async def health(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        for _ in range(8):
            await connection.fetchval("SELECT count(*) FROM jobs WHERE state = 'failed'")
            await asyncio.sleep(0.05)


async def offset(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        for page in range(10):
            await connection.fetch("SELECT id, title FROM books ORDER BY id LIMIT $1 OFFSET $2", 20, page * 20)


async def skip_locked(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        for _ in range(8):
            async with connection.transaction():
                key = await connection.fetchval(
                    "SELECT id FROM jobs WHERE state = 'queued' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
                )
                await connection.execute("UPDATE jobs SET state = 'done' WHERE id = $1", key)


NEGATIVE = [
    Case("any_array", any_array, row="already batched"),
    Case("cursor", cursor, row="cursor FETCH"),
    Case("executemany", many, row="bulk write"),
    Case("copy", copy, row="bulk write"),
    Case("visitors", visitors, row="concurrent traffic"),
    Case("requests_through_a_pool", requests, row="concurrent traffic"),
    Case("upsert_check", upsert_check, (burst("tags", pattern="row-by-row-write"),), row="uniqueness check"),
    Case("health_check", health, row="polling"),
    Case("offset_pages", offset, row="pagination"),
    Case("skip_locked", skip_locked, row="job worker"),
]


def record(url: str, prefix: str) -> Iterator[Case]:
    for case in POSITIVE + NEGATIVE:
        asyncio.run(_record(case, url, prefix))
        yield case


async def _record(case: Case, url: str, prefix: str) -> None:
    settings = {"application_name": prefix + case.name}
    async with asyncpg.create_pool(url, min_size=4, max_size=6, server_settings=settings) as pool:
        for _ in range(case.times):
            await case.run(pool)
            await asyncio.sleep(0.3)
