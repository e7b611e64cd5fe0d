"""The proof in a sandbox. Evidence: a live server (SecantusDB in CI, a real mongod where there is one)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from advisor import pipeline
from advisor.errors import PlannerUnavailable, SandboxError
from advisor.model.capture import Capture, Server
from advisor.model.catalog import Index, IndexColumn, TableName
from advisor.model.codec import encode
from advisor.model.recommendation import AddIndex, Method, WhatIf
from connectors.mongo import estimator
from connectors.mongo.trial import PREFIX

TARGET, SANDBOX = "advisor_target", "advisor_scratch"
ORDERS = TableName(TARGET, "orders")
BY_USER = Index(ORDERS, (IndexColumn("user"),), name="user_1")
ASKED = WhatIf("f", json.dumps({"find": "orders", "$db": TARGET, "filter": {"user": "?number"}}))
SECRET = "told-to-nobody"


@pytest.fixture
def client(server_url: str) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](server_url, appname="application") as found:
        for name in (TARGET, SANDBOX):
            found.drop_database(name)
        orders = found[TARGET].orders
        orders.insert_many([{"_id": n, "user": n % 50, "status": SECRET, "at": n} for n in range(1_000)])
        orders.create_index([("status", 1)])
        yield found
        found[TARGET].command("profile", 0)
        for name in (TARGET, SANDBOX):
            found.drop_database(name)


@pytest.fixture
def target(server_url: str, tmp_path: Path) -> Capture:
    host = server_url.partition("://")[2]
    return Capture(tmp_path, Server("mongodb", name=f"mongodb://{host}/{TARGET}", database=TARGET))


def trials(client: MongoClient[dict[str, Any]]) -> list[str]:
    return [name for name in client[SANDBOX].list_collection_names() if name.startswith(PREFIX)]


def test_an_index_is_built_on_a_sample_and_what_is_examined_told_before_and_after(
    client: MongoClient[dict[str, Any]], server_url: str, target: Capture
) -> None:
    client[SANDBOX][f"{PREFIX}left_by_a_killed_one"].insert_one({})
    sandbox = estimator(target, f"{server_url}/{TARGET}", "auto", f"{server_url}/{SANDBOX}")
    assert sandbox is not None
    try:
        before, after = sandbox.costs([ASKED, replace(ASKED, indexes=frozenset({BY_USER}))])
        assert trials(client)
        assert sandbox.sizes([BY_USER])[0] >= 0
        assert "1,000 of 1,000 documents of orders" in sandbox.coverage[0].detail
    finally:
        sandbox.close()
    assert (before.total, after.total) == (1_000, 40)
    assert after.used == {BY_USER}
    assert before.plan is not None
    assert after.plan is not None
    assert {node.table for node in after.plan.nodes()} == {ORDERS}
    assert not trials(client), "what was put there is gone"


def test_the_inspected_database_is_only_read(
    client: MongoClient[dict[str, Any]], server_url: str, target: Capture
) -> None:
    before = (client[TARGET].orders.index_information(), client[TARGET].orders.count_documents({}))
    client[TARGET].command("profile", 2)
    known = client[TARGET].system.profile.distinct("_id")
    sandbox = estimator(target, f"{server_url}/{TARGET}", "auto", f"{server_url}/{SANDBOX}")
    assert sandbox is not None
    sandbox.costs([ASKED, replace(ASKED, indexes=frozenset({BY_USER}))])
    sandbox.close()
    client[TARGET].command("profile", 0)
    others = {"appName": {"$ne": "application"}, "_id": {"$nin": known}}
    seen = list(client[TARGET].system.profile.find(others))
    kinds = {next(iter(entry.get("command") or {"none": 1})) for entry in seen}
    reading = {"aggregate", "getMore", "listIndexes", "collStats", "listCollections", "none", "profile", "find"}
    assert seen
    assert kinds <= reading, kinds
    assert not {entry["op"] for entry in seen} & {"insert", "update", "remove"}
    assert before == (client[TARGET].orders.index_information(), client[TARGET].orders.count_documents({}))


def test_a_copy_that_is_there_already_is_used_in_place(
    client: MongoClient[dict[str, Any]], server_url: str, target: Capture
) -> None:
    client[SANDBOX].orders.insert_many([{"_id": n, "user": n % 50} for n in range(500)])
    client[SANDBOX].orders.create_index([("at", 1)], name=f"{PREFIX}left_by_a_killed_one")
    sandbox = estimator(target, None, "auto", f"{server_url}/{SANDBOX}")
    assert sandbox is not None
    before, after = sandbox.costs([ASKED, replace(ASKED, indexes=frozenset({BY_USER}))])
    assert (before.total, after.total) == (500, 20)
    sandbox.close()
    sandbox.close()
    assert set(client[SANDBOX].orders.index_information()) == {"_id_"}
    assert client[SANDBOX].orders.count_documents({}) == 500


def test_what_cannot_be_tried_says_why(client: MongoClient[dict[str, Any]], server_url: str, target: Capture) -> None:
    sandbox = estimator(target, f"{server_url}/{TARGET}", "auto", f"{server_url}/{SANDBOX}")
    assert sandbox is not None
    texts = [
        {"find": "gone", "$db": TARGET, "filter": {"x": 1}},
        {"find": "orders", "$db": TARGET, "filter": {"$text": "?text"}},
        {"insert": "orders", "$db": TARGET},
    ]
    answers = sandbox.costs([WhatIf(str(n), json.dumps(text)) for n, text in enumerate(texts)])
    sandbox.close()
    assert ["not there" in answers[0].error, "$text" in answers[1].error, "reads nothing" in answers[2].error] == [
        True
    ] * 3


def test_odd_documents_go_as_they_are_and_a_view_is_told(
    client: MongoClient[dict[str, Any]], server_url: str, target: Capture
) -> None:
    deep: dict[str, Any] = {"end": 1}
    for _ in range(90):
        deep = {"in": deep}
    odd = [
        {"_id": "wide", "user": 3, **{f"field{n}": n for n in range(1_000)}},
        {"_id": "deep", "user": 3, "deep": deep},
        {"_id": "dotted", "user": 3, "a.b": 1, "inner": {"$set": 1, "x.y": 2}},
    ]
    client[TARGET].odd.insert_many(odd)
    client[TARGET].command("create", "seen", viewOn="orders", pipeline=[])
    sandbox = estimator(target, f"{server_url}/{TARGET}", "auto", f"{server_url}/{SANDBOX}")
    assert sandbox is not None
    texts = [{"find": name, "$db": TARGET, "filter": {"user": "?number"}} for name in ("odd", "seen")]
    found, view = sandbox.costs([WhatIf(str(n), json.dumps(text)) for n, text in enumerate(texts)])
    copied = client[SANDBOX][trials(client)[0]].find_one({"_id": "dotted"})
    sandbox.close()
    assert found.total == 3
    assert copied == odd[2]
    assert "is a view" in view.error


@pytest.mark.parametrize(
    ("sandbox", "words"),
    [
        ("{server}/" + TARGET, "the inspected database itself"),
        ("{server}", "names no database"),
        ("postgresql://localhost/x", "must be a MongoDB"),
        ("mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=200", "cannot be used: No MongoDB server answered"),
        ("mongodb://u:pa:ss@h/x", "cannot be used: .*is not a MongoDB URL"),
    ],
)
def test_a_sandbox_that_is_none_is_one_sentence(
    client: MongoClient[dict[str, Any]], server_url: str, target: Capture, sandbox: str, words: str
) -> None:
    with pytest.raises(SandboxError, match=words) as told:
        estimator(target, f"{server_url}/{TARGET}", "auto", sandbox.replace("{server}", server_url))
    assert "pa:ss" not in str(told.value)


def test_planners_of_postgresql_are_refused_and_nothing_is_needed_for_advice_by_rule(
    target: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PlannerUnavailable, match="sandbox or none"):
        estimator(target, None, "hypopg")
    with pytest.raises(SandboxError, match="a mongod on PATH"):
        estimator(target, "mongodb://localhost/x", "sandbox")
    assert estimator(target, "mongodb://localhost/x") is None


def test_the_report_tells_what_was_tried_and_no_value(
    client: MongoClient[dict[str, Any]], server_url: str, tmp_path: Path
) -> None:
    from advisor.cli.options import Estimator
    from advisor.cli.sources import Reading, opened, planner
    from advisor.ports import silent
    from advisor.report import text

    client[TARGET].command("profile", 2)
    for user in range(20):
        list(client[TARGET].orders.find({"user": user}))
    url = f"{server_url}/{TARGET}"
    with (
        opened([url], Reading(), silent, tmp_path / "capture") as capture,
        planner(capture, url, Estimator.AUTO, f"{server_url}/{SANDBOX}", silent) as sandbox,
    ):
        report = pipeline.analyze(capture, sandbox)
    [advice] = [one for one in report.recommendations if isinstance(one.action, AddIndex)]
    assert advice.benefit.method is Method.MEASURED
    assert (advice.benefit.examined_before, advice.benefit.returned) == (1_000, 20)
    assert advice.plans
    told = text.render(report)
    assert "examines 1,000 → 40 for 20 returned" in told
    everything = "".join(path.read_text(errors="replace") for path in capture.folder.rglob("*.json*"))
    assert SECRET not in everything + told + json.dumps(encode(report), default=str)
    assert any("1,000 of 1,000 documents of orders" in part.detail for part in report.coverage)


def advisor(*words: str) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, "-m", "advisor", *words], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr.strip().splitlines()[-1] if done.stderr else ""


def test_a_report_is_verified_afterwards_and_every_wrong_word_is_one_sentence(
    client: MongoClient[dict[str, Any]], server_url: str, tmp_path: Path
) -> None:
    report, verified = str(tmp_path / "report"), str(tmp_path / "verified")
    log = Path(__file__).parents[2] / "cases" / "mongo" / "recorded" / "shop" / "mongod.log.gz"
    catalog = log.with_name("catalog.json")
    assert advisor("analyze", str(log), "--schema", str(catalog), "--out", report)[0] == 0
    sandbox = f"{server_url}/{SANDBOX}"

    def verify(*more: str) -> tuple[int, str, str]:
        return advisor("verify", report, "--sandbox", *more)

    assert "add --expendable" in verify(sandbox)[2]
    for status, _, told in (
        verify(sandbox, "--expendable"),
        verify("mysql://u:s3cret@h/x", "--expendable"),
        verify("postgresql://u:s3cret@h/x", "--expendable"),
        verify("mongodb://u:s3cret@127.0.0.1:1/x", "--expendable"),
    ):
        assert status == 2
        assert told.startswith("advisor: ")
        assert told.endswith(".")
        assert "s3cret" not in told
    assert "--target" in verify(sandbox, "--expendable")[2]
    client[SANDBOX].reviews.insert_many([{"_id": n, "user_id": n % 50, "product_id": n % 9} for n in range(2_000)])
    status, told, _ = verify(sandbox, "--expendable", "--out", verified)
    assert status == 0
    assert "examines 2,000 → 80 for 40 returned" in told
    assert set(client[SANDBOX].reviews.index_information()) == {"_id_"}
