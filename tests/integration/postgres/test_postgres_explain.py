"""Plans of statement texts: generic, without executing, one statement only, through a pooler as well."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest

from advisor.errors import SourceError
from advisor.model.plan import Access, Plan
from advisor.ports import CaptureRequest
from connectors.postgres import PostgresConnector
from connectors.postgres.explain import Explained, explain, explain_all
from connectors.postgres.session import Session, open_session
from connectors.postgres.url import parse_url

T = TypeVar("T")

TEXTS = (
    "SELECT * FROM zoo.animal WHERE id = $1",
    "SELECT * FROM zoo.animal WHERE weight = $0 AND seen > now() - interval $0 LIMIT $0",
    "SELECT * FROM zoo.animal WHERE doc @> $0 AND kind LIKE $1",
    "INSERT INTO zoo.never VALUES ($0)",
    "UPDATE zoo.never SET a = $0 WHERE a = $0",
    "DELETE FROM zoo.never WHERE a IN ($0, $0)",
    "WITH gone AS (DELETE FROM zoo.never RETURNING a) SELECT count(*) FROM gone",
    "SELECT zoo.count_up(), nextval('zoo.counter')",
    "SELECT setval('zoo.counter', 4711)",
    "SELECT a FROM zoo.never FOR UPDATE",
    "SELECT * FROM zoo.animal WHERE id = ANY(ARRAY[$0, $0])",
    "SELECT * FROM zoo.animal WHERE kind = ANY (ARRAY[$0, $0])",
    "SELECT day FROM generate_series($0, $0) AS day",
    "VALUES (1)",
    "TABLE zoo.never",
    "(SELECT 1) UNION ALL (SELECT $0::int)",
)


def with_session(url: str, work: Callable[[Session], Awaitable[T]], pooled: bool = False) -> T:
    async def go() -> T:
        session = await open_session(url)
        if pooled:
            await session.close()
            connection = await asyncpg.connect(url, statement_cache_size=0)
            session = Session(connection, parse_url(url), session.version_number, pooled=True)
        try:
            return await work(session)
        finally:
            await session.close()

    return asyncio.run(go())


@pytest.mark.parametrize("pooled", [False, True])
def test_every_kind_is_planned_and_none_is_executed(zoo: Any, pooled: bool) -> None:
    state = "SELECT (SELECT last_value FROM zoo.counter), count(*), sum(a) FROM zoo.never"
    before = zoo.run(state)

    async def work(session: Session) -> tuple[Explained, int]:
        found = await explain_all(session, TEXTS)
        return found, await session.value("SELECT count(*) FROM pg_prepared_statements WHERE name = 'query_advisor'")

    found, left = with_session(zoo.url, work, pooled)
    assert found.unexplained == {}
    assert tuple(plan.text for plan in found.plans) == TEXTS
    assert zoo.run(state) == before
    assert left == 0


def one(zoo: Any, text: str) -> Plan:
    return with_session(zoo.url, lambda session: explain(session, text))


def test_the_plan_is_the_generic_one(zoo: Any) -> None:
    plan = one(zoo, "SELECT * FROM zoo.animal WHERE id = $1 AND kind = 'kind1'")
    (scan,) = plan.scans()
    assert (scan.access, scan.index) == (Access.INDEX, "animal_pkey")
    assert scan.index_condition == "(animal.id = $1)"
    assert scan.filter == "(animal.kind = $0::text)"
    assert plan.generic
    assert scan.table is not None
    assert str(scan.table) == "zoo.animal"


@pytest.mark.parametrize("pooled", [False, True])
def test_partitions_that_a_parameter_picks_are_shown(zoo: Any, pooled: bool) -> None:
    async def work(session: Session) -> tuple[Plan, Plan, str]:
        every = await explain(session, "SELECT x FROM zoo.log WHERE at >= $1 AND k = $2")
        some = await explain(session, "SELECT x FROM zoo.log WHERE at >= $1 AND at < '2020-06-01' AND k = $2")
        return every, some, str(await session.value("SHOW enable_partition_pruning"))

    every, some, setting = with_session(zoo.url, work, pooled)
    assert {scan.table.name for scan in every.scans() if scan.table} == {"log_1", "log_2"}
    assert some.cost < every.cost
    assert setting == "on"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT * FROM zoo.nothing", 'relation "zoo.nothing" does not exist'),
        ("SELECT $1 + $2 +", "syntax error"),
        ("SELECT 1; DROP TABLE zoo.never", "more than one statement"),
        ("DROP TABLE zoo.never", "DROP is not a statement that EXPLAIN takes"),
        ("EXPLAIN ANALYZE SELECT 1", "EXPLAIN is not a statement"),
        ("", "not a statement"),
    ],
)
def test_what_cannot_be_explained_has_a_reason(zoo: Any, text: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason.replace("(", r"\(")):
        one(zoo, text)
    assert zoo.run("SELECT count(*) FROM zoo.never")


def test_a_second_command_hidden_from_our_lexer_is_refused_by_the_server(zoo: Any) -> None:
    # With standard_conforming_strings off a backslash escapes; our lexer reads the string as closed later than it is.
    hidden = "SELECT 'a\\'; SELECT nextval('zoo.counter'); --'"
    before = zoo.run("SELECT last_value FROM zoo.counter")
    with pytest.raises(SourceError):
        one(zoo, hidden)
    assert zoo.run("SELECT last_value FROM zoo.counter") == before


def test_a_role_without_rights_gets_the_reason_and_the_grant(zoo: Any) -> None:
    url = zoo.url_as("beggar")
    found = with_session(url, lambda session: explain_all(session, ["SELECT * FROM zoo.animal", "SELECT 1"]))
    assert found.unexplained == {"SELECT * FROM zoo.animal": "permission denied for schema zoo"}
    assert "pg_read_all_data" in found.coverage().remedy
    assert "1 of 2 statements" in found.coverage().detail


def test_time_runs_out_in_order(embedded: Any) -> None:
    found = with_session(embedded.url, lambda session: explain_all(session, ["SELECT 1", "SELECT 2"], seconds=-1))
    assert set(found.unexplained.values()) == {"no time left after -1 s of planning"}


def test_a_capture_through_a_pooler_leaves_no_setting_behind(contrib: Any, tmp_path: Path) -> None:
    async def work(session: Session) -> tuple[list[Any], list[Any]]:
        query = "SELECT name, setting FROM pg_settings WHERE source = 'session' ORDER BY 1"
        before = await session.connection.fetch(query)
        capture = await PostgresConnector(session).capture(CaptureRequest(tmp_path))
        assert any(entry.subject == "pooler" for entry in capture.coverage)
        assert not [entry for entry in capture.coverage if "failed" in entry.detail]
        return before, await session.connection.fetch(query)

    before, after = with_session(contrib.url, work, pooled=True)
    assert before == after


def test_names_are_found_in_schemas_off_the_search_path(zoo: Any) -> None:
    async def work(session: Session) -> Plan:
        await session.widen(("public",), ("zoo", "pg odd"))
        return await explain(session, "SELECT * FROM animal WHERE id = $1")

    (scan,) = with_session(zoo.url, work).scans()
    assert str(scan.table) == "zoo.animal"
