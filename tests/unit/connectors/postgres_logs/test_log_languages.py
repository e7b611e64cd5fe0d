"""The messages of one session in every language that PostgreSQL 15's server speaks, as its translations format them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from connectors.postgres.logs import read

CASES = Path(__file__).parents[3] / "cases" / "logs" / "languages.txt"
LOGS = [log for log in CASES.read_text(encoding="utf-8").split("--\n") if log]


def test_all_languages_are_there() -> None:
    assert len(LOGS) == 11


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.split()[6])
def test_every_kind_of_message(log: str, tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_text(log, encoding="utf-8")
    reading = read([path], tmp_path / "events.parquet")
    with duckdb.connect() as database:
        found = database.execute(
            f"SELECT text, duration_ms, params_digest IS NULL FROM '{tmp_path}/events.parquet' ORDER BY line"
        ).fetchall()
    assert found == [
        ("SELECT $0", 1.5, False),
        ("SELECT $1", 3.3, False),
        ("SELECT $1", 2.0, True),
        ("COMMIT", None, True),
    ]
    assert reading.unread == ()
