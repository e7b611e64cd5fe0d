"""Which findings a remedy answers."""

from __future__ import annotations

from advisor.model.catalog import Index, IndexColumn, TableName
from advisor.model.finding import Confidence, Finding, Severity
from advisor.model.impact import MigrationImpact
from advisor.model.recommendation import Action, AddIndex, Benefit, DropIndex, EagerLoad, Method, Recommendation

ORDERS = TableName("public", "orders")
CUSTOMERS = TableName("public", "customers")
REVIEWS = TableName("public", "reviews")


def remedy(action: Action, rule: str, tables: tuple[TableName, ...], *shapes: str) -> Recommendation:
    return Recommendation(
        id="r",
        title="",
        action=action,
        statement="",
        tables=tables,
        problem="",
        root_cause="",
        solution="",
        benefit=Benefit(Method.ESTIMATED),
        migration_impact=MigrationImpact(""),
        risks=(),
        verification=(),
        acceptance=(),
        shapes=shapes,
        rules=(rule,),
    )


def finding(rule: str, tables: tuple[TableName, ...], *shapes: str, index: str = "") -> Finding:
    return Finding(rule, Severity.HIGH, Confidence.HIGH, "", tables, shapes, index=index)


def test_an_eager_load_answers_its_own_burst_not_another_with_the_same_child() -> None:
    load = remedy(EagerLoad("reviews", ("customer",)), "n-plus-one-burst", (CUSTOMERS, REVIEWS), "reviews", "customer")
    assert load.cures(finding("n-plus-one-burst", (REVIEWS, CUSTOMERS), "reviews", "customer"))
    assert not load.cures(finding("n-plus-one-burst", (ORDERS, CUSTOMERS), "orders", "customer"))
    assert not load.cures(finding("parentless-loop", (REVIEWS, CUSTOMERS), "reviews", "customer"))


def test_an_index_answers_what_any_of_its_queries_lacks() -> None:
    index = Index(ORDERS, (IndexColumn("day"),), "ix_orders_day")
    add = remedy(AddIndex(index), "missing-index", (ORDERS,), "by day")
    assert add.cures(finding("missing-index", (ORDERS,), "by week", "by day"))
    assert not add.cures(finding("missing-index", (ORDERS,), "by customer"))
    assert not add.cures(finding("missing-index", (CUSTOMERS,), "by day"))


def test_a_drop_answers_for_its_index_alone() -> None:
    drop = remedy(DropIndex(Index(ORDERS, (IndexColumn("day"),), "ix_orders_day")), "unused-index", (ORDERS,))
    assert drop.cures(finding("unused-index", (ORDERS,), index="ix_orders_day"))
    assert not drop.cures(finding("unused-index", (ORDERS,), index="ix_orders_week"))
