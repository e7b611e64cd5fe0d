"""Logs and profiler documents of real servers (tests/cases/mongo): all lines are read or accounted for, none twice."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from advisor.errors import LogFormatError
from advisor.ports import Step
from connectors.compiled import is_built
from connectors.mongo import is_log
from connectors.mongo.logs import LogReading, read

CASES = Path(__file__).parents[3] / "cases" / "mongo"
RECORDED = CASES / "recorded"


def taken(paths: Sequence[Path], folder: Path) -> tuple[LogReading, dict[str, tuple[object, ...]]]:
    reading = read(paths, folder / "events.parquet")
    rows = duckdb.execute(
        "SELECT text, count(*), sum(duration_ms), sum(docs_examined), sum(rows)"
        f" FROM read_parquet('{folder / 'events.parquet'}') GROUP BY text"
    ).fetchall()
    return reading, {row[0]: row[1:] for row in rows}


@pytest.mark.parametrize("path", sorted((CASES / "logs").glob("*.jsonl*")), ids=lambda path: path.name)
def test_every_line_is_read_or_accounted_for(path: Path, tmp_path: Path) -> None:
    assert is_log(path)
    reading, _ = taken([path], tmp_path)
    assert reading.events
    assert reading.events + sum(count for _, count in reading.unread) == reading.lines


@pytest.mark.parametrize("name", ["shop", "n_plus_one"])
def test_log_and_profile_tell_the_same_alone_and_together(name: str, tmp_path: Path) -> None:
    log, profile = RECORDED / name / "mongod.log.gz", RECORDED / name / "profile.jsonl.gz"
    counts = []
    for number, paths in enumerate(([log], [profile], [log, profile])):
        folder = tmp_path / str(number)
        folder.mkdir()
        reading, by_text = taken(paths, folder)
        assert reading.events + sum(count for _, count in reading.unread) == reading.lines
        counts.append(by_text)
    assert counts[0] == counts[1] == counts[2]


def test_no_value_of_the_application_is_in_the_events(tmp_path: Path) -> None:
    taken([RECORDED / "shop" / "mongod.log.gz"], tmp_path)
    told = duckdb.execute(f"SELECT string_agg(e::VARCHAR, ' ') FROM read_parquet('{tmp_path / 'events.parquet'}') AS e")
    assert "@example.com" not in str(told.fetchall())


def test_a_damaged_and_a_cut_line_are_counted_and_skipped_alone(tmp_path: Path) -> None:
    with gzip.open(RECORDED / "shop" / "mongod.log.gz", "rt") as lines:
        slow = [line for line in lines if '"find":"users"' in line][:3]
    cut = json.loads(slow[1])
    cut["truncated"] = {"command": {"filter": {"email": {"type": "string", "size": 20000}}}}
    path = tmp_path / "mongod.log"
    path.write_text(slow[0] + json.dumps(cut) + "\n" + slow[2][:200] + "\n", encoding="utf-8")
    reading, _ = taken([path], tmp_path)
    assert reading.events == 1
    assert dict(reading.unread) == {"cut lines, whose command is not whole": 1, "lines that are no JSON": 1}
    assert any("maxLogSizeKB" in entry.remedy for entry in reading.coverage)


def slow(command: dict[str, object], **attr: object) -> str:
    known = {"type": "command", "ns": "shop.orders", "command": command, "planSummary": "COLLSCAN", "durationMillis": 9}
    line = {"t": {"$date": "2026-01-01T00:00:00.000Z"}, "s": "I", "c": "COMMAND", "id": 51803, "ctx": "conn1",
            "msg": "Slow query", "attr": {**known, "docsExamined": 9, "nreturned": 3, **attr}}  # fmt: skip
    return json.dumps(line, separators=(",", ":")) + "\n"


def clock(number: int) -> dict[str, object]:
    hashed = {"$binary": {"base64": f"AA{number}A", "subType": "0"}}
    return {"clusterTime": {"$timestamp": {"t": number, "i": 1}}, "signature": {"hash": hashed, "keyId": 0}}


@pytest.mark.parametrize("mixed", [False, True])
def test_a_session_and_its_clock_part_no_equal_questions(mixed: bool, tmp_path: Path) -> None:
    lines = []
    for number in range(3):
        own: dict[str, object] = {"find": "orders", "filter": {"a": 5}, "limit": 10}
        session = {
            "lsid": {"id": {"$uuid": f"0000000{number}-0000-0000-0000-000000000000"}},
            "$clusterTime": clock(number),
        }
        last = {"sort": {"b": -1}, "$db": "shop"}
        lines.append(
            slow({**own, **session, **last} if mixed else {**own, "sort": {"b": -1}, **session, "$db": "shop"})
        )
    path = tmp_path / "mongod.log"
    path.write_text("".join(lines), encoding="utf-8")
    reading = read([path], tmp_path / "events.parquet")
    rows = duckdb.execute(
        "SELECT count(DISTINCT text), count(DISTINCT params_digest), count(DISTINCT session),"
        " bool_and(NOT limit_reached)"
        f" FROM read_parquet('{tmp_path / 'events.parquet'}')"
    ).fetchone()
    assert (reading.events, rows) == (3, (1, 1, 3, True))


def test_whether_a_limit_ended_the_scan(tmp_path: Path) -> None:
    path = tmp_path / "mongod.log"
    path.write_text(
        slow({"find": "orders", "filter": {"a": 1}, "limit": 3, "$db": "shop"})
        + slow({"aggregate": "orders", "pipeline": [{"$match": {"a": 1}}, {"$limit": 4}], "$db": "shop"})
        + slow({"find": "orders", "filter": {"b": 1}, "$db": "shop"})
        # A cursor that is left open: more documents match than the first batch has.
        + slow({"find": "orders", "filter": {"c": 1}, "$db": "shop"}, cursorid=77, nreturned=101)
        # One that is read to its end.
        + slow({"find": "orders", "filter": {"d": 1}, "$db": "shop"}, cursorid=78, nreturned=101)
        + slow(
            {"getMore": 78, "collection": "orders", "$db": "shop"},
            originatingCommand={"find": "orders", "filter": {"d": 1}, "$db": "shop"},
            cursorid=78,
            cursorExhausted=True,
        ),
        encoding="utf-8",
    )
    reading = read([path], tmp_path / "events.parquet")
    told = {
        plan.text.partition('"filter":{"')[2][:1]: plan.root.attributes.get("limit reached") for plan in reading.plans
    }
    assert told == {"": "0.00", "a": "1.00", "b": None, "c": "1.00", "d": None}


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("nothing of the kind\n", encoding="utf-8")
    with pytest.raises(LogFormatError, match="neither a mongod log"):
        read([path], tmp_path / "events.parquet")


def test_lines_that_are_no_log_lines_cost_only_themselves(tmp_path: Path) -> None:
    line = slow({"find": "orders", "filter": {"a": 1}, "$db": "shop"}).encode()
    path = tmp_path / "mongod.log"
    path.write_bytes(
        b"\xef\xbb\xbf" + line + b"a shell's words {\n\n   \n" + line[:200] + b"\n" + line[:-1] + b"\r\n"
        b"bad \xff\xfe\n" + b'{"a":1} {"b":2}\n' + line[:-2] + b',"x":"' + b"x" * (20 << 20) + b'"}\n' + line[:-1]
    )  # fmt: skip
    reading = read([path], tmp_path / "events.parquet")
    assert (reading.events, reading.lines, dict(reading.unread)) == (4, 8, {"lines that are no JSON": 4})


def test_a_log_whose_first_line_was_cut_is_read(tmp_path: Path) -> None:
    line = slow({"find": "orders", "filter": {"a": 1}, "$db": "shop"})
    path = tmp_path / "mongod.log"
    path.write_text(line[:120] + "\n" + line * 2, encoding="utf-8")
    assert read([path], tmp_path / "events.parquet").events == 2


def test_an_old_shells_findandmodify_is_read(tmp_path: Path) -> None:
    log = tmp_path / "mongod.log"
    changes: list[dict[str, object]] = [
        {"update": {"$set": {"a": 1}}},
        {"update": [{"$set": {"a": 1}}]},
        {"remove": True},
    ]
    log.write_text("".join(slow({"findandmodify": "orders", "query": {"b": 2}, **change}) for change in changes))
    reading, by_text = taken([log], tmp_path)
    assert reading.events == 3
    assert all(text.startswith('{"findAndModify":"orders","$db":"shop","filter":{"b":"?number"}') for text in by_text)


def test_hints_and_collations_part_questions(tmp_path: Path) -> None:
    log = tmp_path / "mongod.log"
    insisting: list[dict[str, object]] = [{"hint": "a_1"}, {"hint": "b_1"}]
    insisting += [{"collation": {"locale": "en", "strength": strength}} for strength in (2, 3)]
    log.write_text("".join(slow({"find": "users", "filter": {"b": 2}, **more}) for more in insisting))
    assert len(taken([log], tmp_path)[1]) == 4


def test_a_change_streams_getmore_is_no_collection_scan(tmp_path: Path) -> None:
    log = tmp_path / "mongod.log"
    opened = {"aggregate": "users", "pipeline": [{"$changeStream": {"fullDocument": "updateLookup"}}], "cursor": {}}
    cursor = {"getMore": 7, "collection": "users"}
    log.write_text(slow({"find": "users", "filter": {}}) + slow(cursor, originatingCommand=opened))
    reading, _ = taken([log], tmp_path)
    assert reading.events == 1
    assert dict(reading.unread) == {"server and monitoring commands": 1}


def test_progress_is_told_in_bytes(tmp_path: Path) -> None:
    log = tmp_path / "mongod.log"
    log.write_text(slow({"find": "orders", "filter": {"a": 1}, "$db": "shop"}) * 50)
    told: list[Step] = []
    read([log], tmp_path / "events.parquet", progress=told.append)
    assert [step.title for step in told if not step.total][-2:] == ["Grouping commands", "Writing events"]
    if is_built():
        size = log.stat().st_size
        assert Step("Reading mongod.log", size, size, "B") in told


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ({"update": 0, "filter": {"a": 5}, "updateMods": {"$set": {"b": 1}}, "multi": False, "upsert": False},
         '{"update":"orders","$db":"shop","filter":{"a":"?number"},"u":{"$set":["b"]}}'),
        ({"delete": 0, "filter": {"a": 5}, "multi": False},
         '{"delete":"orders","$db":"shop","filter":{"a":"?number"}}'),
        ({"insert": 0, "document": {"a": 5}}, '{"insert":"orders","$db":"shop"}'),
    ],
)  # fmt: skip
def test_a_bulk_writes_statements_are_operations_of_its_session(
    statement: dict[str, object], text: str, tmp_path: Path
) -> None:
    """MongoDB 8.0 logs each statement, then the command, which alone tells the session."""
    command = {"bulkWrite": 1, "ops": [statement], "nsInfo": [{"ns": "shop.orders"}], "$db": "admin",
               "lsid": {"id": {"$uuid": "00000001-0000-0000-0000-000000000000"}}}  # fmt: skip
    log = tmp_path / "mongod.log"
    log.write_text(slow(statement, type="bulkWrite") + slow(command, ns="admin.$cmd"))
    reading, by_text = taken([log], tmp_path)
    assert list(by_text) == [text]
    assert dict(reading.unread) == {"write commands, whose statements have lines of their own": 1}
    row = duckdb.execute(f"SELECT session FROM read_parquet('{tmp_path / 'events.parquet'}')").fetchone()
    assert row == ("00000001000000000000000000000000",)


def test_canonical_extended_json_of_the_profiler_is_read(tmp_path: Path) -> None:
    told = {"op": "query", "ns": "shop.orders", "command": {"find": "orders", "filter": {"a": 5}, "$db": "shop"},
            "docsExamined": {"$numberInt": "90"}, "nreturned": {"$numberLong": "2"}, "millis": {"$numberInt": "150"},
            "ts": {"$date": {"$numberLong": "1725358522123"}}}  # fmt: skip
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps(told) + "\n")
    reading, by_text = taken([profile], tmp_path)
    assert list(by_text.values()) == [(1, 150.0, 90.0, 2.0)]
    assert reading.window_ended_at == datetime(2024, 9, 3, 10, 15, 22, 123000, UTC)


def test_lines_that_are_no_json_are_no_slow_query_lines(tmp_path: Path) -> None:
    log = tmp_path / "mongod.log"
    log.write_text(slow({"find": "orders", "filter": {}}) + "a shell's words\n")
    reading, _ = taken([log], tmp_path)
    assert [entry.count for entry in reading.coverage if entry.subject == "slow query lines"] == [1]
