"""The same captures through DuckDB and Apache Spark give the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from advisor import captures
from advisor.errors import SourceError
from advisor.model.capture import Capture, Server
from advisor.ports import Options
from advisor.workload import digest
from advisor.workload._duckdb import DuckDB, sql_text
from advisor.workload._spark import Spark

START = datetime(2026, 3, 1, tzinfo=UTC)
QUERIES = ("digest_texts", "digest_shapes", "digest_percentiles", "digest_percentiles_large", "digest_facets",
           "digest_minutes", "digest_query_ids")  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore")  # pyspark's own


def events() -> Iterator[dict[str, Any]]:
    for n in range(500):
        started = START + timedelta(seconds=n, milliseconds=n % 13)
        yield {
            "source": "log",
            "session": f"s{n % 5}",
            "line": n,
            "user": f"u{n % 3}",
            "application": "query-advisor" if n % 50 == 0 else None if n % 7 == 0 else f"web{n % 2}",
            "started_at": None if n == 3 else started,
            "ended_at": started + timedelta(microseconds=1500 * (n % 9)),
            "duration_ms": None if n % 11 == 0 else 0.1 * (n % 37) + 0.0005 * n,
            "rows": n % 4 if n % 5 else None,
            "command": "SELECT",
            "text": None if n == 4 else f"SELECT c{n % 6} FROM t WHERE id = ${n % 2}",
            "params_digest": str(n % 20),
            "tags": {"route": f"/r{n % 4}", "code_filepath": "a.py", "code_lineno": str(n % 3)}
            if n % 3
            else {"controller": "C", "action": "x"},
            "error_code": "57014" if n % 17 == 0 else None,
            "server_query_id": str(n % 6) if n % 4 else None,
        }


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    folder = tmp_path_factory.mktemp("capture")
    captures.write_events(folder / "events.parquet", events())
    return Capture(folder, Server("postgresql", "16.4", 160004))


@pytest.fixture(scope="module")
def spark(capture: Capture) -> Iterator[Spark]:
    engine = Spark(capture)
    yield engine
    engine.close()


def plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def test_every_row_is_the_same(capture: Capture, spark: Spark) -> None:
    shaped = [(f"SELECT c{n} FROM t WHERE id = ${m}", f"f{n}", n) for n in range(5) for m in range(2)]
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        duck = DuckDB(database)
        assert duck.open_events(capture)
        duck.declare_shapes(shaped)
        spark.declare_shapes(shaped)
        for name in QUERIES:
            assert sql_text(name)
            here = [{key: plain(value) for key, value in row.items()} for row in duck.rows(name)]
            there = [{key: plain(value) for key, value in row.items()} for row in spark.rows(name)]
            assert here
            assert there == here, name


def test_a_workload_by_spark_is_that_by_duckdb(capture: Capture) -> None:
    here, there = digest(capture), digest(capture, Options(engine="spark"))
    assert there.queries == here.queries
    assert there.by_minute == here.by_minute
    assert ("events not searched for bursts (engine spark)", here.events) in there.unread


def test_a_folder_without_captures_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no readable events\.parquet"):
        Spark(Capture(tmp_path, Server("postgresql")))
