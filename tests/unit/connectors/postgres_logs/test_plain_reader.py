"""The compiled reader and SQL alone read every log alike."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.compiled import is_built
from connectors.postgres.logs import LogReading, plain, read, reading
from tests.unit.connectors import compiled_fuzz

CASES = Path(__file__).parents[3] / "cases" / "logs"
PREFIX = "%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%r,session=%c,qid=%Q "

pytestmark = pytest.mark.skipif(not is_built(), reason="the compiled readers are not built: python hatch_build.py")

FRAGMENTS = (
    *("SELECT ", "INSERT INTO t VALUES (", " WHERE a = ", " limit ", " OFFSET ", " IN (1, 2, 3)", "VALUES (1,2),(3,4)"),
    *("1", ".5", "1.", "1e-5", "0x1F", "a1", "t1.c2", "x.5", "1..2", "-5", "- 5", "-$1", "5-3", "1_000", "$1", "$12"),
    *("$1::int", "$01", "a$1", "$1a", "limitx 5", "LIMIT $0", "limit\t7", "Offset 10", "ARRAY[1,2]", "interval '1'"),
    *('"t"."c2"', '"my col"', '"2fa"', "'it''s'", "'x'", "''", "E'a\\'b'", "N'x'", "'\\'", "'--'", "'/*'", "'a' 'b'"),
    *("5'a'", "'a'5", "::numeric(10, 2)", "varchar (20)", "timestamp (3)", "CAST(1 AS varchar(5))", "->'a'", "a / 2"),
    *("--c\n", "/*x*/", "*/", "/*", "$$x$$", "$a$", "ü", "漢1", "\r\n", "\n", "\t", " ", ";", "%", "U&'x'", ")", ","),
)
STATEMENTS = (
    *("BEGIN", "COMMIT", "ROLLBACK", "START TRANSACTION", "rollback to savepoint s1", "begin; select 1; commit", "END"),
    *("PREPARE TRANSACTION 'x'", "DECLARE c CURSOR FOR SELECT * FROM t WHERE a = 5", "FETCH 10 FROM c", "EXECUTE q(5)"),
    *("SELECT * FROM book WHERE id = 5", "SELECT 1 WHERE id = $1 AND x = 'y' LIMIT $2", "SELECT 1 LIMIT 10 OFFSET 20"),
    *("INSERT INTO a VALUES (1, 'x')", "UPDATE a SET b = $1 WHERE c = $2", "  SELECT 1 ; ", "", "SELECT $1 LIMIT 5"),
)
COMMENTS = (
    *("", "", "", " /*a='b'*/", "/*route='%2Fbooks',controller='b'*/", " /*a='1',a='2'*/", " /*app:shop,x:y*/"),
    *(
        "/*a='b'*/ ;\n",
        "/*a='%ff'*/",
        "/*a='%1f'*/",
        "/*a='b+c%20d'*/",
        "/*a='%zz'*/",
        " /* a='b' */ /* c */",
        "/*--*/",
    ),
)
PARAMETERS = (
    *(None, None, "parameters: $1 = '5', $2 = '20'", "Parameters: $1 = 'o''brien', $2 = NULL", "parameters: ", "x"),
    *(
        "parameters: $1 = 'a, $2 = ''x'', $3 = y', $2 = '7'",
        "prepare: PREPARE q AS SELECT 1",
        "parameters: $1 = 'a\nb'",
    ),
)
DONE = (
    *("statement", "statement", "parse <unnamed>", "bind s_1", "execute <unnamed>", "execute s_1/c"),
    *("execute fetch from <unnamed>", "execute a: b"),
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    made = draw(st.sampled_from(STATEMENTS) | st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=7).map("".join))
    return made + draw(st.sampled_from(COMMENTS))


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["done"] * 12 + ["error", "other", "damaged", "lone", "before"]))
    text, took = draw(texts()), draw(st.sampled_from(["0.013", "1.5", "12", "1234.567", "0.0001"]))
    said = f"duration: {took} ms  {draw(st.sampled_from(DONE))}: {text}"
    message = {
        "error": "syntax error",
        "other": "connection received: host=1 port=2",
        "lone": f"duration: {took} ms",
        "before": f"statement: {text}",
    }.get(kind, said)
    return {
        "second": draw(st.integers(0, 3)),
        "zone": draw(st.sampled_from(["UTC"] * 9 + ["CET"])),
        "user": draw(st.sampled_from(["app", "app", "v w", 'q"x', ""])),
        "database": draw(st.sampled_from(["shop", "other"])),
        "session": draw(st.integers(1, 4)),
        "error": kind == "error",
        "message": message,
        "detail": draw(st.sampled_from(PARAMETERS)) if kind == "done" else None,
        "statement": text if kind == "error" else None,
        "query_id": draw(st.sampled_from([0, -123, 77])),
    }


def stamped(number: int, record: dict[str, Any]) -> str:
    seconds = number + record["second"]
    return (
        f"2026-01-01 {seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{number % 1000:03} {record['zone']}"
    )


def as_csv(number: int, record: dict[str, Any]) -> str:
    def quoted(text: str | None) -> str:
        return "" if text is None else '"' + text.replace('"', '""') + '"'

    severity = "ERROR,42601" if record["error"] else "LOG,00000"
    return (
        f"{stamped(number, record)},{quoted(record['user'])},{quoted(record['database'])},7,"
        f'"10.0.0.1:77",6a.{record["session"]},{number},"SELECT",2026-01-01 00:00:00 UTC,3/1,0,{severity},'
        f"{quoted(record['message'])},{quoted(record['detail'])},,,,,{quoted(record['statement'])},,,"
        f'"web","client backend",,{record["query_id"]}\n'
    )


def as_json(number: int, record: dict[str, Any]) -> str:
    said = {
        "timestamp": stamped(number, record),
        "user": record["user"],
        "dbname": record["database"],
        "remote_host": "10.0.0.1",
        "remote_port": 77,
        "session_id": f"6a.{record['session']}",
        "line_num": number,
        "error_severity": "ERROR" if record["error"] else "LOG",
        "message": record["message"],
        "detail": record["detail"],
        "statement": record["statement"],
        "query_id": record["query_id"],
    }
    return json.dumps({key: value for key, value in said.items() if value is not None}, ensure_ascii=False) + "\n"


def as_stderr(number: int, record: dict[str, Any]) -> str:
    head = (
        f"{stamped(number, record)} [7{record['session']}]: [{number}-1] user={record['user']},db={record['database']},"
        f"app=web,client=10.0.0.1(77),session=6a.{record['session']},qid={record['query_id']} "
    )
    parts = {"ERROR" if record["error"] else "LOG": record["message"], "DETAIL": record["detail"]}
    parts["STATEMENT"] = record["statement"]
    return "".join(f"{head}{name}:  " + said.replace("\n", "\n\t") + "\n" for name, said in parts.items() if said)


FORMS = {"csvlog": as_csv, "jsonlog": as_json, "stderr": as_stderr}


def found(folder: Path, logs: list[Path], **options: Any) -> tuple[Any, ...]:
    events = folder / "events.parquet"
    told: LogReading = read(logs, events, **options)
    with duckdb.connect() as database:
        rows = database.execute(
            f"SELECT * REPLACE (epoch_us(started_at) AS started_at, epoch_us(ended_at) AS ended_at) FROM '{events}'"
            " ORDER BY session, line, text"
        ).fetchall()
    return rows, told.coverage, told.unread, told.plans, sorted(told.sides)


def both(logs: list[Path], **options: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """What is found with the compiled reader, however little it reads, and by SQL alone."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("secrets.token_hex", lambda size: "k" * size)
        patch.setattr(plain, "LEFT_AT_MOST", 1.0)
        compiled = found(Path(folder), logs, **options)
        patch.setattr(reading, "is_built", lambda: False)
        return compiled, found(Path(folder), logs, **options)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(records(), min_size=1, max_size=40), st.sampled_from(["", "shop"]), st.integers(0, 40))
def test_any_log_is_read_alike(form: str, said: list[dict[str, Any]], database_name: str, cut: int) -> None:
    lines = [FORMS[form](number, record) for number, record in enumerate(said, 1)]
    options = {"log_format": form, "database_name": database_name, "log_line_prefix": PREFIX}
    with tempfile.TemporaryDirectory() as folder:
        logs = [
            Path(folder, "one.log"),
            Path(folder, "two.log"),
        ]  # what is open at the end of a piece goes on in the next
        logs[0].write_text("".join(lines[:cut]), newline="")
        logs[1].write_text("".join(lines[cut:]), newline="")
        compiled, by_sql = both(logs, **options)
    assert compiled == by_sql


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(records(), min_size=5, max_size=20), st.data())
def test_damage_is_reported_alike(form: str, said: list[dict[str, Any]], data: st.DataObject) -> None:
    log = "".join(FORMS[form](number, record) for number, record in enumerate(said, 1)).encode()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(log) - 1))
        log = log[:at] + data.draw(st.sampled_from([b'"', b"\n", b",", b"\0", b"\xff", b"}"])) + log[at + 1 :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "damaged.log")
        path.write_bytes(log)
        compiled, by_sql = both([path], log_format=form, log_line_prefix=PREFIX)
    assert compiled == by_sql


@pytest.mark.parametrize("case", sorted(case.name for case in CASES.glob("*log*")))
def test_real_logs_are_read_alike(case: str) -> None:
    compiled, by_sql = both([CASES / case])
    assert compiled == by_sql


EVERYDAY = (
    *("BEGIN", "COMMIT", 'SELECT "t"."id" FROM "t" WHERE "t"."id" IN (1, 2) LIMIT 21', "SELECT 'ü', -1.5, a::text"),
    *("INSERT INTO t (a, b) VALUES ('it''s', now())", "UPDATE t SET a = $1 WHERE b = $2::int  /*route='%2Fa'*/"),
)


def test_everyday_statements_are_read_without_sql() -> None:
    record = {"second": 0, "zone": "UTC", "user": "app", "database": "shop", "session": 1, "error": False}
    record |= {"detail": "parameters: $1 = 'a', $2 = '5'", "statement": None, "query_id": 0}
    said = [record | {"message": f"duration: 1.0 ms  {done}: {text}"} for text in EVERYDAY for done in DONE[:6]]
    reader = plain.PlainReader("k")
    for form, make in FORMS.items():
        with reader.piece() as piece:
            log = "".join(make(number, one) for number, one in enumerate(said, 1)).encode()
            {"csvlog": piece.csv, "jsonlog": piece.json, "stderr": piece.stderr}[form](log, 26, PREFIX)
            assert (piece.summary.records, piece.summary.left) == (len(said), 0), form
            assert piece.others("", 0)
            assert piece.link([0] * piece.summary.zones, 0)
            assert piece.summary.events == len(EVERYDAY) * 4
    reader.close()


@pytest.mark.parametrize("form", FORMS)
def test_a_clock_that_goes_back_is_seen_in_a_record_left_to_sql(form: str, tmp_path: Path) -> None:
    record = {"second": 5, "zone": "UTC", "user": "app", "database": "shop", "session": 1, "error": False}
    record |= {"message": "duration: 1.0 ms  statement: SELECT 1", "detail": None, "statement": None, "query_id": 0}
    said = [record, record, record | {"second": 0, "error": True, "statement": "SELECT 2"}, record]
    log = tmp_path / "server.log"
    log.write_text("".join(FORMS[form](number, one) for number, one in enumerate(said, 1)))
    compiled, by_sql = both([log], log_format=form, log_line_prefix=PREFIX)
    assert compiled == by_sql
    assert [reason for reason, _, _ in compiled[2]] == ["clock went back"]


@pytest.mark.parametrize(("form", "at", "sign"), [("csvlog", 64, b"\n"), ("jsonlog", 40, b'"')])
def test_a_first_record_that_is_damaged_tells_no_columns_and_no_zone(
    form: str, at: int, sign: bytes, tmp_path: Path
) -> None:
    record = {"second": 0, "zone": "UTC", "user": "app", "database": "shop", "session": 1, "error": False}
    record |= {"message": "duration: 0.013 ms  statement: BEGIN", "detail": None, "statement": None, "query_id": 0}
    whole = "".join(FORMS[form](number, record) for number in range(1, 6)).encode()
    log = tmp_path / "damaged.log"
    log.write_bytes(whole[:at] + sign + whole[at + 1 :])
    compiled, by_sql = both([log], log_format=form)
    assert compiled == by_sql
    assert len(compiled[0]) == 4
    assert not any(entry.subject == "log time zone" for entry in compiled[1])


def test_line_ends_of_windows_inside_a_statement_are_no_damage(tmp_path: Path) -> None:
    record = {"second": 0, "zone": "UTC", "user": "app", "database": "shop", "session": 1, "error": False}
    record |= {
        "message": "duration: 1.0 ms  statement: SELECT\r\n  1",
        "detail": None,
        "statement": None,
        "query_id": 0,
    }
    log = tmp_path / "server.csv"
    log.write_text("".join(as_csv(number, record) for number in range(1, 9)), newline="")
    compiled, by_sql = both([log])
    assert compiled == by_sql
    assert (len(compiled[0]), compiled[2]) == (8, ())


def test_damaged_logs_under_sanitizers(tmp_path: Path) -> None:
    """Overruns and undefined behaviour end the program."""
    logs = []
    for form, make in FORMS.items():
        record = {"second": 0, "zone": "UTC", "user": "app", "database": "shop", "session": 1, "error": False}
        record |= {"detail": "parameters: $1 = 'a\nb', $2 = '5'", "statement": None, "query_id": 0}
        texts = [text + comment for text in (*EVERYDAY, *STATEMENTS) for comment in COMMENTS]
        log = tmp_path / form
        said = [record | {"message": f"duration: 1.0 ms  {done}: {text}"} for text in texts for done in DONE[:6]]
        log.write_text("".join(make(number, one) for number, one in enumerate(said, 1)), newline="")
        logs.append(log)
    here, reader = Path(__file__).with_name("plain_reader_fuzz.c"), Path(plain.__file__).parent
    compiled_fuzz.run(here, reader, tmp_path, logs, rounds=4000)
