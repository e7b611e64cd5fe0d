"""A store that forgets everything when the process ends: for ``advisor demo`` and for serving finished reports."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import UTC, datetime

from advisor.errors import StoreError
from advisor.model.report import Report
from advisor.store import Decision, Saved, Target, without_password


class MemoryReports:
    """:class:`web.ports.Reports` in memory, safe to use from several threads."""

    def __init__(self, reports: Iterable[Report] = ()) -> None:
        self._lock = threading.Lock()
        self._targets: dict[int, Target] = {}
        self._reports: dict[int, tuple[Saved, Report]] = {}
        self._decisions: dict[str, dict[str, Decision]] = {}
        for report in reports:
            self.save(report)

    def targets(self) -> list[Target]:
        """All targets by name."""
        with self._lock:
            return sorted(self._targets.values(), key=lambda target: (target.name, target.id))

    def add_target(self, name: str, url: str) -> Target:
        """Keep a target, or return the one that has this URL already; the password is dropped."""
        bare = without_password(url)
        with self._lock:
            for target in self._targets.values():
                if target.url == bare:
                    return target
            target = Target(max(self._targets, default=0) + 1, name or bare, bare, datetime.now(UTC))
            self._targets[target.id] = target
            return target

    def remove_target(self, target: int) -> None:
        """Forget a target; its reports stay."""
        with self._lock:
            self._targets.pop(target, None)

    def reports(self) -> list[Saved]:
        """All reports, newest first."""
        with self._lock:
            lines = [line for line, _ in self._reports.values()]
        return sorted(lines, key=lambda line: (line.created_at, line.id), reverse=True)

    def report(self, report: int) -> Report:
        """One report. Raises :class:`StoreError` when there is none of that id."""
        with self._lock:
            if report not in self._reports:
                raise StoreError(f"There is no report {report}; the list of reports shows those that are.")
            return self._reports[report][1]

    def save(self, report: Report, target: int | None = None) -> int:
        """Keep a report and return its id."""
        with self._lock:
            number = max(self._reports, default=0) + 1
            line = Saved(
                id=number,
                target=target,
                name=report.server.name or report.server.database or report.server.product,
                product=report.server.product,
                created_at=report.captured_at or datetime.now(UTC),
                findings=len(report.findings),
                recommendations=len(report.recommendations),
                ms_per_day=sum(r.benefit.ms_saved_per_day or 0.0 for r in report.recommendations),
            )
            self._reports[number] = (line, report)
            return number

    def decide(self, target: str, recommendation: str, status: str, reason: str = "") -> None:
        """Keep what was decided about a recommendation of the database named ``target``."""
        with self._lock:
            decision = Decision(recommendation, status, reason, datetime.now(UTC))
            self._decisions.setdefault(target, {})[recommendation] = decision

    def decisions(self, target: str) -> dict[str, Decision]:
        """Decisions about one database, by recommendation id."""
        with self._lock:
            return dict(self._decisions.get(target, {}))
