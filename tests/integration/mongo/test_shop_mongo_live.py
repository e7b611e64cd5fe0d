"""The sample shop, loaded and used on a live server, then looked at as a new user would.

Evidence: a live server. SecantusDB's planner and profiler are not MongoDB's (no examined counts, no blocking sort, no
$lookup's inner side): there the faults that do not depend on them are looked for, on a real mongod all of them.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient, MongoClient

from advisor.ports import Options
from advisor.record import Recorder
from advisor.workload import digest

ROOT = Path(__file__).parents[3]
EXPECTED = json.loads((ROOT / "sample_dbs" / "shop_mongo" / "expected.json").read_text(encoding="utf-8"))["live"]
SHOP, SCRATCH = "advisor_shop", "advisor_shop_scratch"
OPERATIONS = 110

pytest.importorskip("beanie", reason="Beanie is not installed")


def advisor(*words: str) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, "-m", "advisor", *words], capture_output=True, text=True, timeout=280)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def scale(real_server: bool) -> float:
    """SecantusDB takes a thousand documents a second."""
    return 0.2 if real_server else 0.01


@pytest.fixture(scope="module")
def shop(server_url: str, scale: float) -> Iterator[str]:
    """The shop after its workload, with the profiler at level 2; one command, as the module's docstring tells it."""
    url = f"{server_url}/{SHOP}"
    command = [sys.executable, "-m", "sample_dbs.shop_mongo.workload", url, str(scale), str(OPERATIONS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    assert "advisor scan" in done.stdout
    yield url
    with MongoClient[dict[str, Any]](server_url) as client:
        client[SHOP].command("profile", 0)
        for name in (SHOP, SCRATCH):
            client.drop_database(name)


@pytest.fixture(scope="module")
def report(shop: str, server_url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("scan")
    status, _, told = advisor("scan", shop, "--sandbox", f"{server_url}/{SCRATCH}", "--out", str(out))
    assert status == 0, told
    assert "Next: advisor serve" in told
    found: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return found


def shapes(report: dict[str, Any], collection: str, *words: str) -> set[str]:
    """Shapes of a collection whose text has all the words."""
    return {
        shape["fingerprint"]
        for shape in report["shapes"]
        if re.match(rf'\{{"\w+":"{collection}"', shape["text"]) and all(f'"{word}' in shape["text"] for word in words)
    }


def keys(statement: str) -> dict[str, int]:
    """The keys of a createIndex statement."""
    found = re.search(r"createIndex\(\{(.*?)\}", statement)
    assert found is not None
    return {name.strip('" '): int(way) for name, way in re.findall(r'("?[\w.]+"?): (-?1)', found[1])}


@pytest.mark.parametrize("fault", EXPECTED["seen_anywhere"])
def test_a_planted_fault_is_found_and_its_index_measured(report: dict[str, Any], fault: str) -> None:
    advice = seen(report, *EXPECTED["seen_anywhere"][fault])
    assert advice is None or advice["benefit"]["examined_after"] < advice["benefit"]["examined_before"] / 2


@pytest.mark.parametrize("fault", EXPECTED["seen_on_mongodb"])
def test_a_planted_fault_that_only_mongodb_shows_is_found(
    report: dict[str, Any], real_server: bool, fault: str
) -> None:
    if not real_server:
        pytest.skip("needs MongoDB's own planner: set ADVISOR_TEST_MONGODB_URL")
    seen(report, *EXPECTED["seen_on_mongodb"][fault])


def seen(
    report: dict[str, Any], named: list[str], rules: list[str], index: dict[str, int] | None
) -> dict[str, Any] | None:
    """The measured advice for a fault that was found; ``None`` for one that no index cures."""
    wanted = shapes(report, *named)
    assert wanted, named
    assert any(set(f["shapes"]) & wanted and f["rule"] in rules for f in report["findings"])
    if index is None:
        return None
    made = [one for one in report["recommendations"] if one["kind"] == "add_index" and keys(one["statement"]) == index]
    assert made, [one["statement"] for one in report["recommendations"]]
    assert made[0]["benefit"]["method"] == "measured"
    advice: dict[str, Any] = made[0]
    return advice


def test_reads_in_a_loop_are_found_and_look_alikes_are_left_alone(report: dict[str, Any]) -> None:
    loops = [finding for finding in report["findings"] if finding["rule"] == "n-plus-one-burst"]
    read = {shape for finding in loops for shape in finding["shapes"]}
    for _, child, _ in EXPECTED["n_plus_one"].values():
        assert shapes(report, child, "_id") & read
    blamed = {shape for finding in report["findings"] for shape in finding["shapes"]}
    for named in EXPECTED["look_alikes"].values():
        alike = shapes(report, *named)
        assert alike
        assert not alike & blamed, named
    dropped = {one["statement"] for one in report["recommendations"] if one["kind"] == "drop_index"}
    for collection, index in EXPECTED["kept"]:
        assert not any(f'.{collection}.hideIndex("{index}")' in statement for statement in dropped)
    collection, index = EXPECTED["hidden"]
    assert any(f["rule"] == "hidden-index" and f["tables"] == [f"{SHOP}.{collection}"] for f in report["findings"])


def test_the_sandbox_is_left_empty_and_the_shop_as_it_was(report: dict[str, Any], server_url: str, shop: str) -> None:
    with MongoClient[dict[str, Any]](server_url) as client:
        assert client[SCRATCH].list_collection_names() == []
        assert client[SHOP].command("profile", -1)["was"] == 2
        assert set(client[SHOP].reviews.index_information()) == {"_id_", "product_id_1", "rating_1"}


def test_the_recorder_tells_each_loop_with_its_parent_and_line(shop: str, scale: float, tmp_path: Path) -> None:
    from sample_dbs.shop_mongo.workload import run

    recorder = Recorder(tmp_path, root=ROOT)

    async def work() -> None:
        listener = recorder.pymongo()
        async with AsyncMongoClient[dict[str, Any]](shop, event_listeners=[listener], tz_aware=True) as client:
            await run(client[SHOP], scale, OPERATIONS, unit=recorder.unit)

    asyncio.run(work())
    capture = recorder.save()
    found = {
        (burst.parent_table.name, burst.child_table.name): burst
        for burst in digest(capture, Options()).bursts
        if burst.pattern == "n-plus-one" and burst.parent_table and burst.child_table
    }
    assert set(found) == {(parent, child) for parent, child, _ in EXPECTED["n_plus_one"].values()}
    for function, (parent, child, count) in EXPECTED["n_plus_one"].items():
        burst = found[parent, child]
        assert burst.per_unit_max <= count
        assert {site.function for site in burst.call_sites} == {function}
        assert burst.routes == (function,)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["scan", "mongodb://u:s3cret@127.0.0.1:1/shop?serverSelectionTimeoutMS=200"], "No MongoDB server answered"),
        (["scan", "mongodb://u:s3cr:et@h/shop"], "is not a MongoDB URL"),
        (["scan", "mongodb://u:s3cret@h/shop?nonsense=1&serverSelectionTimeoutMS=200"], "advisor: "),
        (["scan", "{url}", "--planner", "hypopg"], "for MongoDB use sandbox or none"),
        (["scan", "{url}", "--sandbox", "{url}"], "the inspected database itself"),
        (["scan", "{url}", "--sandbox", "postgresql://u:s3cret@h/x"], "must be a MongoDB"),
        (["scan", "{url}", "--log", "/nowhere/mongod.log"], "/nowhere/mongod.log"),
        (["scan", "{url}_none"], "No statement was seen"),
        (
            ["demo", "--mongo", "--no-serve", "--url", "mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=200"],
            "advisor: ",
        ),
    ],
)
def test_every_wrong_word_is_one_sentence_without_a_password(
    shop: str, words: list[str], told: str, tmp_path: Path
) -> None:
    status, out, error = advisor(*(word.replace("{url}", shop) for word in words))
    assert status == 2
    last = [line for line in error.splitlines() if not line.startswith("  ")]
    assert len(last) == 1, error
    assert told in last[0]
    assert last[0].endswith(".")
    assert "Traceback" not in out + error
    assert "s3cr" not in out + error
