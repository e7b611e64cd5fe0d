from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from advisor.model.catalog import Catalog, Index, IndexColumn, TableName
from advisor.model.shape import Operator, Predicate
from advisor.model.workload import Query
from advisor.recommend._twins import better_twins
from advisor.recommend.candidates import label
from advisor.recommend.cost_table import CostTable

ORDERS = TableName("public", "orders")
MakeQuery = Callable[..., Query]


def on(*names: str) -> Index:
    return Index(ORDERS, tuple(map(IndexColumn, names)))


def where(name: str, operator: Operator = Operator.EQUAL) -> Predicate:
    return Predicate(ORDERS, name, operator, columns=(name,))


def twins(catalog: Catalog, query: Query, *indexes: Index, unsure: bool = False) -> dict[str, list[str]]:
    names = {label(index): index for index in indexes}
    table = CostTable.of([("q", (), 100.0), *(("q", (name,), 10.0) for name in names)], dict.fromkeys(names, 1.0))
    found = better_twins(table, names, {"q": query}, catalog, {"q"} if unsure else set())
    return {key.partition("(")[2][:-1]: [one.partition("(")[2][:-1] for one in value] for key, value in found.items()}


def test_what_a_foreign_key_uses_stands_in_front(catalog: Catalog, make_query: MakeQuery) -> None:
    query = make_query("q", where("status"), where("customer_id"))
    found = twins(catalog, query, on("status", "customer_id"), on("customer_id", "status"), on("status"))
    assert found["status, customer_id"] == ["customer_id, status", "status, customer_id"]
    without_keys = replace(catalog, foreign_keys=())
    assert twins(without_keys, query, on("status", "total"), on("total", "status")) == {}


def test_a_range_keeps_its_place(catalog: Catalog, make_query: MakeQuery) -> None:
    query = make_query("q", where("status"), where("total", Operator.RANGE))
    assert twins(catalog, query, on("status", "total"), on("total", "status")) == {}


def test_equalities_stand_before_a_range_whose_bounds_are_guessed(catalog: Catalog, make_query: MakeQuery) -> None:
    query = make_query("q", where("customer_id"), where("placed_at", Operator.RANGE))
    indexes = on("placed_at"), on("customer_id", "placed_at"), on("customer_id")
    assert twins(catalog, query, *indexes, unsure=True) == {"placed_at": ["customer_id, placed_at", "placed_at"]}
    assert twins(catalog, query, *indexes) == {}
