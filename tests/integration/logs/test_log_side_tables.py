"""auto_explain, connections, temporary files, checkpoints from a real server's logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.postgres.logs import read

PREFIX = "%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%r,session=%c,code=%e,qid=%Q "


def rows(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        return database.execute(sql).fetchall()


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("kind", ["csv", "stderr", "json"])
def test_plans_of_auto_explain(form: str, kind: str, explained_logs: Any, tmp_path: Path) -> None:
    log = getattr(explained_logs[form], kind)
    events = tmp_path / "events.parquet"
    reading = read([log], events, log_line_prefix=PREFIX if kind == "stderr" else "")
    plans = {plan.text: plan for plan in reading.plans}
    scan = plans["SELECT * FROM t WHERE id < $0"]
    assert scan.root.kind == "Seq Scan"
    assert scan.root.actual_rows == 39
    assert scan.root.filter == "(id < $0)"
    assert scan.raw == ""
    assert any("count(*) FROM t WHERE k = n" in text for text in plans), "the nested statement's plan"
    texts = rows(f"SELECT text, rows, count(*) FROM '{events}' WHERE command = 'SELECT' GROUP BY ALL ORDER BY text")
    assert texts == [("SELECT * FROM t WHERE id < $0", 39, 1), ("SELECT f($0)", 1, 1)]


def test_plans_without_statements_are_executions(explained_logs: Any, tmp_path: Path) -> None:
    lines = [
        line
        for line in explained_logs["json"].json.read_text().splitlines()
        if '"duration: ' not in line or "plan:" in line
    ]
    log = tmp_path / "plans.json"
    log.write_text("\n".join(lines) + "\n")
    events = tmp_path / "events.parquet"
    read([log], events)
    texts = rows(f"SELECT text, rows, command FROM '{events}' WHERE command = 'SELECT' ORDER BY text")
    assert texts == [("SELECT * FROM t WHERE id < $0", 39, "SELECT"), ("SELECT f($0)", 1, "SELECT")]


@pytest.mark.parametrize("kind", ["csv", "stderr", "json"])
def test_side_tables(kind: str, workload_logs: Any, tmp_path: Path) -> None:
    events = tmp_path / "events.parquet"
    reading = read([getattr(workload_logs, kind)], events, log_line_prefix=PREFIX if kind == "stderr" else "")
    assert set(reading.sides) >= {"connections", "temporary_files"}
    kinds = rows(f"SELECT event, count(*) FROM '{reading.sides['connections']}' GROUP BY 1 ORDER BY 1")
    assert [name for name, _ in kinds] == ["authorized", "closed", "received"]
    closed = rows(f"SELECT min(seconds) FROM '{reading.sides['connections']}' WHERE event = 'closed'")
    assert closed[0][0] > 0
    sizes = rows(f"SELECT text, bytes FROM '{reading.sides['temporary_files']}' WHERE text LIKE '%md5%'")
    assert sizes
    assert all(text == "SELECT md5(i::text) FROM generate_series($0, $0) i ORDER BY $0" for text, _ in sizes)
    assert all(size > 0 for _, size in sizes)
    assert not [said for said in reading.unread if "prefix" in said[0]]
