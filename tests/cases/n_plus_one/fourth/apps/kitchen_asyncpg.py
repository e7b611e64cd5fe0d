"""Recipes: asyncpg by hand with a pool, as small services are written; keys named, none declared."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
from cases import M2M, M2O, O2M, O2O, Case, burst


async def cooks(p: Any) -> None:
    """One connection for the request."""
    async with p.acquire() as c:
        for row in await c.fetch("SELECT recipe_id, title, cook_id FROM recipe ORDER BY recipe_id LIMIT 9"):
            await c.fetchrow("SELECT nick FROM cook WHERE cook_id = $1", row["cook_id"])


async def steps(p: Any) -> None:
    """Each statement takes a connection of the pool."""
    for row in await p.fetch("SELECT * FROM recipe WHERE cuisine = $1 LIMIT 10", "thai"):
        await p.fetch("SELECT body FROM step WHERE recipe_id = $1 ORDER BY position", row["recipe_id"])


async def ingredients(p: Any) -> None:
    async with p.acquire() as c:
        for row in await c.fetch("SELECT recipe_id, title FROM recipe WHERE cook_id < 4"):
            await c.fetch(
                "SELECT i.name, ri.amount FROM recipe_ingredient ri JOIN ingredient i USING (ingredient_id)"
                " WHERE ri.recipe_id = $1",
                row["recipe_id"],
            )


async def shopping_list(p: Any) -> None:
    """1 + 6 + 6 * 6 + 6 * 6."""
    async with p.acquire() as c, c.transaction():
        for recipe in await c.fetch("SELECT recipe_id FROM recipe WHERE cuisine = 'inca' ORDER BY title LIMIT 6"):
            for part in await c.fetch(
                "SELECT ingredient_id, amount FROM recipe_ingredient WHERE recipe_id = $1", recipe["recipe_id"]
            ):
                found = await c.fetchrow(
                    "SELECT name, unit_id FROM ingredient WHERE ingredient_id = $1", part["ingredient_id"]
                )
                await c.fetchval("SELECT symbol FROM unit WHERE unit_id = $1", found["unit_id"])


async def averages(p: Any) -> None:
    for row in await p.fetch("SELECT recipe_id FROM recipe WHERE title LIKE 'recipe 1%' LIMIT 12"):
        await p.fetchval("SELECT avg(stars) FROM rating WHERE recipe_id = $1", row["recipe_id"])


async def rated(p: Any) -> None:
    async with p.acquire() as c:
        for row in await c.fetch("SELECT recipe_id, slug FROM recipe ORDER BY slug LIMIT 7"):
            await c.fetchval("SELECT EXISTS (SELECT 1 FROM rating WHERE recipe_id = $1 AND stars = 4)", row[0])


async def last_rating(p: Any) -> None:
    async with p.acquire() as c:
        for row in await c.fetch("SELECT r.recipe_id, k.nick FROM recipe r JOIN cook k USING (cook_id) LIMIT 8"):
            await c.fetchrow("SELECT stars, at FROM rating WHERE recipe_id = $1 ORDER BY at DESC LIMIT 1", row[0])


async def gathered(p: Any) -> None:
    rows = await p.fetch("SELECT recipe_id FROM recipe WHERE cuisine = 'greek' LIMIT 15")
    await asyncio.gather(*(p.fetch("SELECT stars FROM rating WHERE recipe_id = $1", row[0]) for row in rows))


async def by_slug(p: Any) -> None:
    async with p.acquire() as c:
        for row in await c.fetch("SELECT slug FROM recipe WHERE cuisine = 'irish' ORDER BY slug LIMIT 8"):
            await c.fetch(
                "SELECT body FROM step WHERE recipe_id = (SELECT recipe_id FROM recipe WHERE slug = $1)", row["slug"]
            )


async def one_of_any(p: Any) -> None:
    async with p.acquire() as c:
        for row in await c.fetch("SELECT recipe_id FROM recipe ORDER BY recipe_id DESC LIMIT 8"):
            await c.fetch("SELECT step_id FROM step WHERE recipe_id = ANY($1::int[])", [row[0]])


async def prepared(p: Any) -> None:
    async with p.acquire() as c:
        lookup = await c.prepare("SELECT name FROM ingredient WHERE ingredient_id = $1")
        for row in await c.fetch("SELECT ingredient_id, grams FROM pantry WHERE grams < 90"):
            await lookup.fetchval(row["ingredient_id"])


async def walked(p: Any) -> None:
    """A cursor over recipes, a question for each."""
    async with p.acquire() as c, c.transaction():
        async for row in c.cursor("SELECT recipe_id FROM recipe WHERE recipe_id <= 20", prefetch=5):
            await c.fetchval("SELECT count(*) FROM step WHERE recipe_id = $1", row[0])


async def wanted(p: Any) -> None:
    async with p.acquire() as c:
        for number in (3, 14, 15, 92, 65, 35):
            await c.fetchrow("SELECT title FROM recipe WHERE recipe_id = $1", number)


async def limits(p: Any) -> None:
    async with p.acquire() as c:
        for _ in range(7):
            await c.fetchval("SELECT grams FROM pantry WHERE ingredient_id = $1", 5)


async def stock(p: Any) -> None:
    async with p.acquire() as c, c.transaction():
        for row in await c.fetch("SELECT ingredient_id, grams FROM pantry WHERE ingredient_id <= 9"):
            await c.execute("UPDATE pantry SET grams = $1 WHERE ingredient_id = $2", row[1] - 1, row[0])


async def vote(p: Any) -> None:
    """Inserted one by one, without a transaction."""
    async with p.acquire() as c:
        for number in range(11):
            await c.execute("INSERT INTO rating (recipe_id, cook_id, stars) VALUES ($1, $2, 5)", number + 1, 4)


async def forget(p: Any) -> None:
    async with p.acquire() as c, c.transaction():
        for row in await c.fetch("SELECT rating_id FROM rating WHERE cook_id = 4 AND stars = 5 LIMIT 8"):
            await c.execute("DELETE FROM rating WHERE rating_id = $1", row[0])


async def clients(p: Any, *works: Any) -> None:
    async def client(number: int) -> None:
        chance = random.Random(number)
        for _ in range(8):
            await chance.choice(works)(p)
            await asyncio.sleep(chance.uniform(0, 0.02))

    await asyncio.gather(*(client(number) for number in range(5)))


async def detail(p: Any) -> None:
    async with p.acquire() as c:
        number = random.randrange(1, 200)
        await c.fetchrow("SELECT title, cook_id FROM recipe WHERE recipe_id = $1", number)
        await c.fetch("SELECT body FROM step WHERE recipe_id = $1 ORDER BY position", number)


async def profile(p: Any) -> None:
    await p.fetchrow("SELECT nick, joined FROM cook WHERE cook_id = $1", random.randrange(1, 80))


STEPS = burst("step", "recipe", O2M)
COOKS = burst("cook", "recipe", M2O)
RATINGS = burst("rating", "recipe", O2M)
POSITIVE = [
    Case("cooks", cooks, (COOKS,), times=1),
    Case("steps", steps, (STEPS,)),
    Case("ingredients", ingredients, (burst("ingredient", "recipe", M2M),)),
    Case(
        "shopping_list",
        shopping_list,
        (
            burst("recipe_ingredient", "recipe", O2M),
            burst("ingredient", "recipe_ingredient", M2O),
            burst("unit", "ingredient", M2O),
        ),
        times=1,
    ),
    Case("averages", averages, (RATINGS,)),
    Case("rated", rated, (RATINGS,), times=1),
    Case("last_rating", last_rating, (RATINGS,)),
    Case("gathered", gathered, (RATINGS,)),
    Case("by_slug", by_slug, (STEPS,), times=1),
    Case("one_of_any", one_of_any, (STEPS,)),
    Case("prepared", prepared, (burst("ingredient", "pantry", O2O),)),
    Case("walked", walked, (STEPS,)),
    Case("wanted", wanted, (burst("recipe", pattern="parentless-loop"),)),
    Case("limits", limits, (burst("pantry", pattern="repeated-identical-query"),)),
    Case("stock", stock, (burst("pantry", pattern="row-by-row-write"),), times=1),
    Case("vote", vote, (burst("rating", pattern="row-by-row-write"),)),
    Case("forget", forget, (burst("rating", pattern="row-by-row-write"),)),
    Case("busy_cooks", lambda p: clients(p, cooks, detail, profile), (COOKS,), times=1),
    Case("busy_steps", lambda p: clients(p, steps, profile), (STEPS,), times=1),
]


async def any_of(p: Any) -> None:
    for start in range(1, 60, 10):
        await p.fetch("SELECT name FROM ingredient WHERE ingredient_id = ANY($1::int[])", [*range(start, start + 10)])


async def in_list(p: Any) -> None:
    async with p.acquire() as c:
        for start in range(1, 40, 5):
            await c.fetch("SELECT body FROM step WHERE recipe_id IN ($1, $2, $3, $4, $5)", *range(start, start + 5))


async def two_steps(p: Any) -> None:
    rows = await p.fetch("SELECT recipe_id FROM recipe WHERE cuisine = 'thai' LIMIT 20")
    await p.fetch("SELECT body FROM step WHERE recipe_id = ANY($1::int[])", [row[0] for row in rows])


async def cursor(p: Any) -> None:
    async with p.acquire() as c, c.transaction():
        async for _ in c.cursor("SELECT stars FROM rating", prefetch=200):
            pass


async def executed_many(p: Any) -> None:
    await p.executemany("INSERT INTO task (kind, state) VALUES ('tag', $1)", [("done",)] * 40)


async def copied(p: Any) -> None:
    await p.copy_records_to_table("task", records=[("copy", "done")] * 50, columns=["kind", "state"])


async def unnested(p: Any) -> None:
    for start in range(1, 61, 10):
        keys = [*range(start, start + 10)]
        await p.execute(
            "UPDATE pantry SET grams = u.grams FROM unnest($1::int[], $2::int[]) AS u(id, grams)"
            " WHERE ingredient_id = u.id",
            keys,
            keys,
        )


async def paged(p: Any) -> None:
    last = 0
    for _ in range(7):
        rows = await p.fetch("SELECT rating_id FROM rating WHERE rating_id > $1 ORDER BY rating_id LIMIT 30", last)
        last = rows[-1][0]


async def offsets(p: Any) -> None:
    async with p.acquire() as c:
        for page in range(8):
            await c.fetch("SELECT title FROM recipe ORDER BY title LIMIT 20 OFFSET $1", page * 20)


async def health(p: Any) -> None:
    for _ in range(8):
        await p.fetchval("SELECT count(*) FROM task WHERE state = 'stuck'")
        await asyncio.sleep(0.05)


async def retried(p: Any) -> None:
    async with p.acquire() as c:
        for attempt in range(6):
            with suppress(asyncpg.SerializationError):
                async with c.transaction():
                    await c.fetchval("SELECT grams FROM pantry WHERE ingredient_id = 7")
                    if attempt < 5:
                        await c.execute("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$")


async def queue(p: Any) -> None:
    for _ in range(8):
        async with p.acquire() as c, c.transaction():
            key = await c.fetchval(
                "SELECT task_id FROM task WHERE state = 'open' ORDER BY task_id LIMIT 1 FOR UPDATE SKIP LOCKED"
            )
            await c.execute("UPDATE task SET state = 'done' WHERE task_id = $1", key)


async def suggested(p: Any) -> None:
    """Takes a recipe in unless its slug is taken; a transaction each."""
    async with p.acquire() as c:
        for _ in range(7):
            async with c.transaction():
                slug = f"n-{random.randrange(10**9)}"
                if not await c.fetchval("SELECT 1 FROM recipe WHERE slug = $1", slug):
                    await c.execute(
                        "INSERT INTO recipe (title, slug, cook_id, cuisine) VALUES ('new', $1, 1, 'none')", slug
                    )


NEGATIVE = [
    Case("any_of", any_of, row="already batched"),
    Case("in_list", in_list, row="already batched"),
    Case("two_steps", two_steps, row="already batched"),
    Case("cursor", cursor, row="cursor FETCH"),
    Case("executed_many", executed_many, row="bulk write"),
    Case("copied", copied, row="bulk write"),
    Case("unnested", unnested, row="bulk write"),
    Case("paged", paged, row="pagination"),
    Case("offsets", offsets, row="pagination", times=1),
    Case("health", health, row="polling"),
    Case("retried", retried, row="retry"),
    Case("queue", queue, row="job worker"),
    Case("suggested", suggested, row="uniqueness check"),
    Case("busy_details", lambda p: clients(p, detail, profile), row="concurrent traffic", times=1),
    Case("busy_profiles", lambda p: clients(p, profile), row="concurrent traffic"),
]
SETTINGS = {"log_destination": "csvlog", "log_min_duration_statement": "0"}


def record(url: str, prefix: str) -> Iterator[Case]:
    parts = urlsplit(url)
    host, database = parse_qs(parts.query)["host"][0], parts.path.lstrip("/")
    for case in POSITIVE + NEGATIVE:
        asyncio.run(_run(case, host, database, prefix + case.name))
        yield case


async def _run(case: Case, host: str, database: str, name: str) -> None:
    random.seed(case.name)
    async with asyncpg.create_pool(
        host=host,
        user="postgres",
        database=database,
        min_size=4,
        max_size=4,
        server_settings={"application_name": name},
    ) as pool:
        for _ in range(case.times):
            await case.run(pool)
            await asyncio.sleep(0.3)
