"""A skeleton parts whatever the canonical text parts: two commands of one skeleton have one text."""

from __future__ import annotations

import json
from typing import Any

import duckdb

from connectors.mongo.commands import canonical
from connectors.mongo.logs.skeleton import layers

ID, DATE = {"$oid": "0" * 24}, {"$date": "2026-01-01T00:00:00Z"}
VALUES: tuple[Any, ...] = (
    1, 2, -7, 1.5, "a", "$b", True, None, ID, DATE,
    {"$oid": "1" * 24}, {"$date": {"$numberLong": "-5"}}, {"$numberLong": "5"}, {"$numberDecimal": "1.5"},
    {"$minKey": 1},
    {"$binary": {"base64": "AA==", "subType": "04"}}, {"$timestamp": {"t": 7, "i": 9}}, {"$uuid": "0" * 36},
    {"$gt": DATE, "$lt": DATE}, {"$regex": "^abc"}, {"$regex": "abc"},
    {"$regularExpression": {"pattern": "^a", "options": "i"}}, {"$elemMatch": {"a": 1}}, {"$exists": True},
    *({"$in": [value] * times} for value in (5, "a", ID, DATE) for times in (1, 2, 3, 200, 201)),
    {"$not": {"$in": [1, 2]}}, {"$nin": ["x", "y"]},
)  # fmt: skip
PIPELINES: tuple[list[Any], ...] = (
    *([{"$project": {"y": {"$concat": ["x", path]}}}] for path in ("$b", "$c", "d")),
    *([{"$lookup": {"from": name, "localField": "x", "foreignField": "y", "as": "z"}}] for name in ("b", "c")),
    *([{"$sort": {"x": way}}, {"$limit": count}] for way in (1, -1) for count in (1, 20)),
)


def test_no_skeleton_stands_for_two_texts() -> None:
    commands = [{"find": "a", "filter": {"x": value}} for value in VALUES]
    commands += [{"aggregate": "a", "pipeline": stages} for stages in PIPELINES]
    with duckdb.connect() as database:
        database.execute("CREATE TABLE asked (number INTEGER, plain VARCHAR)")
        database.executemany(
            "INSERT INTO asked VALUES (?, ?)",
            [(number, json.dumps(command, separators=(",", ":"))) for number, command in enumerate(commands)],
        )
        found = dict(database.execute(f"SELECT number, plain FROM {layers('asked', 'plain')}").fetchall())
    texts: dict[str, set[str]] = {}
    for number, command in enumerate(commands):
        texts.setdefault(found[number], set()).add(canonical(command, "shop"))
    assert {key: held for key, held in texts.items() if len(held) > 1} == {}
    assert len(texts) < len(commands) - 10
