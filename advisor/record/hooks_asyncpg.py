"""asyncpg: ``Connection.add_query_logger`` (0.29 and later)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.record.recorder import Recorder


async def _nothing() -> None:
    """What is left to do in the event loop."""


class _AtOnce(partial[Coroutine[Any, Any, None]]):
    """A logger that asyncpg takes for a coroutine function, and so calls with the application on the stack.

    A plain callable it hands to ``call_soon``, where nobody can tell any more which line sent the query.
    """

    def __new__(cls, logged: Callable[[Any], None]) -> _AtOnce:
        made = super().__new__(cls, _nothing)
        made.logged = logged
        return made

    logged: Callable[[Any], None]

    def __call__(self, record: Any) -> Coroutine[Any, Any, None]:
        self.logged(record)
        return _nothing()


def attach(recorder: Recorder, connection: Any) -> Callable[[], None]:
    """Log the queries of ``connection``; returns what stops it."""
    if not hasattr(connection, "add_query_logger"):
        raise TypeError(
            f"Pass a connection of asyncpg 0.29 or later, not {type(connection).__name__}; "
            "a pool takes recorder.asyncpg_init as its init."
        )
    session = f"{connection.get_server_pid()}"

    def logged(record: Any) -> None:
        error = getattr(record.exception, "sqlstate", "") or ("XX000" if record.exception else "")
        recorder.add(session, record.query, record.args, record.elapsed or 0.0, error=error)

    listener = _AtOnce(recorder.guarded(logged))
    connection.add_query_logger(listener)

    def detach() -> None:
        if not connection.is_closed():
            connection.remove_query_logger(listener)

    return detach
