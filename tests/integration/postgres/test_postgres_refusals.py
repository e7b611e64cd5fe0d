"""Servers that cannot be reached or do not let us in: one sentence each, and never the password."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from advisor.errors import AdvisorError, AuthenticationFailed, ConnectionFailed, SourceError
from connectors import connect
from connectors.postgres.session import SETTINGS, Session, open_session

SECRET = "hunter2"


def refused(url: str) -> AdvisorError:
    with pytest.raises(AdvisorError) as caught:
        asyncio.run(connect(url))
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    return caught.value


@pytest.fixture(scope="module")
def guarded(embedded: Any) -> Any:
    """The server, asking "beggar" for a password and letting "outcast" in from nowhere."""
    rules = embedded.server.data / "pg_hba.conf"
    rules.write_text("local all beggar scram-sha-256\nlocal all outcast reject\n" + rules.read_text())
    embedded.run("SELECT pg_reload_conf()")
    yield embedded
    rules.write_text(rules.read_text().split("\n", 2)[2])
    embedded.run("SELECT pg_reload_conf()")


def test_a_wrong_password(guarded: Any) -> None:
    error = refused(guarded.url_as(f"beggar:{SECRET}"))
    assert isinstance(error, AuthenticationFailed)
    assert "user name or password" in str(error)


def test_no_password(guarded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSFILE", "/nonexistent")
    assert isinstance(refused(guarded.url_as("beggar")), AuthenticationFailed)


def test_the_right_password(guarded: Any) -> None:
    session = asyncio.run(opened_and_closed(guarded.url_as("beggar:rags-and-tatters")))
    assert "rags" not in session.target.name


async def opened_and_closed(url: str) -> Session:
    session = await open_session(url)
    await session.close()
    return session


def test_a_user_who_is_not_let_in(guarded: Any) -> None:
    error = refused(guarded.url_as(f"outcast:{SECRET}"))
    assert isinstance(error, AuthenticationFailed)
    assert "pg_hba.conf" in str(error)


def test_a_database_that_is_not_there(embedded: Any) -> None:
    error = refused(embedded.server.url_of("nowhere"))
    assert "no such database" in str(error)


def test_an_option_that_the_server_does_not_know(embedded: Any) -> None:
    assert isinstance(refused(embedded.url + "&colour=red"), SourceError)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://app:{SECRET}@127.0.0.1:1/shop",
        f"postgresql://app:{SECRET}@no-such-host.invalid/shop",
        f"postgresql://app:{SECRET}@/shop?host=/nonexistent",
    ],
)
def test_a_server_that_is_not_there(url: str) -> None:
    assert isinstance(refused(url), ConnectionFailed)


@pytest.fixture
def mute() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_server_that_does_not_answer(mute: int) -> None:
    error = refused(f"postgresql://app:{SECRET}@127.0.0.1:{mute}/shop?connect_timeout=1")
    assert "did not answer within 1 s" in str(error)


def test_a_server_of_another_kind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with suppress(OSError):  # closed: the client asked once only
                while True:
                    peer, _ = server.accept()
                    peer.recv(100)
                    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    peer.close()

        threading.Thread(target=answer, daemon=True).start()
        assert isinstance(
            refused(f"postgresql://app:{SECRET}@127.0.0.1:{server.getsockname()[1]}/shop"), ConnectionFailed
        )


@pytest.mark.parametrize("url", [f"postgresql://app:{SECRET}#x@db/shop", f"mysql://app:{SECRET}@db/shop"])
def test_what_is_no_url(url: str) -> None:
    assert isinstance(refused(url), SourceError)


def test_the_session_is_read_only_and_impatient(zoo: Any) -> None:
    async def settings() -> dict[str, str]:
        session = await open_session(zoo.url)
        try:
            assert not session.pooled
            return {name: await session.value(f"SHOW {name}") for name in (*SETTINGS, "application_name")}
        finally:
            await session.close()

    assert asyncio.run(settings()) == {
        "default_transaction_read_only": "on",
        "statement_timeout": "30s",
        "lock_timeout": "1s",
        "idle_in_transaction_session_timeout": "1min",
        "plan_cache_mode": "force_generic_plan",
        "application_name": "query-advisor",
    }


def test_a_connection_lost_on_the_way_is_told(embedded: Any) -> None:
    async def cut() -> None:
        session, other = await open_session(embedded.url), await open_session(embedded.url)
        try:
            pid = await session.value("SELECT pg_backend_pid()")
            await other.fetch("SELECT pg_terminate_backend($1)", pid)
            await session.fetch("SELECT 1")
        finally:
            await other.close()
            await session.close()

    with pytest.raises(ConnectionFailed, match="was lost"):
        asyncio.run(cut())
