"""One session on the inspected server: it only reads, gives up soon, and says who it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson import SON, CodecOptions, DatetimeConversion
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    ConnectionFailure,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from pymongo.uri_parser import parse_uri

from advisor.errors import (
    AdvisorError,
    AuthenticationFailed,
    ConnectionFailed,
    PermissionMissing,
    SourceError,
    without_secrets,
)

APPLICATION = "query-advisor"
MAX_TIME_MS = 10_000
"""Every command gives up after this: an advisor must not be what slows the server down."""
PATIENCE_MS = 5_000
UNAUTHORIZED, AUTHENTICATION = 13, frozenset({18, 8000})

# An explain's bounds may carry dates that Python cannot hold (year 292278994): they come back as numbers.
CODEC: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO)
INTERNAL = frozenset({"admin", "config", "local"})

Document = Mapping[str, Any]


class Session:
    """A client and the database that its URL names; ``""`` stands for all of them."""

    def __init__(self, client: AsyncMongoClient[dict[str, Any]], database: str, name: str) -> None:
        self.client = client
        self.database = database
        self.name = name

    def of(self, database: str) -> AsyncDatabase[dict[str, Any]]:
        """A database of the server."""
        return self.client[database]

    async def command(self, database: str, name: str, value: Any = 1, **parts: Any) -> dict[str, Any]:
        """Run one command that reads, with a time limit and our mark. Raises what :func:`translated` makes."""
        command = SON([(name, value), *parts.items(), ("comment", APPLICATION), ("maxTimeMS", MAX_TIME_MS)])
        try:
            answer: dict[str, Any] = await self.of(database).command(command, codec_options=CODEC)
        except PyMongoError as error:
            raise translated(error) from error
        return answer

    async def aggregate(
        self, database: str, collection: str, *stages: Document, size: int = 1000
    ) -> list[dict[str, Any]]:
        """All documents of a short aggregation's first batch."""
        answer = await self.command(
            database, "aggregate", collection, pipeline=list(stages), cursor={"batchSize": size}
        )
        batch: list[dict[str, Any]] = answer["cursor"]["firstBatch"]
        return batch

    async def databases(self) -> list[str]:
        """The databases to look at: the URL's own, or all that this user may see."""
        if self.database:
            return [self.database]
        try:
            answer = await self.command("admin", "listDatabases", nameOnly=True, authorizedDatabases=True)
        except PermissionMissing:
            return []
        return sorted(entry["name"] for entry in answer["databases"] if entry["name"] not in INTERNAL)

    async def close(self) -> None:
        """End the session."""
        await self.client.close()


async def open_session(url: str, *, building: bool = False) -> Session:
    """Connect and say hello; ``building``: commands may take as long as an index takes.

    Raises :class:`SourceError` for a URL that cannot be read, :class:`AuthenticationFailed` for refused credentials,
    :class:`ConnectionFailed` when no server answers in five seconds.
    """
    try:
        parsed = parse_uri(url, warn=False)
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            url,
            appname=APPLICATION,
            serverSelectionTimeoutMS=PATIENCE_MS,
            connectTimeoutMS=PATIENCE_MS,
            socketTimeoutMS=None if building else 3 * MAX_TIME_MS,
            maxPoolSize=4,
            tz_aware=True,
        )
    except (InvalidURI, ConfigurationError, ValueError) as error:
        raise SourceError(f"{without_secrets(url)!r} is not a MongoDB URL: {str(error).rstrip('.')}.") from error
    hosts = ",".join(f"{host}:{port}" if port else str(host) for host, port in parsed["nodelist"])
    session = Session(client, str(parsed.get("database") or ""), f"mongodb://{hosts}/{parsed.get('database') or ''}")
    try:
        await session.command("admin", "hello")
        await session.command("admin", "connectionStatus")
    except AdvisorError:
        await client.close()
        raise
    return session


def translated(error: PyMongoError) -> AdvisorError:
    """The driver's error as one of ours."""
    if isinstance(error, OperationFailure):
        if error.code in AUTHENTICATION:
            return AuthenticationFailed()
        if error.code == UNAUTHORIZED:
            return PermissionMissing(f"The server refused it ({_words(error)}); grant read and clusterMonitor.")
        return AdvisorError(f"MongoDB answered: {_words(error)}.")
    if isinstance(error, ServerSelectionTimeoutError):
        return ConnectionFailed(
            "No MongoDB server answered in time; check host, port, TLS and network, then try again."
        )
    if isinstance(error, AutoReconnect | ConnectionFailure):
        return ConnectionFailed(f"The connection to MongoDB was lost ({_words(error)}); try again.")
    return AdvisorError(f"MongoDB's driver gave up: {_words(error)}.")


def _words(error: Exception) -> str:
    told = error.details.get("errmsg") if isinstance(error, OperationFailure) and error.details else None
    return without_secrets(" ".join(str(told or error).split()).rstrip("."))[:300]
