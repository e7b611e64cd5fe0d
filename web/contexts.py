"""What each page shows, one frozen dataclass a page. The page's ``.json`` twin is the same object, encoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from advisor.model.capture import Coverage
from advisor.model.catalog import ForeignKey, Table
from advisor.model.finding import Finding
from advisor.model.plan import Plan
from advisor.model.recommendation import Declined, MigrationStub, Recommendation
from advisor.model.workload import Burst, Query, Suppressed
from advisor.report.overview import Overview
from advisor.store import Decision, Saved, Target
from web.scans import Watched


@dataclass(frozen=True, slots=True)
class HomePage:
    """Reports, newest first; the targets with what was scanned last; scans under way. ``notice``: a refused form."""

    reports: tuple[Saved, ...]
    targets: tuple[Target, ...]
    scans: tuple[Watched, ...]
    can_scan: bool
    notice: str = ""


@dataclass(frozen=True, slots=True)
class ScanPage:
    """One scan's progress."""

    scan: Watched


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """The four answers, the best remedies, the worst findings, what could not be seen."""

    report_id: int
    summary: Overview
    recommendations: tuple[Recommendation, ...]
    findings: tuple[Finding, ...]
    coverage: tuple[Coverage, ...]
    decisions: Mapping[str, Decision]


@dataclass(frozen=True, slots=True)
class FindingsPage:
    """Findings by severity, rule and table; the choices are those that occur."""

    report_id: int
    findings: tuple[Finding, ...]
    total: int
    severity: str
    rule: str
    table: str
    rules: tuple[str, ...]
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecommendationsPage:
    """Remedies by kind, table and decision, in an order."""

    report_id: int
    recommendations: tuple[Recommendation, ...]
    total: int
    kind: str
    table: str
    status: str
    sort: str
    kinds: tuple[str, ...]
    tables: tuple[str, ...]
    decisions: Mapping[str, Decision]


@dataclass(frozen=True, slots=True)
class RecommendationPage:
    """One remedy with everything that a reviewer asks; ``stub`` is that of ``tool``, or a note that no tool runs."""

    report_id: int
    recommendation: Recommendation
    line: str
    stub: MigrationStub
    is_note: bool
    tool: str
    tools: tuple[tuple[str, str, str], ...]
    findings: tuple[Finding, ...]
    declined: tuple[Declined, ...]
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class QueriesPage:
    """Queries in an order, fifty a page."""

    report_id: int
    queries: tuple[Query, ...]
    total: int
    total_ms: float
    sort: str
    table: str
    search: str
    number: int
    numbers: int
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueryPage:
    """One query with its plan, what was found in it, and what would help."""

    report_id: int
    query: Query
    share: float | None
    findings: tuple[Finding, ...]
    recommendations: tuple[Recommendation, ...]


@dataclass(frozen=True, slots=True)
class PlanPage:
    """One plan as a table and as text, each step linked with its line."""

    report_id: int
    fingerprint: str
    plan: Plan
    text: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BurstsPage:
    """N+1 bursts and other repetition, what looked like it and is none, and the remedies."""

    report_id: int
    bursts: tuple[Burst, ...]
    suppressed: tuple[Suppressed, ...]
    recommendations: tuple[Recommendation, ...]


@dataclass(frozen=True, slots=True)
class TablesPage:
    """The tables that the workload or a finding names, largest first."""

    report_id: int
    tables: tuple[Table, ...]
    findings: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TablePage:
    """One table: its indexes and their use, its writes, its queries, what was found."""

    report_id: int
    table: Table
    foreign_keys: tuple[ForeignKey, ...]
    queries: tuple[Query, ...]
    findings: tuple[Finding, ...]
    recommendations: tuple[Recommendation, ...]


@dataclass(frozen=True, slots=True)
class DeclinedPage:
    """What was considered and is not advised."""

    report_id: int
    declined: tuple[Declined, ...]
    suppressed: tuple[Suppressed, ...]


@dataclass(frozen=True, slots=True)
class ExportsPage:
    """What can be taken away: forms of the report, migrations by tool."""

    report_id: int
    forms: tuple[str, ...]
    tools: tuple[tuple[str, str, str], ...]
    recommendations: tuple[Recommendation, ...]


@dataclass(frozen=True, slots=True)
class RulePage:
    """A rule's documentation: its sections in order, each a heading ("" first) and blocks of "text" or "code"."""

    name: str
    title: str
    databases: tuple[str, ...]
    sections: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@dataclass(frozen=True, slots=True)
class ComparePage:
    """Two runs side by side: what is new, what is gone, which queries got slower or faster."""

    report_id: int
    older_id: int
    new: tuple[Finding, ...]
    gone: tuple[Finding, ...]
    slower: tuple[tuple[Query, Query], ...]
    faster: tuple[tuple[Query, Query], ...]
    others: tuple[Saved, ...] = field(default=())
