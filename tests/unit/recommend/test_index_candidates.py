from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from advisor.model.capture import Server
from advisor.model.catalog import Catalog, Column, ColumnStats, Index, IndexColumn, Table, TableName
from advisor.model.shape import Operand, Operator, Predicate, SortKey
from advisor.model.workload import Query
from advisor.recommend._indexable import btree_obstacle, expression_obstacle, pattern_class
from advisor.recommend._needs import forwards
from advisor.recommend.candidates import candidates, label, merged

ORDERS, CUSTOMERS, COUNTRIES = (TableName("public", name) for name in ("orders", "customers", "countries"))
SERVER = Server("postgresql", "16.4", extensions={"pg_trgm": "1.6"})
MakeQuery = Callable[..., Query]


def where(name: str, operator: Operator = Operator.EQUAL, **more: object) -> Predicate:
    return Predicate(ORDERS, name, operator, columns=(name,), **more)  # type: ignore[arg-type]


def found(catalog: Catalog, *queries: Query, server: Server = SERVER) -> set[str]:
    return {label(c.index).removeprefix("public.") for c in candidates(queries, catalog, server)[0]}


def test_equalities_come_before_the_sort_and_the_range(catalog: Catalog, make_query: MakeQuery) -> None:
    query = make_query(
        "q", where("customer_id"), where("total", Operator.RANGE), sort=[SortKey(ORDERS, "placed_at", True)]
    )
    offered = found(catalog, query)
    assert "orders (customer_id, placed_at)" in offered
    assert "orders (customer_id, total)" in offered
    assert "orders (customer_id, placed_at, total)" in offered
    assert not any(text.startswith("orders (total, customer_id") for text in offered)


def test_columns_shared_with_other_queries_lead(catalog: Catalog, make_query: MakeQuery) -> None:
    both = make_query("q1", where("status"), where("customer_id"))
    assert "orders (status, customer_id)" in found(catalog, both, make_query("q2", where("status")))


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([("a", True, None), ("b", True, None)], ["a", "b"]),
        ([("a", True, None), ("b", False, None)], ["a", "b DESC"]),
        ([("a", False, None), ("b", True, False)], ["a", "b DESC NULLS LAST"]),
        ([("a", True, False)], ["a NULLS FIRST"]),
    ],
)
def test_an_order_is_written_forwards(keys: list[tuple[str, bool, bool | None]], expected: list[str]) -> None:
    columns = tuple(IndexColumn(name, descending=down, nulls_first=nulls) for name, down, nulls in keys)
    assert [column.sql for column in forwards(columns)] == expected


def test_what_the_query_reads_besides_is_included(catalog: Catalog, make_query: MakeQuery) -> None:
    assert "orders (customer_id) INCLUDE (total)" in found(
        catalog, make_query("q", where("customer_id"), read=("customer_id", "total"))
    )
    wide = found(catalog, make_query("q", where("customer_id"), read=("customer_id", "note")))
    assert wide == {"orders (customer_id)"}


def test_conditions_that_every_execution_shares_make_partial_indexes(catalog: Catalog, make_query: MakeQuery) -> None:
    soft_deleted = make_query("q", where("customer_id"), where("deleted_at", Operator.IS_NULL))
    assert "orders (customer_id) WHERE deleted_at IS NULL" in found(catalog, soft_deleted)
    constant = where("status", operand=Operand.CONSTANT, constant="'on hold'")
    rare = make_query("q", where("customer_id"), constant)
    assert "orders (customer_id) WHERE status = 'on hold'" in found(catalog, rare)


def own_columns(left: str, right: str) -> Predicate:
    text = f"{left} < {right}"
    return Predicate(ORDERS, "", Operator.OTHER, expression=text, columns=(left, right), operand=Operand.EXPRESSION)


def test_a_comparison_of_two_columns_holds_no_value(catalog: Catalog, make_query: MakeQuery) -> None:
    late = make_query(
        "q",
        where("customer_id"),
        where("status", Operator.IS_NOT_NULL),
        own_columns("deleted_at", "placed_at"),
        read=("customer_id", "total", "placed_at", "deleted_at"),
    )
    offered = found(catalog, late)
    assert "orders (customer_id) WHERE deleted_at < placed_at" in offered
    # What only the condition mentions need not be in the index; several conditions may be one.
    assert "orders (customer_id) INCLUDE (total) WHERE deleted_at < placed_at" in offered
    assert "orders (customer_id) WHERE status IS NOT NULL AND deleted_at < placed_at" in offered


def test_only_a_comparison_within_one_type_is_immutable(catalog: Catalog, make_query: MakeQuery) -> None:
    offered = found(catalog, make_query("q", where("customer_id"), own_columns("total", "placed_at")))
    assert offered == {"orders (customer_id)"}


def test_each_arm_of_an_or_is_served_by_itself(catalog: Catalog, make_query: MakeQuery) -> None:
    query = make_query("q", where("customer_id", branch=1), where("status", branch=2))
    assert {"orders (customer_id)", "orders (status)"} <= found(catalog, query)


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        (where("attributes", Operator.CONTAINS), "orders USING gin (attributes jsonb_path_ops)"),
        (where("attributes", Operator.HAS_KEY), "orders USING gin (attributes)"),
        (where("labels", Operator.OVERLAPS), "orders USING gin (labels)"),
        (where("status", Operator.ILIKE), "orders USING gin (status gin_trgm_ops)"),
        (where("status", Operator.PREFIX), "orders (status text_pattern_ops)"),
        (where("placed_at", Operator.RANGE), "orders USING brin (placed_at)"),
    ],
)
def test_other_access_methods(catalog: Catalog, make_query: MakeQuery, predicate: Predicate, expected: str) -> None:
    assert expected in found(catalog, make_query("q", predicate))


def test_trigrams_need_the_extension(catalog: Catalog, make_query: MakeQuery) -> None:
    bare = Server("postgresql")
    assert found(catalog, make_query("q", where("status", Operator.ILIKE)), server=bare) == set()


def test_expressions_are_indexed_only_when_immutable(catalog: Catalog, make_query: MakeQuery) -> None:
    lower = Predicate(ORDERS, "", Operator.EQUAL, expression="lower(status)", columns=("status",))
    day = Predicate(ORDERS, "", Operator.EQUAL, expression="date_trunc('day', placed_at)", columns=("placed_at",))
    assert found(catalog, make_query("q", lower)) == {"orders ((lower(status)))"}
    offered, refused = candidates([make_query("q", day)], catalog, SERVER)
    assert not offered
    assert "TimeZone" in refused[0].reason


def test_types_without_a_btree_are_refused(catalog: Catalog, make_query: MakeQuery) -> None:
    offered, refused = candidates([make_query("q", where("attributes"))], catalog, SERVER)
    assert not offered
    assert "jsonb" in refused[0].reason


def test_tiny_tables_and_existing_indexes_are_declined(catalog: Catalog, make_query: MakeQuery) -> None:
    on_tiny = make_query("q1", Predicate(COUNTRIES, "code", Operator.EQUAL), table=COUNTRIES)
    on_key = make_query("q2", where("id"))
    offered, refused = candidates([on_tiny, on_key], catalog, SERVER)
    assert not offered
    assert [d.reason for d in refused] == [
        "the table has 40 rows in 1 pages; reading it whole is as fast as any index",
        "the existing index orders_pkey is that index",
    ]


def test_never_unique_and_never_hash(catalog: Catalog, make_query: MakeQuery) -> None:
    offered, _ = candidates([make_query("q", where("customer_id"), where("status"))], catalog, SERVER)
    assert offered
    assert not any(c.index.unique or c.index.method == "hash" for c in offered)


def test_merging_serves_both() -> None:
    first = Index(ORDERS, (IndexColumn("a"),), include=("x",))
    second = Index(ORDERS, (IndexColumn("a"), IndexColumn("b")), include=("y",))
    assert {label(index) for index in merged(first, second)} == {
        "public.orders (a, b) INCLUDE (x, y)",
        "public.orders (a) INCLUDE (b, x, y)",
    }
    assert not list(merged(first, replace(second, predicate="b IS NULL")))


def test_pattern_classes_follow_type_and_collation() -> None:
    english = Server("postgresql", settings={"lc_collate": "en_US.UTF-8"})
    assert pattern_class(Column("a", "text"), english) == "text_pattern_ops"
    assert pattern_class(Column("a", "character varying(20)"), english) == "varchar_pattern_ops"
    assert pattern_class(Column("a", "text", collation="C"), english) == ""
    assert pattern_class(Column("a", "text"), Server("postgresql", settings={"lc_collate": "C"})) == ""


def test_wide_values_are_no_key() -> None:
    assert "bytes wide" in btree_obstacle(Column("a", "text", stats=ColumnStats(average_width=900)))


@pytest.mark.parametrize(
    ("expression", "refusal"),
    [
        ("lower(email)", ""),
        ("(data ->> 'city')", ""),
        ("(data ->> $1)", "--keep-values"),
        ("date_trunc('day', created)", ""),
        ("date_trunc('day', seen)", "TimeZone"),
        ("CAST(seen AS date)", "TimeZone"),
        ("to_char(created, 'YYYY')", "IMMUTABLE"),
        ("to_tsvector('english', email)", ""),
        ("to_tsvector(email)", "IMMUTABLE"),
        ("CAST(email AS date)", "DateStyle"),
    ],
)
def test_what_makes_an_expression_unfit(expression: str, refusal: str) -> None:
    table = Table(
        CUSTOMERS,
        (
            Column("email", "text"),
            Column("data", "jsonb"),
            Column("created", "timestamp without time zone"),
            Column("seen", "timestamp with time zone"),
        ),
    )
    obstacle = expression_obstacle(expression, table)
    assert refusal in obstacle
    assert bool(obstacle) == bool(refusal)
