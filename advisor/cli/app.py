"""The Typer application; each verb lives in the module that is imported here."""

from __future__ import annotations

from typing import Annotated

import typer

from advisor import __version__
from advisor.cli import demo, inspect, reports, service

app = typer.Typer(
    name="advisor",
    help="Finds what slows a PostgreSQL or MongoDB application down, proves each remedy with the database's own "
    "planner, and writes the migration. It never changes the database that it looks at.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"query-advisor {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it and stop.")
    ] = False,
) -> None:
    """Take the options that stand before the verb."""


for verb in (
    demo.demo,
    inspect.scan,
    inspect.capture,
    inspect.analyze,
    inspect.check,
    inspect.verify,
    reports.report,
    reports.export,
    reports.rule,
    reports.script,
    service.serve,
    service.doctor,
):
    app.command()(verb)
