"""What the server itself counted: pg_stat_statements, in all its versions (1.8 to 1.12)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from advisor.model.capture import Coverage
from advisor.model.identifiers import quote
from connectors.postgres.placeholders import EXPLAINABLE, command, masked
from connectors.postgres.session import Session
from connectors.postgres.sql import MARK, query

VIEW = "pg_stat_statements"
HIDDEN = "<insufficient privilege>"
"""What the view shows instead of another role's text."""

# The columns that differ from version to version: name wanted -> names by preference (manual, F.32).
_COLUMNS = {
    "toplevel": ("toplevel",),
    "total_ms": ("total_exec_time", "total_time"),
    "min_ms": ("min_exec_time", "min_time"),
    "max_ms": ("max_exec_time", "max_time"),
    "mean_ms": ("mean_exec_time", "mean_time"),
    "stddev_ms": ("stddev_exec_time", "stddev_time"),
    "since": ("stats_since",),
}
_MISSING = {"toplevel": "true", "since": "NULL::timestamptz"}

NO_VIEW = (
    "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'; restart the server; "
    "CREATE EXTENSION pg_stat_statements;"
)


@dataclass(frozen=True)
class Statements:
    """One reading of the view: rows of ``STATEMENT_COLUMNS`` and what was left out, by reason."""

    rows: tuple[Mapping[str, Any], ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    evicted: int | None = None
    reset_at: datetime | None = None
    problem: str = ""
    remedy: str = ""

    def coverage(self) -> Coverage:
        """What this reading shows, in the words of a capture."""
        if self.problem:
            return Coverage(VIEW, seen=False, detail=self.problem, remedy=self.remedy)
        parts = [f"{len(self.rows)} statements with their counts and times"]
        parts += [f"{count} {reason} left out" for reason, count in sorted(self.left_out.items())]
        if self.evicted:
            parts.append(f"the view was full {self.evicted} times and forgot rare statements")
        hidden = self.left_out.get(_HIDDEN_REASON, 0)
        remedy = "GRANT pg_read_all_stats TO CURRENT_USER;" if hidden else ""
        if self.evicted and not remedy:
            remedy = "ALTER SYSTEM SET pg_stat_statements.max = 20000; restart the server;"
        return Coverage(VIEW, seen=True, detail="; ".join(parts) + ".", remedy=remedy, count=len(self.rows))


_HIDDEN_REASON = "of other roles, whose text this role may not read,"


async def read_statements(session: Session, source: str, keep_values: bool = False) -> Statements:
    """Read the statements of the current database that a rule or the planner can work on, most total time first.

    Left out and counted: our own, utility commands, and those whose text is hidden. Literals that the view did not
    normalise are replaced unless ``keep_values``. A view that is missing, not loaded or forbidden is told in
    ``problem`` and ``remedy``, never raised.
    """
    try:
        where = await session.fetch(query("statements_view"))
        if not where:
            return await _not_installed(session)
        schema, columns = where[0]["schema"], set(json.loads(where[0]["columns"]))
        raw = await session.fetch(_select(schema, columns))
        others = await session.value(
            f"SELECT /* {MARK} */ count(*)::int FROM {quote(schema)}.{VIEW}(false) s "
            "JOIN pg_database d ON d.oid = s.dbid WHERE d.datname <> current_database()"
        )
        evicted, reset_at = await _info(session, schema)
    except asyncpg.InsufficientPrivilegeError:
        return Statements(
            problem="This role may not read pg_stat_statements.",
            remedy=f"GRANT SELECT ON {VIEW} TO CURRENT_USER; GRANT pg_read_all_stats TO CURRENT_USER;",
        )
    except asyncpg.ObjectNotInPrerequisiteStateError:
        return Statements(problem="The extension is created but its library is not loaded.", remedy=NO_VIEW)
    except asyncpg.PostgresError as error:
        return Statements(problem=f"pg_stat_statements could not be read: {error}.", remedy=NO_VIEW)
    rows, left_out = _sorted_out(raw, source, reset_at, keep_values)
    if others:
        left_out["of other databases"] = others
    return Statements(tuple(rows), left_out, evicted, reset_at)


async def _not_installed(session: Session) -> Statements:
    if await session.value(query("statements_loaded")):
        words = "pg_stat_statements counts on this server, but its extension is missing in this database."
        return Statements(problem=words, remedy="CREATE EXTENSION pg_stat_statements;")
    return Statements(problem="pg_stat_statements is not installed on this server.", remedy=NO_VIEW)


def _select(schema: str, columns: set[str]) -> str:
    chosen = []
    for name, candidates in _COLUMNS.items():
        present = next((column for column in candidates if column in columns), None)
        chosen.append(f"{'s.' + present if present else _MISSING[name]} AS {name}")
    return (
        f"SELECT /* {MARK} */ s.queryid::text AS server_query_id, s.query AS text, s.calls, s.rows, "
        "s.shared_blks_hit AS blocks_hit, s.shared_blks_read AS blocks_read, "
        f"s.temp_blks_written AS temp_blocks_written, d.datname::text AS database, r.rolname::text AS user, "
        f"{', '.join(chosen)} FROM {quote(schema)}.{VIEW} s JOIN pg_database d ON d.oid = s.dbid "
        "LEFT JOIN pg_roles r ON r.oid = s.userid WHERE d.datname = current_database() "
        "ORDER BY total_ms DESC, s.queryid, s.userid"
    )


async def _info(session: Session, schema: str) -> tuple[int | None, datetime | None]:
    try:
        rows = await session.fetch(f"SELECT /* {MARK} */ dealloc, stats_reset FROM {quote(schema)}.{VIEW}_info")
    except asyncpg.PostgresError:  # before 1.9 (PostgreSQL 14) there is no such view
        return None, None
    return int(rows[0]["dealloc"]), rows[0]["stats_reset"]


def _sorted_out(
    raw: Sequence[Mapping[str, Any]], source: str, reset_at: datetime | None, keep_values: bool
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    rows: list[dict[str, Any]] = []
    left_out: Counter[str] = Counter()
    for row in raw:
        text = row["text"]
        if text is None or text == HIDDEN:
            left_out[_HIDDEN_REASON] += 1
        elif MARK in text:
            left_out["of this advisor"] += 1
        elif command(text) not in EXPLAINABLE:
            left_out["utility commands"] += 1
        else:
            shown = text if keep_values else masked(text, numbers=False)
            rows.append({**dict(row), "source": source, "text": shown, "since": row["since"] or reset_at})
    return rows, dict(left_out)
