"""A log written as lines of Python, turned into the table that the burst search reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from advisor.model.catalog import Catalog, Column, ForeignKey, Index, IndexColumn, Table, TableName
from advisor.model.workload import EVENT_COLUMNS, Burst, Suppressed
from advisor.ports import Options
from advisor.shape.sql import shape_of
from advisor.workload.bursts import find_bursts

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Log:
    """Statements one after another; ``pause`` moves the clock, ``session`` switches the connection."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    clock: datetime = START
    session: str = "s1"
    application: str = "app"
    tags: dict[str, str] = field(default_factory=dict)
    unit: str | None = None

    def run(
        self, text: str, *values: object, ms: float = 0.3, gap: float = 0.4, error: str | None = None, **more: Any
    ) -> Log:
        """Append one statement with its values, ``gap`` milliseconds after the one before."""
        started = self.clock + timedelta(milliseconds=gap)
        self.clock = started + timedelta(milliseconds=ms)
        self.rows.append(
            {
                "source": "test.log",
                "database": "shop",
                "user": "app",
                "application": self.application,
                "client": "10.0.0.1:5000",
                "session": self.session,
                "line": len(self.rows) + 1,
                "unit": self.unit,
                "started_at": started,
                "ended_at": self.clock,
                "duration_ms": ms,
                "command": text.split()[0].upper(),
                "text": text,
                "params_digest": repr(values) if values else None,
                "params_distinct_key": repr(values) if values else None,
                "tags": dict(self.tags),
                "error_code": error,
            }
            | more
        )
        return self

    def pause(self, ms: float = 2000) -> Log:
        """Let time pass."""
        self.clock += timedelta(milliseconds=ms)
        return self

    def find(self, catalog: Catalog | None = None, **options: Any) -> tuple[tuple[Burst, ...], tuple[Suppressed, ...]]:
        """Search it."""
        with duckdb.connect() as database:
            columns = ", ".join(f'"{name}" {kind}' for name, kind in EVENT_COLUMNS.items())
            database.execute(f"CREATE TABLE event ({columns}, fingerprint VARCHAR, elements INTEGER, seq BIGINT)")
            shapes = {}
            values: list[object] = []
            for seq, row in enumerate(self.rows):
                shape = shape_of(row["text"], catalog)
                shapes[shape.fingerprint] = shape
                found = [match.count("$") for match in re.findall(r"IN \(([^()]*\$[^()]*)\)", row["text"])]
                values += [row.get(name) for name in EVENT_COLUMNS]
                values += [shape.fingerprint, max(found, default=0), seq]
            mark = "(" + ", ".join("?" * (len(EVENT_COLUMNS) + 3)) + ")"
            database.execute(f"INSERT INTO event VALUES {', '.join([mark] * len(self.rows))}", values)
            return find_bursts(database, shapes, catalog, Options(**options))


@pytest.fixture
def log() -> Log:
    """An empty log."""
    return Log()


def _table(name: str, *columns: str, unique: tuple[str, ...] = ()) -> Table:
    known = TableName("public", name)
    indexes = tuple(Index(known, (IndexColumn(column),), unique=True, exists=True) for column in unique)
    return Table(
        known, tuple(Column(c, "integer", nullable=False) for c in columns), primary_key=("id",), indexes=indexes
    )


def _key(table: str, column: str, referenced: str) -> ForeignKey:
    return ForeignKey(
        f"{table}_{column}_fkey", TableName("public", table), (column,), TableName("public", referenced), ("id",)
    )


@pytest.fixture
def books() -> Catalog:
    """Books by authors, edited by authors, with reviews, tags and one ISBN each."""
    return Catalog(
        (
            _table("authors", "id", "name", "slug", unique=("slug",)),
            _table("books", "id", "title", "body", "author_id", "editor_id"),
            _table("reviews", "id", "book_id", "stars"),
            _table("tags", "id", "name"),
            _table("isbns", "id", "book_id", "code", unique=("book_id",)),
            Table(
                TableName("public", "book_tags"),
                (Column("book_id", "integer"), Column("tag_id", "integer")),
                primary_key=("book_id", "tag_id"),
            ),
        ),
        (
            _key("books", "author_id", "authors"),
            _key("books", "editor_id", "authors"),
            _key("reviews", "book_id", "books"),
            _key("isbns", "book_id", "books"),
            _key("book_tags", "book_id", "books"),
            _key("book_tags", "tag_id", "tags"),
        ),
    )


Finder = Callable[[Log], tuple[tuple[Burst, ...], tuple[Suppressed, ...]]]
