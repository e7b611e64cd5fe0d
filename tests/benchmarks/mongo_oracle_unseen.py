"""How good is the index advice for queries that no rule was written for? Probes over made-up data of another domain.

    python -m tests.benchmarks.mongo_oracle_unseen [--label] [PREFIX OF PROBES …]

The data and probes of ``mongo_fleet`` (105), ``mongo_shop`` (57, named shop-…), ``mongo_clinic`` (58, third-…) and
``mongo_kindred`` (114, fourth-…). For each the model of the server's scans (``mongo_index_model``, equal to the
recorded oracle in keys and documents) tells the effort of every index over its fields; the advisor sees the slow lines
of the probe, run without an index, and a catalog. Good: at most 1.2 x the least effort (+ 20), as there. Probes that
the model does not speak of (joins, text, geo, collation) carry the answer of the manual's rule; those are written out
in ``BY_RULE``. The least efforts of all sets but the first stand in ``data/mongo_least.json``, those of the first are
found each time; ``--label`` writes them anew, without asking the advisor.
"""

from __future__ import annotations

import json
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import bson

from tests.benchmarks import mongo_clinic, mongo_fleet, mongo_kindred, mongo_shop
from tests.benchmarks.mongo_fleet import BY_RULE
from tests.benchmarks.mongo_index_bounds import conjuncts
from tests.benchmarks.mongo_index_model import candidates, explain
from tests.benchmarks.mongo_index_probe import Collection, Key, Probe
from tests.benchmarks.mongo_oracle import Advised, advice

MAKERS = {**mongo_fleet.MAKERS, **mongo_shop.MAKERS, **mongo_clinic.MAKERS}
PROBES = {**mongo_fleet.PROBES, **mongo_shop.PROBES, **mongo_clinic.PROBES, **mongo_kindred.PROBES}
LABELS = Path(__file__).with_name("data") / "mongo_least.json"
MAX_PAIRS = 60
"""Pairs of indexes tried for an $or."""


@cache
def collection(name: str) -> Collection:
    return Collection(name, list(MAKERS[name](1.0) if name in mongo_shop.MAKERS else MAKERS[name]()))


def slow_line(command: dict[str, Any], ns: str, **figures: Any) -> str:
    """One slow-query line as a server of the 5.0 line writes it."""
    write = "q" in command
    body = command if write else {**command, "$db": ns.partition(".")[0]}
    attr = {"type": ("update" if "u" in command else "remove") if write else "command", "ns": ns, "command": body,
            "planSummary": "COLLSCAN", **figures, "durationMillis": 120}  # fmt: skip
    return json.dumps({"t": {"$date": "2026-08-01T10:00:00.000+00:00"}, "s": "I", "c": "WRITE" if write else "COMMAND",
                       "id": 51803, "ctx": "conn4", "msg": "Slow query", "attr": attr}, default=extended)  # fmt: skip


def extended(value: Any) -> Any:
    return {"$date": value.isoformat()}


def catalog(asked: str) -> dict[str, Any]:
    """The collections with their sizes and no index but ``_id``."""
    makers = next(part.MAKERS for part in (mongo_shop, mongo_clinic, mongo_fleet) if asked in part.MAKERS)
    return {"server": {"version": "5.0.0"}, "database": "fleet",
            "collections": {name: entry(name, "fleet") for name in makers}}  # fmt: skip


def entry(name: str, database: str) -> dict[str, Any]:
    """A collection in a catalog file."""
    documents = collection(name).documents
    size = sum(len(bson.encode(document)) for document in documents[:200]) // 200
    storage = {"count": len(documents), "size": size * len(documents), "avgObjSize": size}
    stats = {"ns": f"{database}.{name}", "storageStats": storage}
    identity = {"v": 2, "key": {"_id": 1}, "name": "_id_"}
    return {"options": {}, "type": "collection", "indexes": [identity], "index_stats": [], "stats": stats}


def command_of(probe: Probe) -> dict[str, Any]:
    if probe.sent:
        return probe.sent
    if probe.distinct:
        return {"distinct": probe.collection, "key": probe.distinct, "query": probe.condition}
    found: dict[str, Any] = {"find": probe.collection, "filter": probe.condition}
    if probe.covered and set(probe.covered) == {name for name, _, _ in conjuncts(probe.condition)[0]}:
        return {"count": probe.collection, "query": probe.condition}
    if probe.covered:
        found["projection"] = {"_id": 0, **dict.fromkeys(probe.covered, 1)}
    for name in ("sort", "limit", "skip"):
        if given := getattr(probe, name):
            found[name] = dict(given) if name == "sort" else given
    return found


def advised(command: dict[str, Any], ns: str, **figures: Any) -> Advised:
    with tempfile.TemporaryDirectory() as folder:
        log, schema = Path(folder) / "mongod.log", Path(folder) / "catalog.json"
        log.write_text((slow_line(command, ns, **figures) + "\n") * 5, encoding="utf-8")
        schema.write_text(json.dumps(catalog(ns.partition(".")[2])), encoding="utf-8")
        return advice(log, schema)


def least(probe: Probe) -> tuple[float, list[Key]]:
    """The least effort of any index set, and the set."""
    own = collection(probe.collection)
    found: list[tuple[float, list[Key]]] = [(explain(own, probe, []).effort, [])]
    keys = list(candidates(own, probe))
    arms = conjuncts(probe.condition)[1]
    sets = [[key] for key in keys] if not arms else [[a, b] for a in keys for b in keys if a < b and len(a) == len(b)]
    for indexes in sets if not arms else sorted(sets, key=lambda pair: -len(pair[0]))[:MAX_PAIRS] + [[k] for k in keys]:
        try:
            result = explain(own, probe, indexes, min(found)[0])
        except ValueError:
            continue
        if result.used:
            found.append((result.effort, indexes))
    return min(found, key=lambda pair: (pair[0], str(pair[1])))


def _answer(command: dict[str, Any], probe: Probe, returned: int) -> dict[str, int]:
    """The answer's size as the server's line tells it, each command in its own words; a count does not."""
    size = returned if probe.answer is None else probe.answer
    if "q" in command:
        return {"nMatched" if "u" in command else "ndeleted": size}
    if "findAndModify" in command:
        return {"ndeleted" if command.get("remove") else "nMatched": size}
    return {} if "count" in command else {"nreturned": size}


@cache
def _labels() -> dict[str, tuple[float, list[Key]]]:
    return {name: (effort, [tuple((f, w) for f, w in key) for key in keys])
            for name, (effort, keys) in json.loads(LABELS.read_text(encoding="utf-8")).items()}  # fmt: skip


def label(names: list[str]) -> None:
    """Write the least effort of each probe, and the index set that has it, to :data:`LABELS`."""
    known = json.loads(LABELS.read_text(encoding="utf-8")) if LABELS.exists() else {}
    for name in (name for name in PROBES if not names or name.startswith(tuple(names))):
        known[name] = least(PROBES[name])
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(known[name])}" for name in PROBES if name in known)
    LABELS.write_text("{\n" + lines + "\n}\n", encoding="utf-8")


def judged(name: str) -> tuple[str, str]:
    """(verdict, what was advised and what is best)."""
    if name in BY_RULE:
        command, documents, returned, right = BY_RULE[name]
        place = next((str(v) for k, v in command.items() if k in ("find", "aggregate", "findAndModify")), "tickets")
        place = "readings" if name == "delete" else place
        given = advised(command, f"fleet.{place}", keysExamined=0, docsExamined=documents, nreturned=returned)
        mine = " + ".join(sorted(words(keys) for keys in given))
        answers = [" + ".join(sorted(a.strip() for a in answer.split("+"))) for answer in right.split("|")]
        return "good" if mine in [
            a.strip() for a in answers
        ] else "worse", f"{mine or 'none'} (rule: {right or 'none'})"
    probe = PROBES[name]
    return judged_by(probe, *(_labels().get(name) or least(probe)))


def judged_by(probe: Probe, best: float, best_keys: list[Key]) -> tuple[str, str]:
    """(verdict, what was advised and what is best) of a probe whose least effort is known."""
    command, figures = executed(probe)
    return verdict(probe, advised(command, f"fleet.{probe.collection}", **figures), best, best_keys)


def executed(probe: Probe) -> tuple[dict[str, Any], dict[str, Any]]:
    """The probe's command, and what its slow line tells of an execution without an index."""
    bare = explain(collection(probe.collection), probe, [])
    command = command_of(probe)
    figures: dict[str, Any] = {"keysExamined": 0, "docsExamined": bare.documents}
    figures |= _answer(command, probe, bare.returned)
    if bare.sorted_in_memory:
        figures["hasSortStage"] = True
    return command, figures


def verdict(probe: Probe, given: Advised, best: float, best_keys: list[Key]) -> tuple[str, str]:
    """(verdict, what was advised and what is best)."""
    told = (
        f"{' + '.join(map(words, given)) or 'none'} (least {best:,.0f}: {' + '.join(map(words, best_keys)) or 'none'})"
    )
    try:
        result = explain(collection(probe.collection), probe, [tuple(keys) for keys in given])
    except ValueError:
        return "refused", told
    if given and not result.used:
        return "not picked", told
    return "good" if result.effort <= 1.2 * best + 20 else "worse", f"{result.effort:>7,.0f} {told}"


def words(keys: Any) -> str:
    return ",".join(f"{name}{'-' if way < 0 else ''}" for name, way in keys)


def main(names: list[str]) -> int:
    """Print each probe's verdict; the exit status says whether 95 % are good and none is not picked."""
    verdicts = []
    for name in (probe for probe in [*PROBES, *BY_RULE] if not names or probe.startswith(tuple(names))):
        verdict, told = judged(name)
        verdicts.append(verdict)
        print(f"{name:22} {verdict:10} {told}", flush=True)
    good = verdicts.count("good")
    print(f"{good} of {len(verdicts)} good ({good / len(verdicts):.0%}), {verdicts.count('not picked')} not picked")
    return 0 if good >= 0.95 * len(verdicts) and "not picked" not in verdicts else 1


if __name__ == "__main__":
    if "--label" in sys.argv:
        label([name for name in sys.argv[1:] if name != "--label"])
    else:
        sys.exit(main(sys.argv[1:]))
