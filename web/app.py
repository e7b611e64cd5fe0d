"""The web application: pages over reports, and scans of saved targets."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from advisor import __version__
from advisor.errors import AdvisorError
from advisor.model.report import Report
from advisor.registry import with_attribute
from advisor.report.pages import stylesheet
from advisor.store import Store
from web.memory import MemoryReports
from web.ports import Reports, Scan
from web.rendering import html, pages_environment
from web.scans import Scans
from web.security import LOCAL_HOSTS, Guard, Sessions

LOG = logging.getLogger(__name__)


def create_app(
    reports: Sequence[Report] = (),
    store: Reports | str | None = None,
    *,
    hosts: Iterable[str] = (),
    scan: Scan | None = None,
    token: str | None = None,
) -> FastAPI:
    """Make the application.

    ``store`` is a store, or the SQLAlchemy URL of one ("" is the default place); with ``reports`` it is left alone and
    those are served from memory. ``hosts`` are Host headers to answer beside the loopback names (ports are ignored).
    ``scan`` lets people scan from the browser. With ``token`` everybody logs in once at ``/login?token=…``.
    Raises :class:`~advisor.errors.StoreError` when the store cannot be opened.
    """
    kept: Reports
    if reports:
        kept = MemoryReports(reports)
    elif store is None or isinstance(store, str):
        kept = Store(store or "")
    else:
        kept = store
    scans = Scans(scan, kept) if scan else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        if scans:
            scans.cancel()

    app = FastAPI(
        title="Query Advisor",
        version=__version__,
        summary="Reports on what slows a database application down. Every page has a .json twin.",
        docs_url=None,  # FastAPI's pages load their scripts from a CDN
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.store = kept
    app.state.scans = scans
    app.state.opened = {}
    app.state.sessions = Sessions(token)
    app.state.templates = pages_environment()
    app.add_middleware(Bugs)
    app.add_middleware(Guard, hosts=[*LOCAL_HOSTS, *map(_without_port, hosts)], sessions=app.state.sessions)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(AdvisorError, _refused)
    app.add_exception_handler(RequestValidationError, _refused)
    for module in with_attribute("web.pages", "ROUTER").values():
        app.include_router(module.ROUTER)
    _add_static(app)
    return app


def _add_static(app: FastAPI) -> None:
    style = stylesheet()

    @app.get("/static/style.css", include_in_schema=False)
    def style_css() -> Response:
        return Response(style, media_type="text/css")

    @app.get("/favicon.ico", include_in_schema=False)
    def favicon() -> Response:
        return Response(status_code=204)

    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")


class Bugs:
    """ASGI middleware: a bug becomes one sentence on the page and a traceback in the server's log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer in place of an application that broke off before it began to answer."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            LOG.exception("%s broke off", scope["path"])
            await (await _refused(Request(scope), error))(scope, receive, send)


async def _refused(request: Request, error: Exception) -> Response:
    """One sentence, as a page, as JSON or as text, by what was asked for."""
    status, message = _told(error)
    if request.url.path.endswith(".json"):
        return JSONResponse({"error": message}, status)
    if request.url.path.startswith("/static/"):
        return PlainTextResponse(message + "\n", status)
    answer: HTMLResponse = html(request, "error.html", message, status)
    return answer


def _told(error: Exception) -> tuple[int, str]:
    match error:
        case HTTPException(status_code=404, detail="Not Found"):
            return 404, "There is no such page."
        case HTTPException(status_code=status, detail=detail):
            return status, str(detail)
        case AdvisorError():
            return 400, str(error)
        case RequestValidationError():
            problem = error.errors()[0]
            return 422, f"{problem['loc'][-1]}: {problem['msg']}."
    return 500, f"The page could not be made ({type(error).__name__}); please report it."


def _without_port(host: str) -> str:
    head, colon, port = host.rpartition(":")
    return head if colon and port.isdigit() else host
