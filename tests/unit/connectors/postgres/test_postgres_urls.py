"""libpq's URL forms; no password in any name or error."""

from __future__ import annotations

import pytest

from advisor.errors import SourceError
from connectors.postgres.url import parse_url


@pytest.mark.parametrize(
    ("url", "name", "database"),
    [
        ("postgresql://app:pw@db.example:5433/shop", "postgresql://db.example:5433/shop", "shop"),
        ("postgres://db/shop?sslmode=require", "postgresql://db/shop", "shop"),
        ("postgresql:///shop?host=/run/postgresql&user=app", "postgresql:///shop?host=/run/postgresql", "shop"),
        ("postgresql://app@%2Frun%2Fpg:5433/shop", "postgresql:///shop?host=/run/pg&port=5433", "shop"),
        ("postgresql://a:1,b:2/shop", "postgresql://a:1,b:2/shop", "shop"),
        ("postgresql://[::1]:5432/shop", "postgresql://[::1]:5432/shop", "shop"),
        ("postgresql://db?dbname=shop", "postgresql://db/shop", "shop"),
        ("postgresql://app:p@ss@db/shop", "postgresql://db/shop", "shop"),
    ],
)
def test_names_tell_the_server_and_no_credentials(url: str, name: str, database: str) -> None:
    target = parse_url(url)
    assert (target.name, target.database) == (name, database)


def test_what_only_libpq_knows_is_not_sent_to_the_server() -> None:
    target = parse_url("postgresql://db/shop?connect_timeout=3&keepalives=1&pgbouncer=true&schema=x&sslmode=prefer")
    assert target.connect_timeout_s == 3
    assert target.dsn == "postgresql://db/shop?sslmode=prefer"


def test_a_password_with_a_bare_at_sign_reaches_the_driver_encoded() -> None:
    assert parse_url("postgresql://app:p@ss@db/shop").dsn == "postgresql://app:p%40ss@db/shop"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:se#cret@db/shop",
        "postgresql://u:se/cret@db/shop",
        "postgresql://u:12/cret@db/shop",
        "postgresql://u:12?cret=1@db/shop",
        "postgresql://u:cret@db:port/shop",
        "postgresql://u:cret@db/shop?nothing",
        "mysql://u:cret@db/shop",
        "postgresql://u:cret@[::1/shop",
    ],
)
def test_unreadable_urls_are_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_url(url)
    assert "cret" not in str(caught.value)
    assert "percent-encoded" in str(caught.value)
