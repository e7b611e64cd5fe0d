"""Findings: what a rule saw, how bad, how sure, and by what evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from advisor.model.catalog import TableName
from advisor.model.workload import CallSite, EvidenceLine


class Severity(StrEnum):
    """How much it hurts."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Confidence(StrEnum):
    """How sure the rule is: seen happening, told by the planner, or concluded from names and counts."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


EvidenceValue = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule's facts; its docstring is its documentation. ``needs``: "plans", "events", "catalog", "statistics"."""

    name: str
    title: str
    databases: tuple[str, ...]
    needs: tuple[str, ...] = ()

    @classmethod
    def of(cls, module_name: str, title: str, databases: tuple[str, ...], needs: tuple[str, ...] = ()) -> Rule:
        """Name the rule after its file, in kebab case."""
        return cls(module_name.rpartition(".")[2].replace("_", "-"), title, databases, needs)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``count`` is how often it was seen; ``evidence`` maps a label to a figure."""

    rule: str
    severity: Severity
    confidence: Confidence
    message: str
    tables: tuple[TableName, ...] = ()
    shapes: tuple[str, ...] = ()
    count: int = 1
    evidence: Mapping[str, EvidenceValue] = field(default_factory=dict)
    lines: tuple[EvidenceLine, ...] = ()
    location: CallSite | None = None
    index: str = ""
