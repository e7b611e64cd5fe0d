"""Is the model of the server's scans right? It is compared with the recorded oracle, row by row.

    python -m tests.benchmarks.mongo_index_check DATASET.py

DATASET.py is the generator of the recorded data (``COLLECTIONS``: name -> function of a scale that yields documents).
"""

from __future__ import annotations

import gzip
import json
import runpy
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.mongo_index_model import explain
from tests.benchmarks.mongo_index_probe import Collection, Probe


def probe_of(command: dict[str, Any], fields: Sequence[str]) -> Probe | None:
    """The recorded oracle's command as a probe; ``None`` for what the model does not speak of."""
    command = json.loads(json.dumps(command), object_hook=_date)
    name, collection = next(iter(command.items()))
    if name == "aggregate":
        return None
    condition = command.get("filter") or command.get("query") or {}
    if name == "update":
        condition = command["updates"][0]["q"]
    covered: tuple[str, ...] = tuple(fields) if name == "count" else ()
    if command.get("projection"):
        covered = tuple(field for field, way in command["projection"].items() if way)
    single = name == "findAndModify"
    return Probe(
        collection, condition, list(command.get("sort", {}).items()), 1 if single else command.get("limit", 0),
        command.get("skip", 0), covered, command.get("key", "") if name == "distinct" else "",
    )  # fmt: skip


def _date(found: dict[str, Any]) -> Any:
    return datetime.fromisoformat(found["$date"]) if set(found) == {"$date"} else found


def main(dataset: Path) -> None:
    """Print how many of the recorded rows the model tells: to the key, and within 5 % of the effort."""
    made = runpy.run_path(str(dataset))["COLLECTIONS"]
    oracle = Path(__file__).parents[1] / "cases" / "mongo" / "recorded" / "oracle.jsonl.gz"
    collections: dict[str, Collection] = {}
    probes: dict[str, Probe | None] = {}
    exact = close = total = 0
    with gzip.open(oracle, "rt") as lines:
        for row in map(json.loads, lines):
            if "command" in row:
                probes[row["probe"]] = probe_of(row["command"], row["fields"])
            probe = probes[row["probe"]]
            if probe is None or "all_of" in row or "error" in row:
                continue
            if probe.collection not in collections:
                collections[probe.collection] = Collection(probe.collection, list(made[probe.collection](1.0)))
            keys = [tuple((name, int(way)) for name, way in key) for key in row["indexes"]]
            result = explain(collections[probe.collection], probe, keys)
            documents = row["docs_examined"] or 0
            served = (row["keys_examined"] or 0) + 2 * documents + (documents // 2 if row["sort_in_memory"] else 0)
            same = (result.keys, result.documents) == (row["keys_examined"] or 0, documents)
            near = abs(result.effort - served) <= 0.05 * served + 5
            total, exact, close = total + 1, exact + same, close + near
            if not near:
                print(f"{row['probe']:18} {row['indexes']} server {row['keys_examined']}/{documents}"
                      f"{'s' if row['sort_in_memory'] else ''} model {result.keys}/{result.documents}"
                      f"{'s' if result.sorted_in_memory else ''}")  # fmt: skip
    print(f"{total} rows: {exact} equal in keys and documents, {close} within 5 % of the effort")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
