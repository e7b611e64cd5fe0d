"""Read relationship names from the user's own models: in a process of its own, with a time limit.

Importing models runs the user's code, so it happens neither in the advisor's process nor with its environment's
database variables; what comes back is JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from advisor.errors import SourceError

TIME_LIMIT_S = 30.0
"""Importing a large Django project takes a few seconds; half a minute means that it waits for something."""

INTERPRETER = "ADVISOR_MODELS_PYTHON"
"""Environment variable that names the Python which has the application's packages (default: the advisor's own)."""

_SCRIPTS = {"sqlalchemy": "_sqlalchemy_models.py", "django": "_django_models.py"}


@dataclass(frozen=True, slots=True)
class ModelRelation:
    """One attribute that leads from a model to another.

    ``columns`` are those of the child's statement that are bound by a value (of ``link_table`` for a many-to-many);
    ``local_columns`` the parent's. Table names carry their schema only where the models do.
    """

    owner: str
    attribute: str
    target: str
    table: str
    target_table: str
    columns: tuple[str, ...]
    local_columns: tuple[str, ...]
    to_many: bool
    link_table: str = ""
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Models:
    """The user's models: ``tool`` ("sqlalchemy" or "django"), the models' names by table, their relations."""

    tool: str
    names: Mapping[str, str]
    relations: tuple[ModelRelation, ...]
    unresolved: tuple[str, ...] = ()


@lru_cache(maxsize=8)
def read_models(tool: str, name: str, folder: Path | None = None) -> Models:
    """Import ``name`` ("package.module:Base", or a Django settings module) in a subprocess and return its models.

    ``folder`` is where the application's packages lie; default: the current folder. Raises :class:`SourceError` with
    the last line of what went wrong.
    """
    script = Path(__file__).with_name(_SCRIPTS[tool])
    program = os.environ.get(INTERPRETER) or sys.executable
    try:
        done = subprocess.run(
            [program, str(script), name],
            cwd=folder or Path.cwd(),
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceError(
            f"Importing {name} took longer than {TIME_LIMIT_S:g} s; name a module that only defines models."
        ) from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SourceError(
            f"The models of {name} could not be read ({last}); pass a module that imports from this folder."
        )
    return _models(tool, json.loads(done.stdout.rpartition("\n@models@")[2]))


def _environment() -> dict[str, str]:
    """The environment without what could lead to a database: URLs and passwords."""
    return {
        key: value
        for key, value in os.environ.items()
        if not key.upper().startswith("PG") and "PASSWORD" not in key.upper() and "://" not in value
    } | {"PYTHONDONTWRITEBYTECODE": "1"}


def _models(tool: str, told: Mapping[str, Any]) -> Models:
    relations = tuple(
        ModelRelation(
            **{**relation, "columns": tuple(relation["columns"]), "local_columns": tuple(relation["local_columns"])}
        )
        for relation in told["relations"]
    )
    return Models(tool, told["names"], relations, tuple(told["unresolved"]))
