"""What the tools for MongoDB share: an index's keys and options, and the steps both ways.

An index that is added goes by being hidden and then dropped. One that is to go is hidden by a first migration; a second
one, in the folder ``later``, drops it when nobody missed it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from advisor.errors import ExportError
from advisor.export._change import IndexChange, Migration
from advisor.model.catalog import Index
from advisor.model.mongosh import key_document, option_document, script

LATER = "later"
"""The folder of migrations that are not to run yet."""


@dataclass(frozen=True, slots=True)
class Step:
    """One migration: what it does to the index (``create``, ``hide`` or ``drop``), and whether it may run now."""

    kind: str
    later: bool = False


def steps(change: IndexChange) -> tuple[Step, ...]:
    """The migrations that a change takes."""
    return (Step("create"),) if change.adds else (Step("hide"), Step("drop", later=True))


def keys_of(index: Index) -> dict[str, Any]:
    """The key specification."""
    return key_document(index)


def options_of(index: Index) -> dict[str, Any]:
    """The options, the name first. Raises :class:`ExportError` for an index without keys."""
    if not index.columns:
        raise ExportError(f"{index.name} has no keys that could be written down.")
    return option_document(index)


def stem(migration: Migration, step: Step, number: int) -> str:
    """``20261120164100_add_status_1``, the second step a second later."""
    words = migration.slug if step.kind != "hide" else migration.slug.replace("drop_", "hide_", 1)
    return f"{migration.stamp(number)}_{words}"


def path(step: Step, name: str) -> str:
    """The file's path: a step that must wait is put aside."""
    return f"{LATER}/{name}" if step.later else name


def javascript(value: Any) -> str:
    """A value as a JavaScript literal."""
    return script(value)


def quoted(text: str) -> str:
    """A JavaScript, JSON or Python string."""
    return json.dumps(text, ensure_ascii=False)
