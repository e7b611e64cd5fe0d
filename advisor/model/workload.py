"""The workload: events, their shapes with statistics, units of work and the bursts found in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from advisor.model.catalog import TableName
from advisor.model.plan import Plan
from advisor.model.shape import QueryShape

EVENT_COLUMNS: Mapping[str, str] = {
    "source": "VARCHAR",  # file or server the event was read from
    "database": "VARCHAR",
    "user": "VARCHAR",
    "application": "VARCHAR",
    "client": "VARCHAR",  # host[:port]
    "session": "VARCHAR",  # one server session; (session, line) orders it without gaps
    "line": "BIGINT",
    "unit": "VARCHAR",  # trace, request or explicit transaction id where the source tells one
    "started_at": "TIMESTAMPTZ",
    "ended_at": "TIMESTAMPTZ",
    "duration_ms": "DOUBLE",  # parse + bind + execute; NULL where the source does not tell
    "rows": "BIGINT",
    "command": "VARCHAR",  # SELECT, INSERT, BEGIN, … ; MongoDB: find, aggregate, …
    "text": "VARCHAR",  # statement with values taken out (`$0` for a literal, `$n` as sent); MongoDB: canonical JSON
    "params_digest": "VARCHAR",  # keyed digest of every value; NULL where the statement has none
    "params_distinct_key": "VARCHAR",  # the same without LIMIT and OFFSET
    "tags": "MAP(VARCHAR, VARCHAR)",  # sqlcommenter, MongoDB comment; code location as code_filepath, code_lineno
    "error_code": "VARCHAR",  # SQLSTATE or MongoDB code; NULL when it succeeded
    "server_query_id": "VARCHAR",
}
"""The columns of ``events.parquet``, in order, with DuckDB's types. Sources fill what they know and leave NULL."""

STATEMENT_COLUMNS: Mapping[str, str] = {
    "source": "VARCHAR",
    "database": "VARCHAR",
    "user": "VARCHAR",
    "text": "VARCHAR",
    "server_query_id": "VARCHAR",
    "toplevel": "BOOLEAN",
    "calls": "BIGINT",
    "total_ms": "DOUBLE",
    "min_ms": "DOUBLE",
    "max_ms": "DOUBLE",
    "mean_ms": "DOUBLE",
    "stddev_ms": "DOUBLE",
    "rows": "BIGINT",
    "blocks_hit": "BIGINT",
    "blocks_read": "BIGINT",
    "temp_blocks_written": "BIGINT",
    "since": "TIMESTAMPTZ",
}
"""The columns of ``statements.parquet``: aggregates that the server itself keeps (pg_stat_statements, $queryStats)."""


class StatsSource(StrEnum):
    """Where a shape's statistics come from. Events are preferred: they have order and percentiles."""

    EVENTS = "events"
    STATEMENTS = "statements"


@dataclass(frozen=True, slots=True)
class CallSite:
    """A place in the application's source."""

    file: str
    line: int | None = None
    function: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place} ({self.function})" if self.function else place


@dataclass(frozen=True, slots=True)
class QueryStats:
    """How often, how long (milliseconds), how many rows. Percentiles are ``None`` without events."""

    source: StatsSource
    calls: int
    total_ms: float
    mean_ms: float
    min_ms: float | None = None
    max_ms: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    rows: int | None = None
    errors: int = 0
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None
    temp_blocks_written: int | None = None
    blocks_read: int | None = None
    distinct_params: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A shape with what the workload knows of it. ``unexplained`` is the reason when ``plan`` is ``None``."""

    shape: QueryShape
    stats: QueryStats
    plan: Plan | None = None
    unexplained: str = ""
    routes: tuple[str, ...] = ()
    call_sites: tuple[CallSite, ...] = ()
    users: tuple[str, ...] = ()
    applications: tuple[str, ...] = ()


class Relation(StrEnum):
    """How the child of a burst hangs on its parent."""

    MANY_TO_ONE = "many-to-one"
    ONE_TO_ONE = "one-to-one"
    ONE_TO_MANY = "one-to-many"
    MANY_TO_MANY = "many-to-many"
    DEFERRED = "deferred columns"
    UNKNOWN = "unknown"


class UnitKind(StrEnum):
    """What bounds a unit of work, best first (research: trace, transaction, session with gaps, cluster)."""

    TRACE = "trace"
    TRANSACTION = "transaction"
    SESSION = "session"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """One event that shows a burst: where it was read, and its text with values taken out."""

    source: str
    session: str
    line: int
    started_at: datetime | None
    text: str


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """A request, job or transaction: the events between two borders."""

    key: str
    kind: UnitKind
    session: str
    started_at: datetime | None
    ended_at: datetime | None
    events: int


@dataclass(frozen=True, slots=True)
class Burst:
    """One child shape repeated inside units of work, over all units where it was seen.

    ``executions`` is the total over ``units`` units; ``per_unit`` the median, ``per_unit_max`` the largest.
    ``distinct_ratio`` is distinct parameter sets / executions. ``saved_ms`` is what one statement instead of N would
    have saved over the capture, an upper bound, with its ``saved_low_ms`` … ``saved_high_ms`` range. ``siblings``
    are the other children of the same parent, so that interleaved shapes are one finding; ``nested_in`` is the
    child shape of which this is a child in turn. ``pattern``: "n-plus-one", "repeated-identical-query",
    "row-by-row-write", "parentless-loop".
    """

    child: str
    parent: str
    relation: Relation
    units: int
    executions: int
    per_unit: float
    per_unit_max: int
    unit_kind: UnitKind
    child_table: TableName | None = None
    child_columns: tuple[str, ...] = ()
    parent_table: TableName | None = None
    parent_columns: tuple[str, ...] = ()
    link_table: TableName | None = None
    linked_by: str = ""
    distinct_ratio: float = 1.0
    saved_ms: float | None = None
    saved_low_ms: float | None = None
    saved_high_ms: float | None = None
    server_ms: float = 0.0
    siblings: tuple[str, ...] = ()
    nested_in: str = ""
    pattern: str = "n-plus-one"
    confidence: float = 1.0
    routes: tuple[str, ...] = ()
    call_sites: tuple[CallSite, ...] = ()
    parent_call_sites: tuple[CallSite, ...] = ()
    evidence: tuple[EvidenceLine, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Repetition that looked like a burst and is none, with the reason."""

    child: str
    pattern: str
    reason: str
    executions: int = 0


@dataclass(frozen=True, slots=True)
class LockWait:
    """A statement that waited for locks (log_lock_waits: waits of deadlock_timeout and more).

    ``text`` has no values; ``shape`` is its fingerprint where the workload has it. ``lock`` is what it waited for:
    "row", "table", "advisory lock" or PostgreSQL's word for another. ``waited_ms`` is the sum, ``longest_ms`` one wait.
    """

    text: str
    shape: str
    lock: str
    waits: int
    waited_ms: float
    longest_ms: float
    deadlocks: int = 0


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions of a user on a database that ended in the window; ``median_s`` is how long they lasted, in seconds."""

    user: str
    database: str
    ended: int
    median_s: float


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Checkpoints of the window; ``every_s`` is the median time from the start of one to the next, in seconds."""

    completed: int
    every_s: float
    buffers: int
    write_s: float


@dataclass(frozen=True)
class Workload:
    """What the application did: its queries (most total time first), bursts, and the window they were seen in.

    ``duration_s`` is the observed time in seconds; it scales what was seen to a day.
    """

    queries: tuple[Query, ...] = ()
    bursts: tuple[Burst, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    started_at: datetime | None = None
    ended_at: datetime | None = None
    events: int = 0
    duration_s: float = 0.0
    total_ms: float = 0.0
    unread: tuple[tuple[str, int], ...] = ()
    by_minute: tuple[tuple[datetime, int, float], ...] = field(default=())
    lock_waits: tuple[LockWait, ...] = ()
    sessions: tuple[Sessions, ...] = ()
    checkpoints: Checkpoints | None = None

    @cached_property
    def by_fingerprint(self) -> Mapping[str, Query]:
        """Queries by their shape's fingerprint."""
        return {query.shape.fingerprint: query for query in self.queries}

    def per_day(self, amount: float) -> float:
        """Scale an amount seen in the window to 24 hours; a window under a minute counts as a minute."""
        return amount * 86_400 / max(self.duration_s, 60.0)
