"""Which line of the application sent a statement."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

_OURS = str(Path(__file__).parent)
_LIBRARIES = tuple(
    str(Path(path)) + "/"
    for name in ("stdlib", "platstdlib", "purelib", "platlib")
    if (path := sysconfig.get_path(name))
)
DEEPEST = 200
"""Greenlets that are searched, one the parent of the other."""
NOWHERE = ("", 0, "")


class Frames:
    """Finds the innermost frame that belongs to the application: below ``root``, else in no library."""

    def __init__(self, root: Path | None) -> None:
        self._root = str(root.resolve()) + "/" if root else ""
        # The path to show, empty for a library's file.
        self._known: dict[str, str] = {}

    def place(self, depth: int = 2) -> tuple[str, int, str]:
        """``(file, line, function)``; empty when every frame is a library's.

        An asynchronous load runs in a greenlet whose stack holds no frame of the application: its parents' stacks are
        searched too.
        """
        return self._search(sys._getframe(depth)) or self._of_parents() or NOWHERE

    def _search(self, frame: FrameType | None) -> tuple[str, int, str] | None:
        """From a frame outwards; runs with every statement."""
        known = self._known
        while frame is not None:
            code = frame.f_code
            name = known.get(code.co_filename)
            if name is None:
                name = known[code.co_filename] = self._look(code.co_filename)
            if name:
                return name, frame.f_lineno, _function(code)
            frame = frame.f_back
        return None

    def _of_parents(self) -> tuple[str, int, str] | None:
        greenlet = sys.modules.get("greenlet")
        task: Any = greenlet.getcurrent().parent if greenlet else None
        for _ in range(DEEPEST):
            if task is None:
                break
            found = self._search(task.gr_frame)
            if found:
                return found
            task = task.parent
        return None

    def _look(self, path: str) -> str:
        if path.startswith(("<", _OURS)):
            return ""
        if self._root:
            return path[len(self._root) :] if path.startswith(self._root) and "/site-packages/" not in path else ""
        return "" if path.startswith(_LIBRARIES) or "/site-packages/" in path else path


def _function(code: CodeType) -> str:
    """The function's name; of a comprehension or lambda that of the function around it."""
    name = code.co_name
    if name[0] != "<" or name == "<module>":
        return name
    around = [part for part in code.co_qualname.split(".") if part[0] != "<"]
    return around[-1] if around else name
