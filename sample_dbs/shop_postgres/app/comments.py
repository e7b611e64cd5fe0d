"""Appends to each statement a comment in the sqlcommenter form: which service function, file, line and route sent it.

Example: ``/*action='option',code_filepath='app%2Fservices%2Fcatalog.py',code_lineno='31',route='%2Fsettings'*/``
"""

import sys
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote

from greenlet import getcurrent  # type: ignore[import-untyped]  # it has no stubs
from sqlalchemy import Connection, Engine, event

SERVICES = str(Path(__file__).parent / "services")
ROOT = Path(__file__).parent.parent  # file names are told relative to the folder that holds app/

current_route: ContextVar[str | None] = ContextVar("current_route", default=None)
"""The path template of the request that is being answered, such as ``/orders/{order_id}``."""


def append_comments(engine: Engine) -> None:
    """From now on the engine's statements carry the comment."""
    event.listen(engine, "before_cursor_execute", _with_comment, retval=True)


def _with_comment(
    connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> tuple[str, Any]:
    tags = _tags()
    if not tags:
        return statement, parameters
    comment = ",".join(f"{key}='{quote(value, safe='')}'" for key, value in sorted(tags.items()))
    if connection.dialect.paramstyle in ("format", "pyformat"):
        comment = comment.replace("%", "%%")
    return f"{statement} /*{comment}*/", parameters


def _tags() -> dict[str, str]:
    tags: dict[str, str] = {}
    route = current_route.get()
    if route is not None:
        tags["route"] = route
    frame = _service_frame()
    if frame is not None:
        tags["action"] = frame.f_code.co_qualname.partition(".")[0]  # without <locals>.<listcomp>
        tags["code_filepath"] = Path(frame.f_code.co_filename).relative_to(ROOT).as_posix()
        tags["code_lineno"] = str(frame.f_lineno)
    return tags


def _service_frame() -> FrameType | None:
    """The innermost frame of a service. Async loads run in their own greenlet: parents' stacks are walked too."""
    task = getcurrent()
    frame: FrameType | None = sys._getframe(2)
    while True:
        while frame is not None:
            if frame.f_code.co_filename.startswith(SERVICES):
                return frame
            frame = frame.f_back
        parent = task.parent
        if parent is None:
            return None
        task, frame = parent, parent.gr_frame
