"""asyncpg: ``Connection.add_query_logger`` (0.29 and later)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.record.recorder import Recorder


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

    listener = recorder.guarded(logged)
    connection.add_query_logger(listener)

    def detach() -> None:
        if not connection.is_closed():
            connection.remove_query_logger(listener)

    return detach
