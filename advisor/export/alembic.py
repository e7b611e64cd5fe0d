"""Alembic revisions. ``autocommit_block`` leaves the transaction that a concurrent build refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC

from advisor.export._change import SHORT_LOCK, ExportOptions, IndexChange, Migration, Tool, literal
from advisor.model.catalog import IndexColumn
from advisor.model.identifiers import quote
from advisor.model.recommendation import MigrationStub

TOOL = Tool("alembic", "Alembic (SQLAlchemy)", "python")


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """``<revision>_<slug>.py`` for the versions folder; several in one export follow one another."""
    path = f"{migration.revision}_{migration.slug}.py"
    build, drop = list(_build(change, options)), list(_drop(change, options))
    up, down = (build, drop) if change.adds else (drop, build)
    head = _string(migration.previous) if migration.previous else "None  # TODO: your current head (alembic heads)"
    needs_text = any("sa.text(" in line for line in build + drop)
    lines = [
        f'"""{_prose(change.recommendation.title)}',
        "",
        f"Revision ID: {migration.revision}",
        f"Revises: {migration.previous or '<current head>'}",
        f"Create Date: {migration.at.astimezone(UTC):%Y-%m-%d %H:%M:%S+00:00}",
        '"""',
        "",
        *change.comment("#").splitlines(),
        "",
        "from collections.abc import Sequence",
        "",
        *(["import sqlalchemy as sa"] if needs_text else []),
        "from alembic import op",
        "",
        f'revision: str = "{migration.revision}"',
        f"down_revision: str | Sequence[str] | None = {head}",
        "branch_labels: str | Sequence[str] | None = None",
        "depends_on: str | Sequence[str] | None = None",
        "",
        f"INDEX = {_string(change.index.name)}",
        *_verify(change),
        "",
        "",
        *_function("upgrade", up),
        "",
        "",
        *_function("downgrade", down),
    ]
    return MigrationStub(
        TOOL.name,
        change.recommendation.id,
        ((path, "\n".join(lines) + "\n"),),
        "Copy it into your versions folder and set down_revision to what `alembic heads` prints, then:\n"
        "alembic upgrade head\nalembic downgrade -1  # undo",
        snippet=_model_snippet(change),
    )


def _verify(change: IndexChange) -> list[str]:
    block = _escaped(change.verify)
    return [f"VERIFY = {_string(block)}"] if '"""' in block else ['VERIFY = r"""', block, '"""']


def _function(name: str, body: list[str]) -> Iterator[str]:
    yield f"def {name}() -> None:"
    yield "    with op.get_context().autocommit_block():"
    yield from (f"        {line}" for line in body)


def _guarded(body: list[str], timeout: str) -> Iterator[str]:
    # Later migrations reuse the connection, so what is set here is reset.
    yield f"op.execute({_string(f'SET lock_timeout = {literal(timeout)}')})"
    yield 'op.execute("SET statement_timeout = 0")'
    yield from body
    yield 'op.execute("RESET lock_timeout")'
    yield 'op.execute("RESET statement_timeout")'


def _execute(statement: str) -> str:
    return f"op.execute({_text(statement)})"


def _drop(change: IndexChange, options: ExportOptions) -> Iterator[str]:
    if change.partitions:
        yield from _guarded([_execute(change.drop)], SHORT_LOCK)
        return
    table, schema = _string(change.index.table.name), _string(change.index.table.schema)
    body = [
        "op.drop_index(",
        f"    INDEX, table_name={table}, schema={schema},",
        "    postgresql_concurrently=True, if_exists=True,",
        ")",
    ]
    yield from _guarded(body, options.wait_budget)


def _build(change: IndexChange, options: ExportOptions) -> Iterator[str]:
    if change.partitions or (change.index.definition and not change.plain):
        yield from _guarded([*map(_execute, change.build), "op.execute(VERIFY)"], options.wait_budget)
        return
    index = change.index
    extras = [
        f"postgresql_using={_string(index.method)}" if index.method != "btree" else "",
        f"postgresql_include={json.dumps(list(index.include))}" if index.include else "",
        f"postgresql_where={_text(index.predicate)}" if index.predicate else "",
    ]
    keys = ", ".join(map(_key, index.columns))
    body = [
        "op.create_index(",
        f"    INDEX, {_string(index.table.name)}, [{keys}],",
        f"    schema={_string(index.table.schema)}, unique={index.unique},",
        *(f"    {extra}," for extra in extras if extra),
        "    postgresql_concurrently=True, if_not_exists=True,",
        ")",
        "op.execute(VERIFY)",
    ]
    yield from _guarded(body, options.wait_budget)


def _key(column: IndexColumn) -> str:
    return _string(column.name) if column.name and column.sql == quote(column.name) else _text(column.sql)


def _text(sql: str) -> str:
    return f"sa.text({_string(_escaped(sql))})"


def _escaped(sql: str) -> str:
    # SQLAlchemy's text() reads `:name` as a bind parameter, but not `::type`.
    return re.sub(r"(?<!:):(?=[A-Za-z_])", r"\\:", sql)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _prose(text: str) -> str:
    return " ".join(text.split()).replace("\\", "/").replace('"', "'")


def _model_snippet(change: IndexChange) -> str:
    """What the model needs as well, or the next autogenerate takes the index away (or puts it back)."""
    index = change.index
    if not change.adds:
        return f"# Remove Index({_string(index.name)}, …) from the model of {index.table.name}."
    keys = ", ".join(map(_key, index.columns)).replace("sa.text", "text")
    extra = f", postgresql_where=text({_string(index.predicate)})" if index.predicate else ""
    extra += f", postgresql_include={json.dumps(list(index.include))}" if index.include else ""
    extra += f", postgresql_using={_string(index.method)}" if index.method != "btree" else ""
    extra += ", unique=True" if index.unique else ""
    return f"__table_args__ = (Index({_string(index.name)}, {keys}{extra}),)"
