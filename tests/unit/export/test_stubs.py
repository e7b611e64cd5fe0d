"""Every tool's files are those in tests/cases/export; ADVISOR_UPDATE=1 writes them anew."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from advisor import export
from advisor.errors import ExportError
from advisor.model.catalog import Index, IndexColumn, TableName
from advisor.model.impact import MigrationImpact
from advisor.model.recommendation import (
    Action,
    AddIndex,
    Benefit,
    CodeChange,
    Configure,
    DropIndex,
    EagerLoad,
    Method,
    MigrationStub,
    Recommendation,
    RewriteQuery,
)

CASES = Path(__file__).parents[2] / "cases" / "export"
ORDERS = TableName("public", "orders")
AT = datetime(2026, 11, 20, 16, 41, tzinfo=UTC)

PLAIN = Index(ORDERS, (IndexColumn("customer_id"), IndexColumn("created_at")), name="ix_orders_customer_id_created_at")
SPECIAL = Index(
    TableName("Shop", "order"),
    (IndexColumn("Kind"), IndexColumn(expression="lower(email)"), IndexColumn("created_at", descending=True)),
    name="ix_order_it's",
    include=("total",),
    predicate="note LIKE '100%:x' AND tags ? 'a' AND kind = 'open'::text",
)
ACTIONS: dict[str, Action] = {
    "plain": AddIndex(PLAIN),
    "special": AddIndex(SPECIAL),
    "partitioned": AddIndex(
        replace(PLAIN, name="ix_orders_customer_id"),
        partitions=(TableName("public", "orders_2026"), TableName("public", "orders_2027")),
    ),
    "drop": DropIndex(
        replace(
            PLAIN,
            exists=True,
            definition="CREATE INDEX ix_orders_customer_id_created_at ON public.orders USING btree "
            "(customer_id, created_at DESC) WITH (fillfactor='70') WHERE (status = 'open'::text)",
        )
    ),
    "unique": AddIndex(Index(ORDERS, (IndexColumn("number"),), name="uq_orders_number", unique=True)),
    "gin": AddIndex(
        Index(ORDERS, (IndexColumn("tags", opclass="jsonb_path_ops"),), name="ix_orders_tags", method="gin")
    ),
}
TOOLS = [tool.name for tool in export.tools("postgresql")]


def advised(action: Action, identity: str = "add_index-0123456789ab") -> Recommendation:
    return Recommendation(
        id=identity,
        title="Index orders by customer_id, created_at",
        action=action,
        statement="CREATE INDEX …;",
        tables=(ORDERS,),
        problem="Every call reads all 1,000,000 rows of orders\n-- migrate:up\nto return 20.",
        root_cause="No index begins with customer_id.",
        solution="A B-tree delivers the rows in order.",
        benefit=Benefit(Method.PLANNER, "PostgreSQL 18.4 (shadow)"),
        migration_impact=MigrationImpact("Adds about 90 MB.", rollback=("DROP INDEX CONCURRENTLY x;",)),
        risks=(),
        verification=(),
        acceptance=(),
    )


def made(tool: str, case: str) -> MigrationStub:
    return export.stubs([advised(ACTIONS[case])], tool, at=AT)[0]


def as_text(stub: MigrationStub) -> str:
    version = re.compile(r"Query Advisor \d+\.\d+\.\d+")
    files = "".join(f"=== {path}\n{text}" for path, text in stub.files)
    return version.sub(
        "Query Advisor X", f"{files}=== snippet\n{stub.snippet}\n=== instructions\n{stub.instructions}\n"
    )


@pytest.mark.parametrize("case", ACTIONS)
@pytest.mark.parametrize("tool", TOOLS)
def test_files_are_as_expected(tool: str, case: str) -> None:
    expected = CASES / tool / f"{case}.txt"
    text = as_text(made(tool, case))
    if os.environ.get("ADVISOR_UPDATE"):
        expected.parent.mkdir(parents=True, exist_ok=True)
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("tool", TOOLS)
def test_sql_files_satisfy_squawk(tool: str, tmp_path: Path) -> None:
    squawk = shutil.which("squawk") or str(Path(sys.executable).with_name("squawk"))
    if not Path(squawk).exists():
        pytest.skip("squawk-cli is not installed")
    for case in ACTIONS:
        for path, text in made(tool, case).files:
            if path.endswith(".sql"):
                (tmp_path / f"{case}-{path.replace('/', '-')}").write_text(text)
    files = sorted(map(str, tmp_path.iterdir()))
    if files:
        done = subprocess.run([squawk, "--reporter", "gcc", *files], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("case", ACTIONS)
def test_python_files_compile(tool: str, case: str) -> None:
    for path, text in made(tool, case).files:
        if path.endswith(".py"):
            compile(text, path, "exec")


@pytest.mark.parametrize("tool", ["knex", "node-pg-migrate"])
def test_javascript_files_parse(tool: str, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    for case in ACTIONS:
        for path, text in made(tool, case).files:
            if path.endswith(".js"):
                script = tmp_path / f"{case}.js"
                script.write_text(text)
                subprocess.run([node, "--check", str(script)], check=True, capture_output=True)


def test_an_unknown_tool_is_refused_in_one_sentence() -> None:
    with pytest.raises(ExportError, match=r"no migration tool 'abacus'; choose one of .*alembic.*sql"):
        export.stubs([advised(AddIndex(PLAIN))], "abacus", at=AT)


def test_several_migrations_follow_one_another() -> None:
    first, second = export.stubs(
        [advised(ACTIONS["plain"]), advised(ACTIONS["unique"], "add_index-ba9876543210")], "alembic", at=AT
    )
    revision = first.files[0][0].partition("_")[0]
    assert f'down_revision: str | Sequence[str] | None = "{revision}"' in second.files[0][1]
    assert [stub.recommendation for stub in (first, second)] == ["add_index-0123456789ab", "add_index-ba9876543210"]


def test_stamps_rise_with_the_order() -> None:
    made = export.stubs([advised(ACTIONS["plain"]), advised(ACTIONS["unique"], "b")], "sql", at=AT)
    names = [path for stub in made for path, _ in stub.files if path.endswith("up.sql")]
    assert names == sorted(names)
    assert names[0].startswith("20261120164100_")
    assert names[1].startswith("20261120164200_")


@pytest.mark.parametrize(
    "action",
    [
        Configure("work_mem", "16MB", "4MB", "role app"),
        RewriteQuery("SELECT 1 WHERE a + 1 = $1", "SELECT 1 WHERE a = $1 - 1"),
        EagerLoad("Order", ("Order.customer",), (CodeChange("django", "Django", "a()", "a().b()", guessed=True),)),
    ],
)
def test_what_no_tool_runs_becomes_a_note(action: Action) -> None:
    (stub,) = export.stubs([advised(action)], "alembic", at=AT)
    ((path, text),) = stub.files
    assert path.startswith("notes/")
    assert path.endswith(".md")
    assert "Every call reads" in text
    assert ("```diff" in text) is not isinstance(action, Configure)


def test_a_tool_that_cannot_build_over_partitions_says_so_in_a_note() -> None:
    stub = made("dbmate", "partitioned")
    ((_, text),) = stub.files
    assert "dbmate cannot build an index over partitions" in text


def test_a_hostile_name_stays_inside_its_comment_and_literal() -> None:
    evil = replace(PLAIN, name="ix'; DROP TABLE x; --\n-- migrate:down", table=TableName("public", 'o"; --'))
    for tool in TOOLS:
        (stub,) = export.stubs([advised(AddIndex(evil))], tool, at=AT)
        for path, text in stub.files:
            if path.endswith(".sql"):
                assert "\nDROP TABLE" not in text
