"""N+1 on MongoDB in scenarios that were not recorded: how many are found, and what else is called one?

    python -m tests.benchmarks.mongo_n_plus_one [log|profile] [forum|drivers]

Scenarios of a forum's application, written as the lines of a log at slowms 0 and as the documents of a profiler at
level 2, in the form of the recordings; and more by other drivers, with other uses of sessions and connections. The
labels stand beside the scenarios and were written before the first run (which found 22 of 27, and nothing else; of the
drivers' 12 of 18, and three that are none). What is wanted: of each scenario alone its faults by pattern and collection
with all their executions, and nothing else; of all of them in one log, two seconds apart, the sums of these.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from advisor import pipeline
from advisor.errors import EmptyWorkload
from connectors.mongo import analyze_files
from tests.benchmarks import mongo_n_plus_one_drivers, mongo_n_plus_one_scenarios
from tests.benchmarks.mongo_n_plus_one_scenarios import COLLECTIONS, Labelled, Scenario, Wanted
from tests.benchmarks.mongo_traffic import Document, Server


def told(runs: Sequence[Scenario]) -> Server:
    """Scenarios, one after another."""
    server, at = Server(), 0.0
    for run in runs:
        at = run(server, at) + 2.0
    return server


def catalog() -> Document:
    identity = {"v": 2, "key": {"_id": 1}, "name": "_id_"}
    return {"server": {"version": "7.0.12"}, "database": "forum", "collections": {
        name: {"options": {}, "type": "collection", "indexes": [identity], "index_stats": [],
               "stats": {"ns": f"forum.{name}", "storageStats": {"count": 50_000, "size": 10_000_000}}}
        for name in COLLECTIONS}}  # fmt: skip


def found_in(runs: Sequence[Scenario], source: str) -> Wanted:
    """What the advisor finds in a log or profile of these scenarios: executions by pattern and collection."""
    server = told(runs)
    with tempfile.TemporaryDirectory() as folder:
        path, schema = Path(folder) / "mongo.jsonl", Path(folder) / "catalog.json"
        path.write_text(server.log() if source == "log" else server.profile(), encoding="utf-8")
        schema.write_text(json.dumps(catalog()), encoding="utf-8")
        try:
            report = pipeline.analyze(analyze_files([path], schema, Path(folder) / "capture"))
        except EmptyWorkload:  # a change stream is no statement
            return {}
    found: Counter[tuple[str, str]] = Counter()
    for burst in report.workload.bursts:
        found[burst.pattern, burst.child_table.name if burst.child_table else ""] += burst.executions
    return dict(found)


SETS = {"forum": mongo_n_plus_one_scenarios.SCENARIOS, "drivers": mongo_n_plus_one_drivers.SCENARIOS}


def main(source: str, name: str, scenarios: Labelled) -> int:
    """Print what is missed and what is called a fault and is none; recall and precision over the scenarios alone."""
    hits = wanted_all = found_all = 0
    total: Counter[tuple[str, str]] = Counter()
    for wanted, run in scenarios:
        got = found_in([run], source)
        total.update(wanted)
        wanted_all, found_all = wanted_all + len(wanted), found_all + len(got)
        hits += len(wanted.items() & got.items())
        if got != wanted:
            print(f"{run.__name__:38} wanted {_words(wanted)}; found {_words(got)}", flush=True)
    together = found_in([run for _, run in scenarios], source)
    for key in sorted(total.keys() | together.keys()):
        if total[key] != together.get(key, 0):
            print(f"all together: {' '.join(key)}: wanted {total[key]}, found {together.get(key, 0)}")
    print(
        f"{name}, {source}: recall {hits / wanted_all:.3f} ({hits} of {wanted_all}), "
        f"precision {hits / max(found_all, 1):.3f}"
    )
    return 0 if hits == wanted_all == found_all and together == dict(total) else 1


def _words(told: Wanted) -> str:
    return ", ".join(f"{pattern} {table} x{n}" for (pattern, table), n in sorted(told.items())) or "nothing"


if __name__ == "__main__":
    asked = set(sys.argv[1:])
    sets, sources = asked & set(SETS) or SETS, asked - set(SETS) or {"log", "profile"}
    sys.exit(max(main(source, name, SETS[name]) for name in sorted(sets) for source in sorted(sources)))
