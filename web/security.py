"""Who may ask, and from where: host names, one-time login, requests forged by other sites, what a page may load."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
COOKIE = "advisor_session"
OPEN_PATHS = ("/login", "/healthz", "/readyz", "/static/")
MAX_BODY = 64 * 1024
"""Bytes that a form may have; nothing here takes files."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Sessions:
    """Sessions in memory. The login token works once; a restart of the server makes a new one."""

    def __init__(self, token: str | None) -> None:
        self._token = token
        self._open: set[str] = set()
        self._lock = threading.Lock()
        self.required = token is not None

    def login(self, token: str) -> str | None:
        """Give a new session for the token, which is spent by that; ``None`` for a wrong one."""
        with self._lock:
            if self._token is None or not hmac.compare_digest(token.encode(), self._token.encode()):
                return None
            self._token = None
            session = secrets.token_urlsafe(32)
            self._open.add(_digest(session))
            return session

    def knows(self, session: str) -> bool:
        """Whether the session was opened here."""
        return _digest(session) in self._open

    def close(self, session: str) -> None:
        """End a session."""
        with self._lock:
            self._open.discard(_digest(session))


class Guard:
    """ASGI middleware before every page."""

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str], sessions: Sessions) -> None:
        self._app, self._hosts, self._sessions = app, frozenset(hosts), sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or go on and add the security headers to the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if "*" not in self._hosts and _host_name(headers.get("host", "")) not in self._hosts:
            return PlainTextResponse("This host name is not served here; add it with --allow-host.\n", 421)
        if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            if _forged(headers):
                return PlainTextResponse("Refused: the request came from another site.\n", 403)
            length = headers.get("content-length", "0")
            if not length.isdigit() or int(length) > MAX_BODY or "transfer-encoding" in headers:
                return PlainTextResponse("The request is too large.\n", 413)
        if not self._sessions.required or scope["path"].startswith(OPEN_PATHS):
            return None
        if self._sessions.knows(HTTPConnection(scope).cookies.get(COOKIE, "")):
            return None
        if scope["method"] == "GET" and not scope["path"].endswith(".json"):
            return RedirectResponse("/login", 303)
        return PlainTextResponse("Log in with the URL that `advisor serve` printed.\n", 401)


def _forged(headers: Headers) -> bool:
    """Whether a browser says that another site sent the request (Fetch Metadata; Origin for older browsers)."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host", "")


def _host_name(host: str) -> str:
    """The name without port; IPv6 addresses keep their brackets."""
    head, colon, port = host.rpartition(":")
    return head if colon and port.isdigit() else host


def _digest(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()
