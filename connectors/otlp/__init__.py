"""OpenTelemetry traces: OTLP as JSON lines (the file exporter, ``otlpjson``), and what an OTLP/HTTP sender posts.

Only files are read here; there is nothing to connect to.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from advisor.model.capture import Capture
from advisor.ports import CaptureRequest, Progress, silent


def owns_files(paths: Sequence[Path], schema: Path | None = None) -> bool:
    """Whether every file holds OTLP traces, by looking at its beginning."""
    from connectors.otlp import files

    return bool(paths) and all(files.is_otlp(path) for path in paths)


def read_files(request: CaptureRequest, schema: Path | None = None, progress: Progress = silent) -> Capture:
    """Read trace files into a capture; see :func:`connectors.otlp.files.read_files`."""
    from connectors.otlp import files

    return files.read_files(request, schema, progress)
