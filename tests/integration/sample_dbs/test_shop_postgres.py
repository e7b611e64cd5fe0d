"""The sample shop at a twentieth of its size: every planted fault shows in the server's log and plans."""

from __future__ import annotations

import ast
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psycopg
import pytest

from sample_dbs.shop_postgres.build import HERE, TABLES, SampleError, build, reset_workload_writes
from sample_dbs.shop_postgres.measure import LoggedStatement, application_statements, apply_ideal_fix, logged_server
from sample_dbs.shop_postgres.operations import OPERATIONS
from sample_dbs.shop_postgres.workload import Summary, run

SCALE = 0.05
EXPECTED: dict[str, Any] = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))
FAULTS: list[dict[str, Any]] = EXPECTED["faults"]
UNINDEXED = [f for f in FAULTS if f["kind"] == "missing-index" and not f.get("hidden_in_plan")]
N_PLUS_ONE = [f for f in FAULTS if f["kind"] == "n-plus-one"]
STATED = [f for f in FAULTS + EXPECTED["not_faults"] if f["statements"]]


def name(expected: dict[str, Any]) -> str:
    return str(expected["id"])


@dataclass(frozen=True)
class Shop:
    """A built shop with two runs of its workload behind it, the first with comments, the second without."""

    url: str
    log: Path
    summaries: tuple[Summary, Summary]
    commented: tuple[LoggedStatement, ...]
    plain: tuple[LoggedStatement, ...]

    def executed(self, pattern: str) -> list[LoggedStatement]:
        return [s for s in self.commented if s.phase in ("execute", "statement") and re.search(pattern, bare(s.text))]

    def plan(self, statement: LoggedStatement, explain: str = "EXPLAIN (FORMAT JSON)") -> dict[str, Any]:
        """The plan with the logged parameters in their places."""
        values = dict(re.findall(r"\$(\d+) = ('(?:[^']|'')*'|NULL)", statement.parameters))
        text = re.sub(r"\$(\d+)", lambda found: values[found[1]], bare(statement.text))
        with psycopg.connect(self.url, application_name="shop-reset") as connection:
            found = connection.execute(f"{explain} {text}".encode()).fetchone()
        assert found is not None
        plan: dict[str, Any] = found[0][0]["Plan"]
        return plan


def bare(text: str) -> str:
    """The statement without its comment, on one line."""
    return " ".join(re.sub(r"/\*.*?\*/", "", text).split())


def tags(text: str) -> dict[str, str]:
    return {key: unquote(value) for key, value in re.findall(r"(\w+)='([^']*)'[,*]", text)}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def scans(plan: dict[str, Any], table: str) -> list[str]:
    return [node["Node Type"] for node in nodes(plan) if node.get("Relation Name") == table]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with logged_server() as (url, log):
        steps: list[tuple[str, float]] = []
        assert not build(url, SCALE, lambda step, share: steps.append((step, share))).reused
        assert steps[-1] == ("built", 1.0)
        assert [share for _, share in steps] == sorted(share for _, share in steps)
        first = run(url, scale=0.2, comments=True)
        commented = settled(log)
        second = run(url, scale=0.2, comments=False)
        plain = settled(log)[len(commented) :]
        yield Shop(url, log, (first, second), commented, plain)


def settled(log: Path) -> tuple[LoggedStatement, ...]:
    """The log's statements once the collector has written them all."""
    size = -1
    while size != log.stat().st_size:
        size = log.stat().st_size
        time.sleep(0.5)
    return tuple(application_statements(log))


@pytest.mark.parametrize("expected", STATED, ids=name)
def test_statements_are_in_the_log(shop: Shop, expected: dict[str, Any]) -> None:
    for pattern in expected["statements"]:
        assert shop.executed(pattern), pattern


@pytest.mark.parametrize("expected", UNINDEXED, ids=name)
def test_unindexed_filters_scan_the_table(shop: Shop, expected: dict[str, Any]) -> None:
    statement = shop.executed(expected["statements"][0])[0]
    plan = shop.plan(statement)
    if "existing_index" in expected:
        assert expected["existing_index"] in {node.get("Index Name") for node in nodes(plan)}
    else:
        assert scans(plan, expected["tables"][0]) == ["Seq Scan"]


@pytest.mark.parametrize("expected", N_PLUS_ONE, ids=name)
def test_n_plus_one_in_three_units_of_work(shop: Shop, expected: dict[str, Any]) -> None:
    """Between BEGIN and the end of the transaction: one parent, at least five of each child."""
    parent, children = expected["parent"], expected["children"]
    bursts = 0
    for unit in transactions(shop.commented):
        if any(re.search(parent, text) for text in unit):
            counts = [sum(bool(re.search(child, text)) for text in unit) for child in children]
            bursts += all(count >= 5 for count in counts)
    assert bursts >= 3


def transactions(statements: tuple[LoggedStatement, ...]) -> Iterator[list[str]]:
    """Statements of each transaction, from the log's lines by session."""
    opened: dict[str, list[str]] = defaultdict(list)
    for statement in statements:
        if statement.phase not in ("execute", "statement"):
            continue
        text = bare(statement.text)
        opened[statement.session].append(text)
        if text.startswith(("COMMIT", "ROLLBACK")):
            yield opened.pop(statement.session)


def test_comments_tell_the_service_and_can_be_left_out(shop: Shop) -> None:
    told = {(tags(s.text).get("code_filepath"), tags(s.text).get("action")) for s in shop.commented if "/*" in s.text}
    for fault in FAULTS:
        if fault["service"]:
            file, function = fault["service"].split(":")
            assert (file, function) in told
            assert function in functions(HERE / file)
    lazy = next(s for s in shop.executed(r"WHERE \$1.* = product_images\.product_id"))
    assert tags(lazy.text)["route"] == "/categories/{category_id}"
    line = (HERE / tags(lazy.text)["code_filepath"]).read_text().splitlines()[int(tags(lazy.text)["code_lineno"]) - 1]
    assert "product.images" in line
    assert not any("/*" in s.text for s in shop.plain)


def functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_run_sends_the_same_statements(shop: Shop) -> None:
    first, second = shop.summaries
    assert first.statements == second.statements
    assert {o.name: o.calls for o in first.operations} == {o.name: o.calls for o in second.operations}
    assert {o.name for o in first.operations} == set(OPERATIONS)

    def sent(statements: tuple[LoggedStatement, ...]) -> Counter[tuple[str, str]]:
        # Drivers ask a new connection for its types; which connection is new is left to chance in a rush.
        own = (
            s for s in statements if s.phase == "execute" and "typeinfo" not in s.text and "set_config" not in s.text
        )
        return Counter((bare(s.text), s.parameters) for s in own)

    assert sent(shop.commented) == sent(shop.plain)


def test_work_is_spread_over_sessions(shop: Shop) -> None:
    sessions = defaultdict(set)
    for statement in shop.commented:
        sessions[statement.application].add(statement.session)
    assert {application: len(found) for application, found in sessions.items()} == {
        "shop-web": 4,
        "shop-web-async": 4,
        "shop-batch": 2,
    }


def test_planted_and_harmless_indexes_are_there_and_unused(shop: Shop) -> None:
    with psycopg.connect(shop.url, application_name="shop-reset") as connection:
        scanned: dict[str, int] = dict(
            connection.execute("SELECT indexrelname, idx_scan FROM pg_stat_user_indexes").fetchall()
        )
    assert scanned["ix_order_items_unit_price_cents"] == 0
    assert min(scanned["ix_payments_order"], scanned["ix_payments_order_id"]) == 0
    assert scanned["ix_orders_customer_id"] > 0
    assert scanned["ix_orders_customer_id_placed_at"] > 0
    assert scanned["uq_payments_provider_reference"] == 0


def test_sort_spills(shop: Shop) -> None:
    spilling = next(fault for fault in FAULTS if fault["kind"] == "spilling-sort")
    statement = shop.executed(spilling["statements"][0])[0]
    plan = shop.plan(statement, "EXPLAIN (FORMAT JSON, ANALYZE)")
    assert [node["Sort Method"] for node in nodes(plan) if "Sort Method" in node] == ["external merge"]


def test_second_build_reuses_and_foreign_tables_are_left_alone(shop: Shop) -> None:
    again = build(shop.url, SCALE)
    assert again.reused
    assert set(again.rows) == set(TABLES)
    with psycopg.connect(shop.url, autocommit=True, application_name="shop-reset") as connection:
        connection.execute("CREATE DATABASE theirs")
    theirs = shop.url.replace("/postgres?", "/theirs?")
    with psycopg.connect(theirs) as connection:
        connection.execute("CREATE TABLE orders (id int)")
    with pytest.raises(SampleError, match="orders"):
        build(theirs, SCALE)


def test_reset_removes_what_a_run_wrote(shop: Shop) -> None:
    written = {"orders", "payments", "inventory_movements", "jobs", "audit_events"}
    seeded = build(shop.url, SCALE).rows

    def counted() -> dict[str, int]:
        with psycopg.connect(shop.url, application_name="shop-reset") as connection:
            return {t: connection.execute(f"SELECT count(*) FROM {t}".encode()).fetchall()[0][0] for t in TABLES}

    assert all(counted()[table] > seeded[table] for table in written)
    reset_workload_writes(shop.url)
    assert counted() == seeded


@pytest.fixture
def fixed(shop: Shop) -> Iterator[None]:
    """The ideal indexes for one test's time."""
    apply_ideal_fix(shop.url)
    yield
    with psycopg.connect(shop.url, application_name="shop-reset") as connection:
        added = connection.execute("SELECT indexrelname FROM pg_stat_user_indexes WHERE indexrelname LIKE 'fix%'")
        for (index,) in added.fetchall():
            connection.execute(f"DROP INDEX {index}".encode())


@pytest.mark.usefixtures("fixed")
@pytest.mark.parametrize("expected", UNINDEXED, ids=name)
def test_ideal_fix_ends_the_scan(shop: Shop, expected: dict[str, Any]) -> None:
    plan = shop.plan(shop.executed(expected["statements"][0])[0])
    assert "Seq Scan" not in scans(plan, expected["tables"][0])
    assert any(str(node.get("Index Name")).startswith("fix_") for node in nodes(plan))
