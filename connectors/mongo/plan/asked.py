"""What an explain was asked for: its command, or, where there is none (4.4, or cut by hand), the parsed query."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.mongo.commands import canonical
from connectors.mongo.plan.figures import listed, number

_BELOW = ("inputStage", "outerStage", "innerStage", "queryPlan", "winningPlan")


def text_of(document: Mapping[str, Any]) -> str:
    """The canonical text of what an explain explains; empty where neither command nor parsed query is told."""
    planner = planner_of(document)
    database, _, collection = str(planner.get("namespace", "")).partition(".")
    command = document.get("command")
    if not isinstance(command, Mapping):
        command = _rebuilt(document, planner, collection.removeprefix("system.buckets."))
    command = _write(command)
    try:
        return canonical(json.loads(json.dumps(command, default=str)), database) if command else ""
    except (TypeError, ValueError, KeyError, AttributeError):
        return ""


def _write(command: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one statement of a write command that can be explained, as a log tells it; other commands as they are."""
    for name, parts in (("update", "updates"), ("delete", "deletes")):
        for part in listed(command.get(parts))[:1]:
            return {**part, "$op": name, "$collection": command.get(name), "$db": command.get("$db")}
    for part in listed(command.get("ops"))[:1] if "bulkWrite" in command else ():  # 8.0
        return _of_bulk(part, listed(command.get("nsInfo")))
    return command


def _of_bulk(part: Mapping[str, Any], namespaces: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """One operation of a ``bulkWrite``, which names its namespace by its place."""
    name = next((name for name in ("update", "delete") if name in part), "")
    place = int(number(part.get(name)))
    told = str(namespaces[place].get("ns", "")) if name and place < len(namespaces) else ""
    database, _, collection = told.partition(".")
    return (
        {**part, "u": part.get("updateMods"), "$op": name, "$collection": collection, "$db": database} if told else {}
    )


def planner_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The ``queryPlanner`` of an explain, of its ``$cursor`` stage, or of the first of its shards."""
    own = document.get("queryPlanner") or (document if "winningPlan" in document else None)
    if isinstance(own, Mapping):
        winning = own.get("winningPlan")
        shards = listed(winning.get("shards")) if isinstance(winning, Mapping) else []
        return {**shards[0], **own} if shards else own
    for stage in listed(document.get("stages")):
        for value in stage.values():
            if isinstance(value, Mapping) and isinstance(value.get("queryPlanner"), Mapping):
                return planner_of(value)
    shards_ = document.get("shards")
    parts = listed([part for _, part in sorted(shards_.items())]) if isinstance(shards_, Mapping) else []
    return next((planner for part in parts if (planner := planner_of(part))), {})


def _rebuilt(document: Mapping[str, Any], planner: Mapping[str, Any], collection: str) -> dict[str, Any]:
    parsed = planner.get("parsedQuery")
    if not isinstance(parsed, Mapping) or not collection:
        return {}
    rest = _pipeline(document)
    if rest:
        return {"aggregate": collection, "pipeline": [{"$match": parsed}, *rest]}
    stages = list(_stages(planner))
    if any(stage.get("stage") in ("COUNT", "COUNT_SCAN") for stage in stages):
        return {"count": collection, "query": parsed}
    found: dict[str, Any] = {"find": collection, "filter": parsed}
    for key, name in (("sort", "sortPattern"), ("projection", "transformBy"), ("limit", "limitAmount")):
        told = next((stage[name] for stage in stages if stage.get(name)), None)
        if told is not None:
            found[key] = int(number(told)) if key == "limit" else told
    return found


def _pipeline(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The stages behind ``$cursor``, as they were written: explain's ``$sort`` says ``sortKey``."""
    stages = listed(document.get("stages"))
    split = document.get("splitPipeline")
    if isinstance(split, Mapping):
        stages = [stage for part in ("shardsPart", "mergerPart") for stage in listed(split.get(part))]
    found = []
    for stage in stages:
        for name, value in stage.items():
            if name.startswith("$") and name not in ("$cursor", "$geoNearCursor", "$mergeCursors"):
                plain = value.get("sortKey", value) if name == "$sort" and isinstance(value, Mapping) else value
                found.append({name: plain})
    return found


def _stages(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name in _BELOW:
        if isinstance(plan.get(name), Mapping):
            yield plan[name]
            yield from _stages(plan[name])
