"""Reports, targets, log in, health."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, urlsplit, urlunsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from advisor.errors import AdvisorError, SourceError, without_secrets
from advisor.registry import with_attribute
from web.contexts import HomePage
from web.rendering import TheScans, TheStore, html, page
from web.security import COOKIE

ROUTER = APIRouter()


def context(request: Request, store: TheStore, notice: str = "") -> HomePage:
    """What the home page shows now."""
    scans = request.app.state.scans
    return HomePage(
        reports=tuple(store.reports()),
        targets=tuple(store.targets()),
        scans=tuple(scans.running()) if scans else (),
        can_scan=scans is not None,
        notice=notice,
    )


@page(ROUTER, "/home", "home.html")
def home(request: Request, store: TheStore) -> HomePage:
    """Reports and targets."""
    return context(request, store)


@ROUTER.get("/", include_in_schema=False)
def first_page(store: TheStore) -> Response:
    """The report where there is just one and nothing else, so that the first page answers; else all of them."""
    reports = store.reports()
    alone = len(reports) == 1 and not store.targets()
    return RedirectResponse(f"/reports/{reports[0].id}" if alone else "/home", 303)


@ROUTER.post("/targets", response_class=HTMLResponse)
def add_target(
    request: Request,
    store: TheStore,
    scans: TheScans,
    url: Annotated[str, Form(max_length=2000)],
    name: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Keep a target (without its password) and scan it at once."""
    try:
        _check(url.strip())
        target = store.add_target(name.strip(), url.strip())
        started = scans.start(target.name, url.strip(), target.id)
    except AdvisorError as error:
        return html(request, "home.html", context(request, store, str(error)), 422)
    return RedirectResponse(f"/scans/{started.id}", 303)


@ROUTER.post("/targets/{target_id}/scan", response_class=HTMLResponse)
def scan_target(
    request: Request,
    store: TheStore,
    scans: TheScans,
    target_id: int,
    password: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Scan a kept target; its password is asked again, since none is stored."""
    found = [target for target in store.targets() if target.id == target_id]
    try:
        if not found:
            raise SourceError("This target is no longer kept; add it again.")
        started = scans.start(found[0].name, _with_password(found[0].url, password), target_id)
    except AdvisorError as error:
        return html(request, "home.html", context(request, store, str(error)), 422)
    return RedirectResponse(f"/scans/{started.id}", 303)


@ROUTER.post("/targets/{target_id}/remove", response_class=HTMLResponse)
def remove_target(store: TheStore, target_id: int) -> Response:
    """Forget a target; its reports stay."""
    store.remove_target(target_id)
    return RedirectResponse("/home", 303)


@ROUTER.get("/login", response_class=HTMLResponse, include_in_schema=False)
def login(request: Request, token: str = "") -> Response:
    """Open a session with the token, which works once."""
    session = request.app.state.sessions.login(token) if token else None
    if session is None:
        return html(request, "login.html", bool(token), 401 if token else 200)
    answer = RedirectResponse("/", 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, session, httponly=True, samesite="lax", secure=secure, max_age=7 * 86_400)
    return answer


@ROUTER.post("/logout", include_in_schema=False)
def logout(request: Request) -> Response:
    """End the session."""
    request.app.state.sessions.close(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


@ROUTER.get("/healthz", response_class=PlainTextResponse)
def healthz() -> str:
    """Whether the process answers."""
    return "ok\n"


@ROUTER.get("/readyz", response_class=PlainTextResponse)
def readyz(store: TheStore) -> str:
    """Whether the store answers too."""
    store.targets()
    return "ok\n"


def _check(url: str) -> None:
    known = {name for module in with_attribute("connectors", "SCHEMES").values() for name in module.SCHEMES}
    try:
        scheme = urlsplit(url).scheme.lower()
    except ValueError:
        scheme = ""
    if scheme not in known:
        names = ", ".join(sorted(f"{name}://" for name in known))
        raise SourceError(f"{without_secrets(url)!r} is not a database URL; it must start with one of {names}.")


def _with_password(url: str, password: str) -> str:
    if not password:
        return url
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit((parts.scheme, f"{user}:{quote(password, safe='')}{at or '@'}{host}", *parts[2:]))
