# ruff: noqa: E501 - statements are read best on one line
"""What a statement asks of each table."""

from __future__ import annotations

import pytest

from advisor.model.catalog import Catalog, Column, Table, TableName
from advisor.model.shape import Operand, Operator, Predicate, QueryBlock
from advisor.shape.sql import shape_of


def table(name: str, *columns: str, schema: str = "public", definition: str = "") -> Table:
    pairs = [column.split(" ", 1) for column in columns]
    kind = "view" if definition else "table"
    return Table(TableName(schema, name), tuple(Column(n, t) for n, t in pairs), kind=kind, definition=definition)


CATALOG = Catalog(
    (
        table("customers", "id bigint", "email character varying(200)", "name text", "deleted boolean", "tags text[]"),
        table("orders", "id bigint", "customer_id bigint", "status text", "total numeric", "created_at timestamptz", "data jsonb"),
        table("open_orders", "id bigint", "who bigint", definition="SELECT o.id, o.customer_id AS who FROM orders o WHERE o.status = 'open'::text;"),
        table("Mixed", "Id integer", "userName text"),
        table("orders", "id bigint", "secret text", schema="other"),
    )
)  # fmt: skip
ORDERS, CUSTOMERS = TableName("public", "orders"), TableName("public", "customers")


def blocks(text: str, catalog: Catalog | None = CATALOG) -> tuple[QueryBlock, ...]:
    shape = shape_of(text, catalog)
    assert not shape.unparsed, shape.unparsed
    return shape.blocks


def facts(text: str) -> list[tuple[str, str, Operator, Operand]]:
    return [(p.table.name, p.key, p.operator, p.operand) for block in blocks(text) for p in block.predicates]


def only(text: str) -> Predicate:
    (predicate,) = [p for block in blocks(text) for p in block.predicates]
    return predicate


E, R = Operator.EQUAL, Operator.RANGE
P, C = Operand.PARAMETER, Operand.CONSTANT


@pytest.mark.parametrize(
    ("condition", "key", "operator", "operand"),
    [
        ("status = $1", "status", E, P),
        ("$1 = status", "status", E, P),
        ("status = $1::text", "status", E, P),
        ("status = CAST($1 AS text)", "status", E, P),
        ("status = 'new' AND $1 = $1", "status", E, C),
        ("customer_id IN ($1, $2)", "customer_id", Operator.IN, P),
        ("customer_id = ANY($1)", "customer_id", Operator.IN, P),
        ("customer_id = ANY(ARRAY[$1, $2]::bigint[])", "customer_id", Operator.IN, P),
        ("customer_id NOT IN ($1)", "customer_id", Operator.NOT_EQUAL, P),
        ("customer_id <> $1", "customer_id", Operator.NOT_EQUAL, P),
        ("status = $1 OR status = $2", "status", Operator.IN, P),
        ("total > $1", "total", R, P),
        ("$1 > total", "total", R, P),
        ("total BETWEEN $1 AND $2", "total", R, P),
        ("created_at > now() - $1::interval", "created_at", R, Operand.EXPRESSION),
        ("created_at > now() - interval '1 day'", "created_at", R, Operand.EXPRESSION),
        ("status IS NULL", "status", Operator.IS_NULL, C),
        ("status IS NOT NULL", "status", Operator.IS_NOT_NULL, C),
        ("status NOTNULL", "status", Operator.IS_NOT_NULL, C),
        ("status LIKE 'a%'", "status", Operator.PREFIX, P),
        ("status LIKE '%a'", "status", Operator.LIKE, P),
        ("status LIKE $1", "status", Operator.LIKE, P),
        ("status LIKE $1 || '%'", "status", Operator.PREFIX, Operand.EXPRESSION),
        ("status LIKE '%' || $1 || '%'", "status", Operator.LIKE, Operand.EXPRESSION),
        ("status ILIKE $1", "status", Operator.ILIKE, P),
        ("status ~ $1", "status", Operator.REGEX, P),
        ("data @> $1", "data", Operator.CONTAINS, P),
        ("data ? $1", "data", Operator.HAS_KEY, P),
        ("data ?| $1", "data", Operator.HAS_KEY, P),
        ("data->>'k' = $1", "data ->> 'k'", E, P),
        ("(data->>'k')::int > $1", "CAST((data ->> 'k') AS INT)", R, P),
        ("lower(status) = $1", "lower(status)", E, P),
        ("date_trunc('day', created_at) = $1", "date_trunc('day', created_at)", E, P),
        ("status::text = $1", "status", E, P),
        ("id::text = $1", "CAST(id AS TEXT)", E, P),
        ("status OPERATOR(pg_catalog.=) $1", "status", E, P),
        ("status %> $1", "status", Operator.OTHER, P),
        ("customer_id = (SELECT 5)", "customer_id", E, Operand.SUBQUERY),
        ("to_tsvector('english', status) @@ $1", "to_tsvector('english', status)", Operator.TEXT_SEARCH, P),
    ],
)
def test_a_condition(condition: str, key: str, operator: Operator, operand: Operand) -> None:
    first = blocks(f"SELECT id FROM orders WHERE {condition}")[0].predicates[0]
    assert (first.table, first.key, first.operator, first.operand) == (ORDERS, key, operator, operand)


@pytest.mark.parametrize("condition", ["NOT deleted", "deleted = false", "deleted IS FALSE"])
def test_boolean_columns(condition: str) -> None:
    predicate = only(f"SELECT id FROM customers WHERE {condition}")
    assert (predicate.key, predicate.operator, predicate.constant) == ("deleted", E, "FALSE")


def test_a_constant_is_what_the_program_wrote_beside_its_parameters() -> None:
    mixed = blocks("SELECT id FROM orders WHERE status = 'new' AND customer_id = $1")[0].predicates
    assert [p.constant for p in mixed] == ["'new'", ""]
    assert only("SELECT id FROM orders WHERE status = 'new'").constant == ""
    masked = blocks("SELECT id FROM orders WHERE status = $0 AND customer_id = $1")[0].predicates
    assert [(p.operand, p.constant) for p in masked] == [(C, ""), (P, "")]


def test_lists_have_lengths() -> None:
    assert only("SELECT id FROM orders WHERE id IN ($1, $2, $3)").elements == 3
    assert only("SELECT id FROM orders WHERE id IN ($0)").elements == 1
    assert only("SELECT id FROM orders WHERE id = ANY($1)").elements is None
    many = ", ".join(f"${n}" for n in range(1, 101))
    shape = shape_of(f"SELECT id FROM orders WHERE id IN ({many})", CATALOG)
    assert shape.blocks[0].predicates[0].elements == 100
    assert shape.text == "SELECT id FROM orders WHERE id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"


def test_joins_go_both_ways_and_unqualified_columns_find_their_table() -> None:
    found = blocks("SELECT email FROM orders JOIN customers c ON c.id = customer_id WHERE status = $1 AND name = $2")
    assert [(p.table.name, p.column, p.joined_table, p.joined_column) for p in found[0].predicates] == [
        ("customers", "id", ORDERS, "customer_id"),
        ("orders", "customer_id", CUSTOMERS, "id"),
        ("orders", "status", None, ""),
        ("customers", "name", None, ""),
    ]
    assert dict(found[0].read) == {CUSTOMERS: ("email", "id", "name"), ORDERS: ("customer_id", "status")}


def test_using_and_self_joins() -> None:
    found = blocks("SELECT 1 FROM orders a JOIN orders b USING (customer_id)")[0]
    assert {(p.alias, p.column) for p in found.predicates} == {("a", "customer_id"), ("b", "customer_id")}
    assert found.tables == (ORDERS,)


def test_an_or_has_arms() -> None:
    found = blocks("SELECT 1 FROM orders WHERE id > $1 AND (status = $2 OR (customer_id = $3 AND total > $4))")[0]
    assert [(p.key, p.branch) for p in found.predicates] == [("id", 0), ("status", 1), ("customer_id", 2), ("total", 2)]


def test_rows_are_compared_column_by_column() -> None:
    found = blocks("SELECT 1 FROM orders WHERE (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT 5")[
        0
    ]
    assert [(p.key, p.operator) for p in found.predicates] == [("created_at", R), ("id", R)]
    assert [(key.key, key.descending, key.nulls_first) for key in found.sort] == [
        ("created_at", True, None),
        ("id", True, None),
    ]
    assert found.limited
    assert not found.offset


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("created_at", [("created_at", False, None)]),
        ("created_at DESC NULLS LAST", [("created_at", True, False)]),
        ("created_at NULLS FIRST", [("created_at", False, True)]),
        ("2 DESC", [("created_at", True, None)]),
        ("c", [("created_at", False, None)]),
        ("lower(status)", [("lower(status)", False, None)]),
        ("random()", []),
        ("status, random()", []),
    ],
)
def test_sort_keys(order: str, expected: list[object]) -> None:
    found = blocks(f"SELECT id, created_at AS c, status FROM orders ORDER BY {order}")[0]
    assert [(key.key, key.descending, key.nulls_first) for key in found.sort] == expected


@pytest.mark.parametrize("sets", ["ROLLUP (a)", "b, CUBE (a, b)", "GROUPING SETS ((a), ())"])
def test_grouping_sets_ask_for_no_index(sets: str) -> None:
    assert shape_of(f"SELECT count(*) FROM t GROUP BY {sets}").blocks[0].group == ()


def test_groups_aggregates_and_distinct() -> None:
    found = blocks("SELECT date_trunc('day', created_at) d, count(*) FROM orders GROUP BY 1 ORDER BY d")[0]
    assert [key.key for key in found.group] == ["date_trunc('day', created_at)"]
    assert found.aggregated
    assert dict(found.read) == {ORDERS: ("created_at",)}
    assert blocks("SELECT DISTINCT status FROM orders")[0].distinct
    assert blocks("SELECT max(total) FROM orders")[0].aggregated
    assert not blocks("SELECT row_number() OVER (ORDER BY id) FROM orders")[0].aggregated


def test_subqueries_are_blocks_and_see_outwards() -> None:
    outer, inner = blocks(
        "SELECT * FROM orders o WHERE EXISTS (SELECT 1 FROM customers c WHERE c.id = o.customer_id AND name = $1)"
    )
    assert (outer.outer, inner.outer) == (True, False)
    assert [(p.table.name, p.key) for p in outer.predicates] == [("orders", "customer_id")]
    assert [(p.table.name, p.key) for p in inner.predicates] == [("customers", "id"), ("customers", "name")]


def test_in_subquery_is_a_semi_join() -> None:
    outer, inner = blocks("SELECT * FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE email = $1)")
    assert outer.predicates[0].operand is Operand.SUBQUERY
    assert [(p.key, p.joined_column) for p in inner.predicates] == [("email", ""), ("id", "customer_id")]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM (SELECT * FROM orders WHERE status = $1) x WHERE customer_id = $2 ORDER BY created_at",
        "WITH x AS (SELECT * FROM orders WHERE status = $1) SELECT * FROM x WHERE x.customer_id = $2 ORDER BY created_at",
        "WITH x AS (SELECT customer_id AS c, created_at FROM orders WHERE status = $1) SELECT * FROM x WHERE c = $2 ORDER BY x.created_at",
    ],
)  # fmt: skip
def test_simple_subqueries_and_ctes_are_opened(text: str) -> None:
    (found,) = blocks(text)
    assert [(p.key, p.operand) for p in found.predicates] == [("status", P), ("customer_id", P)]
    assert [key.key for key in found.sort] == ["created_at"]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM (SELECT customer_id, count(*) n FROM orders WHERE status = $1 GROUP BY 1) x WHERE n > $2",
        "WITH x AS MATERIALIZED (SELECT * FROM orders WHERE status = $1) SELECT * FROM x WHERE customer_id = $2",
        "SELECT * FROM (SELECT * FROM orders WHERE status = $1 LIMIT 5) x WHERE customer_id = $2",
    ],
)
def test_what_the_planner_keeps_apart_stays_apart(text: str) -> None:
    (found,) = blocks(text)
    assert [p.key for p in found.predicates] == ["status"]


def test_views_are_opened() -> None:
    (found,) = blocks("SELECT * FROM open_orders WHERE who = $1")
    assert [(p.table, p.key, p.operand, p.constant) for p in found.predicates] == [
        (ORDERS, "status", C, "'open'"),
        (ORDERS, "customer_id", P, ""),
    ]


def test_lateral_sees_its_neighbour() -> None:
    outer, inner = blocks(
        "SELECT * FROM customers c, LATERAL (SELECT total FROM orders o WHERE o.customer_id = c.id ORDER BY created_at DESC LIMIT 1) l"
    )
    assert [p.key for p in outer.predicates] == ["id"]
    assert [(p.key, p.joined_table) for p in inner.predicates] == [("customer_id", CUSTOMERS)]
    assert inner.limited


def test_recursion_and_unions() -> None:
    found = blocks(
        "WITH RECURSIVE r AS (SELECT id FROM orders WHERE status = $1 UNION ALL SELECT o.id FROM orders o JOIN r ON o.customer_id = r.id) SELECT * FROM r"
    )
    assert [p.key for block in found for p in block.predicates] == ["status", "customer_id"]
    first, second = blocks("SELECT id FROM orders WHERE status = $1 UNION SELECT id FROM customers WHERE name = $2")
    assert (first.tables, second.tables) == ((ORDERS,), (CUSTOMERS,))


def test_statements_that_write() -> None:
    update = shape_of(
        "UPDATE orders o SET status = $1, total = total + 1 FROM customers c WHERE c.id = o.customer_id AND c.email = $2",
        CATALOG,
    )
    assert (update.command, update.written, update.assigned) == ("UPDATE", ORDERS, ("status", "total"))
    assert {(p.table.name, p.key) for p in update.blocks[0].predicates} == {
        ("customers", "id"),
        ("orders", "customer_id"),
        ("customers", "email"),
    }
    delete = shape_of("DELETE FROM orders USING customers c WHERE c.id = customer_id AND status = $1", CATALOG)
    assert (delete.command, delete.written, delete.tables) == ("DELETE", ORDERS, (ORDERS, CUSTOMERS))
    insert = shape_of("INSERT INTO orders (id, status) SELECT id, $1 FROM customers WHERE email = $2", CATALOG)
    assert (insert.written, insert.assigned, insert.blocks[0].tables) == (ORDERS, ("id", "status"), (CUSTOMERS,))
    merge = shape_of(
        "MERGE INTO orders t USING customers s ON t.customer_id = s.id WHEN MATCHED THEN UPDATE SET status = s.name",
        CATALOG,
    )
    assert (merge.command, merge.written, merge.assigned) == ("MERGE", ORDERS, ("status",))
    within = shape_of("WITH gone AS (DELETE FROM orders WHERE id = $1 RETURNING id) SELECT count(*) FROM gone", CATALOG)
    assert (within.command, within.written, within.reads_only) == ("SELECT", ORDERS, False)


def test_locks_and_volatile_functions() -> None:
    assert shape_of("SELECT 1 FROM orders FOR UPDATE SKIP LOCKED").locking
    assert shape_of("SELECT nextval('s')").volatile
    assert not shape_of("SELECT random FROM orders").volatile


def test_names() -> None:
    assert shape_of("SELECT * FROM other.orders", CATALOG).tables == (TableName("other", "orders"),)
    assert shape_of("SELECT * FROM ORDERS", CATALOG).tables == (ORDERS,)
    assert shape_of('SELECT "userName" FROM "Mixed" WHERE "Id" = $1', CATALOG).blocks[0].predicates[0].column == "Id"
    assert shape_of("SELECT * FROM elsewhere WHERE a = $1").tables == (TableName("", "elsewhere"),)
    assert only("SELECT id FROM orders WHERE public.orders.status = $1").key == "status"


def test_what_cannot_be_parsed_still_tells_its_tables() -> None:
    shape = shape_of("UPDATE orders SET total = 1 WHERE CURRENT OF c1", CATALOG)
    assert shape.unparsed.startswith("the parser could not read it")
    assert (shape.command, shape.written, shape.tables) == ("UPDATE", ORDERS, (ORDERS,))
    assert shape_of("SELECT 'cut").unparsed == "the text is cut off or not SQL"
    assert shape_of("SELECT 1; SELECT 2").unparsed == "the text holds 2 statements"


def test_without_a_catalog_one_table_takes_all_columns() -> None:
    (found,) = shape_of("SELECT * FROM t WHERE a = $1 ORDER BY b").blocks
    assert [p.key for p in found.predicates] == ["a"]
    assert [key.key for key in found.sort] == ["b"]
    (two,) = shape_of("SELECT * FROM t JOIN u ON t.id = u.id WHERE a = $1").blocks
    assert {p.key for p in two.predicates} == {"id"}
