"""The shadow against the server that it stands for: the same costs, for what is and for what could be."""

from __future__ import annotations

import asyncio
import json
import math
import re

import asyncpg
import pytest

from advisor.model.capture import Capture
from advisor.model.catalog import Index, IndexColumn, TableName
from advisor.model.ddl import index_body
from advisor.model.recommendation import WhatIf
from connectors.postgres.shadow import ShadowPlanner

EVENT = TableName("public", "event")
USER = TableName("Odd Schema", "User")
MEASURED = TableName("public", "measured")

INDEXES = (
    Index(EVENT, (IndexColumn("kind"), IndexColumn("at", descending=True)), name="ix_event_kind_at"),
    Index(EVENT, (IndexColumn("token"),)),
    Index(EVENT, (IndexColumn("at"),), predicate="deleted"),
    Index(EVENT, (IndexColumn("kind"),), include=("at",)),
    Index(EVENT, (IndexColumn("Mixed Case"),)),
    Index(USER, (IndexColumn("event_id"),)),
    Index(MEASURED, (IndexColumn("value"),)),
)
QUERIES = (
    "SELECT * FROM event WHERE kind = $1",
    "SELECT * FROM event WHERE kind = $1 ORDER BY at DESC LIMIT 20",
    "SELECT * FROM event WHERE token = $1",
    "SELECT at FROM event WHERE kind = $1 ORDER BY at",
    'SELECT count(*) FROM event WHERE "Mixed Case" = $1',
    "SELECT * FROM event WHERE deleted AND at > $1",
    'SELECT * FROM "Odd Schema"."User" WHERE event_id = $1',
    'SELECT * FROM event e JOIN "Odd Schema"."User" u ON u.event_id = e.id WHERE e.token = $1',
    "SELECT * FROM live_users WHERE id = $1",
    "SELECT * FROM measured WHERE value = $1",
    "SELECT * FROM measured WHERE day = $1 AND id = $2",
    "SELECT kind, count(*) FROM event GROUP BY kind",
    "SELECT * FROM totals WHERE kind = $1",
    "SELECT * FROM parent WHERE name = $1",
    "UPDATE event SET price = $1 WHERE token = $2",
    "DELETE FROM measured WHERE value < $1",
    "SELECT * FROM event WHERE price = $1 AND mood = $2",
)

BRIN = "SELECT * FROM event WHERE at > '2025-12-01' AND at < '2025-12-02'"
GIST = "SELECT * FROM event WHERE point(kind, price) <@ box(point(1, 1), point(9, 9))"
OTHER_KINDS = (
    (Index(EVENT, (IndexColumn("tags"),), method="gin"), "SELECT * FROM event WHERE tags @> $1"),
    (
        Index(EVENT, (IndexColumn("attributes", opclass="jsonb_path_ops"),), method="gin"),
        "SELECT * FROM event WHERE attributes @> $1",
    ),
    (Index(EVENT, (IndexColumn("token"),), method="hash"), "SELECT * FROM event WHERE token = $1"),
    (Index(EVENT, (IndexColumn("at"),), method="brin"), BRIN),
    (
        Index(EVENT, (IndexColumn("token", opclass="text_pattern_ops"),)),
        "SELECT * FROM event WHERE token LIKE 'abcd%'",
    ),
    (Index(EVENT, (IndexColumn("token"),), method="spgist"), "SELECT * FROM event WHERE token ^@ 'abcd'"),
    (Index(EVENT, (IndexColumn(expression="point(kind, price)"),), method="gist"), GIST),
)


async def really(
    url: str, indexes: tuple[Index, ...], queries: tuple[str, ...] = QUERIES
) -> tuple[list[float], list[int]]:
    """The real server's costs with these indexes built, and their sizes; everything is rolled back."""
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    try:
        # A parameter of GENERIC_PLAN would be taken for one of the protocol's; PL/pgSQL passes it on untouched.
        await connection.execute(
            "CREATE FUNCTION pg_temp.plan(q text) RETURNS text LANGUAGE plpgsql AS "
            "$$ DECLARE r text; BEGIN EXECUTE 'EXPLAIN (GENERIC_PLAN, FORMAT JSON) ' || q INTO r; RETURN r; END $$"
        )
        for number, index in enumerate(indexes):
            await connection.execute(f"CREATE INDEX really_{number} {index_body(index)}")
        plans = [json.loads(await connection.fetchval("SELECT pg_temp.plan($1)", query)) for query in queries]
        sizes = [
            await connection.fetchval(
                "SELECT sum(pg_relation_size(c.oid))::bigint FROM pg_class c WHERE c.oid IN (SELECT relid FROM "
                "pg_partition_tree($1::text::regclass)) OR c.oid = $1::text::regclass",
                TableName(index.table.schema, f"really_{number}").sql,
            )
            for number, index in enumerate(indexes)
        ]
    finally:
        await transaction.rollback()
        await connection.close()
    return [plan[0]["Plan"]["Total Cost"] for plan in plans], sizes


def ask(planner: ShadowPlanner, *indexes: Index, hidden: tuple[str, ...] = ()) -> list[float]:
    return [c.total for c in planner.costs([WhatIf("", q, frozenset(indexes), frozenset(hidden)) for q in QUERIES])]


def test_everything_of_the_schema_is_there(planner: ShadowPlanner) -> None:
    assert planner.left_out == ()
    assert re.fullmatch(r"PostgreSQL 1[68]\.\d+ \(shadow\)", planner.planner)


def test_costs_and_sizes_are_the_real_servers(target_url: str, planner: ShadowPlanner) -> None:
    as_is, _ = asyncio.run(really(target_url, ()))
    with_all, sizes = asyncio.run(really(target_url, INDEXES))
    assert ask(planner) == pytest.approx(as_is, rel=0.005)
    assert ask(planner, *INDEXES) == pytest.approx(with_all, rel=0.02)
    assert planner.sizes(INDEXES) == pytest.approx(sizes, rel=0.1)


def test_indexes_of_every_kind(target_url: str, planner: ShadowPlanner) -> None:
    indexes, queries = zip(*OTHER_KINDS, strict=True)
    for index, query in OTHER_KINDS:
        (real,), _ = asyncio.run(really(target_url, (index,), (query,)))
        (cost,) = planner.costs([WhatIf("", query, frozenset({index}))])
        assert cost.error == ""
        assert cost.total == pytest.approx(real, rel=0.15)
        assert cost.used == {index}
    assert len(set(planner.sizes(indexes))) == len(set(queries))


def test_an_expression_has_the_statistics_of_its_column(planner: ShadowPlanner) -> None:
    by_token = Index(EVENT, (IndexColumn(expression="lower(token)"),))
    by_day = Index(EVENT, (IndexColumn(expression="date_trunc('day', at, 'UTC')"),))
    token, day = planner.costs(
        [
            WhatIf("", "SELECT * FROM event WHERE lower(token) = $1", frozenset({by_token})),
            WhatIf("", "SELECT * FROM event WHERE date_trunc('day', at, 'UTC') = $1", frozenset({by_day})),
        ]
    )
    assert token.total < 10
    assert token.used == {by_token}
    assert day.plan is not None
    # 100,000 events, one a minute: 1,440 a day.
    assert next(day.plan.scans()).rows == pytest.approx(1_440, rel=0.05)


def test_used_indexes_are_told_and_named(planner: ShadowPlanner) -> None:
    cost = planner.costs([WhatIf("", QUERIES[1], frozenset(INDEXES))])[0]
    assert cost.used == {INDEXES[0]}
    assert cost.plan is not None
    assert [node.index for node in cost.plan.nodes() if node.index] == ["ix_event_kind_at"]
    assert cost.plan.planner == planner.planner
    partitioned = planner.costs([WhatIf("", QUERIES[9], frozenset(INDEXES))])[0]
    assert partitioned.used == {INDEXES[6]}


def test_hidden_indexes_are_as_if_dropped(planner: ShadowPlanner) -> None:
    text = "SELECT * FROM event WHERE id = $1"
    shown, hidden, again = planner.costs(
        [WhatIf("", text), WhatIf("", text, hidden=frozenset({"public.event_pkey"})), WhatIf("", text)]
    )
    assert shown.total == again.total < 10 < hidden.total
    text = "SELECT * FROM measured WHERE day = $1"
    shown, hidden = planner.costs([WhatIf("", text), WhatIf("", text, hidden=frozenset({"public.measured_day"}))])
    assert shown.total < hidden.total


def test_bad_statements_and_indexes_get_a_reason_and_harm_no_other(planner: ShadowPlanner) -> None:
    nowhere = Index(EVENT, (IndexColumn("nope"),))
    lost = Index(TableName("public", "lost"), (IndexColumn("a"),))
    texts = ["SELECT nope FROM event", "SELEC 1", "SELECT * FROM gone", QUERIES[0], "SELECT 1; DROP TABLE event"]
    costs = planner.costs([WhatIf("", text) for text in texts])
    assert [math.isinf(cost.total) for cost in costs] == [True, True, True, False, True]
    assert 'column "nope" does not exist' in costs[0].error
    refused = planner.costs([WhatIf("", QUERIES[0], frozenset({nowhere}))])[0]
    assert "cannot be tried" in refused.error
    assert planner.costs([WhatIf("", QUERIES[0], frozenset({lost}))])[0].total == costs[3].total
    assert planner.sizes([nowhere, lost, INDEXES[0]])[:2] == [0, 0]


def test_no_question_is_asked_twice(planner: ShadowPlanner) -> None:
    ask(planner, *INDEXES)
    calls = planner.calls
    ask(planner, *INDEXES)
    used = planner.costs([WhatIf("", QUERIES[0], frozenset(INDEXES))])[0].used
    planner.costs([WhatIf("", QUERIES[0], used)])
    planner.costs([WhatIf("", QUERIES[0], used | {INDEXES[5]})])
    assert planner.calls == calls


def test_a_capture_without_values_holds_none(target_url: str, target_capture: Capture) -> None:
    assert "angry" in target_capture.statistics_sql.read_text()
