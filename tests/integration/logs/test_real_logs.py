"""Logs of other people's servers (tests/cases/logs, see SOURCES.md there) are read whole."""

from __future__ import annotations

import bz2
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.postgres.logs import by_looking, read

CASES = Path(__file__).parents[2] / "cases" / "logs"


def rows(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        return database.execute(sql).fetchall()


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("begin_end.log", "stderr"),
        ("cloudsql.log.gz", "cloudsql"),
        ("light.postgres.log.bz2", "stderr"),
        ("multiline_param.log", "stderr"),
        ("pg_rawcsv.log", "stderr"),
        ("queryid.log.gz", "stderr"),
        ("rds.log.bz2", "rds"),
        ("stmt_type.log", "stderr"),
    ],
)
def test_format_is_found_and_nothing_lost(name: str, form: str, tmp_path: Path) -> None:
    log = CASES / name
    assert by_looking(log) == form
    reading = read([log], tmp_path / "events.parquet")
    assert reading.events == rows(f"SELECT count(*) FROM '{tmp_path / 'events.parquet'}'")[0][0]
    assert reading.events or name in ("begin_end.log", "cloudsql.log.gz"), "those two log no statement"
    # pg_ctl wrote two lines into the first; the second begins with the rest of a message
    strange = ["line without the log's prefix"] if name in ("pg_rawcsv.log", "cloudsql.log.gz") else []
    assert [reason for reason, _, _ in reading.unread] == strange


def test_every_execution_of_an_rds_log(tmp_path: Path) -> None:
    log = CASES / "rds.log.bz2"
    events = tmp_path / "events.parquet"
    reading = read([log], events)
    lines = bz2.decompress(log.read_bytes()).decode().splitlines()
    executions = [line for line in lines if " ms  statement: " in line and not line.endswith("statement: ")]
    assert reading.events >= len(executions)
    timed = rows(f"SELECT count(*), round(sum(duration_ms), 3) FROM '{events}' WHERE duration_ms IS NOT NULL")
    took = sum(float(line.split("duration: ")[1].split(" ms")[0]) for line in executions)
    assert timed == [(len(executions), pytest.approx(took, abs=0.01))]
    [(user, database, client, calls)] = rows(
        f"""SELECT "user", database, split_part(client, ':', 1), count(*) FROM '{events}'
            WHERE starts_with(text, 'UPDATE pgbench_accounts') GROUP BY ALL ORDER BY 4 DESC LIMIT 1"""
    )
    assert (user, database, client) == ("gilles", "pgbench", "192.168.1.201")
    assert calls == sum("statement: UPDATE pgbench_accounts" in line for line in executions)
    first, in_transactions = rows(f"SELECT min(ended_at)::VARCHAR, max(unit IS NOT NULL) FROM '{events}'")[0]
    assert first.startswith("2020-03-11 19:4")  # printed as CET
    assert in_transactions
