"""DuckDB's window aggregates with a FILTER cost the square of a partition's rows (measured: 400 k rows in 16 s, against
0.1 s for the same sum of a condition)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import advisor
import connectors

FILES = sorted(
    path for package in (advisor, connectors) for folder in package.__path__ for path in Path(folder).rglob("*.sql")
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_window_function_has_a_filter(path: Path) -> None:
    assert not re.search(r"(?i)\bfilter\s*\([^()]*\)\s*over\b", path.read_text(encoding="utf-8"))
