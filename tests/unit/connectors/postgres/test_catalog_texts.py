"""Small readings of what the catalog prints, and sizes by arithmetic."""

from __future__ import annotations

import doctest

import pytest

from advisor.model.catalog import Catalog, Column, ColumnStats, Index, IndexColumn, Table, TableName
from advisor.model.index_size import estimated_size
from connectors.postgres import catalog_rows, placeholders, sandbox, sql
from connectors.postgres.catalog_rows import array_elements, without_outer_parentheses
from connectors.postgres.plan import labels, properties


@pytest.mark.parametrize(
    "module", [catalog_rows, placeholders, sandbox, sql, labels, properties], ids=lambda m: m.__name__
)
def test_examples_in_docstrings(module: object) -> None:
    found = doctest.testmod(module)  # type: ignore[arg-type]
    assert found.attempted > 0
    assert found.failed == 0


def test_arrays_round_trip() -> None:
    values = ["", "a", 'b"c', "d\\e", "f,g", "{h}", "NULL", "ü "]
    assert list(array_elements(sql.array(values))) == values
    assert array_elements("{}") == ()
    assert array_elements("") == ()


def test_outer_parentheses() -> None:
    assert without_outer_parentheses("((a > 1) AND (b = ')'::text))") == "(a > 1) AND (b = ')'::text)"
    assert without_outer_parentheses("lower(a)") == "lower(a)"
    assert without_outer_parentheses("(a") == "(a"


ORDERS = TableName("public", "orders")
SHOP = Catalog(
    (
        Table(
            ORDERS,
            (
                Column("id", "bigint", False, stats=ColumnStats(0.0, 1_000_000, 8)),
                Column("status", "text", stats=ColumnStats(0.0, 7, 8, None, (0.9, 0.02, 0.02, 0.02, 0.02, 0.01, 0.01))),
                Column("deleted_at", "timestamp with time zone", stats=ColumnStats(0.99, 1_000, 8)),
            ),
            rows=1_000_000,
            pages=10_000,
        ),
    )
)


def index(*columns: str, predicate: str = "", method: str = "btree") -> Index:
    return Index(ORDERS, tuple(IndexColumn(name) for name in columns), method=method, predicate=predicate)


def test_sizes() -> None:
    # CREATE INDEX on a million distinct bigints makes 22,487,040 bytes on PostgreSQL 13 to 18.
    assert estimated_size(index("id"), SHOP) == pytest.approx(22_487_040, rel=0.02)
    merged = estimated_size(index("status"), SHOP)
    assert merged < estimated_size(index("id"), SHOP) / 2
    few = estimated_size(index("id", predicate="deleted_at IS NOT NULL"), SHOP)
    assert few < estimated_size(index("id"), SHOP) / 50
    assert estimated_size(index("id", method="brin"), SHOP) < 100_000
    assert estimated_size(Index(TableName("public", "gone"), ()), SHOP) == 0
