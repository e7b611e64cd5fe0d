"""Precision and recall of the burst search over the recorded corpus: ``python tests/benchmarks/n_plus_one.py``.

A positive is an expected burst (child, parent, relation, pattern) of a case; it is found when the search over that
case's events alone reports it. Whatever else is reported is a false positive, in positive cases and in look-alikes.
``--held-out``, ``--third`` and ``--fourth`` take the applications that were labelled before the search ever ran on
them, and print what the first run said beside what is said now. ``--no-catalog`` hides the schema, ``--together``
searches a whole application's log at once.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import astuple, dataclass, field
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
FOLDERS = {"--held-out": CASES / "held_out", "--third": CASES / "third", "--fourth": CASES / "fourth"}


@dataclass
class Score:
    """Counts over the corpus; ``wrong`` says what went wrong where."""

    cases: int = 0
    look_alikes: int = 0
    found: int = 0
    missed: int = 0
    false: int = 0
    wrong: list[str] = field(default_factory=list)

    def __add__(self, other: Score) -> Score:
        return Score(*(mine + others for mine, others in zip(astuple(self), astuple(other), strict=True)))

    def __str__(self) -> str:
        return (
            f"{self.cases} positive cases, {self.look_alikes} look-alikes; bursts found {self.found}, "
            f"missed {self.missed}, false {self.false}; recall {self.recall:.3f}, precision {self.precision:.3f}"
        )

    @property
    def recall(self) -> float:
        return self.found / max(self.found + self.missed, 1)

    @property
    def precision(self) -> float:
        return self.found / max(self.found + self.false, 1)


@dataclass(frozen=True)
class Corpus:
    """Labelled logs of several applications; each has a catalog of its own in the held-out one."""

    folder: Path

    @property
    def apps(self) -> list[str]:
        return sorted(path.stem for path in self.folder.glob("*.parquet"))

    def labels(self, app: str) -> list[dict[str, Any]]:
        return list(json.loads((self.folder / f"{app}.json").read_text(encoding="utf-8")))

    def catalog(self, app: str) -> Catalog:
        own = self.folder / f"{app}.catalog.json"
        path = own if own.exists() else self.folder / "catalog.json"
        return decode(Catalog, json.loads(path.read_text(encoding="utf-8")))

    def bursts(self, app: str, case: str, known: Catalog | None) -> tuple[Burst, ...]:
        with tempfile.TemporaryDirectory() as folder:
            capture = Capture(Path(folder), Server("postgresql"), known)
            where = f"WHERE application = '{app}/{case}' OR application LIKE '{app}/{case}/%'" if case else ""
            source = f"(SELECT * FROM '{self.folder / app}.parquet' {where})"
            with duckdb.connect() as database:
                database.execute(f"COPY {source} TO '{capture.events}' (FORMAT parquet)")
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


def evaluate(corpus: Corpus, app: str, *, with_catalog: bool = True, together: bool = False) -> Score:
    score = Score()
    known = corpus.catalog(app) if with_catalog else None
    labels = corpus.labels(app)
    score.cases, score.look_alikes = (
        sum(not label["row"] for label in labels),
        sum(bool(label["row"]) for label in labels),
    )
    if together:
        wanted = {expected for label in labels for expected in expectations(label)}
        _count(score, app, sorted(wanted), sorted({facts(burst) for burst in corpus.bursts(app, "", known)}))
        return score
    for label in labels:
        seen = [facts(burst) for burst in corpus.bursts(app, label["case"], known)]
        _count(score, f"{app}/{label['case']}", expectations(label), seen)
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


def main(arguments: list[str]) -> None:
    corpus = Corpus(next((FOLDERS[option] for option in FOLDERS if option in arguments), CASES))
    together = "--together" in arguments
    kinds = {"with catalog": True, "without catalog": False}
    if "--no-catalog" in arguments or together:
        del kinds["with catalog" if "--no-catalog" in arguments else "without catalog"]
    figures = {}
    for kind, with_catalog in kinds.items():
        total = Score()
        for app in corpus.apps:
            score = evaluate(corpus, app, with_catalog=with_catalog, together=together)
            print("\n".join([*score.wrong, f"{kind}, {app}: {score}"]))
            total = total + score
        print(f"{kind}, all: {total}\n")
        figures[kind] = str(total)
    first = corpus.folder / "first_run.json"
    if "--keep-as-first-run" in arguments:
        first.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if first.exists():
        for kind, told in json.loads(first.read_text(encoding="utf-8")).items():
            print(f"first run, before the search was changed for it, {kind}: {told}")


if __name__ == "__main__":
    main(sys.argv[1:])
