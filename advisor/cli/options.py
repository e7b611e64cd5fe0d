"""Options that several verbs share, each said once."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_TIMES = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


class Estimator(StrEnum):
    """Who prices indexes."""

    AUTO = "auto"
    SHADOW = "shadow"
    HYPOPG = "hypopg"
    SANDBOX = "sandbox"
    NONE = "none"


class Form(StrEnum):
    """What goes to standard output."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    SARIF = "sarif"
    HTML = "html"


def size(text: str) -> int:
    """Read ``500MB`` as bytes (units of 1024, as PostgreSQL has them).

    >>> size("500MB")
    524288000
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)b?\s*", text.lower())
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a size; write it like 500MB or 2GB.")
    return int(float(match[1]) * _UNITS[match[2]])


def duration(text: str) -> float:
    """Read ``10m`` as seconds.

    >>> duration("10m"), duration("90")
    (600.0, 90.0)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", text.lower())
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a duration; write it like 30s, 10m or 2h.")
    return float(match[1]) * _TIMES[match[2]]


def known_tools(tools: list[str] | None) -> list[str] | None:
    """Refuse an unknown migration tool before the work begins, not after it."""
    if tools:
        from advisor.registry import with_attribute  # every tool's module; only who names one waits for them

        known = with_attribute("advisor.export", "TOOL")
        if unknown := [tool for tool in tools if tool not in known]:
            raise typer.BadParameter(f"There is no migration tool {unknown[0]!r}; it is one of {', '.join(known)}.")
    return tools


Sources = Annotated[
    list[str],
    typer.Argument(help="A database URL, a capture (folder or zip), log files, a plan, or - for standard input."),
]
Out = Annotated[Path | None, typer.Option(help="Write report.json, report.html and stubs/ into this folder.")]
Format = Annotated[Form, typer.Option("--format", help="What goes to standard output.")]
Logs = Annotated[
    list[Path] | None, typer.Option("--log", help="A log file of that server; may be given several times.")
]
Schema = Annotated[
    Path | None, typer.Option(help="pg_dump's text (or MongoDB's catalog.json), for logs without a database.")
]
LogFormat = Annotated[str, typer.Option(help="The log's format, where looking at it does not tell.")]
LinePrefix = Annotated[
    str, typer.Option("--log-line-prefix", help="PostgreSQL's log_line_prefix, where it cannot be inferred.")
]
Planner = Annotated[
    Estimator, typer.Option("--planner", help="Who prices indexes; auto: the sandbox if named, else shadow.")
]
Sandbox = Annotated[str | None, typer.Option(help="URL of an expendable copy, where indexes may really be built.")]
KeepValues = Annotated[bool, typer.Option("--keep-values", help="Keep literals and parameters in the capture.")]
Budget = Annotated[
    int | None, typer.Option(parser=size, metavar="SIZE", help="Bytes that new indexes may take, like 500MB.")
]
MaxIndexes = Annotated[int | None, typer.Option(min=0, help="Propose at most so many indexes.")]
MaxPerTable = Annotated[int | None, typer.Option(min=0, help="Propose at most so many indexes on one table.")]
MinImprovement = Annotated[float, typer.Option(min=0, max=1, help="Least share of a query's cost an index must save.")]
Models = Annotated[str, typer.Option(help="SQLAlchemy models, package.module:Base, for the relationships' names.")]
Django = Annotated[str, typer.Option("--django-settings", help="Django settings module, for the relationships' names.")]
For = Annotated[
    float, typer.Option("--for", parser=duration, metavar="TIME", help="Watch the live server so long, like 10m.")
]
Tools = Annotated[
    list[str] | None,
    typer.Option("--tool", callback=known_tools, help="Migration tool of the stubs; several times for several."),
]
