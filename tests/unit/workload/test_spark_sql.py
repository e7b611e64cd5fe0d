"""Every file of the digest's SQL is one that Spark takes as well; the engine that is missing says how to get it."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

import pytest
import sqlglot

from advisor.errors import SourceError
from advisor.model.capture import Capture, Server
from advisor.ports import Options
from advisor.workload import digest
from advisor.workload._spark import Spark, spark_sql

FOLDER = files("advisor.workload")
QUERIES = sorted(
    path.name for path in FOLDER.iterdir() if path.name.startswith("digest_") and path.name.endswith("sql")
)


@pytest.mark.parametrize("name", QUERIES)
def test_the_digest_s_sql_has_a_form_for_spark(name: str) -> None:
    written = spark_sql(FOLDER.joinpath(name).read_text(encoding="utf-8"))
    assert sqlglot.parse_one(written, dialect="spark")
    assert '"' not in written
    assert "EPOCH_US" not in written.upper()
    assert "PERCENTILE_CONT" not in written.upper()


def test_a_missing_engine_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(SourceError, match="query-advisor\\[spark\\]"):
        Spark(Capture(tmp_path, Server("postgresql")))


def test_an_unknown_engine_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="choose duckdb or spark"):
        digest(Capture(tmp_path, Server("postgresql")), Options(engine="flink"))
