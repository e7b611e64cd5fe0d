"""What a recorder keeps of one statement, and how it becomes a QueryEvent."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from advisor.captures import quoted
from advisor.model.workload import EVENT_COLUMNS
from advisor.shape._sql_tokens import Kind, tokens

_PLACEHOLDER = re.compile(r"%%|%\((?P<name>\w+)\)s|%s|(?<![\w?])\?(?![|&?\w])")


@dataclass(slots=True)
class UnitOfWorkScope:
    """A request, task or test: what the statements between its borders share."""

    key: str
    route: str = ""
    extra: dict[str, str] = field(default_factory=dict)


current_unit: ContextVar[UnitOfWorkScope | None] = ContextVar("advisor_unit", default=None)
"""The unit of work that is being done; tasks and threads that copy the context share it."""

ignoring: ContextVar[bool] = ContextVar("advisor_ignoring", default=False)
"""Whether statements are passed over for the moment."""


@contextmanager
def ignore() -> Iterator[None]:
    """Find nothing in what is sent in here: a loop that somebody looked at and is happy with. It is still counted."""
    token = ignoring.set(True)
    try:
        yield
    finally:
        ignoring.reset(token)


class Recorded(NamedTuple):
    """One statement. Times are seconds since the epoch; ``parameters`` is a hash of the values, never the values.

    ``ignored``: sent within :func:`ignore`; counted, and no more.
    """

    session: str
    number: int
    unit: UnitOfWorkScope | None
    started: float
    seconds: float
    text: str
    parameters: int | None
    rows: int | None
    file: str
    line: int
    function: str
    relation: str
    error: str
    ignored: bool = False


def digest(hashed: int | None, key: bytes) -> str | None:
    """A keyed digest of hashed values; equal values have equal digests within one recording only."""
    if hashed is None:
        return None
    return blake2b(hashed.to_bytes(8, "little", signed=True), key=key, digest_size=12).hexdigest()


def numbered(text: str) -> str:
    """Placeholders of every driver (``%s``, ``%(name)s``, ``?``) as ``$1`` …, literals as ``$0``, no comments.

    >>> numbered("SELECT a FROM t WHERE b = %s AND c = 'x'")
    'SELECT a FROM t WHERE b = $1 AND c = $0'
    """
    names: dict[str, int] = {}

    def replaced(match: re.Match[str]) -> str:
        if match.group() == "%%":
            return "%"
        name = match["name"] or f"?{len(names)}"
        return f"${names.setdefault(name, len(names) + 1)}"

    if "$1" not in text:
        text = _PLACEHOLDER.sub(replaced, text)
    parts: list[str] = []
    for token in tokens(text):
        literal = token.kind in (Kind.STRING, Kind.NUMBER)
        parts.append((" " if token.spaced and parts else "") + ("$0" if literal else token.raw))
    return "".join(parts)


Read = Callable[[str], tuple[str, str]]
"""A recorded text as ``(normalised text, command)``."""


def as_sql(text: str) -> tuple[str, str]:
    """SQL, with its first word."""
    text = numbered(text)
    return text, text.split(None, 1)[0].upper() if text else ""


def as_mongo(text: str) -> tuple[str, str]:
    """A canonical text of MongoDB, with the command's name."""
    return text, next(iter(json.loads(text)))


def event_of(
    recorded: Recorded, application: str, texts: dict[str, tuple[str, str]], key: bytes, read: Read = as_sql
) -> Mapping[str, Any]:
    """The row of ``events.parquet``; ``texts`` remembers what was read, ``key`` is that of the digests."""
    if recorded.text not in texts:
        texts[recorded.text] = read(recorded.text)
    text, command = texts[recorded.text]
    unit = recorded.unit
    tags = dict(unit.extra) if unit else {}
    if unit and unit.route:
        tags["route"] = unit.route
    if recorded.file:
        tags |= {"code_filepath": recorded.file, "code_lineno": str(recorded.line), "code_function": recorded.function}
    if recorded.relation.strip("+"):
        tags["relation"] = recorded.relation.removesuffix("[]")
    values = digest(recorded.parameters, key)
    return {
        "source": f"recorder:{application}",
        "application": application,
        "session": recorded.session,
        "line": recorded.number,
        "unit": f"unit:{unit.key}" if unit else None,
        "started_at": datetime.fromtimestamp(recorded.started, UTC).isoformat(),
        "ended_at": datetime.fromtimestamp(recorded.started + recorded.seconds, UTC).isoformat(),
        "duration_ms": recorded.seconds * 1000,
        "rows": recorded.rows,
        "command": command,
        "text": text,
        "params_digest": values,
        "params_distinct_key": values,
        "tags": tags,
        "error_code": recorded.error or None,
    }


def write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows of :data:`EVENT_COLUMNS` as Parquet: JSON lines that DuckDB reads, half a million in seconds."""
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in EVENT_COLUMNS.items())
    names = ", ".join(f'"{name}"' for name in EVENT_COLUMNS)
    with tempfile.TemporaryDirectory(prefix="advisor-recorder-") as folder, duckdb.connect() as database:
        lines = Path(folder) / "events.jsonl"
        with lines.open("w", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row) + "\n")
        source = f"read_json('{quoted(lines)}', format = 'newline_delimited', columns = {{{columns}}})"
        database.execute(f"COPY (SELECT {names} FROM {source}) TO '{quoted(path)}' (FORMAT parquet, COMPRESSION zstd)")
