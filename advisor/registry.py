"""Discovery: a module in the right folder is a part of the program; no list is kept anywhere."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType


@cache
def modules(package: str) -> dict[str, ModuleType]:
    """Return the public modules of ``package`` by name (kebab case), sorted, third parties' included.

    A third party adds one through the entry point group named like the package (``advisor.rules``).
    Raises ``ImportError`` when a module of ours does not import.
    """
    parent = importlib.import_module(package)
    names = sorted(m.name for m in pkgutil.iter_modules(parent.__path__) if not m.name.startswith("_"))
    found = {name.replace("_", "-"): importlib.import_module(f"{package}.{name}") for name in names}
    for point in sorted(entry_points(group=package), key=lambda point: point.name):
        found.setdefault(point.name.replace("_", "-"), point.load())
    return found


def with_attribute(package: str, attribute: str) -> dict[str, ModuleType]:
    """Return those modules of ``package`` that define ``attribute`` (helpers beside them are passed over)."""
    return {name: module for name, module in modules(package).items() if hasattr(module, attribute)}
