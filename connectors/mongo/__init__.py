"""MongoDB 4.4 to 8.x.

Parts are imported where they are used: logs need no driver, a connection needs no log reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from advisor.model.capture import Capture
from advisor.ports import CaptureRequest, Connector, CostEstimator, Progress, silent
from connectors.mongo.catalog_script import SCRIPT

__all__ = ["PRODUCT", "SCHEMES", "SCRIPT", "connect", "estimator", "owns_files", "read_files"]

PRODUCT = "mongodb"
SCHEMES = ("mongodb", "mongodb+srv")


async def connect(url: str) -> Connector:
    """Open a session that only reads on the database that ``url`` names.

    Raises :class:`~advisor.errors.ConnectionFailed` and its subclasses, :class:`~advisor.errors.SourceError` for a URL
    that cannot be read.
    """
    from connectors.mongo.connector import open_connector

    return await open_connector(url)


def estimator(
    capture: Capture, url: str | None, kind: str = "auto", sandbox_url: str | None = None, progress: Progress = silent
) -> CostEstimator | None:
    """Return the sandbox that indexes are tried in; see :func:`connectors.mongo.sandbox.estimator`."""
    from connectors.mongo import sandbox

    return sandbox.estimator(capture, url, kind, sandbox_url, progress)


def owns_files(paths: Sequence[Path], schema: Path | None = None) -> bool:
    """Whether any of the files is MongoDB's, by looking at it."""
    from connectors.mongo import files

    return files.owns_files(paths, schema)


def read_files(request: CaptureRequest, schema: Path | None = None, progress: Progress = silent) -> Capture:
    """Read logs, profiler documents and explains; see :func:`connectors.mongo.files.read_files`."""
    from connectors.mongo import files

    return files.read_files(request, schema, progress)


def is_log(path: Path) -> bool:
    """Whether a file is a structured log of mongod or mongos, by looking at it."""
    from connectors.mongo.logs import Kind, by_looking

    return by_looking(path) is Kind.LOG


def analyze_files(paths: Sequence[Path], schema: Path | None, folder: Path) -> Capture:
    """A Capture in ``folder`` from files alone."""
    return read_files(CaptureRequest(folder, logs=tuple(paths)), schema)
