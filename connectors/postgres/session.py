"""One session on the inspected server: read-only in fact, impatient, and recognisable."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

import asyncpg

from advisor.errors import (
    AdvisorError,
    AuthenticationFailed,
    ConnectionFailed,
    PermissionMissing,
    SourceError,
    without_secrets,
)
from advisor.model.identifiers import quote
from connectors.postgres.sql import MARK, query
from connectors.postgres.url import Target, parse_url

# The manual's client defaults (19.11) never give up. These keep us from queueing behind a DDL or holding a snapshot:
# a lock request that waits for long would make the application's own statements queue behind it.
SETTINGS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "30000",
    "lock_timeout": "1000",
    "idle_in_transaction_session_timeout": "60000",
    "plan_cache_mode": "force_generic_plan",
}


LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""What the driver raises when the session is gone, or going."""


class Fetcher(Protocol):
    """Whatever can run a SELECT: a :class:`Session`, or a bare asyncpg connection."""

    async def fetch(self, statement: str, *args: Any) -> Sequence[Any]:
        """Return the rows of ``statement``."""
        ...


class Session:
    """A read-only session.

    Behind a pooler that shares server sessions (PgBouncer in transaction mode refuses or swallows our settings) nothing
    may be left on the session: every statement then runs in a ``BEGIN READ ONLY`` of its own with ``SET LOCAL``.
    """

    def __init__(self, connection: Any, target: Target, version_number: int, pooled: bool) -> None:
        self.connection = connection
        self.target = target
        self.version_number = version_number  # as server_version_num spells it: 160004
        self.pooled = pooled

    async def fetch(self, statement: str, *args: Any) -> list[Any]:
        """Return the rows of a SELECT, SHOW or EXPLAIN.

        Raises :class:`ConnectionFailed` when the session is gone; the server's refusals stay ``asyncpg.PostgresError``.
        """
        async with self.block():
            return list(await self.connection.fetch(statement, *args))

    async def value(self, statement: str, *args: Any) -> Any:
        """Return the first column of the first row, ``None`` without rows."""
        rows = await self.fetch(statement, *args)
        return rows[0][0] if rows else None

    @asynccontextmanager
    async def block(self) -> AsyncIterator[Any]:
        """Statements that must meet the same server session; yields the driver's connection."""
        try:
            if not self.pooled:
                yield self.connection
                return
            async with self.connection.transaction(readonly=True):
                for name, setting in SETTINGS.items():
                    if name != "default_transaction_read_only":
                        await self.connection.execute(f"SET LOCAL {name} = '{setting}'")
                yield self.connection
        except LOST as error:
            raise ConnectionFailed(
                f"The connection to {self.target.name} was lost ({_words(error)}); try again."
            ) from error

    async def widen(self, path: Sequence[str], schemas: Iterable[str]) -> None:
        """Let unqualified names be found in every schema, those of ``path`` first.

        The application may set a search path of its own, which nobody tells us. Not behind a pooler, where the setting
        would be left to others.
        """
        wide = [*path, *sorted(set(schemas) - set(path))]
        if not self.pooled and len(wide) > len(path):
            await self.connection.execute("SET search_path = " + ", ".join(map(quote, wide)))

    async def close(self) -> None:
        """End the session, at once if the server does not answer."""
        try:
            await self.connection.close(timeout=5)
        except (asyncpg.InterfaceError, asyncpg.PostgresError, OSError, TimeoutError):
            self.connection.terminate()


async def open_session(url: str, *, writable: bool = False) -> Session:
    """Open a session on the server that ``url`` names.

    ``writable`` is for a sandbox only: everything but the read-only default is kept.
    Raises :class:`SourceError`, :class:`ConnectionFailed`, :class:`AuthenticationFailed`,
    :class:`PermissionMissing`: one sentence each, without the password.
    """
    target = parse_url(url)
    settings = {**SETTINGS, "default_transaction_read_only": "off"} if writable else SETTINGS
    try:
        try:
            connection = await _connect(target, settings)
        except asyncpg.PostgresError as error:
            if "unsupported startup parameter" not in str(error):
                raise
            connection = await _connect(target, {})
        row = await connection.fetchrow(query("session"))
        pooled = row["plans"] != SETTINGS["plan_cache_mode"]
        if row["superuser"] and not pooled:
            # Only a superuser may: else our thousands of questions would evict the application's statements.
            await connection.execute("SET pg_stat_statements.track = 'none'")
    except Exception as error:
        raise _translated(error, target) from error
    return Session(connection, target, row["version"], pooled)


async def _connect(target: Target, settings: dict[str, str]) -> Any:
    return await asyncpg.connect(
        dsn=target.dsn,
        timeout=target.connect_timeout_s,
        # Twice the statement's own limit: that ends what takes long, this ends the wait for a server that is gone.
        command_timeout=60,
        # Cached statements do not survive a pooler that hands out another server session.
        statement_cache_size=0,
        server_settings={"application_name": MARK, **settings},
    )


def _words(error: BaseException) -> str:
    return without_secrets(" ".join(str(error).split()).rstrip(".")) or type(error).__name__


def _translated(error: Exception, target: Target) -> AdvisorError:
    where = target.name
    if isinstance(error, AdvisorError):
        return error
    if isinstance(error, asyncpg.InvalidPasswordError):
        return AuthenticationFailed(
            f"{where} refused the user name or password; check the credentials in the URL, PGPASSWORD or ~/.pgpass."
        )
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return AuthenticationFailed(
            f"{where} does not let this user in ({_words(error)}); check the user name, sslmode and the server's "
            "pg_hba.conf."
        )
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return ConnectionFailed(f"{where} has no such database; check the name at the end of the URL.")
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return PermissionMissing(f"{where} refused the connection ({_words(error)}); GRANT CONNECT ON DATABASE to it.")
    if isinstance(error, asyncpg.UndefinedObjectError | asyncpg.CantChangeRuntimeParamError):
        return SourceError(f"{where} does not know an option of the URL ({_words(error)}); take it out of the URL.")
    if isinstance(error, asyncpg.PostgresError):
        return ConnectionFailed(f"{where} refused the connection ({_words(error)}); try again when it is ready.")
    if isinstance(error, TimeoutError):
        return ConnectionFailed(
            f"{where} did not answer within {target.connect_timeout_s:g} s; check host, port, network and firewall."
        )
    if isinstance(error, ssl.SSLError):
        return ConnectionFailed(
            f"{where} could not agree on TLS ({_words(error)}); check sslmode and the certificates."
        )
    if isinstance(error, OSError):
        return ConnectionFailed(f"{where} could not be reached ({_reason(error)}); check host, port and network.")
    if isinstance(error, asyncpg.InterfaceError | ValueError | UnicodeError):
        return _configuration(error, where)
    return ConnectionFailed(f"{where} could not be used ({_words(error)}); is it a PostgreSQL server?")


def _configuration(error: Exception, where: str) -> AdvisorError:
    if "password" in str(error).lower():
        return AuthenticationFailed(
            f"{where} wants a password and got none; put it into the URL, PGPASSWORD or ~/.pgpass."
        )
    # The driver's words may repeat a piece of the URL that was taken for something else: they stay in __cause__.
    return SourceError(
        f"The URL of {where} has an option that cannot be used; check sslmode, host, port and their files."
    )


def _reason(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return error.strerror or _words(error)
