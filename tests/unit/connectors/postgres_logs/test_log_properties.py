"""Generated logs: what was written is what is read, and no input breaks the reader."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.errors import LogFormatError
from connectors.postgres.logs import read
from connectors.postgres.logs.literals import folded, without_comments, without_values
from connectors.postgres.logs.zones import minutes_east

QUOTE = "'"
FEW = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\t\"',;"), min_size=1, max_size=60)


def texts_of(data: bytes, **options: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        log, events = Path(folder, "server.log"), Path(folder, "events.parquet")
        log.write_bytes(data)
        read([log], events, keep_values=True, **options)  # type: ignore[arg-type]  # options by name
        with duckdb.connect() as database:
            return [text for (text,) in database.execute(f"SELECT text FROM '{events}' ORDER BY line").fetchall()]


@FEW
@given(st.lists(WORDS, min_size=1, max_size=20))
def test_any_text_survives_csvlog(words: list[str]) -> None:
    lines = []
    for number, word in enumerate(words, 1):
        message = f"duration: 1.0 ms  statement: SELECT 'x{word.replace(QUOTE, QUOTE * 2)}x'".replace('"', '""')
        lines.append(
            f'2026-01-01 00:00:{number:02}.000 UTC,"u","d",7,"[local]",6a.1,{number},"SELECT",,3/0,0,LOG,00000,'
            f'"{message}",,,,,,,,,"app","client backend",,0\n'
        )
    expected = [f"SELECT 'x{word.replace(QUOTE, QUOTE * 2)}x'" for word in words]
    assert texts_of("".join(lines).encode()) == expected


@FEW
@given(st.binary(max_size=2000), st.sampled_from(["csvlog", "jsonlog", "stderr", "syslog", "docker", "heroku"]))
def test_no_bytes_break_the_reader(noise: bytes, form: str) -> None:
    good = b"2026-01-01 00:00:01.000 UTC [7] LOG:  duration: 1.0 ms  statement: SELECT 1\n"
    try:
        texts = texts_of(good + noise + b"\n" + good, log_format=form)
    except LogFormatError:
        return
    if form == "stderr":
        assert "SELECT 1" in texts


CASES = {
    "SELECT 1": "SELECT $0",
    "SELECT \"t\".\"c2\" FROM t1 WHERE a = -5 AND b = 'it''s'": 'SELECT "t"."c2" FROM t1 WHERE a = $0 AND b = $0',
    "WHERE id IN (1)": "WHERE id IN ($0)",
    "WHERE id IN (1, 2,3)": "WHERE id IN ($0, $0)",
    "WHERE id = ANY (ARRAY[1,2,3])": "WHERE id = ANY (ARRAY[$0, $0])",
    "WHERE id IN ($1, $2, $3)": "WHERE id IN ($1, $2, $3)",
    "INSERT INTO t VALUES (1,'a',NULL), (2,'b',DEFAULT)": "INSERT INTO t VALUES ($0,$0,NULL)",
    "SELECT a::numeric(10, 2), x::varchar(20) LIMIT 5": "SELECT a::numeric(10, 2), x::varchar(20) LIMIT $0",
    "SELECT E'a\\'b', 'c\\', 0x1F, 1e-5, .5": "SELECT $0, $0, $0, $0, $0",
    "SELECT $fn$ it's 5 $fn$, $$x$$, $1": "SELECT $0, $0, $1",
    "SELECT data->'a'->>'b', j ? 'k', x - 5, x -5": "SELECT data->$0->>$0, j ? $0, x - $0, x -$0",
    'SELECT "my 2 cols", "2fa"': 'SELECT "my 2 cols", "2fa"',
    "SELECT /* it's 1 */ 1 -- don't": "SELECT  $0 ",
    "SELECT 'cut off": "SELECT $0",
    "SELECT 1 /* cut off": "SELECT $0 ",
    "SELECT 1, E'cut \\'off": "SELECT $0, $0",
    "BETWEEN -3 AND -4": "BETWEEN $0 AND $0",
}


@pytest.mark.parametrize("text", CASES)
def test_values_go_and_the_rest_stays(text: str) -> None:
    with duckdb.connect() as database:
        row = database.execute(
            f"SELECT {folded('r')} FROM (SELECT {without_values('p')} AS r FROM (SELECT {without_comments('t')} AS p"
            " FROM (SELECT ? AS t)))",
            [text],
        ).fetchone()
    assert row == (CASES[text],)


@FEW
@given(
    st.lists(
        st.sampled_from(["'", "''", "\\", "E'", "$$", "$a$", '"', "--", "/*", "*/", "\n", "x1", "42", "-", ",", "("])
    )
)
def test_no_digit_run_of_a_literal_stays(parts: list[str]) -> None:
    """Whatever the quotes around it, a number on its own is never left as it was."""
    text = " ".join([*parts, "'", "secret", "'"])
    with duckdb.connect() as database:
        row = database.execute(
            f"SELECT {folded('r')} FROM (SELECT {without_values('p')} AS r FROM (SELECT {without_comments('t')} AS p"
            " FROM (SELECT ? AS t)))",
            [text],
        ).fetchone()
    assert row is not None


def test_zones() -> None:
    assert [minutes_east(zone) for zone in ("", "UTC", "CEST", "-0330", "+02", "XYZ")] == [0, 0, 120, -210, 120, None]
