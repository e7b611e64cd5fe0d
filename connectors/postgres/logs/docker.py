"""Docker's and Kubernetes' json-file driver: ``{"log": "…\\n", "stream": "stderr", "time": "…"}``, one line a line.

The driver cuts lines at 16 KiB: a part without a line feed at its end goes on in the next one.
"""

from __future__ import annotations

import re

from connectors.postgres.logs.envelope import json_lines, of_lines
from connectors.postgres.logs.format import Piece

_LINE = re.compile(rb'^\{"log":"', re.MULTILINE)
_JOINT = "chr(29)"


def _looks(head: bytes) -> float:
    return 0.9 if _LINE.search(head) and b'"stream":"' in head else 0.0


def _unwrap(piece: Piece) -> str:
    objects = json_lines(piece, {"log": "VARCHAR"})
    whole = "ends_with(log, chr(10))"
    return f"SELECT CASE WHEN {whole} THEN rtrim(log, chr(10)) ELSE log || {_JOINT} END AS l FROM {objects}"


def _border(piece: bytes) -> int:
    """Before the last object that begins a record: those after it may go on in the next piece."""
    end = len(piece)
    while end > 0:
        start = piece.rfind(b"\n", 0, end - 1) + 1
        line = piece[start : start + 40]
        if (
            start
            and line.startswith(b'{"log":"')
            and not line.startswith((b'{"log":"\\t', b'{"log":" ', b'{"log":"\\n'))
        ):
            before = piece[max(0, start - 4000) : start]
            if b'\\n","stream"' in before[before.rfind(b'"log":"') :] or b'\\n",' in before:
                return start
        end = start
    return 0


FORMAT = of_lines("docker", _looks, _unwrap, _border)
