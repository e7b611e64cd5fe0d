"""ASGI and WSGI: a request is a unit of work, with its route."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from advisor.record.events import UnitOfWorkScope, current_unit

if TYPE_CHECKING:
    from advisor.record.recorder import Recorder

_VARIABLE = re.compile(r"(?<=/)(?:\d+|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?=/|\Z)")


def template(path: str) -> str:
    """A path with its numbers and UUIDs taken out: what a route looks like when the framework does not tell.

    >>> template("/orders/17/lines")
    '/orders/{id}/lines'
    """
    return _VARIABLE.sub("{id}", path)


class AsgiMiddleware:
    """Sets the unit of work around an ASGI application."""

    def __init__(self, app: Any, recorder: Recorder) -> None:
        self._app = app
        self._recorder = recorder

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection; anything but HTTP and WebSocket passes through."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        unit = UnitOfWorkScope(self._recorder.next_unit(), template(scope.get("path", "")))
        token = current_unit.set(unit)
        try:
            await self._app(scope, receive, send)
        finally:
            current_unit.reset(token)
            # Starlette and FastAPI put the matched route here while they serve.
            route = getattr(scope.get("route"), "path", None)
            if isinstance(route, str):
                unit.route = route


class WsgiMiddleware:
    """Sets the unit of work around a WSGI application; it lasts until the response is read."""

    def __init__(self, app: Any, recorder: Recorder) -> None:
        self._app = app
        self._recorder = recorder

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        """Serve one request."""
        unit = UnitOfWorkScope(self._recorder.next_unit(), template(environ.get("PATH_INFO", "")))
        token = current_unit.set(unit)
        try:
            response = self._app(environ, start_response)
        finally:
            current_unit.reset(token)
        return _Response(response, unit)


class _Response:
    """The application's response, iterated within its unit of work and closed as WSGI asks."""

    def __init__(self, response: Iterable[bytes], unit: UnitOfWorkScope) -> None:
        self._response = response
        self._unit = unit

    def __iter__(self) -> Iterator[bytes]:
        iterator = iter(self._response)
        while True:
            token = current_unit.set(self._unit)
            try:
                chunk = next(iterator)
            except StopIteration:
                return
            finally:
                current_unit.reset(token)
            yield chunk

    def close(self) -> None:
        """Close the wrapped response."""
        close = getattr(self._response, "close", None)
        if close is not None:
            close()
