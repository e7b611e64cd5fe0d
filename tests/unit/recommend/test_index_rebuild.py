from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from advisor.model.catalog import Catalog, Index, IndexColumn, TableName
from advisor.model.finding import Confidence, Finding, Severity
from advisor.model.recommendation import Declined, RebuildIndex, Recommendation
from advisor.ports import Study
from advisor.recommend.rebuild_index import recommend

ORDERS = TableName("public", "orders")
BLOATED = Index(ORDERS, (IndexColumn("customer_id"),), "ix_orders_customer_id", exists=True, size_bytes=500_000_000)


def told(rule: str) -> Finding:
    return Finding(rule, Severity.LOW, Confidence.MEDIUM, "…", (ORDERS,), index=BLOATED.name)


@pytest.fixture
def study(catalog: Catalog, make_study: Callable[..., Study]) -> Study:
    tables = tuple(
        replace(table, indexes=(*table.indexes, BLOATED)) if table.name == ORDERS else table for table in catalog.tables
    )
    return make_study(where=replace(catalog, tables=tables))


def test_it_is_rebuilt_without_stopping_anybody(study: Study) -> None:
    [advice] = recommend(study, [told("bloated-index")])
    assert isinstance(advice, Recommendation)
    assert advice.action == RebuildIndex(BLOATED)
    assert advice.statement == "REINDEX INDEX CONCURRENTLY public.ix_orders_customer_id"
    assert advice.slug == "rebuild_ix_orders_customer_id"
    assert "477 MB" in advice.problem
    assert advice.benefit.ms_saved_per_day is None


def test_an_unused_one_is_dropped_instead(study: Study) -> None:
    [declined] = recommend(study, [told("bloated-index"), told("unused-index")])
    assert isinstance(declined, Declined)
    assert "dropping it" in declined.reason


def test_old_servers_would_lock_it(study: Study) -> None:
    server = replace(study.capture.server, version_number=110_000)
    [declined] = recommend(replace(study, capture=replace(study.capture, server=server)), [told("bloated-index")])
    assert isinstance(declined, Declined)
    assert "stops writes" in declined.reason
