"""A SOURCE on the command line becomes a Capture: a URL, a capture folder or zip, log files, a plan, or ``-``."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from advisor import captures
from advisor.cli.options import Estimator
from advisor.errors import SourceError
from advisor.model.capture import Capture, Server
from advisor.ports import CaptureRequest, CostEstimator, Progress
from advisor.registry import with_attribute
from connectors import connect


@dataclass(frozen=True, slots=True)
class Reading:
    """How sources are to be read. ``schema`` gives logs their catalog; ``seconds`` watches a live server."""

    logs: tuple[Path, ...] = ()
    schema: Path | None = None
    seconds: float = 0.0
    keep_values: bool = False
    log_format: str = ""
    log_line_prefix: str = ""
    engine: str = "duckdb"


def is_url(source: str) -> bool:
    """Whether a source names a server rather than a file."""
    return "://" in source


@contextmanager
def opened(
    sources: Sequence[str], reading: Reading, progress: Progress, folder: Path | None = None
) -> Iterator[Capture]:
    """Open the sources as one Capture, in ``folder`` or in a private one that is removed afterwards.

    Raises :class:`SourceError` when they are of different kinds or cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="advisor-") as temporary:
        target = folder or Path(temporary) / "capture"
        if reading.engine == "spark":
            yield _fleet(sources[0])
            return
        urls = [source for source in sources if is_url(source)]
        if urls and len(sources) > 1:
            raise SourceError("Pass one database URL alone; its log files go with --log.")
        if urls:
            yield asyncio.run(from_url(urls[0], reading, target, progress))
            return
        paths = [_spooled(Path(temporary)) if source == "-" else Path(source).expanduser() for source in sources]
        if any(captures.is_capture(path) for path in paths):
            if len(paths) > 1:
                raise SourceError("Pass one capture at a time.")
            yield captures.load(paths[0])
            return
        yield _from_files((*paths, *reading.logs), reading, target, progress)


async def from_url(url: str, reading: Reading, folder: Path, progress: Progress) -> Capture:
    """Capture a live database into ``folder``."""
    connector = await connect(url)
    try:
        request = CaptureRequest(
            folder,
            logs=reading.logs,
            seconds=reading.seconds,
            keep_values=reading.keep_values,
            log_format=reading.log_format,
            log_line_prefix=reading.log_line_prefix,
        )
        return await connector.capture(request, progress)
    finally:
        await connector.close()


@contextmanager
def planner(
    capture: Capture, url: str | None, kind: Estimator, sandbox: str | None, progress: Progress
) -> Iterator[CostEstimator | None]:
    """The planner that prices this capture's indexes; ``None`` where there is nothing to price with."""
    database = _database(capture.server.product)
    nothing_to_plan = kind is Estimator.AUTO and not (url or sandbox or capture.schema_sql.exists())
    if kind is Estimator.NONE or nothing_to_plan or not hasattr(database, "estimator"):
        yield None
        return
    found: CostEstimator | None = database.estimator(capture, url, kind.value, sandbox, progress)
    try:
        yield found
    finally:
        if found is not None:
            found.close()


def _fleet(source: str) -> Capture:
    """Captures of many servers and hours in one folder or object store, which Spark reads where they lie.

    Facts and catalog are those of the first capture, where it can be read without Spark.
    """
    if is_url(source):
        return Capture(Path(source), Server("postgresql", name=source))
    facts = sorted(Path(source).expanduser().rglob(captures.FACTS))
    if not facts:
        raise SourceError(f"{source} holds no capture; pass the folder that has your captures, one folder each.")
    return replace(captures.load(facts[0].parent), folder=Path(source).expanduser())


def _database(product: str) -> ModuleType:
    for module in with_attribute("connectors", "PRODUCT").values():
        if product == module.PRODUCT:
            return module
    raise SourceError(f"The capture is of {product!r}, which this installation has no connector for.")


def _from_files(paths: Sequence[Path], reading: Reading, folder: Path, progress: Progress) -> Capture:
    missing = next((path for path in paths if not path.exists()), None)
    if missing is not None:
        raise SourceError(f"{missing} does not exist; pass a database URL, a capture, log files or a plan.")
    folders = next((path for path in paths if path.is_dir()), None)
    if folders is not None:
        raise SourceError(
            f"{folders} is a folder without {captures.FACTS}; pass a capture, or the log files in it by name."
        )
    request = CaptureRequest(
        folder,
        logs=tuple(paths),
        keep_values=reading.keep_values,
        log_format=reading.log_format,
        log_line_prefix=reading.log_line_prefix,
    )
    readers = with_attribute("connectors", "read_files").values()
    owner = next((module for module in readers if module.owns_files(paths, reading.schema)), None)
    if owner is None:
        raise SourceError(f"{paths[0]} is neither a log nor a plan of a database that this installation knows.")
    capture: Capture = owner.read_files(request, reading.schema, progress)
    return replace(capture, folder=folder)


def _spooled(folder: Path) -> Path:
    """Standard input as a file: logs are read more than once."""
    path = folder / "standard-input"
    with path.open("wb") as target:
        shutil.copyfileobj(sys.stdin.buffer, target)
    return path
