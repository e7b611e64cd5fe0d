"""Every format of one server run gives the same events."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.postgres.logs import by_looking, read

PREFIX = "%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%r,session=%c,code=%e,qid=%Q "
COLUMNS = (
    'session, database, "user", application, client, command, text, duration_ms, epoch_us(started_at),'
    " epoch_us(ended_at), params_digest, params_distinct_key, tags, error_code, server_query_id"
)


@pytest.fixture(autouse=True)
def _same_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda size: "k" * size)


def events(folder: Path, *paths: Path, columns: str = COLUMNS, **options: Any) -> list[tuple[Any, ...]]:
    target = folder / "events.parquet"
    reading = read(paths, target, **options)
    with duckdb.connect() as database:
        rows = database.execute(
            f"""SELECT {columns}, dense_rank() OVER (PARTITION BY session ORDER BY coalesce(unit, '')) AS unit
                FROM '{target}' ORDER BY session, line"""
        ).fetchall()
    assert len(rows) == reading.events
    return [tuple(sorted(cell.items()) if isinstance(cell, dict) else cell for cell in row) for row in rows]


def records(log: Path) -> list[str]:
    """The stderr log's messages: a primary line with what belongs to it."""
    text = log.read_text()
    starts = [match.start() for match in re.finditer(r"^\d{4}-.*? (?:LOG|ERROR|FATAL|WARNING):  ", text, re.MULTILINE)]
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def pid_of(record: str) -> str:
    found = re.search(r"\[(\d+)\]", record)
    assert found is not None
    return found[1]


def as_docker(log: Path) -> str:
    lines = log.read_text().splitlines(keepends=True)
    cut = []
    for line in lines:
        cut += [line[:3000], line[3000:]] if len(line) > 3000 else [line]
    return "".join(
        json.dumps({"log": line, "stream": "stderr", "time": "2026-01-01T00:00:00Z"}, separators=(",", ":")) + "\n"
        for line in cut
    )


def as_syslog(header: Callable[[str, int], str]) -> Callable[[Path], str]:
    def wrapped(log: Path) -> str:
        lines = []
        for number, record in enumerate(records(log), 1):
            part = 0
            for line in record.rstrip("\n").split("\n"):
                pieces = [line[i : i + 600] for i in range(0, len(line), 600)] or [""]
                for piece in pieces:
                    part += 1
                    lines.append(f"{header(pid_of(record), number)}[{number}-{part}] {piece}".replace("\t", "#011"))
        return "\n".join(lines) + "\n"

    return wrapped


def as_cloudsql(log: Path) -> str:
    lines = []
    for record in records(log):
        for part in re.split(r"\n(?=\d{4}-\d\d-\d\d )", record.rstrip("\n")):
            stamp = part[:23].replace(" ", "T") + "Z"
            lines.append(json.dumps({"insertId": "s=1", "textPayload": part, "timestamp": stamp}))
    return "\n".join(lines) + "\n"


def as_azure(log: Path) -> str:
    lines = []
    for record in records(log):
        for part in re.split(r"\n(?=\d{4}-\d\d-\d\d )", record.rstrip("\n")):
            properties = {"timestamp": part[:27], "processId": 1, "errorLevel": "LOG", "message": part}
            lines.append(
                json.dumps({"category": "PostgreSQLLogs", "time": "2026-01-01T00:00:00Z", "properties": properties})
            )
    return "\n".join(lines) + "\n"


CSV_NAMES = (
    *("log_time", "user_name", "database_name", "process_id", "connection_from", "session_id", "session_line_num"),
    *("command_tag", "session_start_time", "virtual_transaction_id", "transaction_id", "error_severity"),
    *("sql_state_code", "message", "detail", "hint", "internal_query", "internal_query_pos", "context", "query"),
    *("query_pos", "location", "application_name", "backend_type", "leader_pid", "query_id"),
)


def as_cloudnativepg(log: Path) -> str:
    with log.open(newline="") as lines:
        return "".join(
            json.dumps(
                {
                    "level": "info",
                    "logger": "postgres",
                    "msg": "record",
                    "record": {k: v for k, v in zip(CSV_NAMES, row, strict=True) if v},
                }
            )
            + "\n"
            for row in csv.reader(lines)
        )


WRAPPED: dict[str, tuple[str, Callable[[Path], str]]] = {
    "docker": ("log", as_docker),
    "syslog": ("log", as_syslog(lambda pid, n: f"Jan  1 00:00:00 db1 postgres[{pid}]: ")),
    "syslog-5424": (
        "log",
        as_syslog(lambda pid, n: f"<134>1 2026-01-01T00:00:00.000123+00:00 db1 postgres {pid} - - "),
    ),
    "cloudsql": ("log", as_cloudsql),
    "azure": ("log", as_azure),
    "cloudnativepg": ("csv", as_cloudnativepg),
}


@pytest.fixture(scope="module")
def expected(workload_logs: Any, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("secrets.token_hex", lambda size: "k" * size)
        return events(tmp_path_factory.mktemp("expected"), workload_logs.csv)


def test_csvlog_holds_what_was_done(expected: list[tuple[Any, ...]]) -> None:
    texts = [row[6] for row in expected]
    assert texts.count("SELECT * FROM book WHERE id = $0") == 8
    assert texts.count("SELECT * FROM book WHERE $1::int = author_id ORDER BY id LIMIT $2") == 6
    assert "INSERT INTO book VALUES ($0, $0, $0, NULL)" in texts
    errors = {row[13] for row in expected if row[13]}
    assert {"22012", "42P01", "57014"} <= errors
    assert all(row[7] is not None for row in expected if not row[13])
    assert [dict(row[12])["route"] for row in expected if row[12]] == ["/books/<id>"]
    fetched = [row for row in expected if row[5] == "FETCH"]
    assert {row[6] for row in fetched} == {"SELECT id, title FROM book WHERE author_id = $0"}


def test_jsonlog_agrees(workload_logs: Any, expected: list[tuple[Any, ...]], tmp_path: Path) -> None:
    assert by_looking(workload_logs.json) == "jsonlog"
    assert events(tmp_path, workload_logs.json) == expected


def test_stderr_agrees(workload_logs: Any, expected: list[tuple[Any, ...]], tmp_path: Path) -> None:
    assert by_looking(workload_logs.stderr) == "stderr"
    assert events(tmp_path, workload_logs.stderr, log_line_prefix=PREFIX) == expected


def test_stderr_under_a_prefix_nobody_gave(workload_logs: Any, expected: list[tuple[Any, ...]], tmp_path: Path) -> None:
    assert [row[6:10] for row in events(tmp_path, workload_logs.stderr)] == [row[6:10] for row in expected]


@pytest.mark.parametrize("name", sorted(WRAPPED))
def test_envelope_agrees(name: str, workload_logs: Any, expected: list[tuple[Any, ...]], tmp_path: Path) -> None:
    end, wrap = WRAPPED[name]
    log = tmp_path / "wrapped"
    log.write_text(wrap(workload_logs.csv if end == "csv" else workload_logs.stderr))
    assert by_looking(log) == name.split("-")[0]
    assert events(tmp_path, log, log_line_prefix=PREFIX) == expected


def test_heroku_agrees_in_what_it_tells(workload_logs: Any, expected: list[tuple[Any, ...]], tmp_path: Path) -> None:
    lines = []
    for number, record in enumerate(records(workload_logs.stderr), 1):
        code = re.search(r"code=(\w{5})", record)
        assert code is not None
        for part, line in enumerate(record.rstrip("\n").split("\n"), 1):
            said = re.sub(r"^.*?qid=-?\d+ ", f" sql_error_code = {code[1]} ", line)
            stamp = record[:19].replace(" ", "T") + record[19:23] + "+00:00"
            lines.append(f"{stamp} app[postgres.{pid_of(record)}]: [DATABASE] [{number}-{part}] {said}")
    log = tmp_path / "heroku.log"
    log.write_text("\n".join(lines) + "\n")
    assert by_looking(log) == "heroku"
    wanted = sorted((row[6:12], row[13]) for row in expected)
    assert sorted((row[6:12], row[13]) for row in events(tmp_path, log)) == wanted


PACKERS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("packed", ["gz", "bz2", "xz", "zst"])
def test_compressed_logs_agree(
    packed: str, workload_logs: Any, expected: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    data = workload_logs.csv.read_bytes()
    log = tmp_path / f"postgresql.csv.{packed}"
    if packed == "zst":
        subprocess.run(["zstd", "-q", str(workload_logs.csv), "-o", str(log)], check=True)
    else:
        log.write_bytes(PACKERS[packed](data))
    assert events(tmp_path, log) == expected


def test_rotated_files_are_one_log(workload_logs: Any, expected: list[tuple[Any, ...]], tmp_path: Path) -> None:
    text = workload_logs.csv.read_text()
    starts = [
        match.start() for match in re.finditer(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC,", text, re.MULTILINE)
    ]
    third = len(starts) // 3
    cuts = [0, starts[third], starts[2 * third], len(text)]
    parts = []
    for number in range(3):
        parts.append(tmp_path / f"postgresql.{number}.csv")
        parts[-1].write_text(text[cuts[number] : cuts[number + 1]])
    assert events(tmp_path, *parts) == expected


def test_small_pieces_agree(
    workload_logs: Any, expected: list[tuple[Any, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.postgres.logs.files.CHUNK", 5000)
    monkeypatch.setattr("connectors.postgres.logs.logfile.PIECE", 5000)
    assert events(tmp_path, workload_logs.csv) == expected
    assert events(tmp_path, workload_logs.stderr, log_line_prefix=PREFIX) == expected


def test_statements_and_durations_are_paired(
    paired_logs: Any, expected: list[tuple[Any, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = events(tmp_path, paired_logs.csv)
    assert [row[5:7] for row in whole] == [row[5:7] for row in expected]
    assert [bool(row[7] is None) for row in whole] == [bool(row[13]) for row in whole]
    assert [row[-1] for row in whole] == [row[-1] for row in expected]
    assert events(tmp_path, paired_logs.json) == whole
    assert events(tmp_path, paired_logs.stderr, log_line_prefix=PREFIX) == whole
    monkeypatch.setattr("connectors.postgres.logs.files.CHUNK", 4000)
    monkeypatch.setattr("connectors.postgres.logs.logfile.PIECE", 4000)
    assert events(tmp_path, paired_logs.csv) == whole
