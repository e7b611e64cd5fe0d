"""SQLAlchemy 2, sync and async: connection events and ``do_orm_execute``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.record.recorder import Recorder

_RELATION = "advisor_relation"
EAGER = "+"
"""What a statement of selectinload or subqueryload is tagged with."""


def attach(recorder: Recorder, engine: Any, *, relations: bool = False) -> Callable[[], None]:
    """Listen to ``engine``; returns what stops listening."""
    from sqlalchemy import Engine, event
    from sqlalchemy.orm import Session

    sync = getattr(engine, "sync_engine", engine)
    if not isinstance(sync, Engine) and sync is not Engine:
        raise TypeError(f"Pass an Engine or AsyncEngine of SQLAlchemy 2, not {type(engine).__name__}.")

    clock, add = time.perf_counter, recorder.add

    # These two run with every statement, so they guard themselves and keep the start where it costs least.
    def before(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        context.advisor_started = clock()

    def after(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        now = clock()
        try:
            relation = context.execution_options.get(_RELATION, "")
            seconds = now - context.advisor_started
            add(_session(connection), statement, parameters, seconds, None if many else cursor.rowcount, relation)
        except Exception:
            recorder.failures += 1

    def failed(context: Any) -> None:
        if context.connection is None or context.statement is None:
            return
        seconds = clock() - getattr(context.execution_context, "advisor_started", clock())
        code = getattr(context.original_exception, "sqlstate", None) or "XX000"
        add(_session(context.connection), context.statement, context.parameters, seconds, error=code)

    def border(text: str) -> Callable[[Any], None]:
        return recorder.guarded(lambda connection: add(_session(connection), text, None, 0.0, border=True))

    listeners: list[tuple[Any, str, Any]] = [
        (sync, "before_cursor_execute", before),
        (sync, "after_cursor_execute", after),
        (sync, "handle_error", recorder.guarded(failed)),
        (sync, "begin", border("BEGIN")),
        (sync, "commit", border("COMMIT")),
        (sync, "rollback", border("ROLLBACK")),
    ]
    if relations:
        listeners.append((Session, "do_orm_execute", recorder.guarded(_name_relation)))
    for target, name, listener in listeners:
        event.listen(target, name, listener)

    def detach() -> None:
        for target, name, listener in listeners:
            event.remove(target, name, listener)

    return detach


def _session(connection: Any) -> str:
    return f"{id(connection.connection.dbapi_connection):x}"


def _name_relation(state: Any) -> None:
    """Tag a true lazy load with its relation (``[]``: a collection), and a refresh of columns with its class.

    ``lazy_loaded_from`` is set for a lazy load only; ``is_relationship_load`` is true for selectinload as well, the
    remedy itself.
    """
    if not state.is_select:
        return
    if state.lazy_loaded_from is not None:
        owner = state.lazy_loaded_from.mapper.class_.__name__
        found = next(
            (part for part in reversed(list(state.loader_strategy_path or ())) if hasattr(part, "uselist")), None
        )
        many = "[]" if found is not None and found.uselist else ""
        told = f"{owner}.{found.key if found is not None else ''}{many}"
    elif state.is_relationship_load:
        told = EAGER
    elif state.is_column_load:
        mapper = state.bind_mapper
        told = f"{mapper.class_.__name__ if mapper else ''}.*"
    else:
        return
    state.update_execution_options(**{_RELATION: told})
