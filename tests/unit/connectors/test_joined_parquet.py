"""Parquet files put behind one another hold all rows, and each engine reads them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from connectors.parquet import Joined

ROWS = """SELECT i, 'text ' || i AS t, CASE WHEN i % 3 = 0 THEN NULL ELSE i / 7 END AS d,
          MAP {{'k': i::VARCHAR}} AS m FROM range({0}, {1}) r(i)"""


@pytest.mark.parametrize("cuts", [[0, 10], [0, 0, 10], [0, 10, 10, 500], [0, 5, 40_000, 40_001, 90_000]])
@pytest.mark.parametrize(
    "options", ["COMPRESSION zstd", "COMPRESSION snappy, ROW_GROUP_SIZE 4096", "PARQUET_VERSION v2"]
)
def test_rows_of_all_parts(cuts: list[int], options: str, tmp_path: Path) -> None:
    with duckdb.connect() as database:
        database.execute("SET disabled_optimizers = 'statistics_propagation'")
        joined = Joined((tmp_path / "whole.parquet").open("wb"))
        for first, last in pairwise(cuts):
            part = tmp_path / "part.parquet"
            database.execute(f"COPY ({ROWS.format(first, last)}) TO '{part}' (FORMAT parquet, {options})")
            joined.append(part)
        joined.close()
        whole = f"read_parquet('{tmp_path / 'whole.parquet'}')"
        expected = ROWS.format(cuts[0], cuts[-1])
        assert database.execute(f"SELECT count(*) FROM {whole}").fetchone() == (cuts[-1] - cuts[0],)
        assert not database.execute(f"FROM {whole} EXCEPT ALL ({expected})").fetchall()
        assert database.execute(f"SELECT t FROM {whole} WHERE i = {cuts[-1] - 1}").fetchall() == [
            (f"text {cuts[-1] - 1}",)
        ]
        order = database.execute(f"SELECT i FROM read_parquet('{tmp_path / 'whole.parquet'}')").fetchall()
        assert order == [(number,) for number in range(cuts[0], cuts[-1])]
