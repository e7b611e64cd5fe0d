"""The migration impact note: locks, size, writes, caveats, the way back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from advisor.impact.postgres import migration_impact
from advisor.model.capture import Capture, Server
from advisor.model.catalog import Catalog, Column, ColumnStats, Index, IndexColumn, Table, TableName, TableUsage
from advisor.model.impact import MigrationImpact, Provenance
from advisor.model.recommendation import AddIndex, Configure, DropIndex, EagerLoad
from advisor.model.shape import QueryShape
from advisor.model.workload import Query, QueryStats, StatsSource, Workload

ORDERS = TableName("public", "orders")
NOW = datetime(2026, 11, 20, 16, 41, tzinfo=UTC)
INDEX = Index(ORDERS, (IndexColumn("customer_id"), IndexColumn("created_at")), name="ix_orders_customer_id_created_at")
OLD = Index(
    ORDERS,
    (IndexColumn("customer_id"),),
    name="ix_orders_customer_id",
    exists=True,
    size_bytes=50 << 20,
    definition="CREATE INDEX ix_orders_customer_id ON public.orders USING btree (customer_id)",
)


def column(name: str, kind: str, distinct: float = 1e6, width: int = 8) -> Column:
    return Column(name, kind, stats=ColumnStats(n_distinct=distinct, average_width=width))


TABLE = Table(
    ORDERS,
    (
        column("id", "bigint", 3e6),
        column("customer_id", "bigint"),
        column("created_at", "timestamp with time zone", 3e6),
    ),
    rows=3_000_000,
    pages=35_000,
    size_bytes=35_000 * 8192,
    indexes=(OLD,),
    usage=TableUsage(inserts=20_000, updates=10_000, hot_updates=9_000, last_analyzed_at=NOW - timedelta(hours=1)),
)


def update(*assigned: str, calls: int = 100) -> Query:
    shape = QueryShape("f" * 16, "UPDATE …", "UPDATE", (ORDERS,), written=ORDERS, assigned=assigned)
    return Query(shape, QueryStats(StatsSource.EVENTS, calls, calls * 1.0, 1.0, rows=calls))


def note(
    action: AddIndex | DropIndex | Configure | EagerLoad,
    table: Table = TABLE,
    version: int = 150018,
    queries: tuple[Query, ...] = (),
    size: int | None = None,
) -> MigrationImpact:
    catalog = Catalog((table,), stats_reset_at=NOW - timedelta(days=2))
    server = Server("postgresql", f"{version // 10000}.{version % 100}", version)
    capture = Capture(Path(), server, catalog, captured_at=NOW)
    return migration_impact(action, capture, Workload(queries, duration_s=3600.0), size)


def test_a_concurrent_build_stops_nobody_and_says_for_whom_it_waits() -> None:
    told = note(AddIndex(INDEX))
    (lock,) = told.locks
    assert lock.mode == "SHARE UPDATE EXCLUSIVE"
    assert "not reads, not writes" in lock.blocks
    assert any("older snapshot" in wait for wait in told.waits_for)
    assert told.preflight
    assert told.rollback == ("DROP INDEX CONCURRENTLY IF EXISTS public.ix_orders_customer_id_created_at;",)
    assert "INVALID" in told.failure
    assert any("pg_stat_progress_create_index" in query for query in told.monitor)


def test_the_size_is_that_of_a_built_index_and_wal_nine_tenths_of_it() -> None:
    told = note(AddIndex(INDEX))
    assert told.size is not None
    assert told.wal is not None
    # 90 MB is what PostgreSQL 15 built over (bigint, timestamptz) with three million rows.
    assert told.size.value == pytest.approx(90 * 2**20, rel=0.03)
    assert told.wal.value == pytest.approx(told.size.value * 0.9)
    assert told.build_time is not None
    assert told.build_time.low is not None
    assert told.build_time.low < 2.7 < (told.build_time.high or 0)


def test_the_planners_size_comes_before_the_computed_one() -> None:
    told = note(AddIndex(INDEX), size=12_345_678)
    assert told.size is not None
    assert told.size.value == 12_345_678


def test_writes_cost_by_the_tables_own_counters() -> None:
    figures = dict(note(AddIndex(INDEX)).write_cost)
    assert 60 <= figures["WAL per inserted row"].value <= 90
    assert "10,000 rows a day" in figures["WAL for inserts"].basis


def test_updates_of_a_key_column_stop_being_heap_only() -> None:
    told = note(AddIndex(INDEX), queries=(update("created_at"), update("other")))
    assert "2,400 updates a day of created_at stop being heap-only (now 90% of" in told.summary
    assert "WAL per update of created_at" in dict(told.write_cost)
    assert "heap-only updates stay" in note(AddIndex(INDEX), queries=(update("other"),)).summary


def test_columns_of_expressions_and_predicates_count_for_heap_only_updates() -> None:
    partial = Index(
        ORDERS, (IndexColumn(expression="lower(id)"),), name="x", predicate="created_at > '2020 customer_id'"
    )
    assert (
        "created_at, id stop" in note(AddIndex(partial), queries=(update("created_at", "id", "customer_id"),)).summary
    )


def test_overlapping_and_broken_indexes_are_named() -> None:
    broken = replace(OLD, name="ix_broken", valid=False)
    told = note(AddIndex(INDEX, replaces=("ix_orders_customer_id",)), replace(TABLE, indexes=(OLD, broken)))
    assert told.overlaps == (
        "ix_orders_customer_id: superfluous once the new one is valid",
        "ix_broken: INVALID leftover of a failed build, written by every change and never read; drop it",
    )


@pytest.mark.parametrize(("version", "warned"), [(130000, False), (140000, True), (140003, True), (140004, False)])
def test_the_versions_that_corrupt_concurrent_builds_are_warned_of(version: int, warned: bool) -> None:
    assert any("corrupt" in caveat for caveat in note(AddIndex(INDEX), version=version).caveats) is warned


def test_a_partitioned_table_is_built_step_by_step_and_dropped_with_a_lock() -> None:
    told = note(AddIndex(INDEX, partitions=(TableName("public", "p1"), TableName("public", "p2"))))
    assert [lock.mode for lock in told.locks] == ["SHARE", "SHARE UPDATE EXCLUSIVE", "ACCESS EXCLUSIVE"]
    assert told.rollback == ("DROP INDEX IF EXISTS public.ix_orders_customer_id_created_at;",)
    assert "Rollback locks the table" in told.summary


def test_a_small_table_and_a_unique_index_are_cautioned() -> None:
    small = replace(TABLE, rows=500, size_bytes=80_000)
    told = note(AddIndex(replace(INDEX, unique=True)), small)
    assert any("small" in caveat for caveat in told.caveats)
    assert any("HAVING count(*) > 1" in caveat for caveat in told.caveats)


def test_dropping_frees_space_and_the_way_back_is_the_exact_definition() -> None:
    told = note(DropIndex(OLD, covered_by="ix_orders_customer_id_created_at"))
    assert told.size is not None
    assert told.size.value == -(50 << 20)
    assert told.size.provenance is Provenance.MEASURED
    assert told.rollback == (
        "CREATE INDEX CONCURRENTLY ix_orders_customer_id ON public.orders USING btree (customer_id);",
    )


def test_code_and_settings_lock_nothing() -> None:
    assert not note(EagerLoad("Order", ("Order.customer",))).locks
    assert "no lock, no restart" in note(Configure("work_mem", "16MB", "4MB", "role app")).summary
    assert "after a restart" in note(Configure("shared_buffers", "4GB")).summary


def test_an_unknown_table_still_gets_a_note() -> None:
    told = note(AddIndex(replace(INDEX, table=TableName("other", "t"))))
    assert told.size is None
    assert told.locks
