"""The fast path of normalisation never disagrees with the exact one where it is not in doubt."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connectors.postgres.logs.literals import is_doubtful, skeleton, tokens, without_comments

EXACT = (
    f"array_to_string(list_transform({tokens('t')}, lambda t: CASE"
    " WHEN regexp_matches(t, '^(?:\\.?\\d|[eEbBxXnN]?''|[uU]&''|\\$\\$)') THEN '$0' ELSE t END), '')"
)
PARTS = (
    *(
        "SELECT",
        " ",
        "a",
        "t1.c2",
        '"Name"',
        '"my 2 cols"',
        '"2fa"',
        '"it\'s"',
        "'x'",
        "'it''s'",
        "''",
        "'a -- b'",
        "'/*'",
    ),
    *("42", "1.5e-3", ".5", "-7", "x1", "é2", "E'a\\'b'", "E'x'", "'c\\'", "U&'\\0041'", "B'101'", "numeric(10, 2)"),
    *(
        "(",
        ")",
        ", ",
        "= ",
        "->",
        "->>",
        "/ ",
        "/",
        "-",
        "%",
        "::int",
        "\n",
        "$1",
        "$$q 'x$$",
        "$f$ 1 $f$",
        "'open",
        '"',
    ),
)


def judged(texts: list[str]) -> list[tuple[str, str | None, bool | None, str]]:
    with duckdb.connect() as database:
        database.execute("CREATE TABLE given (t VARCHAR)")
        database.executemany("INSERT INTO given VALUES (?)", [(text,) for text in texts])
        return database.execute(
            f"""SELECT t, s, {is_doubtful("s")}, {EXACT}
                FROM (SELECT t, {skeleton("t")} AS s FROM (SELECT {without_comments("t")} AS t FROM given))"""
        ).fetchall()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=[Phase.generate])
@given(st.lists(st.lists(st.sampled_from(PARTS), max_size=12).map(" ".join), min_size=40, max_size=80))
def test_what_is_not_in_doubt_is_right(texts: list[str]) -> None:
    for text, fast, doubtful, exact in judged(texts):
        if fast is not None and not doubtful:
            assert fast == exact, text


@pytest.mark.parametrize(
    "text",
    [
        'SELECT "t"."c2" FROM "t" WHERE "t"."id" = 5 AND name = \'it\'\'s\' LIMIT 21',
        "UPDATE accounts SET balance = balance + -500 WHERE aid = 7",
        "INSERT INTO t VALUES (1, '{\"a\": \"b -- \\n c\"}', 'x/*y')",
        "SELECT data->'a'->>'b' / 2 FROM t",
    ],
)
def test_the_usual_is_not_in_doubt(text: str) -> None:
    [(_, fast, doubtful, exact)] = judged([text])
    assert (fast, doubtful) == (exact, False)


@pytest.mark.parametrize("text", ["SELECT $1", "SELECT E'a\\'b'", "SELECT $$x$$"])
def test_what_the_fast_path_leaves_alone(text: str) -> None:
    assert judged([text])[0][1] is None


@pytest.mark.parametrize("text", ['SELECT "2fa" = 1', "SELECT 'open", "x::numeric(10, 2)", "SELECT \"it's\", 'b'"])
def test_what_is_in_doubt(text: str) -> None:
    assert judged([text])[0][2]
