"""From a page's context to its answer: HTML through a template, or the same facts as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment, PackageLoader

from advisor.errors import StoreError
from advisor.model.codec import encode
from advisor.model.report import Report
from advisor.report.pages import environment
from web.ports import Reports
from web.scans import Scans

Build = TypeVar("Build", bound=Callable[..., Any])

SECTIONS = (
    ("", "Overview"),
    ("/recommendations", "What to do"),
    ("/findings", "Findings"),
    ("/queries", "Queries"),
    ("/n-plus-one", "N+1"),
    ("/tables", "Tables"),
    ("/declined", "Not advised"),
    ("/exports", "Export"),
)


def pages_environment() -> Environment:
    """The pages' templates over the report's."""
    made = environment(PackageLoader("web"))
    made.globals["SECTIONS"] = SECTIONS
    return made


def page(router: APIRouter, path: str, template: str) -> Callable[[Build], Build]:
    """Serve what the decorated function builds as HTML at ``path`` and as JSON at ``path.json``.

    The function is a FastAPI dependency: its parameters come from path and query.
    """

    def decorate(build: Build) -> Build:
        built = Depends(build)

        def as_json(context: Any = built) -> JSONResponse:
            return JSONResponse(encode(context))

        def as_html(request: Request, context: Any = built) -> HTMLResponse:
            return html(request, template, context)

        name, document = build.__name__, build.__doc__
        router.add_api_route(f"{path}.json", as_json, methods=["GET"], name=f"{name}_json", description=document or "")
        router.add_api_route(path, as_html, methods=["GET"], name=name, include_in_schema=False)
        return build

    return decorate


def html(request: Request, template: str, context: Any, status: int = 200) -> HTMLResponse:
    """Render a template with its page's context."""
    text = request.app.state.templates.get_template(template).render(
        page=context, report=getattr(request.state, "report", None), path=request.url.path
    )
    return HTMLResponse(text, status)


def store_of(request: Request) -> Reports:
    """The store that the application was made with."""
    store: Reports = request.app.state.store
    return store


def scans_of(request: Request) -> Scans:
    """The scans of this server; 404 where scanning is not offered."""
    scans: Scans | None = request.app.state.scans
    if scans is None:
        raise HTTPException(404, "This server shows finished reports; it does not scan.")
    return scans


def report_of(request: Request, report_id: int) -> Report:
    """The report that the path names; 404 when there is none."""
    cache: dict[int, Report] = request.app.state.opened
    if report_id not in cache:
        try:
            found = store_of(request).report(report_id)
        except StoreError as error:
            raise HTTPException(404, str(error)) from error
        while len(cache) >= 8:
            cache.pop(next(iter(cache)), None)
        cache[report_id] = found
    report: Report = cache[report_id]
    request.state.report = report
    return report


TheStore = Annotated[Reports, Depends(store_of)]
TheScans = Annotated[Scans, Depends(scans_of)]
TheReport = Annotated[Report, Depends(report_of)]
