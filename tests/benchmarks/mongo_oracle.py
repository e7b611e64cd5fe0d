"""How good is the index advice for MongoDB, by what a real server did with every candidate?

    python tests/benchmarks/mongo_oracle.py [FOLDER]

FOLDER holds ``probes/<probe>.log``, ``probes/catalog.json`` and ``oracle.jsonl.gz`` (default: the copy in
tests/cases/mongo). Each probe's log lines alone are analyzed as ``advisor analyze LOG --schema CATALOG`` does; the
advice is looked up in the oracle: effort = keys + 2 x documents (+ half the documents when sorted in memory); good is
at most 1.2 x the least effort of any recorded set (+ 20) with the index picked.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from advisor import pipeline
from advisor.errors import EmptyWorkload
from advisor.model.mongosh import key_document
from advisor.model.recommendation import AddIndex
from connectors.mongo import analyze_files

FOLDER = Path(__file__).parents[1] / "cases" / "mongo" / "recorded"

Key = tuple[tuple[str, int], ...]
Advised = list[list[tuple[str, int]]]


def canonical(indexes: list[Any]) -> frozenset[Key]:
    """A set of keys; an index and its reverse serve the same queries."""
    found = []
    for keys in indexes:
        sign = int(keys[0][1])
        found.append(tuple((name, int(way) * sign) for name, way in keys))
    return frozenset(found)


def effort(row: dict[str, Any]) -> float:
    documents = row["docs_examined"] or 0
    return (row["keys_examined"] or 0) + 2 * documents + (documents // 2 if row["sort_in_memory"] else 0)


def oracle(path: Path) -> dict[str, dict[frozenset[Key], dict[str, Any]]]:
    """For each probe what the server did with each set of indexes."""
    probes: dict[str, dict[frozenset[Key], dict[str, Any]]] = {}
    with gzip.open(path, "rt") as lines:
        for line in lines:
            row = json.loads(line)
            if "all_of" in row or "error" in row:
                continue
            sets = probes.setdefault(row["probe"], {})
            key = canonical(row["indexes"])
            if key not in sets or effort(row) < effort(sets[key]):
                sets[key] = row
    return probes


def advice(log: Path, catalog: Path) -> Advised:
    """The keys that the advisor proposes for one probe's log."""
    with tempfile.TemporaryDirectory() as folder:
        capture = analyze_files([log], catalog, Path(folder))
        try:
            report = pipeline.analyze(capture)
        except EmptyWorkload:
            return []
    actions = [r.action for r in report.recommendations if isinstance(r.action, AddIndex)]
    return [[(name, int(way)) for name, way in key_document(action.index).items()] for action in actions]


def judged(sets: dict[frozenset[Key], dict[str, Any]], advised: Advised) -> tuple[str, float | None]:
    """(verdict, the advice's effort where it was recorded)."""
    least = min(effort(row) for row in sets.values())
    row = sets.get(canonical(advised))
    if row is None:
        return "not recorded", None
    own = effort(row)
    if advised and not row["used"]:
        return "not picked", own
    return ("good" if own <= 1.2 * least + 20 else "worse"), own


def main(folder: Path) -> int:
    """Print each probe's verdict; the exit status says whether 95 % are good and none is not picked."""
    good, unpicked, probes = 0, 0, oracle(folder / "oracle.jsonl.gz")
    for probe, sets in probes.items():
        advised = advice(folder / "probes" / f"{probe}.log", folder / "probes" / "catalog.json")
        verdict, own = judged(sets, advised)
        good += verdict == "good"
        unpicked += verdict == "not picked"
        least = min(effort(row) for row in sets.values())
        text = " + ".join(",".join(f"{f}{'-' if w < 0 else ''}" for f, w in keys) for keys in advised) or "none"
        print(f"{probe:22} {verdict:13} {own if own is not None else '':>8} least {least:>8}  {text}")
    print(f"{good} of {len(probes)} good ({good / len(probes):.0%}), {unpicked} not picked")
    return 0 if good >= 0.95 * len(probes) and not unpicked else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
