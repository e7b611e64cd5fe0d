"""The ports: what the advisor asks of a database, and of whoever can price an index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from advisor.model.capture import Capture, Coverage
from advisor.model.catalog import Catalog, Index
from advisor.model.impact import MigrationImpact
from advisor.model.recommendation import Action, Cost, WhatIf
from advisor.model.workload import Workload


@dataclass(frozen=True, slots=True)
class Step:
    """Progress of long work: ``done`` of ``total`` ``unit`` (``total`` 0: unknown)."""

    title: str
    done: float = 0.0
    total: float = 0.0
    unit: str = ""


Progress = Callable[[Step], None]
"""Called from the working thread whenever there is something to show; it must be cheap and may raise to cancel."""


def silent(_: Step) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class CaptureRequest:
    """What to capture, and where to. ``seconds`` > 0 watches the live server that long; ``logs`` are files to read."""

    folder: Path
    logs: tuple[Path, ...] = ()
    seconds: float = 0.0
    keep_values: bool = False
    schemas: tuple[str, ...] = ()
    explain: bool = True
    max_statements: int = 5_000
    log_format: str = ""
    log_line_prefix: str = ""


class Connector(Protocol):
    """A connection to one inspected database. It reads; nothing it does changes the database."""

    async def coverage(self) -> tuple[Coverage, ...]:
        """What this role may see, what is missing, and the GRANT or setting that would show it."""
        ...

    async def capture(self, request: CaptureRequest, progress: Progress = silent) -> Capture:
        """Take facts, catalog, statements, logs and plans into ``request.folder`` and return them saved."""
        ...

    async def close(self) -> None:
        """End the session."""
        ...


class CostEstimator(Protocol):
    """A planner that answers what-if questions. Implementations: the data-free shadow, HypoPG, a sandbox, a rule."""

    @property
    def planner(self) -> str:
        """Who answers, with version: ``PostgreSQL 18.4 (shadow)``."""
        ...

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """What of the database this planner does not know."""
        ...

    def costs(self, questions: Sequence[WhatIf]) -> list[Cost]:
        """Answer a batch, in order. A statement that cannot be planned gets a Cost with ``error``.

        Raises :class:`~advisor.errors.PlannerUnavailable` when the planner itself is gone.
        """
        ...

    def sizes(self, indexes: Sequence[Index]) -> list[int]:
        """The size in bytes that each index would have, newly built."""
        ...

    def close(self) -> None:
        """Free what the planner holds."""
        ...


class ImpactNote(Protocol):
    """What a migration costs on one database: ``advisor.impact.<product>.migration_impact``."""

    def __call__(
        self, action: Action, capture: Capture, workload: Workload, size_bytes: int | None = None
    ) -> MigrationImpact:
        """Say what applying ``action`` locks, takes and costs."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """What the user may say about the analysis. Bytes, counts, fractions of cost, milliseconds."""

    budget_bytes: int | None = None
    max_indexes: int | None = None
    max_per_table: int | None = None
    min_improvement: float = 0.05
    max_regression: float = 0.10
    min_executions: int = 5
    min_units: int = 3
    models: str = ""
    django_settings: str = ""
    engine: str = "duckdb"


@dataclass(frozen=True)
class Study:
    """What rules and remedies look at."""

    capture: Capture
    workload: Workload
    estimator: CostEstimator | None = None
    options: Options = Options()
    impact: ImpactNote | None = None
    progress: Progress = field(default=silent, compare=False)

    @property
    def catalog(self) -> Catalog:
        """The capture's catalog; empty when the source has none (logs alone)."""
        return self.capture.catalog or Catalog()
