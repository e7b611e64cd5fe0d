# ruff: noqa: E501, SIM905 - statements are read best on one line
"""What falls together and what does not; and that no text whatever is too much."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from advisor.shape.sql import expression_key, glance, shape_of

SAME = [
    ["SELECT * FROM t WHERE a = 1", "select * from T where A=2 -- x", "SELECT  *\nFROM t WHERE a = $1;", "SELECT * FROM t WHERE a = '5'"],
    ["SELECT * FROM t WHERE a = $0", "SELECT * FROM t WHERE a = -7", "SELECT * FROM t WHERE a = $1::int", "SELECT * FROM t WHERE a = CAST($1 AS int)"],
    ["SELECT 1 FROM t WHERE a IN (1)", "SELECT 1 FROM t WHERE a IN ($1, $2)", "SELECT 1 FROM t WHERE a = ANY($1)", "SELECT 1 FROM t WHERE a = ANY('{1,2}'::int[])", "SELECT 1 FROM t WHERE a = any (ARRAY[$0, $0])"],
    ["SELECT 1 FROM t WHERE a NOT IN (1, 2)", "SELECT 1 FROM t WHERE a <> ALL ($1)"],
    ["SELECT 1 FROM t WHERE (a, b) IN ((1, 2))", "SELECT 1 FROM t WHERE (a, b) IN (($1, $2), ($3, $4))"],
    ["INSERT INTO t (a) VALUES (1)", "INSERT INTO t (a) VALUES ($1), ($2), (now())"],
    ['SELECT "t"."a" FROM "t"', "SELECT t.a FROM t"],
    ["SELECT 1 FROM t JOIN u ON t.a <> u.a", "SELECT 1 FROM t INNER JOIN u ON t.a != u.a"],
    ["SELECT now() - interval '1 day'", "SELECT now() - $1::interval", "SELECT now() - interval '2' day", "SELECT now() - interval $1"],
    ["SELECT a FROM t ORDER BY a", "SELECT a FROM t ORDER BY a ASC"],
    ["DECLARE c1 CURSOR FOR SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE b = 2"],
    ["SELECT a FROM t WHERE b = E'it\\'s' /* a /* nested */ comment */", "SELECT a FROM t WHERE b = $q$x$q$"],
]  # fmt: skip
DIFFERENT = [
    ["SELECT a FROM t", "SELECT b FROM t", "SELECT a FROM u", 'SELECT a FROM "T"', "SELECT DISTINCT a FROM t"],
    ["SELECT a FROM t ORDER BY a", "SELECT a FROM t ORDER BY a DESC", "SELECT a FROM t ORDER BY a DESC NULLS LAST"],
    ["SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE b > 1", "SELECT a FROM t WHERE b IN (1)", "SELECT a FROM t WHERE b IS NULL"],
    ["SELECT a FROM t FOR UPDATE", "SELECT a FROM t FOR SHARE", "SELECT a FROM t FOR UPDATE SKIP LOCKED"],
    ["SELECT a FROM t JOIN u USING (x)", "SELECT a FROM t LEFT JOIN u USING (x)"],
    ["SELECT a FROM t WHERE b", "SELECT a FROM t WHERE NOT b", "SELECT a FROM t WHERE b = true"],
    ["SELECT a - 1 FROM t", "SELECT a + 1 FROM t"],
]  # fmt: skip


@pytest.mark.parametrize("texts", SAME, ids=lambda texts: texts[0])
def test_texts_that_are_one_shape(texts: list[str]) -> None:
    assert {glance(text).fingerprint for text in texts} == {glance(texts[0]).fingerprint}


@pytest.mark.parametrize("texts", DIFFERENT, ids=lambda texts: texts[0])
def test_texts_that_are_different_shapes(texts: list[str]) -> None:
    assert len({glance(text).fingerprint for text in texts}) == len(texts)


def test_a_fingerprint_is_stable_over_versions() -> None:
    assert glance("SELECT * FROM orders WHERE id = $1").fingerprint == "54d3f9db61d52aae"


@pytest.mark.parametrize(
    ("text", "command", "elements"),
    [
        ("SELECT 1 FROM t WHERE a IN ($0, $0)", "SELECT", 2),
        ("SELECT 1 FROM t WHERE a IN ($0)", "SELECT", 1),
        ("SELECT 1 FROM t WHERE a = 1", "SELECT", 0),
        ("WITH x AS (SELECT 1) UPDATE t SET a = 1", "UPDATE", 0),
        ("(SELECT 1) UNION (SELECT 2)", "SELECT", 0),
        ("  begin", "BEGIN", 0),
        ("", "", 0),
        ("-- nothing", "", 0),
    ],
)
def test_what_a_glance_tells(text: str, command: str, elements: int) -> None:
    seen = glance(text)
    assert (seen.command, seen.elements) == (command, elements)


@given(st.text(max_size=200))
@example("SELECT 'unterminated")
@example('SELECT "unterminated')
@example("SELECT $tag$ unterminated")
@example("/* unterminated")
@example("((((((((((")
@example("))))]]]]")
@example("SELECT \x00 FROM t")
@example("group by")
@example("values (")
@example("cast(")
@example("interval")
@example("extract($0 from")
@example("in (")
@example("declare prepare")
def test_no_text_is_too_much(text: str) -> None:
    shape = shape_of(text)
    assert len(shape.fingerprint) == 16
    assert shape.fingerprint == glance(text).fingerprint


_PIECES = st.sampled_from(
    "SELECT FROM WHERE a b t u = < ( ) , . * $1 $0 'x' 1 -1 IN ANY ARRAY [ ] :: int CAST AS GROUP BY ORDER LIMIT VALUES "
    "INSERT INTO UPDATE SET DELETE JOIN ON AND OR NOT NULL IS BETWEEN LIKE interval date CASE WHEN THEN ELSE END EXISTS "
    "WITH UNION ALL -> ->> @> ; EXTRACT DISTINCT OVER LATERAL USING".split()
)


@given(st.lists(_PIECES, max_size=30).map(" ".join))
def test_no_heap_of_words_is_too_much(text: str) -> None:
    shape = shape_of(text)
    assert shape_of(shape.text).fingerprint
    assert shape.parameters >= 0


def test_deep_nesting_is_a_reason_not_an_error() -> None:
    shape = shape_of("SELECT " + "(" * 5_000 + "1" + ")" * 5_000)
    assert shape.unparsed


def test_expressions_compare_equal_however_spelled() -> None:
    spellings = ["lower((email)::text)", "LOWER(email)", 'lower("email")', "(lower(email::varchar(20)))"]
    assert len({expression_key(spelling) for spelling in spellings}) == 1
    assert expression_key("lower(email)") != expression_key("upper(email)")
