"""The report in Markdown: for a pull request's comment, a ticket, ``$GITHUB_STEP_SUMMARY``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from advisor.model.recommendation import Recommendation
from advisor.model.report import Report
from advisor.report import words
from advisor.report.overview import decision_line, gain, overview

MAX_FINDINGS = 50
MAX_DECLINED = 30
MAX_WHOLE = 20
"""Remedies told whole; the table has all of them."""
MEDIA_TYPE = "text/markdown"


def render(report: Report) -> str:
    """GitHub-flavoured Markdown, within the 65,536 characters of a comment for a report of usual size."""
    return "\n".join(_lines(report)).rstrip() + "\n"


def _lines(report: Report) -> Iterator[str]:
    summary = overview(report)
    yield f"# Query Advisor: {_inline(summary.source)}\n"
    yield f"**{_inline(summary.wrong)}**\n"
    yield f"- **How sure:** {_inline(summary.sure)}"
    yield f"- **What to do:** {_inline(summary.do)}"
    yield f"- **What it costs:** {_inline(summary.cost)}\n"
    if report.recommendations:
        yield "## What to do, best first\n"
        yield "| # | Remedy | Gain | How sure | Id |"
        yield "|--:|---|---|---|---|"
        for number, each in enumerate(report.recommendations, 1):
            cells = (each.title, gain(report, each), words.sureness(each.benefit))
            yield f"| {number} | {' | '.join(map(_inline, cells))} | `{each.id}` |"
        yield ""
        for number, each in enumerate(report.recommendations[:MAX_WHOLE], 1):
            yield from _recommendation(report, number, each)
    if report.findings:
        yield "## What is wrong\n"
        yield "| Severity | Confidence | Rule | What was found |"
        yield "|---|---|---|---|"
        for finding in report.findings[:MAX_FINDINGS]:
            level, sure = finding.severity.value, finding.confidence.value
            yield f"| {level} | {sure} | {finding.rule} | {_inline(finding.message)} |"
        if len(report.findings) > MAX_FINDINGS:
            yield f"\n… and {words.count(len(report.findings) - MAX_FINDINGS)} more."
        yield ""
    unseen = [part for part in report.coverage if not part.seen]
    if unseen:
        yield "## What could not be seen\n"
        for part in unseen:
            remedy = f" {_code(part.remedy)}" if part.remedy else ""
            yield f"- {_inline(f'{part.subject}: {part.detail}')}{remedy}"
        yield ""
    if report.declined:
        yield f"<details><summary>Considered and not advised: {len(report.declined)}</summary>\n"
        shown = report.declined[:MAX_DECLINED]
        yield from (f"- {_inline(each.candidate)}: {_inline(each.reason)}" for each in shown)
        if len(report.declined) > MAX_DECLINED:
            yield f"- … and {words.count(len(report.declined) - MAX_DECLINED)} more in the report"
        yield "\n</details>"


def _recommendation(report: Report, number: int, each: Recommendation) -> Iterator[str]:
    language = {"postgresql": "sql", "mongodb": "javascript"}.get(report.server.product, "")
    language = "python" if each.kind == "eager_load" else language
    yield f"### {number}. {_inline(each.title)}\n"
    yield f"{_inline(each.problem)}\n"
    yield f"{_inline(each.root_cause)} {_inline(each.solution)}\n"
    longest = max((len(run) for run in re.findall(r"`{3,}", each.statement)), default=2)
    fence = "`" * (longest + 1)
    yield f"{fence}{language}\n{each.statement.strip()}\n{fence}\n"
    yield f"**Cost:** {_inline(decision_line(report, each))}\n"
    if each.location:
        yield f"**Where:** {_code(str(each.location))}\n"
    if each.migration_impact.rollback:
        yield f"**Undo:** {_code(' '.join(each.migration_impact.rollback))}\n"
    yield from (f"- Risk: {_inline(risk)}" for risk in each.risks)
    yield from (f"- Check: {_inline(check)}" for check in each.verification)
    yield ""


def _inline(text: str) -> str:
    """One line of prose: what stands between backticks stays code, all other marks are text."""
    parts = words.one_line(text).split("`")
    if len(parts) % 2 == 0:  # a backtick without its partner
        parts[-2:] = ["`".join(parts[-2:])]
    plain = [re.sub(r"([\\`*_<>\[\]#|])", r"\\\1", part) for part in parts]
    return "".join(_code(parts[n]).replace("|", "\\|") if n % 2 and parts[n] else plain[n] for n in range(len(parts)))


def _code(text: str) -> str:
    flat = words.one_line(text)
    longest = max((len(run) for run in re.findall(r"`+", flat)), default=0)
    tick = "`" * (longest + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{tick}{pad}{flat}{pad}{tick}"
