"""Queries, their plans, N+1 bursts and tables."""

from __future__ import annotations

from collections import Counter

from fastapi import APIRouter, HTTPException

from advisor.model.catalog import Catalog, TableName
from advisor.model.report import Report
from advisor.model.workload import Query
from advisor.report.overview import share_of_time
from advisor.report.plans import plan_text
from web.contexts import BurstsPage, PlanPage, QueriesPage, QueryPage, TablePage, TablesPage
from web.rendering import TheReport, page

ROUTER = APIRouter()
PER_PAGE = 50
ORDERS = {
    "total": lambda query: query.stats.total_ms,
    "mean": lambda query: query.stats.mean_ms,
    "calls": lambda query: query.stats.calls,
    "p95": lambda query: query.stats.p95_ms or 0.0,
    "rows": lambda query: query.stats.rows or 0,
}


@page(ROUTER, "/reports/{report_id}/queries", "queries.html")
def queries(
    report: TheReport, report_id: int, sort: str = "total", table: str = "", q: str = "", number: int = 1
) -> QueriesPage:
    """Queries in the order and with the filters that stand in the URL."""
    load = report.workload.queries
    shown = [
        query
        for query in load
        if (not table or table in map(str, query.shape.tables)) and q.lower() in query.shape.text.lower()
    ]
    sort = sort if sort in ORDERS else "total"
    shown.sort(key=ORDERS[sort], reverse=True)
    numbers = max(1, -(-len(shown) // PER_PAGE))
    number = min(max(number, 1), numbers)
    return QueriesPage(
        report_id=report_id,
        queries=tuple(shown[(number - 1) * PER_PAGE : number * PER_PAGE]),
        total=len(shown),
        total_ms=sum(query.stats.total_ms for query in load),
        sort=sort,
        table=table,
        search=q,
        number=number,
        numbers=numbers,
        tables=tuple(sorted({str(name) for query in load for name in query.shape.tables})),
    )


@page(ROUTER, "/reports/{report_id}/queries/{fingerprint}", "query.html")
def query(report: TheReport, report_id: int, fingerprint: str) -> QueryPage:
    """One query: how often, how long, from where, its plan, what would help."""
    return QueryPage(
        report_id=report_id,
        query=_find(report, fingerprint),
        share=share_of_time(report, (fingerprint,)),
        findings=tuple(f for f in report.findings if fingerprint in f.shapes),
        recommendations=tuple(r for r in report.recommendations if fingerprint in r.shapes),
    )


@page(ROUTER, "/reports/{report_id}/queries/{fingerprint}/plan", "plan.html")
def plan(report: TheReport, report_id: int, fingerprint: str) -> PlanPage:
    """One plan, step by step and as text."""
    found = _find(report, fingerprint)
    if found.plan is None:
        raise HTTPException(404, f"This query has no plan: {found.unexplained or 'none was captured'}.")
    return PlanPage(report_id, fingerprint, found.plan, plan_text(found.plan))


@page(ROUTER, "/reports/{report_id}/n-plus-one", "bursts.html")
def bursts(report: TheReport, report_id: int) -> BurstsPage:
    """Statements repeated inside requests, and what looked so and is none."""
    load = report.workload
    eager = tuple(each for each in report.recommendations if each.kind == "eager_load")
    return BurstsPage(report_id, load.bursts, load.suppressed, eager)


@page(ROUTER, "/reports/{report_id}/tables", "tables.html")
def tables(report: TheReport, report_id: int) -> TablesPage:
    """The tables of the workload and the findings, largest first."""
    catalog = report.catalog or Catalog()
    found = Counter(name for finding in report.findings for name in finding.tables)
    named = {name for query in report.workload.queries for name in query.shape.tables} | set(found)
    shown = [table for table in catalog.tables if table.name in named]
    shown.sort(key=lambda table: (-(table.size_bytes or 0), table.name))
    return TablesPage(report_id, tuple(shown), {str(name): count for name, count in sorted(found.items())})


@page(ROUTER, "/reports/{report_id}/tables/{schema}/{name}", "table.html")
def table(report: TheReport, report_id: int, schema: str, name: str) -> TablePage:
    """One table with its indexes, their use, its writes and what was found."""
    wanted = TableName(schema, name)
    catalog = report.catalog or Catalog()
    found = catalog.by_name.get(wanted)
    if found is None:
        raise HTTPException(404, f"The captured catalog has no table {wanted}.")
    return TablePage(
        report_id=report_id,
        table=found,
        foreign_keys=catalog.foreign_keys_of(wanted),
        queries=tuple(query for query in report.workload.queries if wanted in query.shape.tables),
        findings=tuple(finding for finding in report.findings if wanted in finding.tables),
        recommendations=tuple(each for each in report.recommendations if wanted in each.tables),
    )


def _find(report: Report, fingerprint: str) -> Query:
    found = report.workload.by_fingerprint.get(fingerprint)
    if found is None:
        raise HTTPException(404, "The report has no such query.")
    return found
