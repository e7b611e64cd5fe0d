"""What a recorded case is: a name, a request to run, and what the search must (or must not) say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Expected:
    """One burst: the child's table, the parent's, the relation, and its name in the application's models."""

    child: str
    parent: str = ""
    relation: str = ""
    pattern: str = "n-plus-one"
    name: str = ""


@dataclass(frozen=True)
class Case:
    """``run`` is one request; it is run ``times`` times. No ``expected``: a look-alike, ``row`` says of what.

    ``query`` and ``visit`` make up the run of a declarative case: the rewrite test gives the query other options.
    ``options`` are those of Django's ``iterator``, where rows are read through it.
    """

    name: str
    run: Callable[..., Any] | None = None
    expected: tuple[Expected, ...] = ()
    row: str = ""
    times: int = 3
    query: Callable[[], Any] | None = None
    visit: Callable[[Any], Any] | None = None
    options: dict[str, Any] = field(default_factory=dict)


def burst(child: str, parent: str = "", relation: str = "", name: str = "", pattern: str = "n-plus-one") -> Expected:
    return Expected(child, parent, relation, pattern, name)


M2O, O2O, O2M, M2M, DEFERRED = "many-to-one", "one-to-one", "one-to-many", "many-to-many", "deferred columns"
