"""Progress of long work on the terminal: one line a step, with a bar where the total is known."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from advisor.ports import Progress as Report
from advisor.ports import Step


@contextmanager
def shown(quiet: bool = False) -> Iterator[Report]:
    """Show Steps on standard error: live bars on a terminal, one line a finished step elsewhere."""
    console = Console(stderr=True)
    if quiet:
        yield lambda step: None
    elif console.is_terminal:
        with _bars(console) as bars:
            yield _Live(bars)
    else:
        lines = _Lines()
        try:
            yield lines
        finally:
            lines.finish()


def _bars(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[amount]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        console=console,
    )


class _Live:
    """Steps as rich tasks; a new title finishes the one before."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._title = ""
        self._task: TaskID | None = None

    def __call__(self, step: Step) -> None:
        if step.title != self._title or self._task is None:
            self._finish()
            self._title = step.title
            self._task = self._bars.add_task(step.title, total=None, amount="")
        total = step.total or None
        self._bars.update(self._task, completed=step.done, total=total, amount=amount(step))

    def _finish(self) -> None:
        if self._task is not None:
            self._bars.update(self._task, total=1, completed=1)
            self._bars.stop_task(self._task)


class _Lines:
    """Steps as plain lines, for logs of CI."""

    def __init__(self) -> None:
        self._title = ""
        self._since = time.monotonic()

    def __call__(self, step: Step) -> None:
        if step.title != self._title:
            self.finish()
            self._title, self._since = step.title, time.monotonic()

    def finish(self) -> None:
        if self._title:
            print(f"  {self._title} … {time.monotonic() - self._since:.1f} s", file=sys.stderr, flush=True)  # noqa: T201
        self._title = ""


def amount(step: Step) -> str:
    """``done`` of ``total`` for people: bytes as MB, everything else as a count."""
    if step.unit == "bytes":
        return f"{step.done / 1e6:,.0f} / {step.total / 1e6:,.0f} MB" if step.total else f"{step.done / 1e6:,.0f} MB"
    if not step.total and not step.done:
        return ""
    head = f"{step.done:,.0f} / {step.total:,.0f}" if step.total else f"{step.done:,.0f}"
    return f"{head} {step.unit}".rstrip()
