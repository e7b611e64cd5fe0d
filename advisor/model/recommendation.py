"""Recommendations, what they are made from, and what was considered and declined."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from advisor.model.catalog import Index, TableName
from advisor.model.finding import Confidence, Finding
from advisor.model.impact import MigrationImpact
from advisor.model.plan import Plan
from advisor.model.workload import CallSite


class Method(StrEnum):
    """How a benefit is known."""

    MEASURED = "measured"
    PLANNER = "planner"
    ESTIMATED = "estimated"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An index that some queries could use, before anything is known of its cost."""

    index: Index
    shapes: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A question to a planner: ``text``'s cost if ``indexes`` existed and the ``hidden`` ones (schema.name) did not.

    ``with_plan`` false: the answer may lack its plan, which spares the time to read it.
    """

    fingerprint: str
    text: str
    indexes: frozenset[Index] = frozenset()
    hidden: frozenset[str] = frozenset()
    with_plan: bool = True


@dataclass(frozen=True, slots=True)
class Cost:
    """A planner's answer. ``used``: those of the hypothetical indexes that the plan uses. ``total`` is infinite and
    ``error`` says why when the statement could not be planned."""

    total: float
    planner: str
    plan: Plan | None = None
    used: frozenset[Index] = frozenset()
    error: str = ""


@dataclass(frozen=True, slots=True)
class ShapeBenefit:
    """One shape's part of a benefit. Costs are the planner's; ``saved_ms`` is over the observed window."""

    fingerprint: str
    cost_before: float
    cost_after: float
    calls: int
    saved_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Benefit:
    """What is gained. ``cost_*`` are sums over the shapes, weighted by calls; negative savings are regressions.

    ``examined_*`` and ``returned`` are keys plus documents of one execution of each shape in a sandbox (MongoDB).
    """

    method: Method
    planner: str = ""
    cost_before: float | None = None
    cost_after: float | None = None
    ms_saved_per_day: float | None = None
    ms_saved_low: float | None = None
    ms_saved_high: float | None = None
    queries_before: float | None = None
    queries_after: float | None = None
    measured_ms_before: float | None = None
    measured_ms_after: float | None = None
    by_shape: tuple[ShapeBenefit, ...] = ()
    basis: str = ""
    examined_before: float | None = None
    examined_after: float | None = None
    returned: float | None = None


@dataclass(frozen=True, slots=True)
class AddIndex:
    """Create ``index``; ``replaces`` are existing indexes that it makes superfluous."""

    index: Index
    replaces: tuple[str, ...] = ()
    partitions: tuple[TableName, ...] = ()
    kind: str = "add_index"


@dataclass(frozen=True, slots=True)
class DropIndex:
    """Drop ``index``; ``covered_by`` names what serves its queries from then on."""

    index: Index
    covered_by: str = ""
    hide_first: bool = False
    kind: str = "drop_index"


@dataclass(frozen=True, slots=True)
class RebuildIndex:
    """Build ``index`` anew as it is, in place of itself."""

    index: Index
    kind: str = "rebuild_index"


@dataclass(frozen=True, slots=True)
class CodeChange:
    """Code before and after in one language or ORM; ``guessed`` when names come from the schema, not from models."""

    tool: str
    title: str
    before: str
    after: str
    guard: str = ""
    guessed: bool = False
    note: str = ""
    language: str = "python"


@dataclass(frozen=True, slots=True)
class EagerLoad:
    """Load ``relations`` of the parent with it; ``changes`` has one entry an ORM, the application's own first."""

    parent: str
    children: tuple[str, ...]
    changes: tuple[CodeChange, ...] = ()
    kind: str = "eager_load"


@dataclass(frozen=True, slots=True)
class RewriteQuery:
    """Write the statement another way."""

    before: str
    after: str
    changes: tuple[CodeChange, ...] = ()
    kind: str = "rewrite_query"


@dataclass(frozen=True, slots=True)
class Configure:
    """Change a setting; ``scope`` says where ("role app", "database", "server")."""

    setting: str
    value: str
    current: str = ""
    scope: str = ""
    kind: str = "configure"


Action = AddIndex | DropIndex | RebuildIndex | EagerLoad | RewriteQuery | Configure


@dataclass(frozen=True, slots=True)
class PlanPair:
    """One shape's plan before and after."""

    fingerprint: str
    before: Plan | None
    after: Plan | None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One remedy with everything that a reviewer asks. ``id`` is stable: kind, table and definition, hashed.

    ``statement`` runs as it stands on the inspected database (or is the rewritten code). ``title`` is one line.
    """

    id: str
    title: str
    action: Action
    statement: str
    tables: tuple[TableName, ...]
    problem: str
    root_cause: str
    solution: str
    benefit: Benefit
    migration_impact: MigrationImpact
    risks: tuple[str, ...]
    verification: tuple[str, ...]
    acceptance: tuple[str, ...]
    shapes: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    confidence: Confidence = Confidence.MEDIUM
    location: CallSite | None = None
    plans: tuple[PlanPair, ...] = ()

    @property
    def kind(self) -> str:
        """add_index, drop_index, rebuild_index, eager_load, rewrite_query or configure."""
        return self.action.kind

    @property
    def slug(self) -> str:
        """The remedy as part of a file name: ``add_ix_orders_customer_id``; at most 80 of ``[a-z0-9_]``."""
        match self.action:
            case AddIndex(index=index):
                words = f"add {index.name}"
            case DropIndex(index=index):
                words = f"drop {index.name}"
            case RebuildIndex(index=index):
                words = f"rebuild {index.name}"
            case Configure(setting=setting):
                words = f"set {setting}"
            case _:
                words = f"{self.kind} {'_'.join(table.name for table in self.tables)} {self.id[-6:]}"
        return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[:80]

    def cures(self, finding: Finding) -> bool:
        """Whether ``finding`` led to this remedy: its rule and index; for code all of its statements, else one."""
        if finding.rule not in self.rules or (self.tables and not {*self.tables} & {*finding.tables}):
            return False
        match self.action:
            case DropIndex(index=index) | RebuildIndex(index=index):
                return finding.index in ("", index.name)
            case EagerLoad() | RewriteQuery():
                return {*finding.shapes} <= {*self.shapes}
            case _:
                return not (finding.shapes and self.shapes) or bool({*finding.shapes} & {*self.shapes})


@dataclass(frozen=True, slots=True)
class Declined:
    """What was considered and is not recommended, and why."""

    candidate: str
    reason: str
    kind: str = "add_index"
    tables: tuple[TableName, ...] = ()
    shapes: tuple[str, ...] = ()
    rule: str = ""


@dataclass(frozen=True, slots=True)
class MigrationStub:
    """Files that one migration tool takes, path -> text; ``instructions`` say how to run and undo them."""

    tool: str
    recommendation: str
    files: tuple[tuple[str, str], ...]
    instructions: str = ""
    snippet: str = field(default="")
