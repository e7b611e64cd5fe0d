"""The recorded corpora (tests/cases/n_plus_one), one application's whole log at a time.

Case by case: ``python tests/benchmarks/n_plus_one.py``, with ``--held-out``, ``--third`` or ``--fourth`` for the
applications that were labelled before the search ever ran on them.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from advisor.model.capture import Capture, Server
from advisor.model.catalog import Catalog
from advisor.model.codec import decode
from advisor.model.workload import Burst
from advisor.ports import Options
from advisor.workload import digest

CORPUS = Path(__file__).parents[2] / "cases" / "n_plus_one"
APPS = sorted(path.stem for path in CORPUS.glob("*.parquet"))
HELD_OUT = sorted(path for folder in ("held_out", "third", "fourth") for path in (CORPUS / folder).glob("*.parquet"))


@pytest.mark.parametrize("app", APPS)
def test_every_labelled_burst_is_found_and_nothing_else(app: str, tmp_path: Path) -> None:
    (tmp_path / "events.parquet").write_bytes((CORPUS / f"{app}.parquet").read_bytes())
    catalog = decode(Catalog, json.loads((CORPUS / "catalog.json").read_text(encoding="utf-8")))
    labels = json.loads((CORPUS / f"{app}.json").read_text(encoding="utf-8"))
    wanted = {(e["pattern"], e["child"], e["parent"], e["relation"]) for label in labels for e in label["expected"]}
    seen = {told(burst) for burst in digest(Capture(tmp_path, Server("postgresql"), catalog), Options()).bursts}
    assert seen == wanted


UNDECIDABLE = {
    # Seen once, of statements that other requests of the same log run for other reasons.
    "hotel_node": {("n-plus-one", "Guests", "Guests", "many-to-one")},
    "school_django": {("parentless-loop", "school_student", "", "")},
    # Each statement is a turn of its own on asyncpg's pool: nobody can tell whose it is.
    "fleet_tortoise": {
        ("row-by-row-write", "trip", "", ""),
        ("repeated-identical-query", "trip", "", ""),
    },
    # Of a table that refers to itself by a column that no key and no name tells: the row read again, or its neighbour.
    "verein_sequel": {
        ("n-plus-one", "mitglied", "mitglied", "many-to-one"),
        ("n-plus-one", "mitglied", "mitglied", "deferred columns"),
    },
}


@pytest.mark.parametrize("events", HELD_OUT, ids=lambda path: path.stem)
def test_held_out_applications(events: Path, tmp_path: Path) -> None:
    folder, app = events.parent, events.stem
    (tmp_path / "events.parquet").write_bytes(events.read_bytes())
    catalog = decode(Catalog, json.loads((folder / f"{app}.catalog.json").read_text(encoding="utf-8")))
    labels = json.loads((folder / f"{app}.json").read_text(encoding="utf-8"))
    wanted = {(e["pattern"], e["child"], e["parent"], e["relation"]) for label in labels for e in label["expected"]}
    seen = {told(burst) for burst in digest(Capture(tmp_path, Server("postgresql"), catalog), Options()).bursts}
    undecidable = UNDECIDABLE.get(app, set())
    assert seen - undecidable == wanted - undecidable


def told(burst: Burst) -> tuple[str, str, str, str]:
    return (
        burst.pattern,
        burst.child_table.name if burst.child_table else "",
        burst.parent_table.name if burst.parent_table else "",
        burst.relation.value if burst.parent_table else "",
    )


def test_the_corpus_is_large_enough() -> None:
    labels = [label for app in APPS for label in json.loads((CORPUS / f"{app}.json").read_text(encoding="utf-8"))]
    assert sum(not label["row"] for label in labels) >= 40
    assert sum(bool(label["row"]) for label in labels) >= 40
