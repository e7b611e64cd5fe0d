"""expected.json speaks of services, indexes and columns that exist."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from typing import Any

import pytest

from sample_dbs.shop_postgres.app.models import Base
from sample_dbs.shop_postgres.build import HERE, SQL_FILES, TABLES
from sample_dbs.shop_postgres.operations import OPERATIONS

EXPECTED: dict[str, Any] = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))
ALL: list[dict[str, Any]] = EXPECTED["faults"] + EXPECTED["not_faults"]
SCHEMA = "\n".join((HERE / name).read_text(encoding="utf-8") for name in SQL_FILES)
DRIVEN_BY = {"erase_customer": "register_and_erase"}


def name(expected: dict[str, Any]) -> str:
    return str(expected["id"])


def test_ids_are_unique() -> None:
    assert [count for count in Counter(map(name, ALL)).values() if count > 1] == []


def test_models_and_schema_have_the_same_columns() -> None:
    assert set(Base.metadata.tables) == set(TABLES)
    for table in Base.metadata.sorted_tables:
        block = re.search(rf"CREATE TABLE {table.name} \((.*?)\n\);", SCHEMA, re.DOTALL)
        assert block is not None
        assert re.findall(r"^    (\w+) (?!IN)\w", block[1], re.MULTILINE) == [c.name for c in table.columns]


@pytest.mark.parametrize("expected", ALL, ids=name)
def test_what_is_named_exists(expected: dict[str, Any]) -> None:
    assert set(expected["tables"]) <= set(TABLES)
    for pattern in expected["statements"]:
        re.compile(pattern)
    if expected["service"]:
        file, function = expected["service"].split(":")
        source = (HERE / file).read_text(encoding="utf-8")
        docstrings = {
            node.name: ast.get_docstring(node) or ""
            for node in ast.parse(source).body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert expected["id"] in docstrings[function]
    for index in expected.get("indexes", []):
        assert index.endswith("_pkey") or index in SCHEMA


@pytest.mark.parametrize("fault", EXPECTED["faults"], ids=name)
def test_faults_are_driven_and_can_be_answered(fault: dict[str, Any]) -> None:
    if fault["service"]:
        function = fault["service"].split(":")[1]
        assert OPERATIONS[DRIVEN_BY.get(function, function)][0] == fault["calls"]
    answer = fault["recommendation"]
    assert answer["kind"] in {"add_index", "drop_index", "eager_load", "rewrite_query", "configure"}
    if answer["kind"] == "drop_index":
        named = [answer["index"], *(other["index"] for other in fault["acceptable"])]
        assert all(f"CREATE INDEX {index} ON" in SCHEMA for index in named)
    for index in (fault.get("existing_index"),):
        assert index is None or f"CREATE INDEX {index} ON" in SCHEMA
