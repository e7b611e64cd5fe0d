"""Log lines as they come out of containers, collectors and shells (made up)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from connectors.mongo import analyze_files, owns_files

LINE = json.dumps(
    {"t": {"$date": "2026-01-01T00:00:00.000+00:00"}, "s": "I", "c": "COMMAND", "id": 51803, "ctx": "conn1",
     "msg": "Slow query", "attr": {"type": "command", "ns": "shop.orders",
     "command": {"find": "orders", "filter": {"note": 'it\'s "so"'}, "$db": "shop"}, "planSummary": "COLLSCAN",
     "keysExamined": 0, "docsExamined": 90_000, "nreturned": 2, "durationMillis": 90}},
    separators=(",", ":"),
)  # fmt: skip


def each(wrap: Callable[[str], str]) -> str:
    return (wrap(LINE) + "\n") * 2


WRAPPED: dict[str, str] = {
    "kubectl": each(lambda line: "2026-01-01T00:00:00.123456789Z " + line),
    "kubectl with pods": each(lambda line: "[pod/mongo-0/mongod] " + line),
    "cri": each(lambda line: "2026-01-01T00:00:00.123456789Z stdout F " + line),
    "compose": each(lambda line: "mongo-1  | " + line),
    "syslog": each(lambda line: "Jan  1 00:00:00 db1 mongod.27017[815]: " + line),
    "docker": each(lambda line: json.dumps({"log": line + "\n", "stream": "stdout"})),
    "collector": each(
        lambda line: json.dumps({"kubernetes": {"pod_name": "m"}, "message": line}, separators=(",", ":"))
    ),
    "getLog": json.dumps({"totalLinesWritten": 2, "log": [LINE, LINE], "ok": 1}),
    "getLog, pretty": json.dumps({"totalLinesWritten": 2, "log": [LINE, LINE], "ok": 1}, indent=2),
    "atlas": json.dumps({"slowQueries": [{"line": LINE, "namespace": "shop.orders"}] * 2}),
}


@pytest.mark.parametrize("how", WRAPPED)
def test_the_lines_are_found(how: str, tmp_path: Path) -> None:
    path = tmp_path / "mongod.log"
    path.write_text(WRAPPED[how])
    assert owns_files([path])
    capture = analyze_files([path], None, tmp_path / "capture")
    rows = duckdb.execute(f"SELECT source, docs_examined, text FROM read_parquet('{capture.events}')").fetchall()
    assert rows == [("mongod.log", 90_000, '{"find":"orders","$db":"shop","filter":{"note":"?string"}}')] * 2


def test_what_is_no_line_of_a_log_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "pod.log"
    path.write_text("starting\n" + WRAPPED["kubectl"] + '"{\\"t\\":{\\"$date\\":\n')
    capture = analyze_files([path], None, tmp_path / "capture")
    assert any("2: lines that are no JSON" in entry.detail for entry in capture.coverage)


def test_files_of_one_name_and_compressed_ones_are_read(tmp_path: Path) -> None:
    paths = [tmp_path / pod / "mongod.log.gz" for pod in ("a", "b")]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(gzip.compress(WRAPPED["docker"].encode()))
    capture = analyze_files(paths, None, tmp_path / "capture")
    assert duckdb.execute(f"SELECT count(*) FROM read_parquet('{capture.events}')").fetchone() == (4,)


def test_other_json_is_nobodys(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text('{"log":"{\\"level\\":\\"info\\"}","stream":"stdout"}\n' * 3)
    assert not owns_files([path])
