"""The verbs that look at a source: scan, capture, analyze, check, verify."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from advisor import captures, pipeline
from advisor.cli import options, output, progress
from advisor.cli.options import Estimator, Form
from advisor.cli.sources import Reading, is_url, opened, planner
from advisor.errors import SandboxError, SourceError, without_secrets
from advisor.model.capture import Capture
from advisor.model.finding import Severity
from advisor.model.report import Report
from advisor.ports import Options, Progress
from advisor.recommend.trial import retried

RANK = {severity: rank for rank, severity in enumerate(Severity)}


def study(
    sources: Sequence[str],
    reading: Reading,
    choice: Options,
    kind: Estimator,
    sandbox: str | None = None,
    show: Progress | None = None,
) -> Report:
    """Open the sources, analyze them with a planner, return the report; progress goes to ``show`` or standard error."""
    url = sources[0] if len(sources) == 1 and is_url(sources[0]) else None
    with (
        nullcontext(show) if show else progress.shown() as tell,
        opened(sources, reading, tell) as capture,
        planner(capture, url, kind, sandbox, tell) as estimator,
    ):
        return pipeline.analyze(capture, estimator, choice, tell)


def scan(
    url: Annotated[str, typer.Argument(help="postgresql://… or mongodb://…, a staging database.")],
    log: options.Logs = None,
    out: options.Out = None,
    form: options.Format = Form.TEXT,
    tool: options.Tools = None,
    planner: options.Planner = Estimator.AUTO,
    sandbox: options.Sandbox = None,
    watch: options.For = "0",  # type: ignore[assignment]  # typer parses it
    keep_values: options.KeepValues = False,
    budget: options.Budget = None,
    max_indexes: options.MaxIndexes = None,
    max_per_table: options.MaxPerTable = None,
    min_improvement: options.MinImprovement = 0.05,
    models: options.Models = "",
    django_settings: options.Django = "",
    log_format: options.LogFormat = "",
    log_line_prefix: options.LinePrefix = "",
) -> None:
    """Capture, analyze and report a live database in one go."""
    if not is_url(url):
        raise SourceError(f"{url} is not a database URL; for files use `advisor analyze {url}`.")
    reading = Reading(tuple(log or ()), None, watch, keep_values, log_format, log_line_prefix)
    choice = Options(
        budget_bytes=budget,
        max_indexes=max_indexes,
        max_per_table=max_per_table,
        min_improvement=min_improvement,
        models=models,
        django_settings=django_settings,
    )
    _end(study([url], reading, choice, planner, sandbox), out, form, tool or ())


def capture(
    sources: options.Sources,
    out: Annotated[Path, typer.Option(help="The capture to write: a folder, or a file that ends in .zip.")],
    log: options.Logs = None,
    schema: options.Schema = None,
    watch: options.For = "0",  # type: ignore[assignment]  # typer parses it
    keep_values: options.KeepValues = False,
    log_format: options.LogFormat = "",
    log_line_prefix: options.LinePrefix = "",
) -> None:
    """Take everything that analysis needs into one folder or zip; values are left out unless --keep-values."""
    if out.exists() and not captures.is_capture(out) and not (out.is_dir() and not any(out.iterdir())):
        raise SourceError(f"{out} exists and is no capture; name another file or folder for --out.")
    reading = Reading(tuple(log or ()), schema, watch, keep_values, log_format, log_line_prefix)
    folder = out if out.suffix != ".zip" else None
    with progress.shown() as show, opened(sources, reading, show, folder) as taken:
        if folder is None:
            out.parent.mkdir(parents=True, exist_ok=True)
            captures.pack(taken.folder, out)
    output.say(f"Wrote {out}. Next: advisor analyze {out}")


def analyze(
    sources: options.Sources,
    out: options.Out = None,
    form: options.Format = Form.TEXT,
    tool: options.Tools = None,
    schema: options.Schema = None,
    log: options.Logs = None,
    planner: options.Planner = Estimator.AUTO,
    sandbox: options.Sandbox = None,
    keep_values: options.KeepValues = False,
    budget: options.Budget = None,
    max_indexes: options.MaxIndexes = None,
    max_per_table: options.MaxPerTable = None,
    min_improvement: options.MinImprovement = 0.05,
    models: options.Models = "",
    django_settings: options.Django = "",
    engine: Annotated[str, typer.Option(help="duckdb, or spark for captures of a fleet.")] = "duckdb",
    log_format: options.LogFormat = "",
    log_line_prefix: options.LinePrefix = "",
) -> None:
    """Report on a capture, on log files (with --schema: index advice too) or on a plan; no database is needed."""
    reading = Reading(tuple(log or ()), schema, 0.0, keep_values, log_format, log_line_prefix, engine)
    choice = Options(
        budget_bytes=budget,
        max_indexes=max_indexes,
        max_per_table=max_per_table,
        min_improvement=min_improvement,
        models=models,
        django_settings=django_settings,
        engine=engine,
    )
    _end(study(sources, reading, choice, planner, sandbox), out, form, tool or ())


def check(
    sources: options.Sources,
    fail_on: Annotated[Severity, typer.Option(help="Exit 1 from this severity on.")] = Severity.MEDIUM,
    baseline: Annotated[Path | None, typer.Option(help="An earlier report; only what is new counts.")] = None,
    out: options.Out = None,
    form: options.Format = Form.TEXT,
    schema: options.Schema = None,
    log: options.Logs = None,
    planner: options.Planner = Estimator.AUTO,
    models: options.Models = "",
    django_settings: options.Django = "",
) -> None:
    """Report, and exit 1 when there are findings: the gate for CI."""
    reading = Reading(tuple(log or ()), schema)
    report = study(sources, reading, Options(models=models, django_settings=django_settings), planner)
    known = {_identity(finding) for finding in output.read(baseline).findings} if baseline else set()
    bad = [
        finding
        for finding in report.findings
        if RANK[finding.severity] <= RANK[fail_on] and _identity(finding) not in known
    ]
    _end(report, out, form, ())
    if bad:
        output.say(f"{len(bad)} finding(s) of severity {fail_on} or worse{' that are new' if baseline else ''}.")
        raise typer.Exit(1)


def verify(
    source: Annotated[str, typer.Argument(help="The folder that --out named, or a capture to analyze first.")],
    sandbox: Annotated[str, typer.Option(help="URL of a database that may be changed and thrown away.")],
    expendable: Annotated[bool, typer.Option("--expendable", help="Yes, that database may be changed.")] = False,
    target: Annotated[
        str | None, typer.Option(help="MongoDB: where a sample is taken from; without it the sandbox holds a copy.")
    ] = None,
    out: options.Out = None,
    form: options.Format = Form.TEXT,
) -> None:
    """Build the proposed indexes in an expendable database and measure the queries before and after."""
    if not expendable:
        raise SandboxError(
            f"verify builds and drops indexes in {without_secrets(sandbox)}; add --expendable if it may be changed."
        )
    if not sandbox.startswith(("postgres://", "postgresql://", "mongodb://", "mongodb+srv://")):
        raise SandboxError(f"{without_secrets(sandbox)} is no database URL; verify measures on PostgreSQL and MongoDB.")
    target = source if is_url(source) else target
    with progress.shown() as show:
        if Path(source, output.LOSSLESS).exists():
            report = output.read(Path(source))
            report = _measured(report, Capture(Path(source), report.server, report.catalog), sandbox, target, show)
        else:
            with opened([source], Reading(), show) as taken, planner(taken, None, Estimator.AUTO, None, show) as prices:
                report = _measured(pipeline.analyze(taken, prices, Options(), show), taken, sandbox, target, show)
    _end(report, out, form, ())


def _measured(report: Report, capture: Capture, sandbox: str, target: str | None, show: Progress) -> Report:
    """The report with times (PostgreSQL) or examined documents (MongoDB) from the sandbox."""
    of = "mongodb" if sandbox.startswith("mongodb") else "postgresql"
    if of != report.server.product:
        raise SandboxError(f"The report is of {report.server.product}; the sandbox must be one too.")
    if of == "postgresql":
        from connectors.postgres.sandbox import verify as measure

        return measure(report, capture, sandbox, show)
    with planner(capture, target, Estimator.SANDBOX, sandbox, show) as prices:
        assert prices is not None, "a sandbox was named"
        return retried(report, prices)


def _identity(finding: object) -> tuple[object, ...]:
    return tuple(getattr(finding, name) for name in ("rule", "tables", "shapes", "index"))


def _end(report: Report, out: Path | None, form: Form, tools: Sequence[str]) -> None:
    if out is not None:
        output.write(report, out, tools)
    output.show(report, form)
    if out is not None:
        output.say(f"Wrote {out / 'report.html'}, report.json and stubs/. Next: advisor serve {out}")
