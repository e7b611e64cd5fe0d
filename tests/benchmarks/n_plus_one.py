"""Precision and recall of the burst search over the recorded corpus: ``python tests/benchmarks/n_plus_one.py``.

A positive is an expected burst (child, parent, relation, pattern) of a case; it is found when the search over that
case's events alone reports it. Whatever else is reported is a false positive, in positive cases and in look-alikes.
``--verbose`` prints each miss; ``--together`` searches a whole application's log at once.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from advisor.errors import EmptyWorkload
from advisor.model.capture import Capture, Server
from advisor.model.catalog import Catalog
from advisor.model.codec import decode
from advisor.model.workload import Burst
from advisor.ports import Options
from advisor.workload import digest

CASES = Path(__file__).parents[1] / "cases" / "n_plus_one"


@dataclass
class Score:
    """Counts over the corpus; ``wrong`` says what went wrong where."""

    cases: int = 0
    look_alikes: int = 0
    found: int = 0
    missed: int = 0
    false: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.found / max(self.found + self.missed, 1)

    @property
    def precision(self) -> float:
        return self.found / max(self.found + self.false, 1)


def catalog() -> Catalog:
    return decode(Catalog, json.loads((CASES / "catalog.json").read_text(encoding="utf-8")))


def labels() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(CASES.glob("*.json")):
        if path.name != "catalog.json":
            for label in json.loads(path.read_text(encoding="utf-8")):
                yield path.stem, label


def bursts_of(app: str, case: str, known: Catalog | None) -> tuple[Burst, ...]:
    with tempfile.TemporaryDirectory() as folder:
        capture = Capture(Path(folder), Server("postgresql"), known)
        where = f"WHERE application = '{app}/{case}' OR application LIKE '{app}/{case}/%'" if case else ""
        with duckdb.connect() as database:
            database.execute(
                f"COPY (SELECT * FROM '{CASES / app}.parquet' {where}) TO '{capture.events}' (FORMAT parquet)"
            )
        try:
            return digest(capture, Options()).bursts
        except EmptyWorkload:
            return ()


def facts(burst: Burst) -> tuple[str, str, str, str]:
    table = burst.child_table.name if burst.child_table else ""
    parent = burst.parent_table.name if burst.parent_table else ""
    relation = burst.relation.value if parent else ""
    return burst.pattern, table, parent, relation


def expectations(label: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [(e["pattern"], e["child"], e["parent"], e["relation"]) for e in label["expected"]]


def evaluate(*, with_catalog: bool = True) -> Score:
    score = Score()
    known = catalog() if with_catalog else None
    for app, label in labels():
        wanted = expectations(label)
        seen = [facts(burst) for burst in bursts_of(app, label["case"], known)]
        score.cases += not label["row"]
        score.look_alikes += bool(label["row"])
        _count(score, f"{app}/{label['case']}", wanted, seen)
    return score


def _count(score: Score, name: str, wanted: list[Any], seen: list[Any]) -> None:
    rest = list(seen)
    for expected in wanted:
        if expected in rest:
            rest.remove(expected)
            score.found += 1
        else:
            score.missed += 1
            score.wrong.append(f"missed  {name}: {expected}, reported: {seen}")
    score.false += len(rest)
    score.wrong += [f"false   {name}: {found}" for found in rest]


def together(known: Catalog) -> Score:
    score = Score()
    for app in sorted({app for app, _ in labels()}):
        wanted = {e for other, label in labels() if other == app for e in expectations(label)}
        seen = {facts(burst) for burst in bursts_of(app, "", known)}
        _count(score, app, sorted(wanted), sorted(seen))
    return score


def main(arguments: list[str]) -> None:
    score = together(catalog()) if "--together" in arguments else evaluate(with_catalog="--no-catalog" not in arguments)
    if score.wrong:
        print("\n".join(score.wrong))
    print(
        f"{score.cases} positive cases, {score.look_alikes} look-alikes; "
        f"bursts found {score.found}, missed {score.missed}, false {score.false}; "
        f"recall {score.recall:.3f}, precision {score.precision:.3f}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
