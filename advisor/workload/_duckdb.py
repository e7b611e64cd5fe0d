"""The digest's SQL on DuckDB, over the Parquet files where they lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any, Protocol

import duckdb

from advisor.captures import quoted
from advisor.errors import CaptureError
from advisor.model.capture import Capture

ADVISOR = "query-advisor"
"""The application_name of the advisor's own sessions, whose events are not the application's."""

TextShape = tuple[str, str, int]
"""A text, its fingerprint, the length of its longest list."""


class Engine(Protocol):
    """Where the ``digest_*.sql`` files run. ``raw_event`` holds the capture's events."""

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        """The rows of ``<name>.sql``."""
        ...

    def declare_shapes(self, shaped: Sequence[TextShape]) -> None:
        """Make ``event``: ``raw_event`` with ``fingerprint`` (NULL: none of the application's) and ``elements``."""
        ...


def sql_text(name: str) -> str:
    """The text of ``<name>.sql`` beside this module, in DuckDB's dialect."""
    return files("advisor.workload").joinpath(f"{name}.sql").read_text(encoding="utf-8")


class DuckDB:
    """The engine of one machine. ``event`` also has ``seq``, the row's number in the file."""

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self.database = database

    def open_events(self, capture: Capture) -> bool:
        """Declare ``raw_event``; false when the capture has no events.

        Raises :class:`CaptureError` when the file cannot be read.
        """
        if not capture.events.exists():
            return False
        try:
            self.database.execute(
                f"CREATE VIEW raw_event AS SELECT * EXCLUDE (file_row_number), file_row_number AS seq"
                f" FROM read_parquet('{quoted(capture.events)}', file_row_number = true)"
                f" WHERE coalesce(application, '') <> '{ADVISOR}'"
            )
            self.database.execute("SELECT count(*) FROM raw_event").fetchall()
        except duckdb.Error as error:
            raise CaptureError(f"{capture.events} is not a readable Parquet file of events; capture again.") from error
        return True

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        """The rows of ``<name>.sql``."""
        cursor = self.database.execute(sql_text(name))
        names = [column[0] for column in cursor.description or ()]
        for row in cursor.fetchall():
            yield dict(zip(names, row, strict=True))

    def declare_shapes(self, shaped: Sequence[TextShape]) -> None:
        """Make the view ``event``."""
        self.database.execute("CREATE TEMP TABLE text_shape (text VARCHAR, fingerprint VARCHAR, elements INTEGER)")
        for start in range(0, len(shaped), 1000):
            part = shaped[start : start + 1000]
            marks = ", ".join("(?, ?, ?)" for _ in part)
            self.database.execute(f"INSERT INTO text_shape VALUES {marks}", [value for row in part for value in row])
        self.database.execute(
            "CREATE TEMP VIEW event AS SELECT e.*, s.fingerprint, coalesce(s.elements, 0) AS elements"
            " FROM raw_event AS e LEFT JOIN text_shape AS s ON s.text = e.text"
        )
