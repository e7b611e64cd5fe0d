"""What a verb that ends in a report leaves behind: text on standard output, files in ``--out``."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from advisor import export
from advisor.cli.options import Form
from advisor.errors import CaptureError
from advisor.model.codec import decode, encode
from advisor.model.recommendation import MigrationStub
from advisor.model.report import Report
from advisor.registry import with_attribute
from advisor.report import text

DEFAULT_TOOLS = {"postgresql": ("sql", "alembic"), "mongodb": ("mongosh", "migrate-mongo")}
LOSSLESS = "report.advisor.json"


def render(report: Report, form: Form) -> str:
    """The report in one of its forms."""
    rendered: str = with_attribute("advisor.report", "render")[form.value].render(report)
    return rendered


def show(report: Report, form: Form) -> None:
    """Print the report to standard output; a terminal gets colours and its own width."""
    if form is Form.TEXT and sys.stdout.isatty():
        written = text.render(report, color="NO_COLOR" not in os.environ, width=shutil.get_terminal_size().columns)
    else:
        written = render(report, form)
    sys.stdout.write(written.rstrip("\n") + "\n")


def write(report: Report, folder: Path, tools: Sequence[str] = ()) -> tuple[Path, ...]:
    """Write report.json, report.html, the lossless form and ``stubs/<tool>/``; returns what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for form, name in ((Form.JSON, "report.json"), (Form.HTML, "report.html")):
        (folder / name).write_text(render(report, form), encoding="utf-8")
        written.append(folder / name)
    (folder / LOSSLESS).write_text(json.dumps(encode(report), sort_keys=True), encoding="utf-8")
    made: list[Path] = []
    for tool in tools or DEFAULT_TOOLS.get(report.server.product, ()):
        made += write_stubs(stubs(report, tool), folder / "stubs" / tool)
    _forget_former(folder / "stubs", made)
    return (*written, *made)


def _forget_former(folder: Path, made: Sequence[Path]) -> None:
    """Remove the stubs of an earlier report in the same folder, and nothing else: what we wrote is listed there."""
    listing = folder / ".written"
    current = {path.relative_to(folder).as_posix() for path in made}
    former = set(listing.read_text(encoding="utf-8").splitlines()) if listing.is_file() else set()
    for name in former - current:
        path = (folder / name).resolve()
        if path.is_relative_to(folder.resolve()):
            path.unlink(missing_ok=True)
    if current:
        listing.write_text("".join(f"{name}\n" for name in sorted(current)), encoding="utf-8")


def read(path: Path) -> Report:
    """Read a report back from the folder (or the file in it) that :func:`write` made.

    Raises :class:`CaptureError` when there is none, or it is damaged.
    """
    file = path if path.is_file() else path / LOSSLESS
    if file.name == "report.json":
        file = file.with_name(LOSSLESS)
    try:
        return decode(Report, json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise CaptureError(f"{path} holds no report ({why}); pass the folder that --out named.") from error


def stubs(report: Report, tool: str, only: Iterable[str] = ()) -> list[MigrationStub]:
    """Migration stubs of the report's recommendations; ``only`` picks them by id."""
    wanted = set(only)
    chosen = [r for r in report.recommendations if not wanted or r.id in wanted]
    return export.stubs(chosen, tool, at=report.captured_at or datetime(2000, 1, 1, tzinfo=UTC))


def write_stubs(made: Sequence[MigrationStub], folder: Path) -> list[Path]:
    """Write stubs as files below ``folder``; returns their paths."""
    written = []
    for name, content in sorted({file for stub in made for file in stub.files}):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        written.append(path)
    return written


def zipped(made: Sequence[MigrationStub]) -> bytes:
    """The stubs as a zip, the same bytes for the same stubs."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted({file for stub in made for file in stub.files}):
            archive.writestr(zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()


def say(text: str) -> None:
    """One plain line on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(text, markup=False)
