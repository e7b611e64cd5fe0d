"""Engines and sessions: the web's (sync and async, with comments if wanted) and the batch jobs' (never)."""

from dataclasses import dataclass

from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

from sample_dbs.shop_postgres.app.comments import append_comments

POOL_SIZE = 4  # connections of each pool; handed out in turn, so that requests spread over them


@dataclass(frozen=True, slots=True)
class Database:
    """The application's way to its database. Close it with ``await database.close()``."""

    web: sessionmaker[Session]
    web_async: async_sessionmaker[AsyncSession]
    batch: sessionmaker[Session]
    engine: Engine
    async_engine: AsyncEngine
    batch_engine: Engine

    async def warm(self) -> None:
        """Opens every connection of the pools, so that work is spread over them from the first request on."""
        for engine in (self.engine, self.batch_engine):
            for connection in [engine.connect() for _ in range(engine.pool.size())]:  # type: ignore[attr-defined]  # a QueuePool
                connection.close()
        for opened in [await self.async_engine.connect() for _ in range(POOL_SIZE)]:
            await opened.close()

    async def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()
        self.batch_engine.dispose()
        await self.async_engine.dispose()


def open_database(url: str, comments: bool = True) -> Database:
    """Connects lazily to a ``postgresql://`` URL; with ``comments`` the web's statements say where they come from."""
    parsed = make_url(url)
    engine = create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        pool_size=POOL_SIZE,
        connect_args={"application_name": "shop-web"},
    )
    async_engine = create_async_engine(
        parsed.set(drivername="postgresql+asyncpg"),
        pool_size=POOL_SIZE,
        max_overflow=0,
        connect_args={"server_settings": {"application_name": "shop-web-async"}},
    )
    batch_engine = create_engine(
        parsed.set(drivername="postgresql+psycopg"), pool_size=2, connect_args={"application_name": "shop-batch"}
    )
    if comments:
        append_comments(engine)
        append_comments(async_engine.sync_engine)
    return Database(
        web=sessionmaker(engine),
        web_async=async_sessionmaker(async_engine),
        batch=sessionmaker(batch_engine),
        engine=engine,
        async_engine=async_engine,
        batch_engine=batch_engine,
    )
