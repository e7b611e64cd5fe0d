"""The exported Alembic migrations cure the shop (scans gone, a tenth of the time, nothing slower) and undo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config

from advisor.cli import output
from advisor.cli.options import Estimator
from advisor.model.plan import Access
from advisor.model.report import Report
from advisor.model.workload import Query
from sample_dbs.shop_postgres.recording import record

ENVIRONMENT = """
from alembic import context
from sqlalchemy import create_engine

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
"""
NOISE_MS = 1.0
"""What a statement's mean may differ by between two runs for reasons of its own on a shared machine."""


def alembic(folder: Path, url: str) -> Config:
    (folder / "env.py").write_text(ENVIRONMENT, encoding="utf-8")
    (folder / "script.py.mako").write_text("", encoding="utf-8")
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("version_locations", str(folder / "versions"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def indexes(url: str) -> set[tuple[str, bool]]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT indexrelid::regclass::text, indisvalid FROM pg_index "
            "JOIN pg_class ON oid = indrelid WHERE relnamespace = 'public'::regnamespace "
            "AND relname <> 'alembic_version'"
        )
        return {(str(name), bool(valid)) for name, valid in rows}


def by_text(report: Report) -> dict[str, Query]:
    return {query.shape.fingerprint: query for query in report.workload.queries}


def scanned(query: Query, tables: set[str]) -> set[str]:
    """Those of the tables that the statement's plan reads whole."""
    nodes = query.plan.scans() if query.plan else ()
    return {node.table.name for node in nodes if node.access is Access.SEQUENTIAL and node.table} & tables


def test_the_exported_migrations_cure_the_workload_and_undo(shop: Any, tmp_path: Path, scan: Any) -> None:
    before = shop.report
    state = indexes(shop.url)
    made = [stub for stub in output.stubs(before, "alembic") if any(name.endswith(".py") for name, _ in stub.files)]
    output.write_stubs(made, tmp_path / "versions")
    config = alembic(tmp_path, shop.server.url_of("shop", "psycopg"))

    command.upgrade(config, "heads")
    try:
        assert all(valid for _, valid in indexes(shop.url))
        again = record(shop.server.url, shop.url, shop.server.data, shop.recording.built.scale)
        after = scan(shop.url, again.logs, Estimator.NONE)
    finally:
        command.downgrade(config, "base")
    assert indexes(shop.url) == state

    cured = {r.action.index.table.name for r in before.recommendations if r.kind == "add_index"}
    old, new = by_text(before), by_text(after)
    helped = {shape for r in before.recommendations if r.kind == "add_index" for shape in r.shapes}
    for fingerprint in helped & set(new):
        assert not scanned(new[fingerprint], cured), new[fingerprint].shape.text
    ratio = before.workload.total_ms / after.workload.total_ms
    assert ratio >= 10, f"database time fell {ratio:.1f} times, from {before.workload.total_ms:.0f} ms"
    for fingerprint in old.keys() & new.keys():
        was, now = old[fingerprint].stats, new[fingerprint].stats
        assert (now.p50_ms or 0) <= 1.5 * (was.p50_ms or 0) + NOISE_MS, new[fingerprint].shape.text
