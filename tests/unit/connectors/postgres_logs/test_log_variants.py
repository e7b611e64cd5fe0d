"""What servers are set to write, and what editors and rotation do to it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import duckdb
import pytest

from advisor.ports import Step
from connectors.postgres.logs import LogReading, read
from connectors.postgres.logs.events import EventWriter

FIRST = "2026-01-01 00:00:{0:02}.000 UTC"


def csv_line(number: int, message: str = "", session: str = "6a.1", database: str = "shop", columns: int = 26) -> str:
    message = message or f"duration: 1.500 ms  statement: SELECT {number}"
    fields = [FIRST.format(number % 60), '"app"', f'"{database}"', "77", '"[local]"', session, str(number)]
    fields += [
        '"SELECT"',
        "2026-01-01 00:00:00 UTC",
        "3/0",
        "0",
        "LOG",
        "00000",
        '"' + message.replace('"', '""') + '"',
    ]
    fields += [""] * 8 + ['"web"', '"client backend"', "", "42"]
    return ",".join(fields[:columns]) + "\n"


def reading_of(folder: Path, data: bytes | str, **options: Any) -> tuple[LogReading, list[tuple[Any, ...]]]:
    log = folder / "server.log"
    log.write_bytes(data if isinstance(data, bytes) else data.encode())
    return readings(folder, [log], **options)


def readings(folder: Path, logs: list[Path], **options: Any) -> tuple[LogReading, list[tuple[Any, ...]]]:
    events = folder / "events.parquet"
    reading = read(logs, events, **({"keep_values": True} | options))
    plain = read(logs, folder / "plain.parquet", **(options | {"keep_values": False}))  # by the compiled reader
    assert (plain.events, plain.unread) == (reading.events, reading.unread)
    with duckdb.connect() as database:
        return reading, database.execute(f"FROM '{events}' SELECT text, database ORDER BY session, line").fetchall()


def column(folder: Path, sql: str) -> list[Any]:
    with duckdb.connect() as database:
        return [
            row[0]
            for row in database.execute(f"SELECT {sql} FROM '{folder / 'events.parquet'}' ORDER BY line").fetchall()
        ]


@pytest.mark.parametrize("columns", [23, 24, 25, 26])  # PostgreSQL 9 to 12, 13, (none), 14 to 18
def test_column_counts_of_csvlog(columns: int, tmp_path: Path) -> None:
    reading, rows = reading_of(tmp_path, "".join(csv_line(n, columns=columns) for n in range(1, 20)))
    assert [text for text, _ in rows] == [f"SELECT {n}" for n in range(1, 20)]
    assert reading.unread == ()


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_windows_line_ends_and_byte_order_mark(mark: bytes, tmp_path: Path) -> None:
    lines = "".join(csv_line(n, f"duration: 1.0 ms  statement: SELECT\r\n {n}") for n in range(1, 20))
    reading, rows = reading_of(tmp_path, mark + lines.replace("42\n", "42\r\n").encode())
    assert [" ".join(text.split()) for text, _ in rows] == [f"SELECT {n}" for n in range(1, 20)]
    assert reading.unread == ()


def test_windows_line_ends_of_stderr(tmp_path: Path) -> None:
    lines = "".join(
        f"{FIRST.format(n)} [7] LOG:  duration: 1.0 ms  statement: SELECT {n},\r\n\t{n}\r\n" for n in range(1, 20)
    )
    reading, rows = reading_of(tmp_path, b"\xef\xbb\xbf" + lines.encode())
    assert [text for text, _ in rows] == [f"SELECT {n},\n{n}" for n in range(1, 20)]
    assert reading.unread == ()


EVERYTHING = "%m|%n|%t|%a|%u|%d|%r|%h|%b|%p|%P|%i|%e|%c|%l|%s|%v|%x|%Q|%%|%-8u| "


def test_prefix_with_everything(tmp_path: Path) -> None:
    lines = "".join(
        f"{FIRST.format(n)}|1767225600.{n:03}|{FIRST.format(n)[:19]} UTC|web|app|shop|10.0.0.1(5432)|10.0.0.1"
        f"|client backend|77||SELECT|00000|6a.1|{n}|2026-01-01 00:00:00 UTC|3/0|0|{40 + n}|%|app     | "
        f"LOG:  duration: 1.0 ms  statement: SELECT {n}\n"
        for n in range(1, 20)
    )
    reading, rows = reading_of(tmp_path, lines, log_line_prefix=EVERYTHING)
    assert rows == [(f"SELECT {n}", "shop") for n in range(1, 20)]
    assert reading.unread == ()
    assert column(tmp_path, "session || client || application || server_query_id")[0] == "6a.110.0.0.1:5432web41"


def test_rotated_files_of_different_packing_and_prefix(tmp_path: Path) -> None:
    """Before a reload of the configuration, in the middle of it, and after; the first already packed."""
    old = [f"{FIRST.format(n)} [7] LOG:  duration: 1.0 ms  statement: SELECT {n}\n" for n in range(1, 21)]
    new = [
        f"{FIRST.format(n)} [7]: [{n}-1] user=app,db=shop LOG:  duration: 1.0 ms  statement: SELECT {n}\n"
        for n in range(21, 41)
    ]
    logs = [tmp_path / "a.log.gz", tmp_path / "b.log", tmp_path / "c.csv"]
    logs[0].write_bytes(gzip.compress("".join(old[:10]).encode()))
    logs[1].write_text("".join(old[10:] + new))
    logs[2].write_text("".join(csv_line(n) for n in range(41, 51)))
    reading, _ = readings(tmp_path, logs)
    assert sorted(column(tmp_path, "text")) == sorted(f"SELECT {n}" for n in range(1, 51))
    assert reading.unread == ()
    assert [form for _, form in reading.formats] == ["stderr", "stderr", "csvlog"]


def test_parse_and_bind_without_execution_are_counted(tmp_path: Path) -> None:
    said = ["parse a", "parse b", "bind b", "execute b", "bind c", "parse d", "bind d"]
    lines = "".join(csv_line(n, f"duration: {n}.000 ms  {what}: SELECT 1") for n, what in enumerate(said, 1))
    reading, rows = reading_of(tmp_path, lines)
    assert len(rows) == 1
    assert column(tmp_path, "duration_ms") == [2 + 3 + 4]
    [lone] = [line for line in reading.coverage if line.subject == "log parse and bind"]
    assert (lone.count, "(19 ms)" in lone.detail) == (4, True)  # a, c, and d twice


def test_executions_of_other_databases_are_left_out_and_counted(tmp_path: Path) -> None:
    lines = [csv_line(n, database=name) for n, name in enumerate(("shop", "wiki", "shop", "blog", "wiki"), 1)]
    reading, rows = reading_of(tmp_path, "".join(lines), database_name="shop")
    assert rows == [("SELECT 1", "shop"), ("SELECT 3", "shop")]
    [others] = [line for line in reading.coverage if line.subject == "log of other databases"]
    assert others.detail == "3 executions of other databases than shop were left out (blog, wiki)."


def test_parameters_stay_with_the_values_only(tmp_path: Path) -> None:
    line = csv_line(1, "duration: 1.0 ms  execute p: SELECT $1, $2").replace(
        '$2",,', '$2","parameters: $1 = \'5\', $2 = NULL",'
    )
    reading_of(tmp_path, line)
    assert column(tmp_path, "parameters") == ["$1 = '5', $2 = NULL"]
    reading_of(tmp_path, line, keep_values=False)
    assert b"NULL" not in (tmp_path / "events.parquet").read_bytes()


def test_interrupted_reading_keeps_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.postgres.logs.files.CHUNK", 20_000)
    monkeypatch.setattr("connectors.postgres.logs.logfile.PIECE", 20_000)

    def interrupt(step: Step) -> None:
        if step.done > 50_000:
            raise KeyboardInterrupt

    reading, rows = reading_of(tmp_path, "".join(csv_line(n) for n in range(1, 2001)), progress=interrupt)
    assert 200 < len(rows) == reading.events < 1000
    assert [text for text, _ in rows] == [f"SELECT {n}" for n in range(1, len(rows) + 1)]
    assert ("file read in part only, interrupted", 1, ("server.log",)) in reading.unread


GERMAN = """\
{0} [7] LOG:  Dauer: 1.000 ms  Anweisung: SELECT 'Dauer: x'
{0} [7] LOG:  Dauer: 0.500 ms  Binden <unnamed>: SELECT $1
{0} [7] DETAIL:  Parameter: $1 = '5'
{0} [7] LOG:  Dauer: 2.000 ms  Ausführen <unnamed>: SELECT $1
{0} [7] DETAIL:  Parameter: $1 = '5'
{0} [7] FEHLER:  Relation »x« existiert nicht bei Zeichen 15
{0} [7] ANWEISUNG:  SELECT * FROM x
"""
RUSSIAN = """\
{0} [7] СООБЩЕНИЕ:  продолжительность: 1.000 мс, оператор: SELECT 'Dauer: x'
{0} [7] СООБЩЕНИЕ:  продолжительность: 0.500 мс, сообщение Bind <unnamed>: SELECT $1
{0} [7] ПОДРОБНОСТИ:  параметры: $1 = '5'
{0} [7] СООБЩЕНИЕ:  продолжительность: 2.000 мс  выполнение <unnamed>: SELECT $1
{0} [7] ПОДРОБНОСТИ:  параметры: $1 = '5'
{0} [7] ОШИБКА:  отношение "x" не существует (символ 15)
{0} [7] ОПЕРАТОР:  SELECT * FROM x
"""
FRENCH = """\
{0} [7] LOG:  durée : 1.000 ms, instruction : SELECT 'Dauer: x'
{0} [7] LOG:  durée : 0.500 ms, lien <unnamed> : SELECT $1
{0} [7] DÉTAIL:  paramètres : $1 = '5'
{0} [7] LOG:  durée : 2.000 ms  exécute <unnamed>: SELECT $1
{0} [7] DÉTAIL:  paramètres : $1 = '5'
{0} [7] ERREUR:  la relation « x » n'existe pas au caractère 15
{0} [7] INSTRUCTION\u00a0:  SELECT * FROM x
"""


@pytest.mark.parametrize("log", [GERMAN, RUSSIAN, FRENCH])
def test_messages_in_another_language(log: str, tmp_path: Path) -> None:
    reading, _ = reading_of(tmp_path, log.format(FIRST.format(1)) * 3)
    assert column(tmp_path, "text")[:3] == ["SELECT 'Dauer: x'", "SELECT $1", "SELECT * FROM x"]
    assert column(tmp_path, "duration_ms")[:3] == [1.0, 2.5, None]
    assert column(tmp_path, "parameters")[:3] == [None, "$1 = '5'", None]
    assert reading.unread == ()


def test_language_of_csvlog_and_jsonlog(tmp_path: Path) -> None:
    lines = "".join(csv_line(n, f"duración: 1.500 ms  sentencia: SELECT {n}") for n in range(1, 20))
    assert len(reading_of(tmp_path, lines)[1]) == 19
    line = '{"timestamp":"%s","session_id":"6a.1","line_num":1,"error_severity":"LOG","message":"執行: 1 ms"}\n'
    reading, _ = reading_of(
        tmp_path, (line % FIRST.format(1)).replace("執行: 1 ms", "Dauer: 1.000 ms  Anweisung: SELECT 1")
    )
    assert reading.events == 1


def test_language_that_is_not_known_is_said(tmp_path: Path) -> None:
    lines = "".join(csv_line(n, f"czas: 1.500 ms, instrukcja: SELECT {n}") for n in range(1, 20))
    reading, _ = reading_of(tmp_path, lines)
    assert reading.events == 0
    assert [reason for reason, _, _ in reading.unread] == [
        "words in a language that is not known here (set lc_messages = 'C')"
    ]


def test_transactions_that_never_end_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of sessions that are gone; the one that still says something keeps its transaction."""
    monkeypatch.setattr("connectors.postgres.logs.files.CHUNK", 20_000)
    monkeypatch.setattr("connectors.postgres.logs.logfile.PIECE", 20_000)
    monkeypatch.setattr("connectors.postgres.logs.sessions.OPEN_AT_MOST", 5)
    carried = []
    written = EventWriter.add

    def add(writer: EventWriter, table: str, source: str, last: bool = False) -> None:
        written(writer, table, source, last)
        carried.extend(writer.database.execute("SELECT count(*) FROM carry").fetchall())

    monkeypatch.setattr(EventWriter, "add", add)
    message = "duration: 1.000 ms  statement: "
    lines = [csv_line(n, f"{message}BEGIN", session=f"{n:x}.1") for n in range(1, 600, 2)]
    lines = [line + csv_line(n, f"{message}SELECT {n}" if n else f"{message}BEGIN") for n, line in enumerate(lines)]
    _, rows = reading_of(tmp_path, "".join(lines))
    assert len(rows) == 600
    assert len(set(column(tmp_path, "CASE session WHEN '6a.1' THEN unit ELSE '6a.1/0' END"))) == 1
    assert max(count for (count,) in carried) <= 5


@pytest.mark.parametrize("cut", range(3, 9))
def test_a_transaction_across_pieces(cut: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever a piece ends, once the log is known to tell durations: also between COMMIT and its duration."""
    said = [part for text in ("BEGIN", "SELECT 1", "COMMIT", "SELECT 2") for part in (f"statement: {text}", "")]
    lines = [csv_line(number, part or "duration: 0.500 ms") for number, part in enumerate(said, 1)]
    monkeypatch.setattr("connectors.postgres.logs.files.CHUNK", len("".join(lines[:cut])) + 1)
    monkeypatch.setattr("connectors.postgres.logs.logfile.PIECE", 1)
    reading_of(tmp_path, "".join(lines))
    assert column(tmp_path, "unit") == ["6a.1/1", "6a.1/1", "6a.1/1", None]
    assert column(tmp_path, "duration_ms") == [0.5] * 4
