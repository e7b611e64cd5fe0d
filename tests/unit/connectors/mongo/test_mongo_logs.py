"""Logs and profiler documents of real servers (tests/cases/mongo): all lines are read or accounted for, none twice."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from advisor.errors import LogFormatError
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


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("nothing of the kind\n", encoding="utf-8")
    with pytest.raises(LogFormatError, match="neither a mongod log"):
        read([path], tmp_path / "events.parquet")
