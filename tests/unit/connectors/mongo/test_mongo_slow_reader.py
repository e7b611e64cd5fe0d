"""The compiled reader and SQL alone read every log of slow-query lines alike."""

from __future__ import annotations

import gzip
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.compiled import is_built
from connectors.mongo.logs import LogReading, loading, read, slow
from tests.unit.connectors import compiled_fuzz

CASES = Path(__file__).parents[3] / "cases" / "mongo"

pytestmark = pytest.mark.skipif(not is_built(), reason="the compiled readers are not built: python hatch_build.py")

ID = {"$oid": "0" * 24}
SCALARS: tuple[Any, ...] = (
    *(0, 1, -1, 7, 10**15, 1.5, 2e300, "", "a", "$a", "^ab", "^a|b", 'say "hi"\n', "ü\u2028漢", True, None, ID),
    *(
        {"$numberLong": "5"},
        {"$date": "2026-01-01T00:00:00Z"},
        {"$regex": "^a"},
        {"$in": [1, 2]},
        {"a": {"b": 1}},
        [],
        {},
    ),
)
PARTS: dict[str, tuple[Any, ...]] = {
    "find": ("orders", None), "aggregate": ("orders", 1), "findAndModify": ("orders",), "findandmodify": ("orders",),
    "count": ("orders",), "distinct": ("orders",), "insert": ("orders", 0), "delete": ("orders", 0),
    "update": ("orders", 0, {"$set": {"a": 1}}, [{"$set": {"a": 1}}]),
    "updateMods": ({"$set": {"a": 1}},), "remove": (True, False, "orders"),
    "getMore": (77, {"$numberLong": "77"}), "bulkWrite": (1,), "q": ({}, {"a": 1}), "query": ({"a": 1},),
    "filter": ({"a": 1}, {"a": {"$in": [1, 2]}}, None), "sort": ({"a": 1},), "hint": ("a_1", None),
    "pipeline": ([{"$match": {"a": 1}}, {"$limit": 5}], [{"$changeStream": {}}], [{"$lookup": {"from": "x"}}]),
    "limit": (1, 20, {"$numberLong": "20"}), "skip": (0, 40), "u": ({"$inc": {"n": 1}}, {"n": 1}), "multi": (True,),
    "key": ("a",), "$db": ("shop", "other"), "comment": ("request_id=abcdef12", {"route": "/x"}, "query-advisor", 7),
    "lsid": ({"id": {"$uuid": "1C873a3f-7fbf-439a-a268-a7d81851e311"}}, {"id": 5}, 5,
             {"id": {"$binary": {"base64": "HIc6P3+/Q5qiaKfYGFHjEQ==", "subType": "4"}}}),
    "txnNumber": (7, {"$numberLong": "7"}), "autocommit": (False, True),
}  # fmt: skip
FACTS: dict[str, tuple[Any, ...]] = {
    "type": ("command", "update", "remove", "bulkWrite"),
    "ns": ("shop.orders", "shop.$cmd", "admin.x", "shop.system.views", "", "shop", "shop.system.buckets.t", "ü.ö"),
    "appName": ("app", "", 'a"b', "query-advisor", "OplogFetcher"), "planSummary": ("COLLSCAN", "IXSCAN { a: 1 }"),
    "hasSortStage": (True,), "usedDisk": (True, False), "queryHash": ("AB12",), "planCacheShapeHash": ("CD34",),
    "cursorid": (77, 0), "cursorExhausted": (True,), "remote": ("127.0.0.1:4711",), "errCode": (50,),
    "durationMillis": (0, 12, 1.5, {"$numberLong": "9"}, "x"), "keysExamined": (5,), "docsExamined": (5, None),
    "nreturned": (2, -1), "reslen": (99,), "ninserted": (1,), "keysInserted": (2,), "nMatched": (1,), "ndeleted": (1,),
    "numYields": (0, 3), "locks": ({"Collection": {"acquireCount": {"w": 2}}}, {"Collection": 1}, None),
    "flowControl": ({"acquireCount": 2}, {}), "buildInfo": ({"version": "7.0.1"},),
    "originatingCommand": ({"find": "orders", "filter": {"a": 1}}, {"aggregate": "orders", "pipeline": []}, None, "x"),
}  # fmt: skip
TIMES: tuple[Any, ...] = (
    *(
        "2026-11-21T12:14:24.341+00:00",
        "2024-02-29T23:59:59.000Z",
        "2026-11-21T12:14:24.341+05:30",
        "2026-11-21T12:14:24Z",
    ),
    *("2026-11-21T12:14:24.341-0800", "yesterday", 5, None),
)


def members(choices: dict[str, tuple[Any, ...]], most: int) -> st.SearchStrategy[dict[str, Any]]:
    names = st.lists(st.sampled_from(sorted(choices)), max_size=most, unique=True)
    return names.flatmap(
        lambda chosen: st.fixed_dictionaries({name: st.sampled_from(choices[name]) for name in chosen})
    )


@st.composite
def lines(draw: st.DrawFn) -> str:
    command = draw(st.sampled_from([{"find": "orders", "filter": {"a": 5}}, {}])) | draw(members(PARTS, 6))
    if draw(st.booleans()):
        command["filter"] = {
            "a": draw(st.sampled_from(SCALARS)),
            "b": {"$in": draw(st.lists(st.sampled_from(SCALARS), max_size=4))},
        }
    attr = {"type": "command", "ns": "shop.orders", "command": command, "durationMillis": 3} | draw(members(FACTS, 8))
    line: dict[str, Any] = {"t": {"$date": draw(st.sampled_from(TIMES[:3] * 5 + TIMES))}, "s": "I", "c": "COMMAND"}
    line |= {"id": draw(st.sampled_from([51803] * 9 + [23403, 22943, "51803", None])), "ctx": "conn1", "attr": attr}
    if draw(st.integers(0, 9)) == 0:
        line["truncated"] = {"command": {}}
    if draw(st.integers(0, 9)) == 0:
        del line[draw(st.sampled_from(["t", "id", "ctx", "attr"]))]
    blanks = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    return json.dumps(line, ensure_ascii=draw(st.booleans()), separators=blanks)


def found(folder: Path, logs: list[Path]) -> tuple[list[Any], LogReading, list[Any]]:
    """Events, what else was found, and examples, in which numbers and strings may be written otherwise."""
    reading = read(logs, folder / "events.parquet", keep_values=True)
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        rows = database.execute(
            "SELECT * EXCLUDE (params_digest, params_distinct_key)"
            " REPLACE (epoch_us(started_at) AS started_at, epoch_us(ended_at) AS ended_at),"
            # Digests are only compared: which event was the first to have this one?
            " min(line) OVER (PARTITION BY params_digest) AS digest,"
            " min(line) OVER (PARTITION BY params_distinct_key) AS distinct_key"
            f" FROM read_parquet('{folder / 'events.parquet'}') ORDER BY line"
        ).fetchall()
    examples = [(text, namespace, json.loads(asked)) for text, namespace, asked in reading.examples]
    return rows, replace(reading, examples=()), examples


def both(logs: list[Path]) -> tuple[Any, Any]:
    """What is found with the compiled reader, and by SQL alone."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        compiled = found(Path(folder), logs)
        patch.setattr(loading, "is_built", lambda: False)
        return compiled, found(Path(folder), logs)


def assert_alike(log: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mongod.log"
        # A file is known for a log by one of its first lines.
        path.write_bytes(b'{"t":{"$date":"2026-01-01T00:00:00Z"},"s":"I","c":"C","id":1,"msg":"x"}\n' + log)
        compiled, by_sql = both([path])
    assert compiled == by_sql


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    st.lists(lines(), max_size=30), st.sampled_from(["\n", "\r\n", "\n\n \n"]), st.sampled_from([64, 1 << 12, 32 << 20])
)
def test_any_log_is_read_alike(said: list[str], end: str, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "PIECE", piece)
        assert_alike(end.join(said).encode("utf-8", errors="surrogatepass"))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(lines(), min_size=1, max_size=10), st.data())
def test_damage_is_reported_alike(said: list[str], data: st.DataObject) -> None:
    log = "\n".join(said).encode()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(log) - 1))
        sign = data.draw(
            st.sampled_from([b'"', b"\n", b",", b"}", b"]", b"\\", b"\0", b"\t", b"\xff", b"0", b"-", b"e"])
        )
        log = log[:at] + sign + log[at + 1 :]
    assert_alike(log)


LOGS = sorted((*CASES.glob("logs/*.jsonl*"), *CASES.glob("recorded/*/*.log.gz"), *CASES.glob("recorded/probes/a*.log")))


@pytest.mark.parametrize("case", LOGS, ids=lambda case: case.name)
def test_real_logs_are_read_alike(case: Path) -> None:
    compiled, by_sql = both([case])
    assert compiled == by_sql


def test_a_piece_that_is_for_sql_keeps_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "PIECE", 1 << 10)
    line: dict[str, Any] = {"t": {"$date": TIMES[0]}, "s": "I", "c": "C", "id": 51803, "msg": "Slow query"}
    line["ctx"] = "conn1"
    said = []
    for number in range(40):
        took: Any = {"$numberLong": str(number)} if number in (7, 8, 30) else number
        command = {"find": "orders", "filter": {"a": number}}
        said.append(json.dumps(line | {"attr": {"ns": "shop.orders", "command": command, "durationMillis": took}}))
    log = tmp_path / "mongod.log"
    log.write_text("\n".join(said))
    compiled, by_sql = both([log])
    assert compiled == by_sql
    assert [row[6] for row in compiled[0]] == list(range(40))
    assert [asked for _, _, asked in compiled[2]] == [{"find": "orders", "filter": {"a": 0}}]


def test_everyday_lines_are_read_without_sql() -> None:
    reader, taken = slow.SlowLines("k", 1 << 10), 0
    with gzip.open(CASES / "recorded" / "shop" / "mongod.log.gz") as log:
        begun = reader.take(b"", log)
        while not reader.is_empty:
            assert reader.read()
            taken += reader.operations
            begun = reader.take(begun, log)
    reader.close()
    assert taken > 2000


def test_damaged_logs_under_sanitizers(tmp_path: Path) -> None:
    """Overruns and undefined behaviour end the program."""
    logs = []
    for name in ("shop", "n_plus_one"):
        with gzip.open(CASES / "recorded" / name / "mongod.log.gz") as packed:
            said = packed.readlines()
        logs += [tmp_path / f"{name}{start}" for start in range(0, 500, 60)]
        for start in range(0, 500, 60):
            (tmp_path / f"{name}{start}").write_bytes(b"".join(said[start : start + 60]))
    here, reader = Path(__file__).with_name("slow_reader_fuzz.c"), Path(slow.__file__).parent
    compiled_fuzz.run(here, reader, tmp_path, logs, rounds=3000)
