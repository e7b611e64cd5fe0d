"""Findings, remedies, what was declined, and the rules' documentation."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from advisor import export
from advisor.model.finding import Finding
from advisor.model.recommendation import Declined, EagerLoad, MigrationStub, Recommendation, RewriteQuery
from advisor.model.report import Report
from advisor.registry import with_attribute
from advisor.report import words
from advisor.report.overview import decision_line
from web.contexts import DeclinedPage, FindingsPage, RecommendationPage, RecommendationsPage, RulePage
from web.pages.exports import stub_of
from web.rendering import TheReport, TheStore, page

ROUTER = APIRouter()
DECISIONS = ("open", "accepted", "dismissed")


@page(ROUTER, "/reports/{report_id}/findings", "findings.html")
def findings(report: TheReport, report_id: int, severity: str = "", rule: str = "", table: str = "") -> FindingsPage:
    """Findings, filtered by what stands in the URL."""
    shown = [
        finding
        for finding in report.findings
        if severity in ("", finding.severity) and rule in ("", finding.rule) and _names(finding, table)
    ]
    return FindingsPage(
        report_id=report_id,
        findings=tuple(shown),
        total=len(report.findings),
        severity=severity,
        rule=rule,
        table=table,
        rules=tuple(sorted({finding.rule for finding in report.findings})),
        tables=tuple(sorted({str(name) for finding in report.findings for name in finding.tables})),
    )


@page(ROUTER, "/reports/{report_id}/recommendations", "recommendations.html")
def recommendations(
    report: TheReport,
    report_id: int,
    store: TheStore,
    kind: str = "",
    table: str = "",
    status: str = "",
    sort: str = "gain",
) -> RecommendationsPage:
    """Remedies, filtered and ordered by what stands in the URL."""
    decisions = store.decisions(report.server.name)
    shown = [
        each
        for each in report.recommendations
        if kind in ("", each.kind)
        and _names(each, table)
        and status in ("", decisions[each.id].status if each.id in decisions else "open")
    ]
    orders = {
        "size": lambda each: -each.migration_impact.size.value if each.migration_impact.size else 0.0,
        "table": lambda each: tuple(map(str, each.tables)),
        "kind": lambda each: list(words.KINDS).index(each.kind),
    }
    if sort in orders:
        shown.sort(key=orders[sort])
    return RecommendationsPage(
        report_id=report_id,
        recommendations=tuple(shown),
        total=len(report.recommendations),
        kind=kind,
        table=table,
        status=status,
        sort=sort,
        kinds=tuple(name for name in words.KINDS if any(each.kind == name for each in report.recommendations)),
        tables=tuple(sorted({str(name) for each in report.recommendations for name in each.tables})),
        decisions=decisions,
    )


@page(ROUTER, "/reports/{report_id}/recommendations/{identity}", "recommendation.html")
def recommendation(
    report: TheReport, report_id: int, store: TheStore, identity: str, tool: str = ""
) -> RecommendationPage:
    """One remedy, its migration written for ``tool``."""
    each = _find(report, identity)
    known = export.tools(report.server.product)
    names = [offered.name for offered in known]
    chosen = tool or ("sql" if "sql" in names else names[0] if names else "")
    stub = stub_of(report, each, chosen) if chosen else MigrationStub("", each.id, ())
    return RecommendationPage(
        report_id=report_id,
        recommendation=each,
        line=decision_line(report, each),
        stub=stub,
        is_note=all(path.startswith("notes/") for path, _ in stub.files),
        tool=chosen,
        tools=tuple((offered.name, offered.title, offered.language) for offered in known),
        findings=tuple(filter(each.cures, report.findings)),
        declined=_alternatives(report, each),
        decision=store.decisions(report.server.name).get(each.id),
    )


@ROUTER.post("/reports/{report_id}/recommendations/{identity}/decision")
def decide(
    report: TheReport,
    store: TheStore,
    report_id: int,
    identity: str,
    status: Annotated[str, Form(max_length=20)],
    reason: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Keep what was decided; it holds for later reports on the same database too."""
    if status not in DECISIONS:
        raise HTTPException(422, "A decision is open, accepted or dismissed.")
    store.decide(report.server.name, _find(report, identity).id, status, reason.strip())
    return RedirectResponse(f"/reports/{report_id}/recommendations/{identity}#decision", 303)


@page(ROUTER, "/reports/{report_id}/declined", "declined.html")
def declined(report: TheReport, report_id: int) -> DeclinedPage:
    """What was considered and is not advised, with the reason."""
    return DeclinedPage(report_id, report.declined, report.workload.suppressed)


@page(ROUTER, "/rules/{name}", "rule.html")
def rule(request: Request, name: str) -> RulePage:
    """A rule's documentation, which is its module's docstring."""
    module = with_attribute("advisor.rules", "RULE").get(name)
    if module is None:
        raise HTTPException(404, f"There is no rule {name!r}.")
    first, *rest = re.split(r"^##\s+(.+)$", inspect.cleandoc(module.__doc__ or ""), flags=re.MULTILINE)
    sections = [("", first), *zip(rest[::2], rest[1::2], strict=True)]
    return RulePage(
        name,
        module.RULE.title,
        module.RULE.databases,
        tuple((heading.strip(), tuple(_blocks(text))) for heading, text in sections),
    )


def _blocks(markdown: str) -> Iterator[tuple[str, str]]:
    """Paragraphs and indented code of a docstring's section, as ("text" or "code", content)."""
    for block in re.split(r"\n(?:[ \t]*\n)+", markdown.strip("\n")):
        if block.strip():
            indented = all(line.startswith("    ") or not line.strip() for line in block.splitlines())
            yield ("code", inspect.cleandoc(block)) if indented else ("text", " ".join(block.split()))


def _find(report: Report, identity: str) -> Recommendation:
    for each in report.recommendations:
        if each.id == identity:
            return each
    raise HTTPException(404, "The report has no such recommendation.")


def _names(thing: Finding | Recommendation, table: str) -> bool:
    return not table or table in map(str, thing.tables)


def _alternatives(report: Report, each: Recommendation) -> tuple[Declined, ...]:
    """What else of its kind was weighed for the same tables; of code, for the same statements."""
    return tuple(
        declined
        for declined in report.declined
        if declined.kind == each.kind
        and {*each.tables} & {*declined.tables}
        and (not isinstance(each.action, EagerLoad | RewriteQuery) or {*each.shapes} & {*declined.shapes})
    )
