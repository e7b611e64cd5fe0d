"""Explain captured commands without executing them: verbosity ``queryPlanner``, stated each time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bson import json_util
from bson.errors import BSONError

from advisor.errors import AdvisorError, ConnectionFailed
from advisor.model.capture import Coverage
from advisor.model.plan import Plan
from advisor.ports import Progress, Step, silent
from connectors.mongo.plan import parse_explain
from connectors.mongo.session import Session

KEPT = (
    "filter", "query", "sort", "projection", "limit", "skip", "hint", "collation", "pipeline", "key", "let", "min",
    "max",
)  # fmt: skip
WRITING_STAGES = frozenset({"$out", "$merge"})


@dataclass
class Explained:
    """Plans, and why a statement has none."""

    plans: list[Plan] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)

    def coverage(self) -> Coverage:
        """How many of how many."""
        asked = len(self.plans) + len(self.reasons)
        return Coverage("plans", bool(self.plans) or not asked, f"{len(self.plans)} of {asked} shapes were explained.")


async def explain_all(
    session: Session,
    examples: Iterable[tuple[str, str, str]],
    verbosity: str = "queryPlanner",
    progress: Progress = silent,
) -> Explained:
    """Explain ``examples`` (canonical text, namespace, the command as it was sent)."""
    found = Explained()
    listed = list(examples)
    for number, (text, namespace, raw) in enumerate(listed):
        progress(Step("Explaining", number, len(listed), "shapes"))
        try:
            command = explainable(json_util.loads(raw), namespace)
            if command is None:
                continue
            answer = await session.command(namespace.partition(".")[0], "explain", command, verbosity=verbosity)
            found.plans.append(parse_explain(answer, text))
        except ConnectionFailed:
            raise
        except (AdvisorError, BSONError, ValueError, TypeError) as error:
            found.reasons[text] = " ".join(str(error).split())
    return found


def explainable(command: dict[str, Any], namespace: str) -> dict[str, Any] | None:
    """The command to explain: writes as the find that they begin with, ``$out`` and ``$merge`` left off.

    ``None`` for what reads nothing (an insert).
    """
    collection = namespace.partition(".")[2]
    if "q" in command:
        return {"find": collection, "filter": command["q"], **_part(command, "collation", "hint")}
    name = next(iter(command), "")
    if name in ("findAndModify", "findandmodify"):
        found = {"find": collection, "filter": command.get("query") or {}, "limit": 1}
        return {**found, **_part(command, "sort", "collation", "hint")}
    if name == "aggregate":
        stages = [stage for stage in command.get("pipeline", ()) if not WRITING_STAGES & set(stage)]
        return {"aggregate": collection, "pipeline": stages, "cursor": {}, **_part(command, "collation", "hint", "let")}
    if name in ("find", "count", "distinct"):
        return {name: collection, **_part(command, *KEPT)}
    return None


def _part(command: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: command[name] for name in names if command.get(name) is not None}
