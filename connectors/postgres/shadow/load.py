"""Loading a schema and its statistics into the shadow: what can be loaded is, what cannot is named with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from connectors.postgres.shadow.script import Statement

# What a schema consists of; a dump's data, settings, DO blocks and queries are none of the planner's business.
_SCHEMA = re.compile(
    r"""
    (?:CREATE|ALTER)\b | SET\s+search_path\b | SELECT\s+(?:\*\s+FROM\s+)?pg_catalog\.pg_restore_\w+\s*\(
    """,
    re.VERBOSE | re.IGNORECASE,
)
# What a planner never looks at. pg_dump writes all of these.
_IGNORED = re.compile(
    r"""
    ALTER\s+(?:\w+\s+)+?.*\bOWNER\s+TO\b | ALTER\s+DEFAULT\s+PRIVILEGES\b
  | CREATE\s+(?:OR\s+REPLACE\s+)?(?:CONSTRAINT\s+)?TRIGGER\b | (?:CREATE|ALTER)\s+EVENT\s+TRIGGER\b
  | CREATE\s+(?:DATABASE|ROLE|USER|GROUP|TABLESPACE|SERVER|FOREIGN\s+DATA|PUBLICATION|SUBSCRIPTION|POLICY)\b
  | ALTER\s+(?:DATABASE|ROLE|USER|PUBLICATION|SUBSCRIPTION|SYSTEM)\b
  | ALTER\s+TABLE\b.*\b(?:ENABLE|DISABLE|FORCE)\b.*\b(?:TRIGGER|RULE|ROW\s+LEVEL)\b
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_CREATE_SCHEMA = re.compile(r"CREATE\s+SCHEMA\b", re.IGNORECASE)
_OF_SUPERUSER = re.compile(r"CREATE\s+(?:EXTENSION|COLLATION)\b", re.IGNORECASE)
_EXTENSION = re.compile(r'CREATE\s+EXTENSION\s+(?:IF\s+NOT\s+EXISTS\s+)?("(?:[^"]|"")+"|[\w-]+)', re.IGNORECASE)
_NAME = r'(?:"(?:[^"]|"")+"|[\w$]+)(?:\.(?:"(?:[^"]|"")+"|[\w$]+))*'
_OBJECT = re.compile(
    r"(?:CREATE|ALTER|COMMENT\s+ON)\s+(?:OR\s+REPLACE\s+)?(?:UNIQUE\s+|MATERIALIZED\s+|FOREIGN\s+|UNLOGGED\s+)?"
    rf"(\w+)\s+(?:ONLY\s+)?(?:CONCURRENTLY\s+)?(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?({_NAME})"
    rf"(?:.*?\bADD\s+(CONSTRAINT\s+{_NAME}))?",
    re.IGNORECASE | re.DOTALL,
)
_STATISTICS_OF = re.compile(r"'relname',\s*'((?:[^']|'')*)'(?:.*?'attname',\s*'((?:[^']|'')*)')?", re.DOTALL)

# What is missing, by the server's own words (all messages come in English: the cluster's locale has no others).
_MISSING_TYPE = re.compile(rf'type "?({_NAME}?)"?(?:\[\])? does not exist')
_MISSING_SCHEMA = re.compile(r'schema "((?:[^"]|"")+)" does not exist')
_MISSING_COLLATION = re.compile(r'collation "((?:[^"]|"")+)" for encoding')
_MODIFIER = re.compile(r'type modifier is not allowed for type "([^"]+)"')
_STAND_IN_TYPES = {"citext": "text", "hstore": "text", "ltree": "text", "geometry": "bytea", "geography": "bytea"}

_RESTORE = re.compile(
    r"SELECT\s+(?:\*\s+FROM\s+)?pg_catalog\.(pg_restore_(?:relation|attribute)_stats)\s*\(", re.IGNORECASE
)
_TYPED_LITERAL = re.compile(r"('(?:[^']|'')*')(?:::[\w\[\]]+)?")

_BATCH = 200
_PASSES = 6


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An object that the shadow lacks, or has otherwise than the target, and why."""

    name: str
    reason: str


@dataclass
class Loader:
    """Loads scripts into one database. ``owner`` may only own it; ``admin`` creates extensions and collations.

    ``restores``: whether the server has functions of its own to restore statistics (18 is the first).
    """

    owner: Any
    admin: Any
    restores: bool = True
    left_out: list[LeftOut] = field(default_factory=list)
    _stand_ins: set[str] = field(default_factory=set)

    async def load(self, statements: Iterable[Statement]) -> None:
        """Run every statement that a planner cares for; what fails is tried again after the others."""
        pending = [s for s in statements if _SCHEMA.match(s.text) and not _IGNORED.match(s.text)]
        if not self.restores:
            pending = [Statement(for_older_server(statement.text), statement.line) for statement in pending]
        # Extensions live in schemas, and everything else may need an extension.
        await self._run([s for s in pending if _CREATE_SCHEMA.match(s.text)])
        for statement in [s for s in pending if _OF_SUPERUSER.match(s.text)]:
            await self._as_superuser(statement)
        pending = [s for s in pending if not (_OF_SUPERUSER.match(s.text) or _CREATE_SCHEMA.match(s.text))]
        reasons: dict[Statement, str] = {}
        for _ in range(_PASSES):
            failed: dict[Statement, str] = {}
            for start in range(0, len(pending), _BATCH):
                failed.update(await self._run(pending[start : start + _BATCH]))
            stood_in = [await self._stand_in(reason) for reason in dict.fromkeys(failed.values())]
            reasons = {_without_modifier(statement, reason): reason for statement, reason in failed.items()}
            progressed = len(failed) < len(pending) or any(stood_in) or reasons.keys() != failed.keys()
            pending = list(reasons)
            if not pending or not progressed:
                break
        self.left_out += [LeftOut(name_of(s.text), reasons[s]) for s in pending]

    async def _run(self, batch: Sequence[Statement]) -> dict[Statement, str]:
        """Run a batch in one transaction; when it fails, its halves, down to the statements at fault."""
        if not batch:
            return {}
        try:
            await self.owner.execute(";\n".join(statement.text for statement in batch))
        except asyncpg.PostgresError as error:
            if len(batch) == 1:
                return {batch[0]: _sentence(error)}
            middle = len(batch) // 2
            return {**await self._run(batch[:middle]), **await self._run(batch[middle:])}
        return {}

    async def _as_superuser(self, statement: Statement) -> None:
        try:
            await self.admin.execute(statement.text)
        except asyncpg.PostgresError as error:
            if match := _EXTENSION.match(statement.text):
                name = match[1].strip('"')
                missing = isinstance(error, asyncpg.FeatureNotSupportedError)
                reason = f"the embedded server has no {name}" if missing else _sentence(error)
                self.left_out.append(LeftOut(f"extension {name}", reason))
            elif "already exists" not in str(error):
                self.left_out.append(LeftOut(name_of(statement.text), _sentence(error)))

    async def _stand_in(self, reason: str) -> bool:
        """Create what a failed statement misses, as near as the planner needs it; whether there is more now."""
        if match := _MISSING_SCHEMA.search(reason):
            sql, note = f'CREATE SCHEMA "{match[1]}" AUTHORIZATION advisor', ""
        elif match := _MISSING_COLLATION.search(reason):
            sql = f"CREATE COLLATION {_quoted(match[1], 'pg_catalog')} (PROVIDER = libc, LOCALE = 'C.UTF-8')"
            note = "collation"
        elif match := _MISSING_TYPE.search(reason):
            base = _STAND_IN_TYPES.get(match[1].split(".")[-1].strip('"'), "text")
            sql, note = f"CREATE DOMAIN {_quoted(match[1], 'public')} AS {base}", "type"
        else:
            return False
        if sql in self._stand_ins:
            return False
        self._stand_ins.add(sql)
        try:
            await self.admin.execute(sql)
        except asyncpg.PostgresError:
            return False
        if note:
            instead = sql.rsplit(" ", 1)[-1].strip("')")
            self.left_out.append(LeftOut(f"{note} {match[1]}", f"the embedded server lacks it; {instead} stands in"))
        return True


def for_older_server(statement: str) -> str:
    """Turn a call that restores statistics into one of our own function's, which takes text alone.

    >>> for_older_server("SELECT * FROM pg_catalog.pg_restore_relation_stats('relname', 'a''b', 'relpages', '5'::int)")
    "SELECT advisor_shadow.pg_restore_relation_stats('relname', 'a''b', 'relpages', '5')"
    """
    if not (match := _RESTORE.match(statement)):
        return statement
    return f"SELECT advisor_shadow.{match[1]}(" + _TYPED_LITERAL.sub(r"\1", statement[match.end() :])


def name_of(statement: str) -> str:
    """What a statement is about, as a person would name it.

    >>> name_of("CREATE UNIQUE INDEX ix_a ON t (a)"), name_of("ALTER TABLE ONLY s.t ADD CONSTRAINT fk FOREIGN KEY (a)")
    ('index ix_a', 'table s.t, constraint fk')
    """
    if match := _STATISTICS_OF.search(statement):
        return f"statistics of {match[1]}" + (f".{match[2]}" if match[2] else "")
    if match := _OBJECT.match(statement):
        constraint = " ".join(match[3].split()[:1]).lower() + " " + match[3].split(None, 1)[1] if match[3] else ""
        return f"{match[1].lower()} {match[2]}" + (f", {constraint}" if constraint else "")
    return " ".join(statement.split())[:60]


def _without_modifier(statement: Statement, reason: str) -> Statement:
    """Take a stand-in's type modifier away, which a domain cannot have: ``geometry(Point,4326)``."""
    if not (match := _MODIFIER.search(reason)):
        return statement
    typed = re.compile(rf'("?\b{re.escape(match[1])}\b"?)\s*\([^()]*\)')
    return Statement(typed.sub(r"\1", statement.text), statement.line)


def _quoted(name: str, schema: str) -> str:
    parts = [part.strip('"') for part in name.split(".")]
    if len(parts) == 1:
        parts.insert(0, schema)
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def _sentence(error: BaseException) -> str:
    return " ".join(str(error).split())
