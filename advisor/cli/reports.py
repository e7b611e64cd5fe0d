"""The verbs over what was found already: report, export, rule."""

from __future__ import annotations

import inspect as python
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from advisor.cli import options, output
from advisor.cli.options import Form
from advisor.errors import ExportError, SourceError
from advisor.registry import with_attribute


def report(
    source: Annotated[Path, typer.Argument(help="The folder that --out named.")],
    out: Annotated[Path | None, typer.Option(help="Write this form into a file instead of standard output.")] = None,
    form: options.Format = Form.TEXT,
) -> None:
    """Show a finished report in another form."""
    found = output.read(source)
    if out is None:
        output.show(found, form)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(output.render(found, form), encoding="utf-8")
    output.say(f"Wrote {out}.")


def export(
    source: Annotated[Path, typer.Argument(help="The folder that --out named.")],
    tool: Annotated[str, typer.Option(help="The migration tool; `--tool list` names them all.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the files; default: standard output.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Only this recommendation, by id; several times for several.")
    ] = None,
) -> None:
    """Write the recommendations as migrations of your tool, ready to commit."""
    known = with_attribute("advisor.export", "TOOL")
    if tool == "list":
        for name, module in known.items():
            typer.echo(f"{name:18} {(module.__doc__ or '').strip().splitlines()[0]}")
        return
    if tool not in known:
        raise ExportError(f"There is no migration tool {tool!r}; it is one of {', '.join(known)}.")
    found = output.read(source)
    unknown = set(only or ()) - {recommendation.id for recommendation in found.recommendations}
    if unknown:
        raise ExportError(
            f"The report has no recommendation {sorted(unknown)[0]!r}; `advisor report {source}` lists them."
        )
    made = output.stubs(found, tool, only or ())
    if not made:
        raise ExportError("The report has nothing that this tool can apply; its recommendations are changes of code.")
    if out is None:
        for name, text in sorted({file for stub in made for file in stub.files}):
            typer.echo(f"-- {name}\n{text}")
        return
    for path in output.write_stubs(made, out):
        typer.echo(path)
    for line in dict.fromkeys(stub.instructions for stub in made if stub.instructions):
        output.say(line)


def rule(
    name: Annotated[str | None, typer.Argument(help="A rule's name; without one, all are listed.")] = None,
) -> None:
    """Explain a rule: what it finds, why it matters, and when it is wrong."""
    rules = with_attribute("advisor.rules", "RULE")
    console = Console()
    if name is None:
        table = Table(box=None, pad_edge=False)
        for heading in ("Rule", "Databases", "What it finds"):
            table.add_column(heading)
        for key, module in rules.items():
            table.add_row(key, ", ".join(module.RULE.databases), module.RULE.title)
        console.print(table)
        return
    if name not in rules:
        raise SourceError(f"There is no rule {name!r}; `advisor rule` lists them.")
    console.print(Markdown(f"# {name}\n\n" + as_markdown(rules[name].__doc__ or "")))


def script(
    product: Annotated[str, typer.Argument(help="postgresql or mongodb.")],
) -> None:
    """Print what shows a database's schema and statistics where no connection can be had."""
    known = {module.PRODUCT: module for module in with_attribute("connectors", "SCRIPT").values()}
    if product not in known:
        raise SourceError(f"There is no script for {product!r}; choose one of {', '.join(sorted(known))}.")
    typer.echo(known[product].SCRIPT, nl=False)


def as_markdown(docstring: str) -> str:
    """A rule's docstring with its sections as headings; indented examples stay code.

    >>> print(as_markdown("Finds it.\\n\\nWhat it finds\\n    A scan."))
    Finds it.
    <BLANKLINE>
    ## What it finds
    <BLANKLINE>
    A scan.
    """
    lines: list[str] = []
    sections = ("What it finds", "Why it matters", "Example", "Instead", "When it is wrong")
    for line in python.cleandoc(docstring).splitlines():
        heading = line.strip().rstrip(":")
        lines.append(f"## {heading}\n" if heading in sections else line.removeprefix("    "))
    return "\n".join(lines)
