"""A Capture: everything taken from one server (or its logs) at one time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from advisor.model.catalog import Catalog
from advisor.model.plan import Plan

FORMAT_VERSION = 1
LOG_TABLES = ("temporary_files", "lock_waits", "connections", "checkpoints")
"""What a log tells beside statements."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """One thing that was looked for. Not ``seen``: ``remedy`` is the GRANT, setting or command that would show it."""

    subject: str
    seen: bool
    detail: str
    remedy: str = ""
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """The inspected server. ``product``: "postgresql" or "mongodb"; ``name``: its URL without credentials."""

    product: str
    version: str = ""
    version_number: int = 0
    name: str = ""
    database: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    extensions: Mapping[str, str] = field(default_factory=dict)
    replica: bool = False
    replicas: int | None = None
    started_at: datetime | None = None


@dataclass(frozen=True)
class Capture:
    """A capture, opened. ``folder`` holds the files; the Parquet ones are read by DuckDB where they lie.

    ``values``: whether literals and parameters were kept. ``plans`` are those captured, by statement text or
    fingerprint; ``unexplained`` maps a statement's text to the reason why it has no plan.
    """

    folder: Path
    server: Server
    catalog: Catalog | None = None
    coverage: tuple[Coverage, ...] = ()
    plans: tuple[Plan, ...] = ()
    unexplained: Mapping[str, str] = field(default_factory=dict)
    captured_at: datetime | None = None
    window_started_at: datetime | None = None
    window_ended_at: datetime | None = None
    values: bool = False
    format_version: int = FORMAT_VERSION

    @property
    def events(self) -> Path:
        """``events.parquet``, one row a :data:`EVENT_COLUMNS`; may be absent."""
        return self.folder / "events.parquet"

    @property
    def statements(self) -> Path:
        """``statements.parquet``, one row a :data:`STATEMENT_COLUMNS`; may be absent."""
        return self.folder / "statements.parquet"

    def log_table(self, name: str) -> Path:
        """What a log tells beside statements: one of :data:`LOG_TABLES`; may be absent."""
        return self.folder / f"log_{name}.parquet"

    @property
    def schema_sql(self) -> Path:
        """``schema.sql``: ``pg_dump --schema-only`` of the target, which the data-free planner loads; may be absent."""
        return self.folder / "schema.sql"

    @property
    def statistics_sql(self) -> Path:
        """``statistics.sql``: ``pg_dump --statistics-only`` of the target; may be absent."""
        return self.folder / "statistics.sql"
