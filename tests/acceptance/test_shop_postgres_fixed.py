"""The exported Alembic migrations cure the shop (scans gone, a tenth of the work, nothing dearer) and undo."""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config

from advisor.cli import output
from advisor.cli.options import Estimator
from advisor.model.plan import Access
from advisor.model.recommendation import AddIndex
from advisor.model.report import Report
from advisor.model.workload import Query
from sample_dbs.shop_postgres.recording import record
from tests.acceptance.sample_shop import Shop, study

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
DEARER = 1.05
"""What a statement's planned cost may grow by: the workload writes, so the second run's tables are a little larger.

The time that each takes is compared by ``python -m tests.benchmarks.shop_fixed``, on a machine with nothing else to do.
"""


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


def migrated(shop: Shop, folder: Path) -> Report:
    """What a scan says of the same work with the exported migrations applied; they are undone before this returns."""
    made = [stub for stub in output.stubs(shop.report, "alembic") if any(n.endswith(".py") for n, _ in stub.files)]
    output.write_stubs(made, folder / "versions")
    config = alembic(folder, shop.server.url_of("shop", "psycopg"))
    command.upgrade(config, "heads")
    try:
        assert all(valid for _, valid in indexes(shop.url))
        again = record(shop.server.url, shop.url, shop.server.data, shop.recording.built.scale)
        return study(shop.url, again.logs, Estimator.NONE)
    finally:
        command.downgrade(config, "base")


def test_the_exported_migrations_cure_the_workload_and_undo(shop: Shop, tmp_path: Path) -> None:
    before = shop.report
    state = indexes(shop.url)
    after = migrated(shop, tmp_path)
    assert indexes(shop.url) == state

    cured = {r.action.index.table.name for r in before.recommendations if isinstance(r.action, AddIndex)}
    old, new = by_text(before), by_text(after)
    helped = {shape for r in before.recommendations if isinstance(r.action, AddIndex) for shape in r.shapes}
    for fingerprint in helped & set(new):
        assert not scanned(new[fingerprint], cured), new[fingerprint].shape.text
    was_spent = now_spent = 0.0
    for fingerprint in old.keys() & new.keys():
        was, now = old[fingerprint], new[fingerprint]
        assert was.plan
        assert now.plan
        assert now.plan.cost <= DEARER * was.plan.cost + 1, now.shape.text
        was_spent += was.stats.calls * was.plan.cost
        now_spent += now.stats.calls * now.plan.cost
    assert was_spent >= 10 * now_spent, f"planned work fell {was_spent / now_spent:.1f} times"
