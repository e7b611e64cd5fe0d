"""Django: ``connection.execute_wrappers``, put on every connection when it is made."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.record.recorder import Recorder


def attach(recorder: Recorder) -> Callable[[], None]:
    """Wrap open connections and those to come; returns what undoes it."""
    connections: Any = import_module("django.db").connections
    created: Any = import_module("django.db.backends.signals").connection_created
    wrapped: list[Any] = []

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        started = time.perf_counter()
        error = ""
        try:
            return execute(sql, params, many, context)
        except Exception as problem:
            error = getattr(problem.__cause__, "sqlstate", None) or "XX000"
            raise
        finally:
            told(sql, params, many, context, time.perf_counter() - started, error)

    def keep(sql: str, params: Any, many: bool, context: Any, seconds: float, error: str) -> None:
        rows = None if many else getattr(context.get("cursor"), "rowcount", None)
        recorder.add(f"{id(context['connection'].connection):x}", sql, params, seconds, rows=rows, error=error)

    told = recorder.guarded(keep)

    def wrap(connection: Any, **_: Any) -> None:
        if wrapper not in connection.execute_wrappers:
            connection.execute_wrappers.append(wrapper)
            wrapped.append(connection)

    def detach() -> None:
        created.disconnect(listener)
        for connection in wrapped:
            if wrapper in connection.execute_wrappers:
                connection.execute_wrappers.remove(wrapper)

    listener = recorder.guarded(wrap)
    created.connect(listener, weak=False)
    for connection in connections.all(initialized_only=True):
        listener(connection)
    return detach
