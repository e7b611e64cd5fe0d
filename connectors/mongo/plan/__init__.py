"""``explain`` of every form and version -> Plan. Pure; values are left out.

:func:`parse_explain` takes a find, count, distinct, write or aggregation, from a mongod or through mongos, of the
classic engine, SBE or an express path, at every verbosity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from advisor.errors import SourceError
from advisor.model.plan import Plan, PlanNode
from connectors.mongo.plan.asked import text_of
from connectors.mongo.plan.counts import counted, with_totals
from connectors.mongo.plan.figures import listed, number
from connectors.mongo.plan.nodes import tree
from connectors.mongo.plan.pipeline import pipeline_tree

__all__ = ["parse_explain"]


def parse_explain(document: Mapping[str, Any], text: str = "") -> Plan:
    """Turn one explain output into a Plan; ``text`` is the statement where the caller knows it.

    Raises :class:`SourceError` when it is no explain.
    """
    document = _whole(document)
    root = plan_tree(document)
    if root is None:
        raise SourceError("This is no output of MongoDB's explain: it has neither queryPlanner, stages nor shards.")
    version = _mapping(document.get("serverInfo") or _first_shard(document).get("serverInfo")).get("version", "")
    stats = _stats(document)
    executed = "executionTimeMillis" in stats
    return Plan(
        root,
        planner=f"MongoDB {version} explain".replace("  ", " "),
        text=text or text_of(document),
        generic=False,
        planning_ms=_planning(document),
        execution_ms=number(stats["executionTimeMillis"]) if executed else None,
        rejected=_rejected(document),
    )


def _whole(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The explain itself, where it is wrapped, or where only a part of it was printed: its figures, or one tree."""
    while isinstance(document.get("explain"), Mapping):
        document = document["explain"]
    if isinstance(document.get("stage"), str):
        executed = "nReturned" in document
        document = {"executionStages": document} if executed else {"winningPlan": document}
    if "executionStages" in document:
        document = {"executionStats": document}
    known = {"queryPlanner", "stages", "shards"} & document.keys()
    return document if known or "executionStats" not in document else {"queryPlanner": {}, **document}


def plan_tree(document: Mapping[str, Any]) -> PlanNode | None:
    """The root of an explain, of a shard's part of one, or of a ``$cursor`` stage."""
    if isinstance(document.get("stages"), list):
        return pipeline_tree(document["stages"], plan_tree, namespace=_namespace(document)) or PlanNode("EOF")
    if isinstance(document.get("queryPlanner"), Mapping):
        return _planned(document["queryPlanner"], _mapping(document.get("executionStats")))
    if isinstance(document.get("winningPlan"), Mapping):
        return _planned(document, {})
    shards = document.get("shards")
    if isinstance(shards, Mapping) and shards:
        return _sharded(document, shards)
    if isinstance(document.get("executionStages"), Mapping):
        return tree(document["executionStages"], "")
    return None


def _namespace(document: Mapping[str, Any]) -> str:
    """What an aggregation is over, as far as its command tells."""
    command = _mapping(document.get("command"))
    return f"{command.get('$db', '')}.{command.get('aggregate', '')}"


def _planned(planner: Mapping[str, Any], stats: Mapping[str, Any]) -> PlanNode | None:
    namespace = str(planner.get("namespace", ""))
    winning = _mapping(planner.get("winningPlan"))
    stages = _mapping(stats.get("executionStages"))
    if not winning and not stages:
        return None
    if isinstance(winning.get("queryPlan"), Mapping):
        root = counted(tree(winning["queryPlan"], namespace), stats)
    elif stages.get("shards"):
        root = tree({**stages, "shards": _shards_with_names(stages, winning)}, namespace)
    else:
        root = tree(stages or winning, namespace)
        if winning and any(node.kind == "UNKNOWN" for node in root.walk()):  # cut where it grew too large
            root = tree(winning, namespace)
    return _with_reading_phase(with_totals(root, stats), winning, stats)


def _with_reading_phase(root: PlanNode, winning: Mapping[str, Any], stats: Mapping[str, Any]) -> PlanNode:
    """A write that does not name its shard (7.0) first reads on all shards: that plan stands in the write's own."""
    reading = _mapping(winning.get("inputStage"))
    found = _planned(_mapping(reading.get("queryPlanner")) or reading, _mapping(stats.get("inputStage")))
    return root if found is None or "stage" in reading else replace(root, children=(*root.children, found))


def _shards_with_names(stages: Mapping[str, Any], winning: Mapping[str, Any]) -> list[Any]:
    """A shard's execution with the namespace that only its plan tells; SBE shards keep their plan's tree."""
    planned = {str(part.get("shardName")): part for part in listed(winning.get("shards"))}
    found: list[Any] = []
    for part in listed(stages["shards"]):
        own = planned.get(str(part.get("shardName")), {})
        plan = _mapping(own.get("winningPlan"))
        if isinstance(plan.get("queryPlan"), Mapping):
            found.append({"namespace": own.get("namespace"), "sbe": (plan["queryPlan"], part)})
        else:
            found.append({**part, "namespace": own.get("namespace", "")})
    return found


def _sharded(document: Mapping[str, Any], shards: Mapping[str, Any]) -> PlanNode | None:
    asked = {"command": document.get("command")}
    parts = [{**asked, **_mapping(part)} for _, part in sorted(shards.items())]
    children = [node for part in parts if (node := plan_tree(part)) is not None]
    if not children:
        return None
    split = _mapping(document.get("splitPipeline"))
    if len(children) == 1 and not split:
        return children[0]
    attributes = {"merge": str(document["mergeType"])} if document.get("mergeType") else {}
    rows = [node.actual_rows for node in children if node.actual_rows is not None]
    together = PlanNode(
        "SHARDS",
        actual_rows=sum(rows) if rows else None,
        attributes={"shards": ", ".join(sorted(shards)), **attributes},
        children=tuple(children),
    )
    merger = [stage for stage in listed(split.get("mergerPart")) if "$mergeCursors" not in stage]
    return pipeline_tree(merger, plan_tree, together) or together


def _first_shard(document: Mapping[str, Any]) -> Mapping[str, Any]:
    shards = document.get("shards")
    if isinstance(shards, Mapping) and shards:
        return _mapping(shards[min(shards)])
    winning = _mapping(_mapping(document.get("queryPlanner")).get("winningPlan"))
    return next(iter(listed(winning.get("shards"))), {})


def _cursor(document: Mapping[str, Any]) -> Mapping[str, Any]:
    for stage in listed(document.get("stages")):
        for name, value in stage.items():
            if name in ("$cursor", "$geoNearCursor") and isinstance(value, Mapping):
                return value
    return {}


def _stats(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The figures of the whole execution; those of the slowest where shards have their own."""
    own = _mapping(document.get("executionStats") or _cursor(document).get("executionStats"))
    parts = [_stats(_mapping(part)) for part in _mapping(document.get("shards")).values()]
    return own or max(parts, key=lambda stats: number(stats.get("executionTimeMillis")), default={})


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _planner(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return _mapping(document.get("queryPlanner") or _cursor(document).get("queryPlanner"))


def _planning(document: Mapping[str, Any]) -> float | None:
    taken = _planner(document).get("optimizationTimeMillis")
    return None if taken is None else number(taken)


def _rejected(document: Mapping[str, Any]) -> int:
    planner = _planner(document)
    own = len(listed(planner.get("rejectedPlans")))
    parts = listed(_mapping(planner.get("winningPlan")).get("shards"))
    shards = _mapping(document.get("shards"))
    inner = sum(_rejected(_mapping(part)) for part in shards.values())
    return own + sum(len(listed(part.get("rejectedPlans"))) for part in parts) + inner
