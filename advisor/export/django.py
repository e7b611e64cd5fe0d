"""Django migrations that are not atomic; the model's Meta needs the same index."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from advisor.export._change import ExportOptions, IndexChange, Migration, Tool
from advisor.model.catalog import Index
from advisor.model.ddl import fitting_name
from advisor.model.identifiers import quote
from advisor.model.recommendation import MigrationStub

TOOL = Tool("django", "Django", "python")
MAX_NAME = 30
"""Django's own limit for an index's name (system check models.E034)."""


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """``<app>/migrations/<stamp>_<slug>.py``; RunSQL where a model's index cannot say it."""
    change.only_whole_tables(TOOL)
    app, model = _model(change.index, options)
    speaks = change.adds and _speaks(change)
    if speaks:
        change = replace(change, index=replace(change.index, name=fitting_name(change.index.name, MAX_NAME)))
    index = _index(change)
    imports = ["from django.db import migrations, models" if speaks else "from django.db import migrations"]
    if speaks:
        imports.insert(0, "from django.contrib.postgres.operations import AddIndexConcurrently")
    lines = [
        *change.comment("#").splitlines(),
        *imports,
        "",
        "",
        "class Migration(migrations.Migration):",
        "    atomic = False  # a concurrent build cannot run in a transaction",
        "",
        f'    dependencies = [("{app}", "0001_initial")]  # TODO: your latest migration',
        "",
        "    operations = [",
        *(_added(model, index) if speaks else _run_sql(change)),
        "    ]",
    ]
    return MigrationStub(
        TOOL.name,
        change.recommendation.id,
        ((f"{app}/migrations/{migration.stamp()}_{migration.slug}.py", "\n".join(lines) + "\n"),),
        f"App and model ({app}, {model}) are guessed from the table's name; put yours.\n"
        "python manage.py migrate\npython manage.py migrate APP PREVIOUS  # undo\n"
        "An INVALID leftover fails loudly: DROP INDEX CONCURRENTLY it, run again.",
        snippet=f"class Meta:\n    indexes = [{index}]" if speaks else "",
    )


def _speaks(change: IndexChange) -> bool:
    """Whether models.Index can say it: bare columns, ascending or descending, nothing else."""
    index = change.index
    bare = all(c.name and c.sql in (quote(c.name), f"{quote(c.name)} DESC") for c in index.columns)
    return bare and not (index.include or index.predicate or index.unique or index.method != "btree")


def _index(change: IndexChange) -> str:
    fields = [f"{'-' * column.descending}{column.name}" for column in change.index.columns]
    return f"models.Index(fields={json.dumps(fields, ensure_ascii=False)}, name={json.dumps(change.index.name)})"


def _added(model: str, index: str) -> Iterator[str]:
    yield "        AddIndexConcurrently("
    yield f"            model_name={json.dumps(model)},"
    yield f"            index={index},"
    yield "        ),"


def _run_sql(change: IndexChange) -> Iterator[str]:
    (there,), (back,) = (change.create_once,), (change.drop,)
    if not change.adds:
        there, back = back, there
    yield "        migrations.RunSQL("
    yield f"            sql={_sql(there)},"
    yield f"            reverse_sql={_sql(back)},"
    yield "        ),"


def _sql(statement: str) -> str:
    # Without parameters Django hands the text to the driver as it is, % included.
    return json.dumps(statement, ensure_ascii=False)


def _model(index: Index, options: ExportOptions) -> tuple[str, str]:
    """App and model as Django names tables: ``shop_order`` is model order of app shop."""
    app, underscore, model = index.table.name.partition("_")
    if options.app:
        return options.app, index.table.name.removeprefix(f"{options.app}_")
    return (app, model.replace("_", "")) if underscore else ("app", index.table.name)
