"""What this server is, what this role may see of it, and the GRANT or setting that would show the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from advisor.errors import PermissionMissing
from advisor.model.capture import Coverage, Server
from advisor.model.catalog import Catalog
from advisor.model.identifiers import quote
from connectors.postgres.session import Session
from connectors.postgres.sql import array, query

OLDEST, NEWEST = 13, 18
"""The major versions that the tests know."""

# Beside the planner's own settings: what decides cost, sorting, writing, and what the logs tell (manual, chapter 20).
SETTINGS = (
    "autovacuum", "autovacuum_analyze_scale_factor", "autovacuum_vacuum_scale_factor", "block_size",
    "checkpoint_timeout", "commit_delay", "effective_io_concurrency", "full_page_writes", "hash_mem_multiplier",
    "huge_pages", "log_destination", "log_duration", "log_line_prefix", "log_lock_waits", "log_min_duration_sample",
    "log_min_duration_statement", "log_parameter_max_length", "log_statement", "log_statement_sample_rate",
    "log_temp_files", "log_transaction_sample_rate", "logging_collector", "maintenance_work_mem", "max_connections",
    "max_parallel_maintenance_workers", "max_parallel_workers", "max_parallel_workers_per_gather", "max_wal_size",
    "max_worker_processes", "server_encoding", "shared_buffers", "shared_preload_libraries", "synchronous_commit",
    "temp_buffers", "track_activities", "track_counts", "track_io_timing", "wal_compression", "wal_level", "work_mem",
)  # fmt: skip
SWITCHES = (
    ("track_io_timing", "Time spent on reading and writing"),
    ("log_lock_waits", "Waits for locks of a second and more"),
)
"""Settings that are off by default, and what they show."""
# Ours, not the application's.
_OWN = frozenset(["plan_cache_mode"])

LOG_REMEDY = "ALTER SYSTEM SET log_min_duration_statement = 0; SELECT pg_reload_conf();"


@dataclass(frozen=True, slots=True)
class Facts:
    """The server and this role's rights on it. ``log_files``: those of the server that can be read from here."""

    server: Server
    role: str = ""
    superuser: bool = False
    monitor: bool = False
    all_stats: bool = False
    pooled: bool = False
    stats_reset_at: datetime | None = None
    log_files: tuple[Path, ...] = ()
    problems: Mapping[str, str] = field(default_factory=dict)

    def coverage(self) -> tuple[Coverage, ...]:
        """What is seen of the server and what is missing, each with its remedy."""
        found = [self._version(), self._role(), self._log(), *(self._switched(*one) for one in SWITCHES)]
        if self.pooled:
            found.append(
                Coverage(
                    "pooler",
                    seen=True,
                    detail="The connection goes through a pooler; each statement runs in a read-only transaction.",
                )
            )
        if self.server.replicas:
            found.append(
                Coverage(
                    "replicas",
                    seen=False,
                    detail=f"{self.server.replicas} replica(s) take part; their reads do not count in this server's "
                    "index usage.",
                    remedy="Scan each replica as well before an unused index is dropped.",
                    count=self.server.replicas,
                )
            )
        return tuple(found)

    def _version(self) -> Coverage:
        major = self.server.version_number // 10_000
        tested = OLDEST <= major <= NEWEST
        detail = f"PostgreSQL {self.server.version}, database {self.server.database}"
        detail += ", a replica in recovery" if self.server.replica else ""
        if not tested:
            detail += f"; versions {OLDEST} to {NEWEST} are known, this one may show less"
        return Coverage("server", seen=True, detail=detail + ".")

    def _role(self) -> Coverage:
        if self.superuser:
            return Coverage(
                "role", seen=True, detail=f"{self.role} is a superuser; the session is read-only all the same."
            )
        if self.all_stats:
            return Coverage("role", seen=True, detail=f"{self.role} may read the statistics of all roles.")
        return Coverage(
            "role",
            seen=False,
            detail=f"{self.role} sees its own statements only: those of other roles have no text here.",
            remedy="GRANT pg_read_all_stats TO CURRENT_USER;",
        )

    def _log(self) -> Coverage:
        setting = self.server.settings.get
        statements = setting("log_min_duration_statement", "") == "0" or (
            setting("log_statement") == "all" and setting("log_duration") == "on"
        )
        if self.log_files:
            named = " ".join(f"--log {path}" for path in self.log_files)
            if statements:
                detail = "The log has every statement, and with it their order, but it was not read."
                return Coverage("server log", seen=False, detail=detail, remedy=f"Add {named}")
            return Coverage(
                "server log",
                seen=False,
                detail="The log can be read here, but not every statement is written to it.",
                remedy=f"{LOG_REMEDY} Then add {named}",
            )
        if statements:
            return Coverage(
                "server log",
                seen=False,
                detail="The server logs every statement, but its files cannot be reached from here.",
                remedy="Fetch the log files and pass each with --log FILE.",
            )
        return Coverage(
            "server log",
            seen=False,
            detail="The server does not log every statement; without order N+1 bursts cannot be told.",
            remedy=f"{LOG_REMEDY} Later pass the files with --log FILE.",
        )

    def _switched(self, setting: str, what: str) -> Coverage:
        """A setting that shows ``what`` when it is on, and takes a reload only."""
        on = self.server.settings.get(setting) == "on"
        remedy = "" if on else f"ALTER SYSTEM SET {setting} = on; SELECT pg_reload_conf();"
        return Coverage(setting, on, f"{what}." if on else f"Not seen: {what[0].lower()}{what[1:]}.", remedy)


async def read_facts(session: Session) -> Facts:
    """Read the server's identity, settings and this role's rights.

    Raises :class:`PermissionMissing` when not even that is allowed. Settings are as ``SHOW`` prints them, with
    ``lc_collate`` and ``lc_ctype`` of the database beside them.
    """
    try:
        row = (await session.fetch(query("server")))[0]
        settings = await session.fetch(query("settings"), array(SETTINGS))
        extensions = await session.fetch(query("extensions"))
    except asyncpg.PostgresError as error:
        raise PermissionMissing(
            f"{session.target.name} does not show its settings ({error}); the role must be able to read pg_catalog."
        ) from error
    shown = {setting["name"]: setting["shown"] for setting in settings if setting["name"] not in _OWN}
    shown.update(lc_collate=row["collate"] or "", lc_ctype=row["ctype"] or "", server_encoding=row["encoding"])
    server = Server(
        product="postgresql",
        version=row["version"].split(" ")[0],
        version_number=session.version_number,
        name=session.target.name,
        database=row["database"],
        settings=dict(sorted(shown.items())),
        extensions={extension["name"]: extension["version"] for extension in extensions},
        replica=row["replica"],
        replicas=row["replicas"],
        started_at=row["started_at"],
    )
    return Facts(
        server,
        role=row["role"],
        superuser=row["superuser"],
        monitor=row["monitor"],
        all_stats=row["all_stats"],
        pooled=session.pooled,
        stats_reset_at=row["stats_reset"],
        log_files=await _log_files(session),
    )


async def _log_files(session: Session) -> tuple[Path, ...]:
    """The server's current log files, where they lie on this machine and can be read."""
    found: list[Path] = []
    for form in ("jsonlog", "csvlog", "stderr"):
        try:
            rows: list[Any] = await session.fetch(query("log_file"), form)
        except asyncpg.PostgresError:  # wants pg_monitor; jsonlog wants 15
            continue
        if rows and rows[0]["file"] and rows[0]["data"]:
            path = Path(rows[0]["data"]) / rows[0]["file"]
            if _readable(path):
                found.append(path)
    return tuple(found[:1])


def _readable(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False


def for_role(coverage: Iterable[Coverage], role: str) -> tuple[Coverage, ...]:
    """Name the role in each remedy: whoever runs it is another one, for whom ``CURRENT_USER`` would be wrong."""
    return tuple(replace(entry, remedy=entry.remedy.replace("CURRENT_USER", quote(role))) for entry in coverage)


def catalog_coverage(catalog: Catalog) -> tuple[Coverage, ...]:
    """How much of the catalog this role could read, and since when its counters count."""
    stored = [table for table in catalog.tables if table.kind in ("table", "partition", "materialized view")]
    hidden = [table for table in catalog.tables if table.options.get("unreadable")]
    indexes = sum(len(table.indexes) for table in catalog.tables)
    found = [
        Coverage(
            "catalog",
            seen=True,
            detail=f"{len(catalog.tables)} tables and views, {indexes} indexes.",
            count=len(catalog.tables),
        )
    ]
    if hidden:
        schemas = ", ".join(quote(schema) for schema in sorted({table.name.schema for table in hidden}))
        found.append(
            Coverage(
                "table rights",
                seen=False,
                detail=f"{len(hidden)} tables and views may not be read by this role: PostgreSQL hides their "
                "column statistics and plans no statement on them, so the planner guesses there.",
                remedy=f"GRANT USAGE ON SCHEMA {schemas} TO CURRENT_USER; "
                f"GRANT SELECT ON ALL TABLES IN SCHEMA {schemas} TO CURRENT_USER;",
                count=len(hidden),
            )
        )
    bare = [t for t in stored if t.rows and not t.options.get("unreadable") and not any(c.stats for c in t.columns)]
    if bare:
        named = ", ".join(str(table.name) for table in bare[:3]) + (", …" if len(bare) > 3 else "")
        found.append(
            Coverage(
                "planner statistics",
                seen=False,
                detail=f"{len(bare)} tables were never analyzed ({named}); the planner guesses there.",
                remedy=f"ANALYZE {bare[0].name.sql};" if len(bare) == 1 else "ANALYZE;",
                count=len(bare),
            )
        )
    since = catalog.stats_reset_at
    found.append(
        Coverage(
            "usage counters",
            seen=any(table.usage.sequential_scans is not None for table in stored) or not stored,
            detail=f"Uses of tables and indexes are counted since {since:%Y-%m-%d %H:%M %Z}."
            if since
            else "Uses of tables and indexes are counted since the server's statistics began.",
        )
    )
    return tuple(found)
