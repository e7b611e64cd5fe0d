"""What is damaged is counted with its line, and nothing else is lost."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from advisor.errors import LogFormatError, SourceError
from advisor.ports import Step
from connectors.postgres.logs import LogReading, read

STDERR_PREFIX = "%m [%p] %q%u@%d "


def csv_line(number: int, text: str = "", session: str = "6a.1") -> str:
    text = (text or f"SELECT {number}").replace('"', '""')
    stamp = f"2026-01-01 00:{number // 60 % 60:02}:{number % 60:02}.000 UTC"
    return (
        f'{stamp},"app","shop",77,"[local]",{session},{number},"SELECT",2026-01-01 00:00:00 UTC,3/0,0,LOG,00000,'
        f'"duration: 1.500 ms  statement: {text}",,,,,,,,,"web","client backend",,0\n'
    )


def stderr_line(number: int, text: str = "", pid: int = 77) -> str:
    stamp = f"2026-01-01 00:{number // 60 % 60:02}:{number % 60:02}.000 UTC"
    return f"{stamp} [{pid}] app@shop LOG:  duration: 1.500 ms  statement: {text or f'SELECT {number}'}\n"


def json_line(number: int, text: str = "") -> str:
    stamp = f"2026-01-01 00:{number // 60 % 60:02}:{number % 60:02}.000 UTC"
    record = {"timestamp": stamp, "user": "app", "dbname": "shop", "pid": 77, "session_id": "6a.1", "line_num": number}
    message = f"duration: 1.500 ms  statement: {text or f'SELECT {number}'}"
    return json.dumps(record | {"error_severity": "LOG", "message": message}) + "\n"


MAKERS: dict[str, Callable[..., str]] = {"csv": csv_line, "stderr": stderr_line, "json": json_line}


@pytest.fixture(params=sorted(MAKERS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def reading_of(folder: Path, data: bytes | str, **options: Any) -> tuple[LogReading, list[str]]:
    log = folder / "server.log"
    log.write_bytes(data if isinstance(data, bytes) else data.encode())
    reading = read([log], folder / "events.parquet", keep_values=True, **options)
    with duckdb.connect() as database:
        rows = database.execute(f"SELECT text FROM '{folder / 'events.parquet'}' ORDER BY session, line").fetchall()
    assert len(rows) == reading.events
    plain = read([log], folder / "plain.parquet", **options)  # by the compiled reader, which keeps no values
    assert (plain.events, plain.unread) == (reading.events, reading.unread)
    return reading, [text for (text,) in rows]


def unread(reading: LogReading) -> dict[str, tuple[int, tuple[str, ...]]]:
    return {reason: (count, places) for reason, count, places in reading.unread}


def test_whole_log_has_nothing_unread(kind: str, tmp_path: Path) -> None:
    reading, texts = reading_of(tmp_path, "".join(map(MAKERS[kind], range(1, 31))))
    assert texts == [f"SELECT {number}" for number in range(1, 31)]
    assert reading.unread == ()


def test_line_cut_off_in_the_middle(kind: str, tmp_path: Path) -> None:
    make = MAKERS[kind]
    cut = make(11, "SELECT 'abc'")[:-60] + "\n" if kind != "stderr" else "2026-01-01 00:00:11.000 UTC [77] app@sh\n"
    log = "".join(map(make, range(1, 11))) + cut + "".join(map(make, range(12, 21)))
    reading, texts = reading_of(tmp_path, log)
    assert texts == [f"SELECT {number}" for number in (*range(1, 11), *range(12, 21))]
    [(count, places)] = unread(reading).values()
    assert (count, places) == (1, ("server.log:11",))


def test_log_that_ends_inside_a_line(kind: str, tmp_path: Path) -> None:
    make = MAKERS[kind]
    cut = make(11)[:-50] if kind != "stderr" else "2026-01-01 00:00:11.000 UTC [77"
    reading, texts = reading_of(tmp_path, "".join(map(make, range(1, 11))) + cut)
    assert texts == [f"SELECT {number}" for number in range(1, 11)]
    assert [count for count, _ in unread(reading).values()] == [1]


def test_last_line_without_line_feed_is_read(kind: str, tmp_path: Path) -> None:
    reading, texts = reading_of(tmp_path, "".join(map(MAKERS[kind], range(1, 11))).rstrip("\n"))
    assert len(texts) == 10
    assert reading.unread == ()


def test_bytes_that_are_not_utf8(kind: str, tmp_path: Path) -> None:
    make = MAKERS[kind]
    log = make(1).encode() + make(2, "SELECT 'caf#'").encode().replace(b"#", b"\xe9") + make(3).encode()
    reading, texts = reading_of(tmp_path, log)
    assert texts == ["SELECT 1", "SELECT 'caf\ufffd'", "SELECT 3"]
    assert unread(reading) == {"bytes that are not UTF-8, read as �": (1, ("server.log:2",))}


def test_nul_bytes(kind: str, tmp_path: Path) -> None:
    make = MAKERS[kind]
    log = make(1).encode() + b"\0\0\0" + make(2).encode() + make(3).encode()
    reading, texts = reading_of(tmp_path, log)
    assert texts == ["SELECT 1", "SELECT 2", "SELECT 3"]
    assert unread(reading) == {"NUL bytes left out": (3, ("server.log:2",))}


def test_lines_of_something_else(kind: str, tmp_path: Path) -> None:
    make = MAKERS[kind]
    log = make(1) + "pg_ctl: could not start server\n" + make(2) + "Examine the log output.\n" + make(3)
    reading, texts = reading_of(tmp_path, log)
    assert texts == ["SELECT 1", "SELECT 2", "SELECT 3"]
    [(count, places)] = unread(reading).values()
    assert (count, places) == (2, ("server.log:2", "server.log:4"))


def test_statement_of_fifty_megabytes(kind: str, tmp_path: Path) -> None:
    make = MAKERS[kind]
    long = "SELECT '" + ("x" * 79 + ("\n" if kind == "csv" else "x")) * 625_000 + "'"
    reading, texts = reading_of(tmp_path, make(1) + make(2, long) + make(3))
    assert [len(text) for text in texts] == [8, len(long), 8]
    assert reading.unread == ()


def test_two_prefixes_in_one_file(tmp_path: Path) -> None:
    other = "".join(
        f"2026-01-01 00:01:{n:02}.000 UTC [78]: [{n}-1] user=app,db=shop,app=web,client=::1 LOG:  duration: 1.0 ms"
        f"  statement: SELECT 'two', {n}\n"
        for n in range(1, 9)
    )
    reading, texts = reading_of(tmp_path, "".join(map(stderr_line, range(1, 31))) + other)
    assert len(texts) == 38
    assert reading.unread == ()


def test_prefix_that_nobody_knows(tmp_path: Path) -> None:
    lines = "".join(
        f"#77# 2026-01-01 00:00:{n:02}.5 UTC ~ LOG:  duration: 1.0 ms  statement: SELECT {n}\n" for n in range(9)
    )
    reading, texts = reading_of(tmp_path, lines)
    assert texts == [f"SELECT {n}" for n in range(9)]
    assert reading.window_started_at is not None


def test_clock_that_goes_back(tmp_path: Path) -> None:
    log = csv_line(1) + csv_line(100) + csv_line(3).replace(",3,", ",101,", 1) + csv_line(102)
    reading, texts = reading_of(tmp_path, log)
    assert texts == ["SELECT 1", "SELECT 100", "SELECT 3", "SELECT 102"]
    assert unread(reading) == {"clock went back": (1, ("server.log, at 2026-01-01 00:00:03",))}


def test_file_that_grows_while_it_is_read(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("".join(map(csv_line, range(1, 2001))))

    def grow(step: Step) -> None:
        with log.open("a") as more:
            more.write(csv_line(5000))

    reading = read([log], tmp_path / "events.parquet", progress=grow)
    assert reading.events == 2000


def test_compressed_file_that_is_cut_off(tmp_path: Path) -> None:
    data = gzip.compress("".join(map(csv_line, range(1, 5001))).encode())
    log = tmp_path / "server.log"
    log.write_bytes(data[: len(data) // 2])
    reading = read([log], tmp_path / "events.parquet")
    assert 1000 < reading.events < 5000
    assert any("compressed" in reason for reason, _, _ in reading.unread)


def test_binary_and_missing_files(tmp_path: Path) -> None:
    log = tmp_path / "photo.jpg"
    log.write_bytes(bytes(range(256)) * 100)
    with pytest.raises(LogFormatError, match="looks like no PostgreSQL log"):
        read([log], tmp_path / "events.parquet")
    reading = read([log], tmp_path / "events.parquet", log_format="csvlog")
    assert reading.events == 0
    assert reading.unread
    with pytest.raises(SourceError, match="cannot be read"):
        read([tmp_path / "missing.log"], tmp_path / "events.parquet")


def test_empty_log(tmp_path: Path) -> None:
    with pytest.raises(LogFormatError):
        reading_of(tmp_path, "")


def test_no_value_stays_unless_asked(kind: str, tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text(MAKERS[kind](1, "SELECT 'secret', 4711 FROM t WHERE x = E'hid\\'den'"))
    read([log], tmp_path / "events.parquet")
    data = (tmp_path / "events.parquet").read_bytes()
    with duckdb.connect() as database:
        [row] = database.execute(f"SELECT COLUMNS(*)::VARCHAR FROM '{tmp_path / 'events.parquet'}'").fetchall()
    assert "secret" not in str(row)
    assert "4711" not in str(row)
    assert "hid" not in str(row)
    assert b"secret" not in data
