"""What the sandbox makes of a real server's explains, and values for what real applications asked.

Evidence: recordings of a server of the 5.0 line (tests/cases/mongo/recorded): the probes' explains with executionStats
without an index and with the best one, and the logs of the probes, the shop and the N+1 scenarios.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import runpy
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from bson import json_util

from advisor.model.catalog import Index, IndexColumn, TableName
from advisor.model.recommendation import Cost, WhatIf
from connectors.mongo.asking import command_of, tables_of
from connectors.mongo.commands import canonical
from connectors.mongo.sandbox import SandboxPlanner
from connectors.mongo.trial import trial_name

RECORDED = Path(__file__).parents[3] / "cases" / "mongo" / "recorded"
EXPLAINS: dict[str, list[dict[str, Any]]] = {}
for line in gzip.decompress((RECORDED / "explains.jsonl.gz").read_bytes()).splitlines():
    row = json.loads(line)
    EXPLAINS.setdefault(row["probe"], []).append(row)


def explained(explain: dict[str, Any], indexes: Mapping[str, Index]) -> Cost:
    """The Cost that the sandbox makes of an explain whose indexes have the names of a trial."""
    text = json.dumps(explain)
    for name, index in indexes.items():
        text = text.replace(f'"{name}"', f'"{trial_name(index)}"')

    async def command(*_: Any, **__: Any) -> Any:
        return json.loads(text)

    planner = object.__new__(SandboxPlanner)
    planner.planner = "MongoDB 5.0.0 (sandbox)"
    planner._trial = SimpleNamespace(  # type: ignore[assignment]  # a stand-in
        session=SimpleNamespace(command=command), database=SimpleNamespace(name="shop"), samples={}, place=str
    )
    return asyncio.run(planner._explained(WhatIf("f", "{}", frozenset(indexes.values())), {}))


def examined(explain: dict[str, Any]) -> int:
    """Keys and documents by the server's own totals."""
    stats = explain.get("executionStats")
    if stats is None:
        stage = next(part for part in explain["stages"] if "$cursor" in part)
        stats = stage["$cursor"]["executionStats"]
    return int(stats["totalKeysExamined"] + stats["totalDocsExamined"])


@pytest.mark.parametrize("probe", sorted(EXPLAINS))
def test_a_probe_is_told_before_and_after_its_best_index(probe: str) -> None:
    bare, best, *_ = EXPLAINS[probe]
    before = explained(bare["explain"], {})
    assert before.total == examined(bare["explain"])
    assert not before.used
    table = TableName("shop", "any")
    indexes = {
        "_".join(f"{field}_{way}" for field, way in keys): Index(
            table, tuple(IndexColumn(field, descending=way == -1) for field, way in keys), name=str(number)
        )
        for number, keys in enumerate(best["indexes"])
    }
    after = explained(best["explain"], indexes)
    assert after.total == examined(best["explain"])
    if indexes and any(f'"{name}"' in json.dumps(best["explain"]) for name in indexes):
        assert after.used
        assert after.used <= set(indexes.values())


@cache
def documents() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Some documents of each collection of the recordings."""
    dataset = runpy.run_path(str(RECORDED / "dataset.py"))
    names = ("users", "products", "orders", "events", "reviews", "carts")
    return {name: list(dataset[name](0.004)) for name in names}


def asked() -> list[str]:
    """The canonical text of everything that the recorded logs ask."""
    texts = set()
    for path in (*sorted((RECORDED / "probes").glob("*.log")), *sorted(RECORDED.glob("*/mongod.log.gz"))):
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for line in text.splitlines():
            if b'"id":51803' not in line:
                continue
            attributes = json.loads(line)["attr"]
            database, _, collection = attributes["ns"].partition(".")
            command = attributes.get("originatingCommand") or attributes["command"]
            if "q" in command:
                command = {**command, "$op": "update" if "u" in command else "delete", "$collection": collection}
            made = canonical(command, database)
            if next(iter(json.loads(made))) not in ("other", "insert"):
                texts.add(made)
    return sorted(texts)


def test_everything_that_was_asked_gets_values_of_the_right_types() -> None:
    texts = asked()
    assert len(texts) > 60

    def found(table: TableName) -> Sequence[Mapping[str, Any]]:
        return documents().get(table.name, ())

    for text in texts:
        assert tables_of(text)
        for seed in range(3):
            command = command_of(text, found, lambda table: table.name, seed)
            assert '"?' not in json.dumps(command, default=str), text
            given = json.loads(text)
            if (
                next(iter(given)) in ("find", "aggregate", "count", "distinct")
                and text.count('"?number","?number"') < 2
            ):
                again = json.loads(canonical(json.loads(json_util.dumps(command)), given["$db"]))
                assert {"filter": {}, **again} == {"filter": {}, **given}
