"""Calls an ASGI application without a socket."""

import json
from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp, Message


class RequestFailedError(Exception):
    """The application answered with an error."""


async def call(app: ASGIApp, method: str, path: str, **query: Any) -> Any:
    """Sends one request without a body; returns the decoded JSON answer. Query values may be lists."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": urlencode(query, doseq=True).encode(),
        "root_path": "",
        "headers": [(b"host", b"shop")],
        "client": ("127.0.0.1", 1),
        "server": ("shop", 80),
    }
    status, body = 0, b""

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, body
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            body += message.get("body", b"")

    await app(scope, receive, send)
    if status >= 400:
        raise RequestFailedError(f"{method} {path}: {status} {body.decode(errors='replace')[:200]}")
    return json.loads(body) if body else None
