"""The whole answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from advisor.model.capture import Coverage, Server
from advisor.model.catalog import Catalog
from advisor.model.finding import Finding
from advisor.model.recommendation import Declined, Recommendation
from advisor.model.workload import Workload

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Report:
    """What was inspected, what was seen and not seen, what is wrong, what to do, and what not to do.

    ``recommendations`` come best first. ``planner`` names what costed them. ``declined`` has everything that was
    considered and is not advised.
    """

    server: Server
    captured_at: datetime | None
    coverage: tuple[Coverage, ...]
    workload: Workload
    findings: tuple[Finding, ...]
    recommendations: tuple[Recommendation, ...]
    declined: tuple[Declined, ...]
    catalog: Catalog | None = None
    planner: str = ""
    planner_calls: int = 0
    schema_version: int = SCHEMA_VERSION
