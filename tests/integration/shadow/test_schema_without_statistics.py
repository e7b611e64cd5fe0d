"""A log and a dump: index advice with statistics that psql wrote, and honest guesses without any."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from advisor import pipeline
from advisor.model.capture import Capture
from advisor.model.catalog import TableName
from advisor.model.recommendation import AddIndex, Method, Recommendation
from advisor.model.report import Report
from advisor.ports import CaptureRequest
from connectors.postgres import SCRIPT
from connectors.postgres.assumed import ROWS
from connectors.postgres.embedded import EmbeddedServer
from connectors.postgres.estimators import estimator
from connectors.postgres.files import read_files

DUMP = """
CREATE SCHEMA shop;
CREATE TYPE shop.state AS ENUM ('new', 'paid');
CREATE TABLE shop.customer (id bigint PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE shop."Order" (id bigint PRIMARY KEY, customer_id bigint REFERENCES shop.customer, state shop.state,
    gift boolean, note text);
"""
FILL = """
INSERT INTO shop.customer SELECT n, 'c' || n FROM generate_series(1, 2000) n;
INSERT INTO shop."Order" SELECT n, 1 + n % 2000, CASE WHEN n % 10 = 0 THEN 'new' ELSE 'paid' END::shop.state,
    n % 7 = 0, repeat('x', 40) FROM generate_series(1, 60000) n;
ANALYZE;
"""
ORDER = TableName("shop", "Order")
LINE = (
    '2026-01-01 00:00:{second:02d}.000 UTC,"app","shop",7,"[local]",65a.7,{number},"SELECT",2026-01-01 00:00:00 UTC,'
    '3/{number},0,LOG,00000,"duration: {ms} ms  statement: {text}",,,,,,,,,"psql","client backend",,0\n'
)
STATEMENTS = [
    ('SELECT * FROM shop.""Order"" WHERE customer_id = {n}', 80.0),
    ("SELECT id FROM shop.customer WHERE email = 'c{n}'", 0.05),
    ('SELECT note FROM shop.""Order"" WHERE id = {n}', 0.04),
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    lines = [
        LINE.format(second=number % 60, number=number, ms=ms, text=text.format(n=number))
        for number in range(40)
        for text, ms in STATEMENTS
    ]
    path = tmp_path / "server.csv"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def analyzed(log: Path, dump: str, folder: Path) -> tuple[Capture, Report]:
    path = folder / "dump.sql"
    path.write_text(dump, encoding="utf-8")
    capture = read_files(CaptureRequest(folder / "capture", logs=(log,)), path)
    planner = estimator(capture)
    try:
        return capture, pipeline.analyze(capture, planner)
    finally:
        planner.close()


def added(report: Report) -> list[Recommendation]:
    return [advice for advice in report.recommendations if isinstance(advice.action, AddIndex)]


def test_without_statistics_keys_and_times_decide_and_nothing_is_called_proven(log: Path, tmp_path: Path) -> None:
    capture, report = analyzed(log, DUMP, tmp_path)
    assert capture.catalog is not None
    assert capture.catalog.by_name[ORDER].assumed
    [advice] = added(report)
    assert advice.statement == 'CREATE INDEX CONCURRENTLY "ix_Order_customer_id" ON shop."Order" (customer_id)'
    assert advice.benefit.method is Method.ESTIMATED
    assert f"an assumed {ROWS:,} rows" in advice.benefit.basis
    assert advice.migration_impact.size is None
    assert "unknown size" in advice.migration_impact.summary
    [told] = [entry for entry in report.coverage if entry.subject == "statistics"]
    assert "advisor script postgresql" in told.remedy


def test_what_the_script_prints_completes_the_dump(log: Path, tmp_path: Path) -> None:
    async def statistics(url: str) -> str:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(DUMP)
            await connection.execute(FILL)
            selects = [part for part in SCRIPT.split(";\n") if "SELECT format" in part]
            rows = [row for select in selects for row in await connection.fetch(select)]
            return "\n".join(row[0] for row in rows)
        finally:
            await connection.close()

    with EmbeddedServer() as server:
        restored = asyncio.run(statistics(server.url))
    assert "'{paid,new}'" in restored
    assert "c17" not in restored
    capture, report = analyzed(log, DUMP + restored, tmp_path)
    assert capture.catalog is not None
    orders = capture.catalog.by_name[ORDER]
    assert not orders.assumed
    assert orders.rows == pytest.approx(60_000)
    stats = orders.by_column["customer_id"].stats
    assert stats is not None
    assert stats.n_distinct == pytest.approx(2_000, rel=0.1)
    [advice] = added(report)
    assert advice.benefit.method is Method.PLANNER
