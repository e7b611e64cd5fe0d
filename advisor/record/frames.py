"""Which line of the application sent a statement."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from types import FrameType
from typing import Any

_OURS = str(Path(__file__).parent)
_LIBRARIES = tuple(
    str(Path(path)) + "/"
    for name in ("stdlib", "platstdlib", "purelib", "platlib")
    if (path := sysconfig.get_path(name))
)
DEEPEST = 200


class Frames:
    """Finds the innermost frame that belongs to the application: below ``root``, else in no library."""

    def __init__(self, root: Path | None) -> None:
        self._root = str(root.resolve()) + "/" if root else ""
        self._known: dict[str, str] = {}

    def place(self, depth: int = 2) -> tuple[str, int, str]:
        """``(file, line, function)``; empty when every frame is a library's.

        An asynchronous load runs in a greenlet whose stack holds no frame of the application: its parents' stacks are
        searched too.
        """
        frame: FrameType | None = sys._getframe(depth)
        task: Any = None
        for _ in range(DEEPEST):
            while frame is not None:
                name = self._name(frame.f_code.co_filename)
                if name:
                    return name, frame.f_lineno, frame.f_code.co_name
                frame = frame.f_back
            task = _parent_of(task)
            if task is None:
                break
            frame = task.gr_frame
        return "", 0, ""

    def _name(self, path: str) -> str:
        """The path to show, empty for a library's file; remembered by file."""
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = self._look(path)
        return known

    def _look(self, path: str) -> str:
        if path.startswith(("<", _OURS)):
            return ""
        if self._root:
            return path[len(self._root) :] if path.startswith(self._root) and "/site-packages/" not in path else ""
        return "" if path.startswith(_LIBRARIES) or "/site-packages/" in path else path


def _parent_of(task: Any) -> Any:
    if task is None:
        greenlet = sys.modules.get("greenlet")
        task = greenlet.getcurrent() if greenlet else None
    return task.parent if task is not None else None
