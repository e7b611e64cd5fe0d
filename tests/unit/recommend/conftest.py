"""A small shop, built by hand: catalog, shapes, workload and study for the remedies' tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from advisor.model.capture import Capture, Server
from advisor.model.catalog import Catalog, Column, ColumnStats, ForeignKey, Index, IndexColumn, Table, TableName
from advisor.model.shape import Operator, Predicate, QueryBlock, QueryShape, SortKey
from advisor.model.workload import CallSite, Query, QueryStats, StatsSource, Workload
from advisor.ports import CostEstimator, Options, Study

ORDERS, CUSTOMERS, COUNTRIES = (TableName("public", name) for name in ("orders", "customers", "countries"))

MakeQuery = Callable[..., Query]
MakeStudy = Callable[..., Study]


def column(name: str, kind: str = "integer", distinct: float = 1_000, width: int = 4, **stats: object) -> Column:
    return Column(name, kind, stats=ColumnStats(n_distinct=distinct, average_width=width, **stats))  # type: ignore[arg-type]


@pytest.fixture
def catalog() -> Catalog:
    pkey = Index(
        ORDERS, (IndexColumn("id"),), "orders_pkey", unique=True, exists=True, primary=True, constraint="orders_pkey"
    )
    orders = Table(
        ORDERS,
        (
            column("id", distinct=1_000_000, correlation=1.0),
            column("customer_id", distinct=50_000),
            column("status", "text", distinct=7, width=8),
            column("total", "numeric(10,2)", distinct=90_000, width=6),
            column("placed_at", "timestamp with time zone", distinct=900_000, width=8, correlation=0.99),
            column("deleted_at", "timestamp with time zone", distinct=100, width=8, null_fraction=0.97),
            column("attributes", "jsonb", distinct=5_000, width=120),
            column("labels", "text[]", distinct=500, width=40),
            column("note", "text", distinct=10_000, width=600),
        ),
        rows=1_000_000,
        pages=20_000,
        indexes=(pkey,),
        primary_key=("id",),
    )
    customers = Table(
        CUSTOMERS,
        (column("id", distinct=50_000), column("email", "text", distinct=50_000, width=24), column("country_id")),
        rows=50_000,
        pages=600,
        indexes=(Index(CUSTOMERS, (IndexColumn("id"),), "customers_pkey", unique=True, exists=True, primary=True),),
        primary_key=("id",),
    )
    countries = Table(COUNTRIES, (column("id", distinct=40), column("code", "text", distinct=40)), rows=40, pages=1)
    key = ForeignKey("orders_customer_id_fkey", ORDERS, ("customer_id",), CUSTOMERS, ("id",), on_delete="CASCADE")
    return Catalog((countries, customers, orders), (key,))


@pytest.fixture
def make_query() -> MakeQuery:
    def make(
        fingerprint: str,
        *predicates: Predicate,
        table: TableName = ORDERS,
        sort: Sequence[SortKey] = (),
        read: Sequence[str] = ("*",),
        calls: int = 100,
        mean_ms: float = 50.0,
        limited: bool = False,
        command: str = "SELECT",
        assigned: Sequence[str] = (),
        rows: int | None = None,
        sites: Sequence[CallSite] = (),
    ) -> Query:
        block = QueryBlock((table,), predicates, tuple(sort), limited=limited, read=((table, tuple(read)),))
        shape = QueryShape(
            fingerprint,
            f"{command} /* {fingerprint} */",
            command,
            (table,),
            () if command == "INSERT" else (block,),
            written=None if command == "SELECT" else table,
            assigned=tuple(assigned),
        )
        stats = QueryStats(StatsSource.EVENTS, calls, calls * mean_ms, mean_ms, rows=rows)
        return Query(shape, stats, call_sites=tuple(sites))

    return make


@pytest.fixture
def make_study(catalog: Catalog, tmp_path: Path) -> MakeStudy:
    def make(
        *queries: Query,
        estimator: CostEstimator | None = None,
        options: Options | None = None,
        extensions: Sequence[str] = (),
        where: Catalog | None = None,
    ) -> Study:
        server = Server("postgresql", "16.4", 160004, extensions=dict.fromkeys(extensions, "1.0"))
        workload = Workload(queries, duration_s=3600.0, total_ms=sum(q.stats.total_ms for q in queries))
        return Study(Capture(tmp_path, server, where or catalog), workload, estimator, options or Options())

    return make


def equal(name: str, table: TableName = ORDERS, **more: object) -> Predicate:
    return Predicate(table, name, Operator.EQUAL, columns=(name,), **more)  # type: ignore[arg-type]
