"""Plans as people paste them: borders, continuations, quotes, prefixes, lost indentation, garbage."""

from __future__ import annotations

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.errors import SourceError
from advisor.model.plan import Plan
from connectors.postgres.plan import parse_plan

BARE = """\
Limit  (cost=10.00..20.00 rows=5 width=40)
  ->  Nested Loop Left Join  (cost=1.00..200.00 rows=100 width=40)
        ->  Seq Scan on orders o  (cost=0.00..100.00 rows=50 width=20)
              Filter: (status = 'paid'::text)
        ->  Index Scan using customers_pkey on customers c  (cost=0.29..2.00 rows=1 width=20)
              Index Cond: (id = o.customer_id)
"""
DOCUMENT = [{"Plan": {"Node Type": "Seq Scan", "Relation Name": "t", "Total Cost": 4.5, "Filter": "(a = 7)"}}]


def tree(plan: Plan) -> list[tuple[str, int]]:
    return [(node.kind, len(node.children)) for node in plan.nodes()]


WANTED = [("Limit", 1), ("Nested Loop", 2), ("Seq Scan", 0), ("Index Scan", 0)]


def psql_bordered(text: str) -> str:
    width = max(map(len, text.splitlines())) + 2
    rule = "+" + "-" * width + "+"
    rows = [f"| {line:<{width - 2}} |" for line in ["QUERY PLAN", *text.splitlines()]]
    return "\n".join([rule, rows[0], rule, *rows[1:], rule, "(6 rows)", "", "Time: 1.234 ms"])


WRAPPINGS = {
    "psql": "                    QUERY PLAN\n-----------------------\n " + BARE.replace("\n", "\n ") + "\n(6 rows)\n",
    "psql with borders": psql_bordered(BARE),
    "with the statement before": "shop=# EXPLAIN SELECT * FROM orders;\n" + BARE,
    "quoted lines": '"QUERY PLAN"\n' + "\n".join(f'"{line}"' for line in BARE.splitlines()),
    "Markdown": "```text\n" + BARE + "```\n",
    "mail": "\n".join("> " + line for line in BARE.splitlines()),
    "windows": "\ufeff" + BARE.replace("\n", "\r\n"),
    "log": "2026-11-20 10:00:00 UTC [12] LOG:  duration: 12.3 ms  plan:\n\tQuery Text: SELECT *\n\t  FROM orders\n\t"
    + BARE.replace("\n", "\n\t"),
    "no indentation": "\n".join(line.strip() for line in BARE.splitlines()),
    "tabs": BARE.replace("        ->", "\t->").replace("              ", "\t      "),
    "first line trimmed": "Limit  (cost=10.00..20.00 rows=5 width=40)\n    " + "\n    ".join(BARE.splitlines()[1:]),
    "colours": BARE.replace("Seq Scan", "\x1b[31mSeq Scan\x1b[0m"),
}


@pytest.mark.parametrize("name", WRAPPINGS)
def test_wrappings_are_taken_off(name: str) -> None:
    (plan,) = parse_plan(WRAPPINGS[name])
    assert tree(plan) == WANTED
    scan = next(plan.scans())
    assert (scan.alias, scan.filter, plan.cost) == ("o", "(status = $0::text)", 20.0)


def test_a_log_tells_the_statement() -> None:
    (plan,) = parse_plan(WRAPPINGS["log"])
    assert plan.text == "SELECT * FROM orders"


def test_json_with_psqls_continuations_and_a_heading() -> None:
    lines = json.dumps(DOCUMENT, indent=2).splitlines()
    pasted = (
        "   QUERY PLAN\n-------------\n"
        + "\n".join(f" {line:<60}+" for line in lines[:-1])
        + f"\n {lines[-1]}\n(1 row)\n"
    )
    (plan,) = parse_plan(pasted)
    assert plan.root.filter == "(a = $0)"


def test_rows_of_a_driver_and_times_of_old_servers() -> None:
    (plan,) = parse_plan(json.dumps([{"QUERY PLAN": DOCUMENT}]))
    assert plan.root.kind == "Seq Scan"
    (old,) = parse_plan(BARE + "Planning time: 0.194 ms\nExecution time: 8.008 ms\n")
    assert (old.planning_ms, old.execution_ms) == (0.194, 8.008)


def test_kinds_of_other_versions_and_extensions() -> None:
    (plan,) = parse_plan(
        " Merge on public.t  (cost=0.00..1.00 rows=0 width=0)\n"
        "   ->  Hash Right Anti Join  (cost=1.00..2.00 rows=1 width=4)\n"
        "         InitPlan 1\n"
        "           ->  Finalize Aggregate  (cost=1.00..2.00 rows=1 width=4)\n"
        "                 ->  Foreign Scan on remote.r  (cost=100.00..200.00 rows=1 width=4)\n"
        "                       Remote SQL: SELECT x FROM remote.r WHERE ((name = 'bob'))\n"
        "         ->  Custom Scan (Citus Adaptive)  (cost=0.00..0.00 rows=0 width=0)\n"
        "         ->  Hash  (cost=1.00..1.00 rows=1 width=4)\n"
        '               ->  CTE Scan on c "My c"  (cost=0.00..1.00 rows=1 width=4)\n'
    )
    assert tree(plan) == [
        ("ModifyTable", 1),
        ("Hash Join", 3),
        ("Aggregate", 1),
        ("Foreign Scan", 0),
        ("Custom Scan", 0),
        ("Hash", 1),
        ("CTE Scan", 0),
    ]
    nodes = {node.kind: node for node in plan.nodes()}
    assert nodes["Hash Join"].attributes["Join Type"] == "Right Anti"
    assert nodes["Aggregate"].attributes["Subplan Name"] == "InitPlan 1"
    assert nodes["CTE Scan"].alias == "My c"
    assert "bob" not in nodes["Foreign Scan"].attributes["Remote SQL"]


def test_several_plans_in_one_paste() -> None:
    assert [tree(plan) for plan in parse_plan(BARE + "\n\n" + BARE)] == [WANTED, WANTED]
    assert len(parse_plan(json.dumps(DOCUMENT) + "\n" + json.dumps(DOCUMENT))) == 2


def test_a_filter_that_looks_like_a_node_stays_a_filter() -> None:
    (plan,) = parse_plan("Seq Scan on t  (cost=0.00..1.00 rows=1 width=4)\n  Filter: (a = 'x\n->  Sort y'::text)\n")
    assert plan.root.filter.startswith("(a = $0") or len(list(plan.nodes())) == 2


def test_without_costs() -> None:
    (plan,) = parse_plan(
        "Sort (actual rows=3 loops=1)\n  Sort Key: a, f(b, c) DESC\n  ->  Seq Scan on t (never executed)\n"
    )
    assert plan.root.sort_keys == ("a", "f(b, c) DESC")
    assert plan.root.children[0].loops == 0
    (bare,) = parse_plan(
        "Hash Join\n  Hash Cond: (a.x = b.x)\n  ->  Seq Scan on a\n  ->  Hash\n        ->  Seq Scan on b\n"
    )
    assert tree(bare) == [("Hash Join", 2), ("Seq Scan", 0), ("Hash", 1), ("Seq Scan", 0)]


@pytest.mark.parametrize(
    "text",
    ["", "hello", "SELECT 1", "{}", "[]", '[{"Plan": 3}]', "<explain><Node-Type>", "- Node Type:", "\x00"],
)
def test_what_is_no_plan_is_told_in_one_sentence(text: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_plan(text)
    assert "\n" not in str(caught.value)


def test_entities_are_refused() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><explain><Query><Plan><Node-Type>&a;</Node-Type></Plan></Query></explain>'
    with pytest.raises(SourceError, match="declarations"):
        parse_plan(bomb)


def test_deep_nesting_ends_in_a_sentence() -> None:
    deep = '{"Plan": ' + '{"Node Type": "Limit", "Plans": [' * 5000 + "]}" * 5000 + "}"
    for text in (deep, "\n".join("  " * n + "->  Limit" for n in range(3000)), "[" * 100_000 + '"Node Type"'):
        with pytest.raises(SourceError):
            parse_plan(text)


@pytest.mark.parametrize(
    "unit",
    [
        "->  Sort  (cost=1.00..2.00 rows=1 width=4)\n",
        "  Filter: (a = 'b')\n",
        "more of it\n",
        "'",
        '"',
        "(",
        "- Node Type: a\n",
        "{",
        " + \n",
        "|\n",
    ],
)
def test_time_grows_with_the_text_only(unit: str) -> None:
    def seconds(count: int) -> float:
        text = "Limit  (cost=1.00..2.00 rows=1 width=4)\n" + unit * count
        started = time.process_time()
        with suppress(SourceError):
            parse_plan(text)
        return time.process_time() - started

    seconds(100)
    assert seconds(40_000) < 40 * max(seconds(4_000), 0.02)


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_plan_or_a_source_error(text: str) -> None:
    for tried in (text, BARE + text, text + BARE, json.dumps(DOCUMENT) + text, "- Plan:\n    Node Type: Sort\n" + text):
        try:
            plans = parse_plan(tried)
        except SourceError:
            continue
        assert plans


@given(st.integers(0, len(BARE)), st.integers(0, len(BARE)), st.text(max_size=5))
@settings(max_examples=150, deadline=None)
def test_damaged_plans_do_not_crash(start: int, end: int, put: str) -> None:
    with suppress(SourceError):
        assert parse_plan(BARE[:start] + put + BARE[end:])
