"""Run as a script in the user's environment: ``python _django_models.py project.settings`` prints JSON.

Needs nothing but Django. No connection is opened: only the registry of models is read.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any


def main(name: str) -> None:
    """Set Django up and print what its models say."""
    sys.path.insert(0, os.getcwd())
    os.environ["DJANGO_SETTINGS_MODULE"] = name
    importlib.import_module("django").setup()
    apps: Any = importlib.import_module("django.apps").apps
    names: dict[str, str] = {}
    relations: list[dict[str, Any]] = []
    unresolved: list[str] = []
    for model in apps.get_models():
        names.setdefault(model._meta.db_table, model.__name__)
        for field in model._meta.get_fields():
            if not field.is_relation:
                continue
            told = _relation(model, field)
            if told is None:
                unresolved.append(f"{model.__name__}.{field.name}")
            else:
                relations.append(told)
    print("\n@models@" + json.dumps({"names": names, "relations": relations, "unresolved": unresolved}))  # noqa: T201


def _relation(model: Any, field: Any) -> dict[str, Any] | None:
    if hasattr(field, "ct_field") and hasattr(field, "fk_field"):
        return _generic(model, field)
    target = field.related_model
    if target is None or not hasattr(target, "_meta"):
        return None
    told = {
        "owner": model.__name__,
        "target": target.__name__,
        "table": model._meta.db_table,
        "target_table": target._meta.db_table,
        "to_many": bool(field.one_to_many or field.many_to_many),
    }
    if hasattr(field, "object_id_field_name"):
        column = target._meta.get_field(field.object_id_field_name).column
        return told | {"attribute": field.name, "columns": [column], "local_columns": [model._meta.pk.column]}
    if field.many_to_many:
        return told | _many_to_many(field)
    if field.concrete:
        if not getattr(field, "target_field", None):
            return None
        return told | {
            "attribute": field.name,
            "columns": [field.target_field.column],
            "local_columns": [field.column],
            "nullable": bool(field.null),
        }
    forward = getattr(field, "field", None)
    if forward is None or not hasattr(forward, "column") or not hasattr(field, "get_accessor_name"):
        return None  # a generic relation: the content type decides
    return told | {
        "attribute": field.get_accessor_name(),
        "columns": [forward.column],
        "local_columns": [forward.target_field.column],
    }


def _generic(model: Any, field: Any) -> dict[str, Any]:
    """A GenericForeignKey leads to any table, so its target stays empty."""
    return {
        "owner": model.__name__,
        "attribute": field.name,
        "target": "",
        "table": model._meta.db_table,
        "target_table": "",
        "columns": [],
        "local_columns": [model._meta.get_field(field.fk_field).column],
        "to_many": False,
    }


def _many_to_many(field: Any) -> dict[str, Any]:
    forward = field if field.concrete else field.field
    through = forward.remote_field.through
    reverse = not field.concrete
    return {
        "attribute": field.get_accessor_name() if reverse else field.name,
        "columns": [forward.m2m_reverse_name() if reverse else forward.m2m_column_name()],
        "local_columns": [field.model._meta.pk.column],
        "link_table": through._meta.db_table,
    }


if __name__ == "__main__":
    main(sys.argv[1])
