"""What the pages need from outside: a store of targets and reports, and somebody who scans."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from advisor.model.report import Report
from advisor.ports import Progress
from advisor.store import Decision, Saved, Target


class Reports(Protocol):
    """:class:`advisor.store.Store`, or :class:`web.memory.MemoryReports`; used from several threads."""

    def targets(self) -> list[Target]:
        """All targets by name."""

    def add_target(self, name: str, url: str) -> Target:
        """Keep a target without its password, or return the one that is kept."""

    def remove_target(self, target: int) -> None:
        """Forget a target; its reports stay."""

    def reports(self) -> list[Saved]:
        """All reports, newest first."""

    def report(self, report: int) -> Report:
        """One report. Raises :class:`~advisor.errors.StoreError` when there is none of that id."""

    def save(self, report: Report, target: int | None = None) -> int:
        """Keep a report and return its id."""

    def decide(self, target: str, recommendation: str, status: str, reason: str = "") -> None:
        """Keep what was decided about a recommendation of a database."""

    def decisions(self, target: str) -> dict[str, Decision]:
        """Decisions about one database, by recommendation id."""


Scan = Callable[[str, Progress], Report]
"""Scan the database at a URL (with its password), reporting progress from the calling thread. Raises AdvisorError."""
