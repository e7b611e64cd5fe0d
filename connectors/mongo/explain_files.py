"""Files of explain outputs -> plans: JSON as a whole or by lines, what a shell printed, explains within documents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from advisor.errors import SourceError
from advisor.model.plan import Plan
from connectors.mongo import shell_text
from connectors.mongo.logs.looking import SHELL_TEXT, Kind, kind_of, opened
from connectors.mongo.plan import parse_explain

MOST_LEVELS = 240
"""Levels of an explain that are read: the server lets a document have 200 (BSONDepth); some more, for good measure."""
WITHIN = 4
"""Levels of a document of somebody's own that are searched for explains."""
_STAGES = frozenset(
    {"queryPlanner", "winningPlan", "queryPlan", "executionStats", "executionStages", "stages", "shards", "inputStage",
     "inputStages"}
)  # fmt: skip


def holds_explains(path: Path) -> bool:
    """Whether a short file holds explains within other documents, or in UTF-16 (as PowerShell redirects output)."""
    with opened(path) as stream:
        try:
            text = _decoded(stream.read(SHELL_TEXT + 1))
        except (OSError, EOFError):
            return False
    return len(text) <= SHELL_TEXT and "queryPlanner" in text and any(map(_has, _documents(text)))


def explain_file(path: Path) -> list[Plan]:
    """The plans in a file of explain outputs: one document, an array, one a line, or as a shell printed them.

    Raises :class:`SourceError` when a shell left out stages of the plan.
    """
    with opened(path) as stream:
        text = _decoded(stream.read())
    found = [explain for document in _documents(text) for explain in _within(document)]
    if any(_is_deeper(document, MOST_LEVELS) for document in found):
        raise too_deep(path)
    found = [_with_whole_figures(document) for document in found]
    if any(_is_cut(document) for document in found):
        raise SourceError(
            f"{path} lacks stages of the plan, which the shell left out; print it whole: "
            "print(EJSON.stringify(db.COLLECTION.find(…).explain('executionStats')))"
        )
    return [parse_explain(document) for document in found]


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", errors="replace")


def _has(document: Any) -> bool:
    return next(_within(document), None) is not None


def _within(value: Any, level: int = 0) -> Iterator[dict[str, Any]]:
    """An explain, or those in a document's fields: before and after, or one for each query that was tried."""
    if kind_of(value) is Kind.EXPLAIN and (level == 0 or "queryPlanner" in value or "stages" in value):
        yield value
    elif level < WITHIN:
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from _within(part, level + 1)


def _documents(text: str) -> list[Any]:
    """The documents of a text: JSON as a whole, JSON line by line, or what a shell printed."""
    try:
        whole = json.loads(text)
        return whole if isinstance(whole, list) else [whole]
    except ValueError:
        pass
    try:
        lines = [json.loads(line) for line in text.splitlines() if line.strip().startswith("{")]
    except ValueError:
        lines = []
    return lines if any(map(_has, lines)) else list(shell_text.documents(text))


def _with_whole_figures(document: dict[str, Any]) -> dict[str, Any]:
    """The explain without an executed tree that a shell cut: the plan's own tree and the totals tell as much."""
    stats = document.get("executionStats")
    if "queryPlanner" not in document or not isinstance(stats, dict) or not _is_cut(stats):
        return document
    return {**document, "executionStats": {name: stats[name] for name in stats if name != "executionStages"}}


def _is_cut(value: object) -> bool:
    """Whether a shell put a word in a stage's place."""
    if isinstance(value, list):
        return any(_is_cut(part) for part in value)
    if not isinstance(value, dict):
        return False
    for key, part in value.items():
        here = part if isinstance(part, list) else [part]
        if (key in _STAGES and shell_text.ELIDED in here) or _is_cut(part):
            return True
    return False


def too_deep(path: Path) -> SourceError:
    """The refusal of a file that no server can have written."""
    return SourceError(f"{path} is nested deeper than any document of MongoDB can be; leave it out.")


def _is_deeper(value: object, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(_is_deeper(part, levels - 1) for part in inner)
