"""What bad input and bad luck get: the rest goes on, and a sentence says what does not."""

from __future__ import annotations

import asyncio
import errno
import math
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from advisor.errors import CaptureError, PlannerUnavailable
from advisor.model.capture import Capture, Server
from advisor.model.catalog import Index, IndexColumn, TableName
from advisor.model.recommendation import WhatIf
from connectors.postgres import private_folder
from connectors.postgres.shadow import ShadowPlanner, extract, load_schema
from connectors.postgres.shadow.servers import NAMED, installed_servers

DUMP = Path(__file__).parents[2] / "cases" / "shadow" / "dump.sql"
ORDERS = TableName("shop", "Orders")
BY_CUSTOMER = Index(ORDERS, (IndexColumn("customer"),))
TEXT = 'SELECT * FROM shop."Orders" WHERE customer = $1'


def capture_of(folder: Path, schema: str, statistics: str = "") -> Capture:
    (folder / "schema.sql").write_text(schema)
    (folder / "statistics.sql").write_text(statistics)
    return Capture(folder, Server("postgresql", version_number=180_004))


@pytest.fixture(scope="module")
def dumped(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    return capture_of(tmp_path_factory.mktemp("dumped"), DUMP.read_text())


@pytest.fixture(scope="module")
def shadow(dumped: Capture) -> Iterator[ShadowPlanner]:
    """A planner over the dump. It heals, so that tests may break it."""
    with ShadowPlanner(dumped, backends=2) as planner:
        yield planner


def everywhere(planner: ShadowPlanner, sql: str) -> None:
    """Run something as the superuser in each backend's database, or as who asks when it only sets something."""
    for database in planner._cluster.databases:
        connection = database.asking if sql.startswith("SET") else database.admin
        planner._runner.run(connection.execute(sql))


def kill_a_backend(planner: ShadowPlanner) -> None:
    asking = planner._cluster.databases[0].asking
    os.kill(planner._runner.run(asking.fetchval("SELECT pg_backend_pid()")), signal.SIGKILL)


def test_a_users_dump_is_loaded_without_its_data_owners_and_triggers(shadow: ShadowPlanner) -> None:
    before, after = shadow.costs([WhatIf("", TEXT), WhatIf("", TEXT, frozenset({BY_CUSTOMER}))])
    assert before.total > 10_000 > after.total
    assert after.used == {BY_CUSTOMER}
    assert {one.name: one.reason for one in shadow.left_out} == {
        "extension postgis": "the embedded server has no postgis",
        "extension pg_trgm": "the embedded server has no pg_trgm",
        "type public.geometry": "the embedded server lacks it; bytea stands in",
        "collation pg_catalog.de-x-icu": "the embedded server lacks it; C.UTF-8 stands in",
        "index orders_note_trgm": 'operator class "public.gin_trgm_ops" does not exist for access method "gin"',
        "statistics of Orders.gone": 'column "gone" of relation "Orders" does not exist',
    }
    (coverage,) = shadow.coverage
    assert (coverage.seen, coverage.count) == (False, 6)
    assert "extension postgis: the embedded server has no postgis" in coverage.detail


def test_a_users_dump_gives_a_catalog() -> None:
    catalog = load_schema(DUMP)
    orders = catalog.by_name[ORDERS]
    assert (orders.rows, orders.pages) == (2_000_000, 40_000)
    assert [index.name for index in orders.indexes] == ["Orders_pkey"]
    assert [str(key.referenced) for key in catalog.foreign_keys] == ["shop.customers"]


def test_a_dump_without_tables_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dump.sql").write_text("SELEC 1; this is; no dump")
    with pytest.raises(CaptureError, match="defines no table; pass the output of pg_dump"):
        load_schema(tmp_path / "dump.sql")


def test_a_capture_without_schema_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"has no schema\.sql"):
        ShadowPlanner(Capture(tmp_path, Server("postgresql")))


def test_statistics_of_a_newer_server_are_taken_as_far_as_they_are_known(tmp_path: Path) -> None:
    newer = """
SELECT * FROM pg_catalog.pg_restore_relation_stats('version', '200001'::integer, 'schemaname', 'public',
    'relname', 't', 'relpages', '150000000'::integer, 'reltuples', '9e9'::real, 'relallvisible', '9'::integer,
    'relfuture', '1'::integer);
SELECT * FROM pg_catalog.pg_restore_attribute_stats('version', '200001'::integer, 'schemaname', 'public',
    'relname', 't', 'attname', 'a', 'inherited', 'f'::boolean, 'null_frac', '0'::real, 'avg_width', '4'::integer,
    'n_distinct', '-1'::real, 'future_sketch', '{1,2}'::real[]);
SELECT * FROM pg_catalog.pg_restore_future_stats('schemaname', 'public');
"""
    capture = capture_of(tmp_path, "SET transaction_timeout = 0; CREATE TABLE public.t (a int, b text);", newer)
    with ShadowPlanner(capture, backends=1, version=18) as planner:
        index = Index(TableName("public", "t"), (IndexColumn("a"),))
        text = "SELECT * FROM t WHERE a = $1"
        scan, cost = planner.costs([WhatIf("", text), WhatIf("", text, frozenset({index}))])
        size = planner.sizes([index])[0]
        reasons = [one.reason for one in planner.left_out]
    assert len(reasons) == 1
    assert "pg_restore_future_stats" in reasons[0]
    assert scan.total > 50_000_000 > 10 > cost.total  # more than a terabyte, on this disk
    assert size == pytest.approx(9e9 * 20 * 1.11, rel=0.05)


def test_a_killed_backend_is_started_again_and_all_questions_answered(shadow: ShadowPlanner) -> None:
    first = shadow.costs([WhatIf("", TEXT)])[0]
    kill_a_backend(shadow)
    texts = [TEXT, *(f"{TEXT} AND id > {number}" for number in range(20))]
    costs = shadow.costs([WhatIf("", text, frozenset({BY_CUSTOMER})) for text in texts])
    assert all(cost.used == {BY_CUSTOMER} for cost in costs)
    kill_a_backend(shadow)
    assert shadow.sizes([Index(ORDERS, (IndexColumn("placed"),))])[0] > 1_000_000
    assert shadow.costs([WhatIf("", TEXT)])[0] == first


def test_a_statement_that_crashes_the_planner_is_named_and_the_others_answered(shadow: ShadowPlanner) -> None:
    # An immutable function is executed while planning; this one ends its own backend.
    everywhere(
        shadow,
        "CREATE FUNCTION shop.suicide() RETURNS boolean LANGUAGE sql IMMUTABLE SECURITY DEFINER AS "
        "'SELECT pg_terminate_backend(pg_backend_pid())'",
    )
    costs = shadow.costs([WhatIf("", "SELECT shop.suicide()"), WhatIf("", f"{TEXT} LIMIT 7")])
    assert math.isinf(costs[0].total)
    assert costs[0].error
    assert costs[1].total > 0


def test_a_statement_that_takes_too_long_to_plan_is_named(shadow: ShadowPlanner) -> None:
    everywhere(shadow, "SET statement_timeout = '500ms'")
    everywhere(
        shadow,
        "CREATE FUNCTION public.slow() RETURNS int LANGUAGE plpgsql IMMUTABLE AS "
        "'BEGIN PERFORM pg_sleep(20); RETURN 1; END'",
    )
    slow = 'SELECT * FROM shop."Orders" WHERE id = slow()'
    costs = shadow.costs([WhatIf("", slow), WhatIf("", f"{TEXT} LIMIT 8")])
    everywhere(shadow, "SET statement_timeout = '60s'")
    assert "timeout" in costs[0].error
    assert costs[1].total > 0


def test_a_full_disk_is_one_sentence(dumped: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "truncate", full)
    own = f"advisor-postgres-{os.getpid()}-*"
    before = set(private_folder.temporary().glob(own))
    with pytest.raises(PlannerUnavailable, match="No space left on device"):
        ShadowPlanner(dumped, backends=1)
    assert set(private_folder.temporary().glob(own)) == before


def test_a_dump_can_do_no_more_than_own_its_database(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    script = f"""
CREATE TABLE public.t (a int);
COPY public.t TO PROGRAM 'touch {marker}';
DO $$ BEGIN EXECUTE 'COPY public.t TO PROGRAM ''touch {marker}'''; END $$;
ALTER SYSTEM SET listen_addresses = '*';
CREATE ROLE evil SUPERUSER;
SELECT pg_read_file('/etc/passwd');
CREATE TABLE public.stolen AS SELECT pg_read_file('/etc/passwd');
CREATE FUNCTION public.f() RETURNS int LANGUAGE internal AS 'int4pl';
"""
    with ShadowPlanner(capture_of(tmp_path, script), backends=1) as planner:
        reasons = [one.reason for one in planner.left_out]
    assert not marker.exists()
    assert len(reasons) == 2
    assert all("permission denied" in reason for reason in reasons)


def test_an_installed_server_stands_in_for_the_extensions_that_the_wheel_lacks(
    dumped: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(NAMED)
    installed = [one for one in installed_servers() if "pg_trgm" in one.extensions]
    if not installed:
        pytest.skip("no PostgreSQL with pg_trgm is installed below /usr/lib/postgresql")
    by_note = Index(ORDERS, (IndexColumn("note", opclass="public.gin_trgm_ops"),), method="gin")
    like = """SELECT * FROM shop."Orders" WHERE note LIKE '%needle in it%'"""
    hidden = frozenset({"shop.orders_note_trgm"})
    with ShadowPlanner(replace(dumped, server=Server("postgresql")), backends=1) as planner:
        before, after, key = planner.costs(
            [
                WhatIf("", like, hidden=hidden),
                WhatIf("", like, frozenset({by_note}), hidden),
                WhatIf("", TEXT, frozenset({BY_CUSTOMER})),
            ]
        )
        assert planner.planner.startswith(f"PostgreSQL {installed[-1].version}.")
        assert "extension pg_trgm" not in {one.name for one in planner.left_out}
    assert after.total < before.total
    assert after.used == {by_note}
    assert key.used == {BY_CUSTOMER}


async def test_a_role_that_may_read_nothing_still_gets_the_schema(
    target_url: str, target_capture: Capture, tmp_path: Path
) -> None:
    admin = await asyncpg.connect(target_url)
    try:
        await admin.execute("CREATE ROLE nobody_much LOGIN")
        connection = await asyncpg.connect(target_url, user="nobody_much")
        try:
            await connection.execute("SET default_transaction_read_only = on")
            await extract(connection, tmp_path)
            assert await connection.fetchval("SHOW search_path") == '"$user", public'
        finally:
            await connection.close()
    finally:
        await admin.execute("DROP ROLE nobody_much")
        await admin.close()
    assert "CREATE TABLE public.event" in (tmp_path / "schema.sql").read_text()
    assert "'relname', 'event', 'relpages'" in (tmp_path / "statistics.sql").read_text()


async def test_no_value_of_a_row_leaves_by_default(target_url: str, target_capture: Capture, tmp_path: Path) -> None:
    connection = await asyncpg.connect(target_url)
    try:
        await extract(connection, tmp_path / "without")
        await extract(connection, tmp_path / "with", keep_values=True)
    finally:
        await connection.close()
    without, kept = ((tmp_path / name / "statistics.sql").read_text() for name in ("without", "with"))
    assert "2025-1" in kept
    assert "2025-1" not in without
    assert "histogram_bounds" not in without
    assert without.count("most_common_vals") == 2  # the enum's labels and the boolean, which the schema tells
    assert "n_distinct" in without


async def test_the_target_is_only_read(target_url: str, target_capture: Capture, tmp_path: Path) -> None:
    connection = await asyncpg.connect(target_url)
    seen: list[str] = []
    try:
        with connection.query_logger(lambda record: seen.append(record.query)):
            await extract(connection, tmp_path)
            await asyncio.sleep(0)
    finally:
        await connection.close()
    assert seen
    assert {query.split()[0] for query in seen} <= {"SELECT", "BEGIN", "COMMIT;"}
