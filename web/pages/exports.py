"""What can be taken away: the report in every form, the migrations for every tool."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response

from advisor import export
from advisor.errors import ExportError
from advisor.model.recommendation import MigrationStub, Recommendation
from advisor.model.report import Report
from advisor.registry import with_attribute
from web.contexts import ExportsPage
from web.rendering import TheReport, page

ROUTER = APIRouter()
SUFFIXES = {"markdown": "md", "text": "txt"}
EPOCH = (2000, 1, 1, 0, 0, 0)
"""The date of files in a zip, so that equal stubs are equal bytes."""


@page(ROUTER, "/reports/{report_id}/exports", "exports.html")
def exports(report: TheReport, report_id: int) -> ExportsPage:
    """Forms of the report and migration tools."""
    return ExportsPage(
        report_id=report_id,
        forms=tuple(with_attribute("advisor.report", "render")),
        tools=tuple((tool.name, tool.title, tool.language) for tool in export.tools(report.server.product)),
        recommendations=report.recommendations,
    )


@ROUTER.get("/reports/{report_id}/exports/report/{form}")
def report_file(report: TheReport, report_id: int, form: str) -> Response:
    """The report in one of its forms, as a file."""
    module = with_attribute("advisor.report", "render").get(form)
    if module is None:
        raise HTTPException(404, f"There is no form {form!r}.")
    media = getattr(module, "MEDIA_TYPE", "text/plain")
    return _file(module.render(report).encode(), media, f"report.{SUFFIXES.get(form, form)}")


@ROUTER.get("/reports/{report_id}/exports/stubs/{tool}.zip")
def stubs_zip(
    report: TheReport, report_id: int, tool: str, only: Annotated[list[str] | None, Query()] = None
) -> Response:
    """The migrations of all recommendations, or of those named by ``only``, for one tool."""
    chosen = [each for each in report.recommendations if not only or each.id in only]
    return _file(zipped(_stubs(report, chosen, tool)), "application/zip", f"stubs-{tool}.zip")


@ROUTER.get("/reports/{report_id}/recommendations/{identity}/stubs/{tool}/{number}")
def stub_file(report: TheReport, report_id: int, identity: str, tool: str, number: int) -> Response:
    """One file of one migration."""
    files = [
        file for each in report.recommendations if each.id == identity for file in stub_of(report, each, tool).files
    ]
    if not 0 <= number < len(files):
        raise HTTPException(404, "The report has no such file.")
    path, text = files[number]
    return _file(text.encode(), "text/plain", path.rpartition("/")[2])


def zipped(made: Sequence[MigrationStub]) -> bytes:
    """Stubs as a zip; the same stubs give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in sorted({file for stub in made for file in stub.files}):
            archive.writestr(zipfile.ZipInfo(path, EPOCH), text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def stub_of(report: Report, each: Recommendation, tool: str) -> MigrationStub:
    """One recommendation's migration, dated as in the export of all. 404 for an unknown tool."""
    return _stubs(report, [each], tool, report.recommendations.index(each))[0]


def _stubs(report: Report, chosen: Sequence[Recommendation], tool: str, minutes: int = 0) -> list[MigrationStub]:
    at = (report.captured_at or datetime(2000, 1, 1, tzinfo=UTC)) + timedelta(minutes=minutes)
    try:
        return export.stubs(chosen, tool, at=at)
    except ExportError as error:
        raise HTTPException(404, str(error)) from error


def _file(content: bytes, media_type: str, name: str) -> Response:
    safe = "".join(letter for letter in name if letter.isascii() and letter.isprintable() and letter not in '"\\')
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{safe}"'})
