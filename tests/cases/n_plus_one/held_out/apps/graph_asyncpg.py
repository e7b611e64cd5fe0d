"""Music over GraphQL: graphql-core's resolvers on an asyncpg pool, without and with a data loader."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from typing import Any

import asyncpg
from cases import M2O, O2M, Case, burst
from graphql import build_schema, graphql

SCHEMA = """
type Artist { id: Int name: String albums: [Album] }
type Label { name: String }
type Track { title: String seconds: Int }
type Album { id: Int title: String artist: Artist label: Label tracks: [Track] trackCount: Int }
type Playlist { ownerEmail: String tracks: [Track] }
type Query {
  albums(first: Int): [Album]
  artists(first: Int): [Artist]
  album(id: Int): Album
  playlist(id: Int): Playlist
}
"""


class Asking:
    """What a request asks the database with: the pool for each field, or one connection for all."""

    def __init__(self, pool: asyncpg.Pool, connection: Any = None, comment: str = "") -> None:
        self.pool, self.connection, self.comment = pool, connection, comment
        self.turn = asyncio.Lock()
        self.waiting: dict[str, dict[int, asyncio.Future]] = {}

    async def rows(self, text: str, *values: Any) -> list[dict[str, Any]]:
        text += self.comment
        if self.connection is None:
            return [dict(row) for row in await self.pool.fetch(text, *values)]
        async with self.turn:
            return [dict(row) for row in await self.connection.fetch(text, *values)]

    async def loaded(self, text: str, key: int, column: str) -> list[dict[str, Any]]:
        """A data loader: keys of one tick in one statement."""
        waiting = self.waiting.setdefault(text, {})
        if key not in waiting:
            if not waiting:
                asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(self._load(text, column)))
            waiting[key] = asyncio.get_running_loop().create_future()
        return await waiting[key]

    async def _load(self, text: str, column: str) -> None:
        waiting = self.waiting.pop(text)
        rows = await self.rows(text, list(waiting))
        for key, future in waiting.items():
            future.set_result([row for row in rows if row[column] == key])


ALBUM = "SELECT id, title, artist_id, record_label_id FROM app_album"


def plain() -> Any:
    schema = build_schema(SCHEMA)

    def field(kind: str, name: str, text: str, key: str, *, one: bool = False) -> None:
        async def resolve(source: Any, info: Any) -> Any:
            rows = await info.context.rows(text, source[key])
            return (rows or [None])[0] if one else rows

        schema.type_map[kind].fields[name].resolve = resolve

    def top(name: str, text: str, *, one: bool = False) -> None:
        async def resolve(_: Any, info: Any, **arguments: Any) -> Any:
            rows = await info.context.rows(text, *arguments.values())
            return (rows or [None])[0] if one else rows

        schema.type_map["Query"].fields[name].resolve = resolve

    top("albums", f"{ALBUM} ORDER BY id LIMIT $1")
    top("artists", "SELECT id, name FROM app_artist ORDER BY id LIMIT $1")
    top("album", f"{ALBUM} WHERE id = $1", one=True)
    top("playlist", "SELECT owner_email, track_ids FROM app_playlist WHERE id = $1", one=True)
    field("Album", "artist", "SELECT id, name FROM app_artist WHERE id = $1", "artist_id", one=True)
    field("Album", "label", "SELECT name FROM app_recordlabel WHERE id = $1", "record_label_id", one=True)
    field("Album", "tracks", "SELECT title, seconds FROM app_track WHERE album_id = $1 ORDER BY id", "id")
    field("Artist", "albums", f"{ALBUM} WHERE artist_id = $1", "id")

    async def count(source: Any, info: Any) -> int:
        rows = await info.context.rows("SELECT count(*) AS n FROM app_track WHERE album_id = $1", source["id"])
        return rows[0]["n"]

    async def playlist_tracks(source: Any, info: Any) -> Any:
        text = "SELECT title, seconds FROM app_track WHERE id = $1"
        return [(await info.context.rows(text, key))[0] for key in source["track_ids"]]

    schema.type_map["Album"].fields["trackCount"].resolve = count
    schema.type_map["Playlist"].fields["tracks"].resolve = playlist_tracks
    return schema


def batching() -> Any:
    schema = plain()

    async def tracks(source: Any, info: Any) -> Any:
        text = "SELECT album_id, title, seconds FROM app_track WHERE album_id = ANY($1)"
        return await info.context.loaded(text, source["id"], "album_id")

    async def artist(source: Any, info: Any) -> Any:
        text = "SELECT id, name FROM app_artist WHERE id = ANY($1)"
        return (await info.context.loaded(text, source["artist_id"], "id"))[0]

    schema.type_map["Album"].fields["tracks"].resolve = tracks
    schema.type_map["Album"].fields["artist"].resolve = artist
    return schema


PLAIN, BATCHING = plain(), batching()


def asks(query: str, schema: Any = PLAIN, *, one_connection: bool = False, traced: bool = False) -> Any:
    async def run(pool: asyncpg.Pool) -> None:
        comment = f" /*traceparent='00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01'*/" if traced else ""
        if one_connection:
            async with pool.acquire() as connection:
                result = await graphql(schema, query, context_value=Asking(pool, connection, comment))
        else:
            result = await graphql(schema, query, context_value=Asking(pool, comment=comment))
        assert not result.errors, result.errors

    return run


ARTIST_OF_ALBUM = burst("app_artist", "app_album", M2O)
TRACKS_OF_ALBUM = burst("app_track", "app_album", O2M)
ALBUMS_OF_ARTIST = burst("app_album", "app_artist", O2M)

POSITIVE = [
    Case("albums_artist", asks("{ albums(first: 20) { title artist { name } } }"), (ARTIST_OF_ALBUM,), times=5),
    Case("albums_tracks", asks("{ albums(first: 20) { tracks { title } } }"), (TRACKS_OF_ALBUM,), times=5),
    Case(
        "albums_label_and_tracks",
        asks("{ albums(first: 15) { label { name } tracks { title } } }"),
        (burst("app_recordlabel", "app_album", M2O), TRACKS_OF_ALBUM),
        times=5,
    ),
    Case(
        "artists_albums_tracks",
        asks("{ artists(first: 6) { albums { tracks { title } } } }", one_connection=True),
        (ALBUMS_OF_ARTIST, TRACKS_OF_ALBUM),
    ),
    Case("one_connection", asks("{ albums(first: 20) { artist { name } } }", one_connection=True), (ARTIST_OF_ALBUM,)),
    Case("track_counts", asks("{ albums(first: 15) { trackCount } }", one_connection=True), (TRACKS_OF_ALBUM,)),
    Case(
        "traced",
        asks("{ albums(first: 15) { artist { name } tracks { title } } }", traced=True),
        (ARTIST_OF_ALBUM, TRACKS_OF_ALBUM),
    ),
    Case(
        "playlist",
        asks("{ playlist(id: 4) { tracks { title } } }", one_connection=True),
        (burst("app_track", pattern="parentless-loop"),),
    ),
]


async def visitors(pool: asyncpg.Pool) -> None:
    """Forty people, each looks at one album; eight at a time."""
    for start in range(0, 40, 8):
        await asyncio.gather(
            *(
                asks(f"{{ album(id: {n + 1}) {{ artist {{ name }} tracks {{ title }} }} }}")(pool)
                for n in range(start, start + 8)
            )
        )
        await asyncio.sleep(0.02)


async def mixed(pool: asyncpg.Pool) -> None:
    """The list now and then, single albums all the time."""
    for n in range(30):
        if n % 10 == 4:
            await asks("{ albums(first: 20) { title } }")(pool)
        await asks(f"{{ album(id: {n + 1}) {{ tracks {{ title }} }} }}")(pool)
        await asyncio.sleep(0.01)


NEGATIVE = [
    Case(
        "loader_tracks",
        asks("{ albums(first: 20) { tracks { title } artist { name } } }", BATCHING),
        row="already batched",
    ),
    Case(
        "loader_nested",
        asks("{ artists(first: 9) { albums { tracks { title } } } }", BATCHING, one_connection=True),
        (ALBUMS_OF_ARTIST,),
        row="already batched",
    ),
    Case("visitors", visitors, row="concurrent traffic"),
    Case("mixed", mixed, row="concurrent traffic"),
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
