"""Log lines as collectors, containers and shells wrap them -> the lines themselves.

Behind a prefix (``kubectl logs --timestamps``, the CRI, ``docker compose logs``, syslog, the journal), or as a string
in a field of JSON (Docker's ``json-file``, Fluent Bit, ``getLog``, ``atlas performanceAdvisor slowQueryLogs list``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from connectors.mongo.logs.looking import LOOKED_AT, opened

_RECORD = re.compile(r'\{"t": ?\{"\$date":')
_QUOTED = re.compile(r'"\{\\"t\\": ?\{\\"\$date\\":')
_STRING = json.JSONDecoder()


def is_wrapped(path: Path) -> bool:
    """Whether log lines are found wrapped in the first lines. Raises :class:`SourceError` if it cannot be read."""
    with opened(path) as stream:
        try:
            head = [line.decode(errors="replace") for line in islice(stream, LOOKED_AT)]
        except (OSError, EOFError):
            return False
    return any(_RECORD.search(line) or _QUOTED.search(line) for line in head)


def unwrapped(path: Path, folder: Path) -> Path:
    """Write the lines of a log that is wrapped to a file of the same name in ``folder``, which is made.

    What holds no line of a log is written as it stands, so that whoever reads it counts it.
    """
    folder.mkdir()
    plain = folder / path.name.removesuffix(".gz")
    with opened(path) as stream, plain.open("w", encoding="utf-8") as lines:
        for line in stream:
            lines.writelines(record + "\n" for record in _records(line.decode(errors="replace").rstrip()))
    return plain


def _records(line: str) -> Iterator[str]:
    if found := _RECORD.search(line):
        yield line[found.start() : line.rfind("}") + 1]
        return
    places = [quoted.start() for quoted in _QUOTED.finditer(line)]
    for place in places:
        try:
            yield _STRING.raw_decode(line, place)[0].rstrip()
        except ValueError:
            yield line[place:]
    if not places:
        yield line
