"""The verbs as a person types them: what bad input gets, and the ways that need no database."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from advisor.cli import main

Run = Callable[..., tuple[int, str, str]]
COLUMNS = 26
SECRET = "hunter2"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``advisor`` with arguments: exit status, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["advisor", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.delenv("ADVISOR_DEBUG", raising=False)
        with pytest.raises(SystemExit) as stop:
            main()
        said = capsys.readouterr()
        assert SECRET not in said.out + said.err
        assert "Traceback" not in said.err
        return int(stop.value.code or 0), said.out, said.err

    return run


def csv_line(number: int, statement: str, second: int) -> str:
    stamp = f"2026-01-02 03:04:{second:02d}.{number % 1000:03d} UTC"
    fields = [
        stamp,
        '"app"',
        '"shop"',
        "77",
        '"10.0.0.9:5000"',
        "6b01.77",
        str(number),
        '"SELECT"',
        stamp,
        "3/2",
        "0",
        "LOG",
        "00000",
    ]
    fields += [
        f'"duration: {1 + number % 3}.500 ms  statement: {statement}"',
        *[""] * 8,
        '"web"',
        '"client backend"',
        "",
        "0",
    ]
    assert len(fields) == COLUMNS
    return ",".join(fields) + "\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A csvlog of a request that asks for each of twelve orders' customer, four times."""
    lines = []
    for request in range(4):
        lines.append("SELECT id, customer_id FROM orders WHERE placed_at > '2026-01-01' LIMIT 12")
        lines += [f"SELECT id, name FROM customers WHERE id = {request * 100 + n}" for n in range(12)]
    path = tmp_path / "postgresql.csv"
    path.write_text("".join(csv_line(n + 1, text, n // 13 * 10) for n, text in enumerate(lines)), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["scan", "shop"], "not a database URL"),
        (["scan", f"oracle://u:{SECRET}@h/x"], "must start with one of"),
        (["scan", f"postgresql://u:{SECRET}@127.0.0.1:1/x"], "could not be reached"),
        (["scan", f"postgresql://u:{SECRET}@no-such-host.invalid/x"], "could not be reached"),
        (["analyze", "no-such-file"], "does not exist"),
        (["analyze", "."], "is a folder without capture.json"),
        (["report", "."], "holds no report"),
        (["rule", "no-such-rule"], "no rule"),
        (["verify", ".", "--sandbox", f"postgresql://u:{SECRET}@h/x"], "--expendable"),
        (["analyze", "a.csv", f"postgresql://u:{SECRET}@h/x"], "alone"),
        (["scan", "postgresql://h/x", "--budget", "much"], "500MB"),
        (["scan", "postgresql://127.0.0.1:1/x", "--tool", "psql"], "no migration tool"),
        (["nonsense"], "nonsense"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_bad_input_is_one_sentence_and_status_2(
    run: Run, arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, error = run(*arguments)
    assert status == 2
    assert told in error
    assert not out


@pytest.mark.parametrize("content", [b"", os.urandom(50_000), b"hello\nworld\n", b"{", b"\x00" * 9000])
def test_a_file_that_is_no_log_is_refused(run: Run, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "some.log"
    path.write_bytes(content)
    status, _, error = run("analyze", path)
    assert status == 2
    assert error.count("advisor:") == 1


def test_a_log_alone_shows_its_n_plus_one_and_what_it_cannot_show(run: Run, log: Path, tmp_path: Path) -> None:
    status, text, _ = run("analyze", log, "--out", tmp_path / "out")
    assert status == 0
    assert "customers" in text
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert {finding["rule"] for finding in report["findings"]} == {"n-plus-one-burst"}
    assert any("--schema" in entry.get("remedy", "") for entry in report["coverage"])
    assert "http://" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8").replace(
        "http://www.w3.org", ""
    )


def test_a_second_report_leaves_no_stub_of_the_first(run: Run, log: Path, tmp_path: Path) -> None:
    stubs = tmp_path / "out" / "stubs"
    assert run("analyze", log, "--out", tmp_path / "out", "--tool", "alembic")[0] == 0
    first = {path for path in stubs.rglob("*") if path.is_file() and path.name != ".written"}
    own = stubs / "alembic" / "mine.py"
    own.write_text("# by hand", encoding="utf-8")
    assert first
    assert run("analyze", log, "--out", tmp_path / "out", "--tool", "sql")[0] == 0
    assert own.exists()
    assert not any(path.exists() for path in first if path.parent.name == "alembic")


def test_a_log_that_is_cut_in_a_line_is_read_to_there(run: Run, log: Path, tmp_path: Path) -> None:
    log.write_bytes(log.read_bytes()[:-40])
    status, text, _ = run("analyze", log, "--format", "json")
    assert status == 0
    assert json.loads(text)["findings"]


def test_standard_input_and_a_capture_give_the_same_report(
    run: Run, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, _, error = run("capture", log, "--out", tmp_path / "one.zip")
    assert (status, "advisor analyze" in error) == (0, True)
    _, first, _ = run("analyze", tmp_path / "one.zip", "--format", "json")
    _, second, _ = run("analyze", tmp_path / "one.zip", "--format", "json")
    assert first == second
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(log.read_bytes())))
    status, piped, _ = run("analyze", "-", "--format", "json")
    assert status == 0
    assert json.loads(piped)["shapes"] == json.loads(first)["shapes"]


def test_a_capture_does_not_overwrite_what_is_none(run: Run, log: Path, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine", encoding="utf-8")
    status, _, error = run("capture", log, "--out", tmp_path / "precious.txt")
    assert (status, "is no capture" in error) == (2, True)
    assert (tmp_path / "precious.txt").read_text(encoding="utf-8") == "mine"


def test_check_is_a_gate_with_a_baseline(run: Run, log: Path, tmp_path: Path) -> None:
    assert run("check", log, "--out", tmp_path / "first")[0] == 1
    assert run("check", log, "--baseline", tmp_path / "first")[0] == 0
    assert run("check", log, "--fail-on", "high", "--format", "sarif")[0] in {0, 1}


def test_a_pasted_plan_is_a_source(run: Run, tmp_path: Path) -> None:
    plan = tmp_path / "plan.txt"
    plan.write_text(
        " Seq Scan on orders  (cost=0.00..20853.00 rows=12 width=8) (actual time=0.02..99.1 rows=11 loops=1)\n"
        "   Filter: (customer_id = 987654)\n   Rows Removed by Filter: 999989\n Execution Time: 99.200 ms\n",
        encoding="utf-8",
    )
    status, text, _ = run("analyze", plan)
    assert status == 0
    assert "1,000,000 rows" in text
    assert "987654" not in text
    plan.write_text("Seq Scan on orders  (cost=0.00..20853.00 rows=12 width=8)\n  Filter: (customer_id = 987654)\n")
    assert "reads all of orders" in run("analyze", plan)[1]
