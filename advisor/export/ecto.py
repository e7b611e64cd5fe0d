"""Ecto migrations without transaction and without the migration lock."""

from __future__ import annotations

import json
import re

from advisor.export._change import ExportOptions, IndexChange, Migration, Tool
from advisor.export._raw import LEFTOVER
from advisor.model.recommendation import MigrationStub

TOOL = Tool("ecto", "Ecto", "elixir")


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """``priv/repo/migrations/<stamp>_<slug>.exs``; plain SQL where Ecto's own words cannot say the index."""
    change.only_whole_tables(TOOL)
    build, drop = _words(change) if change.plain else (_execute(change.create_once), _execute(change.drop))
    up, down = (build, drop) if change.adds else (drop, build)
    text = (
        change.comment("#")
        + f"defmodule MyApp.Repo.Migrations.{migration.camel} do\n"
        + "  use Ecto.Migration\n  @disable_ddl_transaction true\n  @disable_migration_lock true\n\n"
        + f"  def up do\n    {up}\n  end\n\n  def down do\n    {down}\n  end\nend\n"
    )
    return MigrationStub(
        TOOL.name,
        change.recommendation.id,
        ((f"priv/repo/migrations/{migration.stamp()}_{migration.slug}.exs", text),),
        f"Put your application's name for MyApp, then:\nmix ecto.migrate\nmix ecto.rollback  # undo\n{LEFTOVER}",
    )


def _words(change: IndexChange) -> tuple[str, str]:
    index = change.index
    keys = ", ".join(_atom(column.name) for column in index.columns)
    named = f"name: {_atom(index.name)}, prefix: {_string(index.table.schema)}, concurrently: true"
    inner = f"index({_atom(index.table.name)}, [{keys}], {named})"
    return f"create {inner}", f"drop_if_exists {inner}"


def _execute(statement: str) -> str:
    return f"execute {_string(statement)}"


def _atom(name: str) -> str:
    return f":{name}" if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else f":{_string(name)}"


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("#{", "\\#{")
