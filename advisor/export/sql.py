"""Plain SQL files for psql: the build concurrent, leftovers of a failed attempt removed, the result checked."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.export._change import SHORT_LOCK, ExportOptions, IndexChange, Migration, Tool, literal
from advisor.model.catalog import TableName
from advisor.model.recommendation import MigrationStub

TOOL = Tool("sql", "Plain SQL (psql)")


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """``<stamp>_<slug>.up.sql`` and ``.down.sql``; both may be run again after a failure."""
    stem = f"{migration.stamp()}_{migration.slug}"
    up, down = (_build, _drop) if change.adds else (_drop, _build)
    head = change.comment("--")
    return MigrationStub(
        TOOL.name,
        change.recommendation.id,
        (
            (f"{stem}.up.sql", head + "\n" + "\n".join(up(change, options)) + "\n"),
            (f"{stem}.down.sql", f"-- Undoes {stem}.up.sql\n\n" + "\n".join(down(change, options)) + "\n"),
        ),
        f'psql -X -d "$DATABASE_URL" -f {stem}.up.sql\npsql -X -d "$DATABASE_URL" -f {stem}.down.sql  # undo',
    )


def _timeouts(wait_budget: str) -> Iterator[str]:
    yield r"\set ON_ERROR_STOP on"
    yield f"SET lock_timeout = {literal(wait_budget)};  -- the build's waits block no read and no write"
    yield "SET statement_timeout = 0;"
    yield ""


def _drop(change: IndexChange, options: ExportOptions) -> Iterator[str]:
    if change.partitions:
        yield r"\set ON_ERROR_STOP on"
        yield "-- ACCESS EXCLUSIVE on the table and all its partitions, for a moment; run again when it times out"
        yield f"SET lock_timeout = {literal(SHORT_LOCK)};"
        yield "SET statement_timeout = 0;"
        yield ""
        yield "-- squawk-ignore require-concurrent-index-deletion"
    else:
        yield from _timeouts(options.wait_budget)
    yield f"{change.drop};"


def _build(change: IndexChange, options: ExportOptions) -> Iterator[str]:
    yield from _timeouts(options.wait_budget)
    if change.partitions:
        yield from _build_partitioned(change, options)
    else:
        yield "-- remove an INVALID leftover of an earlier attempt, if there is one"
        yield from _remove_leftovers([TableName(change.index.table.schema, change.index.name)])
        yield f"{change.create};"
        yield ""
    yield "-- fail loudly unless it is there and VALID"
    yield f"{change.verify};"


def _build_partitioned(change: IndexChange, options: ExportOptions) -> Iterator[str]:
    """The parent's index is born INVALID and becomes VALID when the last partition's is attached."""
    only, builds, attachments = change.steps
    names = [TableName(leaf.schema, change.leaf_name(leaf)) for leaf in change.partitions]
    yield "-- 1. an empty index on the parent alone: writes wait for milliseconds"
    yield f"SET lock_timeout = {literal(SHORT_LOCK)};"
    yield "-- squawk-ignore require-concurrent-index-creation"
    yield f"{only};"
    yield ""
    yield "-- 2. each partition's own index, concurrently"
    yield f"SET lock_timeout = {literal(options.wait_budget)};"
    yield from _remove_leftovers(names)
    yield from (f"{build};" for build in builds)
    yield ""
    yield "-- 3. attach them, which takes milliseconds each"
    yield f"SET lock_timeout = {literal(SHORT_LOCK)};"
    yield from (f"{attachment};" for attachment in attachments)
    yield ""


def _remove_leftovers(indexes: list[TableName]) -> Iterator[str]:
    wanted = ", ".join(f"({literal(name.schema)}, {literal(name.name)})" for name in indexes)
    yield "SELECT format('DROP INDEX CONCURRENTLY %I.%I', n.nspname, c.relname)"
    yield "FROM pg_index i"
    yield "JOIN pg_class c ON c.oid = i.indexrelid"
    yield "JOIN pg_namespace n ON n.oid = c.relnamespace"
    yield f"WHERE (n.nspname, c.relname) IN ({wanted}) AND NOT i.indisvalid"
    yield r"\gexec"
    yield ""
