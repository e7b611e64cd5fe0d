"""Values out, parameters numbered, and nothing but one explainable statement through."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.postgres.explain import refusal
from connectors.postgres.placeholders import command, is_single, masked, numbered, tokens


@pytest.mark.parametrize(
    ("text", "expected", "count"),
    [
        ("SELECT * FROM t WHERE a = $0 AND b IN ($0, $0)", "SELECT * FROM t WHERE a = $1 AND b IN ($2, $3)", 3),
        ("SELECT $2 + $0 + $1", "SELECT $2 + $3 + $1", 3),
        ("SELECT now() - interval $0", "SELECT now() - CAST($1 AS interval)", 1),
        ("SELECT INTERVAL $1 day to second", "SELECT CAST($1 AS interval)", 1),
        ("SELECT timestamp with time zone $0", "SELECT CAST($1 AS timestamp with time zone)", 1),
        ("SELECT a AT TIME ZONE $0", "SELECT a AT TIME ZONE $1", 1),
        ("SELECT a::varchar($0), CAST(b AS numeric($0, $0))", "SELECT a::varchar, CAST(b AS numeric)", 0),
        ("SELECT '$0', \"$0\", $$ $0 $$ -- $0", "SELECT '$0', \"$0\", $$ $0 $$", 0),
        ("SELECT doc ? $0, doc @> $0, a[$0] FROM t;", "SELECT doc ? $1, doc @> $2, a[$3] FROM t", 3),
        ("SELECT date FROM t WHERE date = $0", "SELECT date FROM t WHERE date = $1", 1),
    ],
)
def test_literals_taken_out_become_parameters(text: str, expected: str, count: int) -> None:
    assert numbered(text) == (expected, count)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 'it''s', E'a\\'b', $x$ y $$ $x$, 1.5e3, .5, x'ff' FROM t1", "SELECT $0, $0, $0, $0, $0, $0 FROM t1"),
        ("SELECT /* a /* b */ c */ a1, \"B 2\" -- 'x'\nFROM t", 'SELECT a1, "B 2" FROM t'),
        ("SELECT * FROM t WHERE a IN ($1 /*, ... */)", "SELECT * FROM t WHERE a IN ($1, $0)"),
        ("SELECT 'never closed", "SELECT $0"),
    ],
)
def test_masking(text: str, expected: str) -> None:
    assert masked(text) == expected


def test_numbers_that_are_structure_stay_when_asked() -> None:
    assert (
        masked("SELECT a FROM t WHERE b = 'x' ORDER BY 1", numbers=False) == "SELECT a FROM t WHERE b = $0 ORDER BY 1"
    )


@pytest.mark.parametrize(
    "text",
    [
        "DROP TABLE t",
        "SELECT 1; DROP TABLE t",
        "SELECT 1;SELECT 2",
        "EXPLAIN ANALYZE DELETE FROM t",
        "COPY t FROM '/etc/passwd'",
        "BEGIN",
        "",
        "DO $$ BEGIN END $$",
        "CALL p()",
        "SELECT " + "1," * 600_000 + "1",
    ],
)
def test_what_is_never_sent(text: str) -> None:
    assert refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT ';'",
        "WITH a AS (SELECT 1) SELECT * FROM a;",
        "(SELECT 1) UNION (SELECT 2)",
        "/* c */ UPDATE t SET a = 'x;y'",
        "MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE",
        "VALUES (1)",
        "TABLE t",
        "SELECT 1 ; -- done",
    ],
)
def test_what_may_be_sent(text: str) -> None:
    assert refusal(text) == ""


@given(st.text(alphabet="ab'\"$0;-/*\\E \n", max_size=60))
@settings(deadline=None)
def test_tokens_lose_nothing(text: str) -> None:
    assert "".join(piece for _, piece in tokens(text)) == text
    masked(text)
    numbered(text)
    command(text)
    is_single(text)


@pytest.mark.parametrize("unit", ["'", "e' ", "$a$ ", "/* ", '"', "$0, ", "date $0 ", "varchar($0) ", "--\n", "x"])
def test_time_grows_with_the_text_only(unit: str) -> None:
    def seconds(count: int) -> float:
        text = "SELECT " + unit * count
        started = time.process_time()
        masked(text)
        numbered(text)
        is_single(text)
        return time.process_time() - started

    seconds(100)
    assert seconds(20_000) < 40 * max(seconds(2_000), 0.01)
