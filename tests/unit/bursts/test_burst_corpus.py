"""The recorded corpus (tests/cases/n_plus_one), one application's whole log at a time.

Case by case: ``python tests/benchmarks/n_plus_one.py``.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from advisor.model.capture import Capture, Server
from advisor.model.catalog import Catalog
from advisor.model.codec import decode
from advisor.ports import Options
from advisor.workload import digest

CORPUS = Path(__file__).parents[2] / "cases" / "n_plus_one"
APPS = sorted(path.stem for path in CORPUS.glob("*.parquet"))


@pytest.mark.parametrize("app", APPS)
def test_every_labelled_burst_is_found_and_nothing_else(app: str, tmp_path: Path) -> None:
    (tmp_path / "events.parquet").write_bytes((CORPUS / f"{app}.parquet").read_bytes())
    catalog = decode(Catalog, json.loads((CORPUS / "catalog.json").read_text(encoding="utf-8")))
    labels = json.loads((CORPUS / f"{app}.json").read_text(encoding="utf-8"))
    wanted = {(e["pattern"], e["child"], e["parent"], e["relation"]) for label in labels for e in label["expected"]}
    bursts = digest(Capture(tmp_path, Server("postgresql"), catalog), Options()).bursts
    seen = {
        (
            burst.pattern,
            burst.child_table.name if burst.child_table else "",
            burst.parent_table.name if burst.parent_table else "",
            burst.relation.value if burst.parent_table else "",
        )
        for burst in bursts
    }
    assert seen == wanted


def test_the_corpus_is_large_enough() -> None:
    labels = [label for app in APPS for label in json.loads((CORPUS / f"{app}.json").read_text(encoding="utf-8"))]
    assert sum(not label["row"] for label in labels) >= 40
    assert sum(bool(label["row"]) for label in labels) >= 40
