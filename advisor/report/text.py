"""The report for a terminal: the four answers first, then what is wrong, then what to do, best first."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from advisor.model.finding import Finding, Severity
from advisor.model.recommendation import Declined, Recommendation
from advisor.model.report import Report
from advisor.report import words
from advisor.report.overview import decision_line, gain, overview

MAX_FINDINGS = 8
MAX_WHOLE = 6
"""Remedies told whole; of the others the title and the gain."""
MAX_DECLINED = 4
MAX_STATEMENT_LINES = 12
MAX_PROBLEM = 230

# SGR codes; bold and dim need no colour scheme, and the words say what the colours say.
_BOLD, _DIM, _RED, _YELLOW, _GREEN, _CYAN = "1", "2", "31", "33", "32", "36"
_LIGHT = {Severity.HIGH: _RED, Severity.MEDIUM: _YELLOW, Severity.LOW: _CYAN, Severity.INFO: _DIM}


def render(report: Report, *, color: bool = False, width: int = 100) -> str:
    """The summary as lines of at most ``width`` columns (statements excepted, so that they can be copied whole)."""
    page = _Page(color, max(width, 40))
    return "\n".join(_lines(report, page)).rstrip() + "\n"


class _Page:
    """Wraps and colours."""

    def __init__(self, color: bool, width: int) -> None:
        self._color, self._width = color, width

    def paint(self, text: str, *codes: str) -> str:
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if self._color else text

    def heading(self, text: str) -> str:
        return self.paint(text.upper(), _BOLD)

    def wrap(self, text: str, first: str = "", rest: str | None = None) -> Iterator[str]:
        indent = " " * len(first) if rest is None else rest
        yield from textwrap.wrap(
            words.one_line(text) or "-",
            self._width,
            initial_indent=first,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _lines(report: Report, page: _Page) -> Iterator[str]:
    summary = overview(report)
    yield page.paint("Query Advisor", _BOLD) + page.paint(f"  {summary.source}", _DIM)
    yield ""
    answers = (
        ("What is wrong", summary.wrong),
        ("How sure", summary.sure),
        ("What to do", summary.do),
        ("What it costs", summary.cost),
    )
    for question, answer in answers:
        first, *rest = page.wrap(answer, f"  {question:15}")
        yield first.replace(question, page.paint(question, _BOLD), 1)
        yield from rest
    yield from _findings(report, page)
    yield from _recommendations(report, page)
    yield from _unseen(report, page)
    yield from _declined(report.declined, page)


def _findings(report: Report, page: _Page) -> Iterator[str]:
    if not report.findings:
        return
    yield ""
    yield page.heading("Findings, worst first")
    for finding in report.findings[:MAX_FINDINGS]:
        yield from _finding(finding, page)
    if len(report.findings) > MAX_FINDINGS:
        yield page.paint(f"  … and {words.count(len(report.findings) - MAX_FINDINGS)} more in the report.", _DIM)


def _finding(finding: Finding, page: _Page) -> Iterator[str]:
    level = f"{finding.severity.value:7}"
    first, *rest = page.wrap(finding.message, f"  {level} ")
    yield first.replace(level, page.paint(level, _LIGHT[finding.severity], _BOLD), 1)
    yield from rest
    told = [finding.rule, f"{finding.confidence.value} confidence"]
    if finding.location:
        told.append(str(finding.location))
    yield page.paint(" " * 10 + ", ".join(told), _DIM)


def _recommendations(report: Report, page: _Page) -> Iterator[str]:
    if not report.recommendations:
        return
    yield ""
    yield page.heading("What to do, best first")
    for number, each in enumerate(report.recommendations[:MAX_WHOLE], 1):
        yield from _recommendation(report, number, each, page)
    if len(report.recommendations) > MAX_WHOLE:
        yield ""
    for number, each in enumerate(report.recommendations[MAX_WHOLE:], MAX_WHOLE + 1):
        yield from page.wrap(f"{each.title}; {gain(report, each)}", f" {number:2}. ")


def _recommendation(report: Report, number: int, each: Recommendation, page: _Page) -> Iterator[str]:
    yield ""
    head = f" {number:2}. "
    first, *rest = page.wrap(each.title, head)
    yield head + page.paint(first[len(head) :], _BOLD)
    yield from rest
    won = f"{gain(report, each)}, {words.sureness(each.benefit)}"
    first, *rest = page.wrap(won, "     ")
    yield "     " + page.paint(first.strip(), _GREEN)
    yield from rest
    yield from page.wrap(words.one_line(each.problem, MAX_PROBLEM), "     ")
    statement = each.statement.strip().splitlines()
    for line in statement[:MAX_STATEMENT_LINES]:
        yield "       " + page.paint(line, _CYAN)
    if len(statement) > MAX_STATEMENT_LINES:
        yield page.paint(f"       … {len(statement) - MAX_STATEMENT_LINES} more lines in the report", _DIM)
    yield from page.wrap(decision_line(report, each), "     Cost: ")
    if each.location:
        yield f"     Where: {each.location}"


def _unseen(report: Report, page: _Page) -> Iterator[str]:
    missing = [part for part in report.coverage if not part.seen]
    if not missing:
        return
    yield ""
    yield page.heading("What could not be seen")
    for part in missing:
        yield from page.wrap(f"{part.subject}: {part.detail}", "  - ")
        if part.remedy:
            yield "      " + page.paint(words.one_line(part.remedy), _CYAN)


def _declined(declined: tuple[Declined, ...], page: _Page) -> Iterator[str]:
    if not declined:
        return
    yield ""
    yield page.heading("Considered and not advised")
    for each in declined[:MAX_DECLINED]:
        yield from page.wrap(words.one_line(f"{each.candidate}: {each.reason}", MAX_PROBLEM), "  - ")
    if len(declined) > MAX_DECLINED:
        yield page.paint(f"  … and {words.count(len(declined) - MAX_DECLINED)} more in the report.", _DIM)
