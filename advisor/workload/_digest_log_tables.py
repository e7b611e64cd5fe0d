"""What a log tells beside statements -> temporary blocks, lock waits, sessions, checkpoints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import duckdb

from advisor.captures import quoted
from advisor.errors import CaptureError
from advisor.model.capture import Capture
from advisor.model.workload import Checkpoints, LockWait, Query, Sessions
from advisor.workload._duckdb import DuckDB
from advisor.workload._shapes import Shapes

_BLOCK = 8192
_LOCKS = {"transaction": "row", "tuple": "row", "relation": "table", "advisory": "advisory lock", "virtual": "table"}
"""What a process waits for, by the first word of lmgr.c's DescribeLockTag: a changed row is waited for through the
transaction that changed it, CREATE INDEX CONCURRENTLY waits for virtual transactions."""


def add_temporary_files(
    database: duckdb.DuckDBPyConnection, queries: Sequence[Query], capture: Capture, shapes: Shapes
) -> tuple[Query, ...]:
    """Fill in the temporary blocks that the log tells of, where the events' shapes have them.

    Raises :class:`CaptureError` when the file cannot be read, as the others here do.
    """
    written: defaultdict[str, int] = defaultdict(int)
    for row in _rows(database, capture, "temporary_files"):
        written[shapes.glance(row["text"])[0]] += int(row["bytes"])
    return tuple(
        replace(query, stats=replace(query.stats, temp_blocks_written=-(-spilled // _BLOCK)))
        if (spilled := written.get(query.shape.fingerprint, 0))
        else query
        for query in queries
    )


def lock_waits(
    database: duckdb.DuckDBPyConnection, capture: Capture, shapes: Shapes, known: Mapping[str, object]
) -> tuple[LockWait, ...]:
    """Statements that waited for locks, longest first; ``known``: the fingerprints of the workload."""
    found: dict[tuple[str, str], LockWait] = {}
    for row in _rows(database, capture, "lock_waits"):
        fingerprint = shapes.glance(row["text"])[0] if row["text"] else ""
        lock = _LOCKS.get(row["target"], row["target"])
        key = (fingerprint or row["text"], lock)
        wait = found.get(key) or LockWait(row["text"], fingerprint if fingerprint in known else "", lock, 0, 0.0, 0.0)
        found[key] = replace(
            wait,
            waits=wait.waits + row["waits"],
            waited_ms=round(wait.waited_ms + row["waited_ms"], 3),
            longest_ms=max(wait.longest_ms, row["longest_ms"]),
            deadlocks=wait.deadlocks + row["deadlocks"],
        )
    return tuple(sorted(found.values(), key=lambda wait: (-wait.waited_ms, -wait.deadlocks, wait.text, wait.lock)))


def sessions(database: duckdb.DuckDBPyConnection, capture: Capture) -> tuple[Sessions, ...]:
    """Sessions that ended, by user and database."""
    return tuple(Sessions(**row) for row in _rows(database, capture, "connections"))


def checkpoints(database: duckdb.DuckDBPyConnection, capture: Capture) -> Checkpoints | None:
    """How often checkpoints came; ``None`` for fewer than two."""
    return next((Checkpoints(**row) for row in _rows(database, capture, "checkpoints")), None)


def _rows(database: duckdb.DuckDBPyConnection, capture: Capture, name: str) -> Iterator[dict[str, Any]]:
    path = capture.log_table(name)
    if not path.exists():
        return
    try:
        database.execute(f"CREATE OR REPLACE VIEW log_{name} AS SELECT * FROM read_parquet('{quoted(path)}')")
        yield from DuckDB(database).rows(f"digest_{name}")
    except duckdb.Error as error:
        raise CaptureError(f"{path} is not a readable Parquet file; capture again.") from error
