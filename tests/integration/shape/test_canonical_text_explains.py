"""The canonical text of a statement is a statement: PostgreSQL plans it, with its values shown and without them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from advisor.shape.sql import shape_of
from connectors.postgres.embedded import EmbeddedServer
from connectors.postgres.placeholders import masked

CASES = Path(__file__).parents[2] / "cases" / "shapes"
STATEMENTS = [line for line in (CASES / "statements.sql").read_text(encoding="utf-8").splitlines() if line]
# Without its literals a statement may have lost what tells its types: PostgreSQL then wants to know a parameter's type.
AMBIGUOUS = {
    "SELECT * FROM unnest(ARRAY[1, 2, 3]) AS u(x) JOIN orders ON orders.id = u.x",
    "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(id, name) JOIN orders ON orders.id = v.id",
}


@pytest.fixture(scope="module", params=[16, 18])
def connection(request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    with EmbeddedServer(version=request.param) as server, psycopg.connect(server.url, autocommit=True) as opened:
        opened.execute((CASES / "schema.sql").read_text(encoding="utf-8"))
        yield opened


def refusals(connection: psycopg.Connection, statements: list[str]) -> dict[str, str]:
    refused = {}
    for statement in statements:
        text = shape_of(statement).text
        try:
            connection.execute(f"EXPLAIN (GENERIC_PLAN) {text}")
        except psycopg.Error as error:
            refused[statement] = f"{text}: {error}"
    return refused


def test_statements_with_their_values(connection: psycopg.Connection) -> None:
    assert not refusals(connection, STATEMENTS)


def test_statements_without_their_values(connection: psycopg.Connection) -> None:
    refused = refusals(connection, [masked(statement) for statement in STATEMENTS if statement not in AMBIGUOUS])
    assert not refused


def test_a_canonical_text_is_its_own_canonical_text() -> None:
    for statement in STATEMENTS:
        shape = shape_of(statement)
        again = shape_of(shape.text)
        assert again.text == shape.text
        assert again.fingerprint == shape.fingerprint, (shape.text, again.text)
