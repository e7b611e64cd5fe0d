"""Rails migrations without DDL transaction, the result checked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from advisor.export._change import ExportOptions, IndexChange, Migration, Tool, literal
from advisor.model.recommendation import MigrationStub

TOOL = Tool("rails", "Rails (Active Record)", "ruby")


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """``db/migrate/<stamp>_<slug>.rb``; plain SQL where Active Record's own words cannot say the index."""
    build, drop = list(_build(change)), [_remove(change)]
    up, down = (build, drop) if change.adds else (drop, build)
    lines = [
        *change.comment("#").splitlines(),
        f"class {migration.camel} < ActiveRecord::Migration[7.1] # TODO: your Rails version",
        "  disable_ddl_transaction!",
        "",
        f"  INDEX = {_string(change.index.name)}",
        "",
        *_method("up", up, options),
        "",
        *_method("down", down, options),
        "end",
    ]
    return MigrationStub(
        TOOL.name,
        change.recommendation.id,
        ((f"db/migrate/{migration.stamp()}_{migration.slug}.rb", "\n".join(lines) + "\n"),),
        "bin/rails db:migrate\nbin/rails db:rollback  # undo\n"
        "With an INVALID leftover it raises and is not recorded: DROP INDEX CONCURRENTLY it, run again.",
    )


def _method(name: str, body: list[str], options: ExportOptions) -> Iterator[str]:
    yield f"  def {name}"
    yield f"    execute {_string(f'SET lock_timeout = {literal(options.wait_budget)}')}"
    yield '    execute "SET statement_timeout = 0"'
    yield from (f"    {line}" for line in body)
    yield "  ensure"
    yield '    execute "RESET lock_timeout"'
    yield '    execute "RESET statement_timeout"'
    yield "  end"


def _build(change: IndexChange) -> Iterator[str]:
    index = change.index
    if change.plain:
        keys = ", ".join(_symbol(column.name) for column in index.columns)
        yield f"add_index {_table(change)}, [{keys}], name: INDEX, algorithm: :concurrently, if_not_exists: true"
    else:
        yield from (f"execute {_string(statement)}" for statement in change.build)
    yield f"valid = select_value({_string(change.is_valid)})"
    yield f"raise {_string(change.invalid_message)} unless valid"


def _remove(change: IndexChange) -> str:
    if change.plain:
        return f"remove_index {_table(change)}, name: INDEX, algorithm: :concurrently, if_exists: true"
    return f"execute {_string(change.drop)}"


def _table(change: IndexChange) -> str:
    name = change.index.table
    return _symbol(name.name) if name.schema == "public" else _string(f"{name.schema}.{name.name}")


def _symbol(name: str) -> str:
    return f":{name}" if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else f":{_string(name)}"


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("#", "\\#")
