"""Scans that run beside the pages: one thread each, their progress kept for whoever watches."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field, replace

from advisor.errors import AdvisorError
from advisor.model.report import Report
from advisor.ports import Step
from web.ports import Reports, Scan

MAX_RUNNING = 2
"""Scans at the same time; each brings up a planner of its own."""
KEPT = 50
"""Finished scans whose progress can still be looked at."""


class Cancelled(Exception):
    """Raised out of the progress callback to end a scan."""


@dataclass(frozen=True, slots=True)
class StepSeen:
    """One step of a scan; ``share`` in [0, 1], ``None`` while unknown; ``seconds`` it took so far."""

    title: str
    share: float | None
    seconds: float
    figure: str = ""


@dataclass(frozen=True, slots=True)
class Watched:
    """A scan as it stands. ``state``: "running", "done" (``report`` is set) or "failed" (``error`` says why)."""

    id: str
    target: str
    state: str = "running"
    steps: tuple[StepSeen, ...] = ()
    error: str = ""
    report: int | None = None
    version: int = 0


@dataclass
class _Job:
    watched: Watched
    step_started: float = field(default_factory=time.monotonic)
    cancelled: bool = False


class Scans:
    """Starts scans and tells how far they are."""

    def __init__(self, scan: Scan, store: Reports) -> None:
        self._scan, self._store = scan, store
        self._lock = threading.Lock()
        self._jobs: dict[str, _Job] = {}

    def start(self, name: str, url: str, target: int | None) -> Watched:
        """Begin a scan of ``url``; the URL lives no longer than the scan.

        Raises :class:`AdvisorError` when too many run already.
        """
        with self._lock:
            running = [job for job in self._jobs.values() if job.watched.state == "running"]
            if len(running) >= MAX_RUNNING:
                raise AdvisorError("Two scans run already; wait until one of them is done.")
            for old in list(self._jobs)[: max(0, len(self._jobs) - KEPT)]:
                if self._jobs[old].watched.state != "running":
                    del self._jobs[old]
            job = _Job(Watched(secrets.token_hex(8), name))
            self._jobs[job.watched.id] = job
        threading.Thread(target=self._run, args=(job, url, target), daemon=True, name="advisor-scan").start()
        return job.watched

    def get(self, identity: str) -> Watched | None:
        """The scan as it stands, the running step's time included."""
        with self._lock:
            job = self._jobs.get(identity)
            return _timed(job) if job else None

    def running(self) -> list[Watched]:
        """The scans under way."""
        with self._lock:
            return [_timed(job) for job in self._jobs.values() if job.watched.state == "running"]

    def cancel(self, identity: str = "") -> None:
        """End one scan, or all of them, at its next step."""
        with self._lock:
            for key, job in self._jobs.items():
                job.cancelled = job.cancelled or not identity or key == identity

    def _run(self, job: _Job, url: str, target: int | None) -> None:
        def progress(step: Step) -> None:
            with self._lock:
                if job.cancelled:
                    raise Cancelled
                _note(job, step)

        try:
            report: Report = self._scan(url, progress)
            number = self._store.save(report, target)
        except Cancelled:
            self._finish(job, state="failed", error="The scan was cancelled.")
        except AdvisorError as error:
            self._finish(job, state="failed", error=str(error))
        except Exception as error:  # a thread has nobody above it to tell
            kind = type(error).__name__
            self._finish(job, state="failed", error=f"The scan broke off ({kind}); run `advisor scan` to see more.")
        else:
            self._finish(job, state="done", report=number)

    def _finish(self, job: _Job, state: str, error: str = "", report: int | None = None) -> None:
        with self._lock:
            timed = _timed(job)
            job.watched = replace(timed, state=state, error=error, report=report, version=timed.version + 1)


def _note(job: _Job, step: Step) -> None:
    share = min(step.done / step.total, 1.0) if step.total else None
    figure = f"{step.done:,.0f} of {step.total:,.0f} {step.unit}".strip() if step.total else ""
    steps = _timed(job).steps
    if not steps or steps[-1].title != step.title:
        job.step_started = time.monotonic()
        steps = (*steps, StepSeen(step.title, share, 0.0, figure))
    else:
        steps = (*steps[:-1], replace(steps[-1], share=share, figure=figure))
    job.watched = replace(job.watched, steps=steps, version=job.watched.version + 1)


def _timed(job: _Job) -> Watched:
    watched = job.watched
    if watched.state != "running" or not watched.steps:
        return watched
    last = replace(watched.steps[-1], seconds=time.monotonic() - job.step_started)
    return replace(watched, steps=(*watched.steps[:-1], last))
