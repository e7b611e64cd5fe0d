"""Run as a script in the user's environment: ``python _sqlalchemy_models.py package.module:Base`` prints JSON.

Needs nothing but SQLAlchemy. Relationships that are more than columns equal to columns are named as unresolved.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any


def main(name: str) -> None:
    """Import the models and print what they say."""
    sys.path.insert(0, os.getcwd())
    module, _, attribute = name.partition(":")
    base: Any = getattr(importlib.import_module(module), attribute or "Base")
    registry = getattr(base, "registry", base)
    registry.configure()
    names: dict[str, str] = {}
    relations: list[dict[str, Any]] = []
    unresolved: list[str] = []
    for mapper in sorted(registry.mappers, key=lambda mapper: mapper.class_.__name__):
        names.setdefault(_table(mapper.local_table), mapper.class_.__name__)
        for relationship in mapper.relationships:
            if relationship.parent is not mapper or relationship.viewonly:
                continue
            told = _relation(mapper, relationship)
            if told is None:
                unresolved.append(f"{mapper.class_.__name__}.{relationship.key}")
            else:
                relations.append(told)
    print("\n@models@" + json.dumps({"names": names, "relations": relations, "unresolved": unresolved}))  # noqa: T201


def _relation(mapper: Any, relationship: Any) -> dict[str, Any] | None:
    target = relationship.mapper
    pairs = relationship.local_remote_pairs
    link = relationship.secondary
    if link is not None:
        # The bound side: those link columns whose partner is a column of the parent.
        pairs = [(local, remote) for local, remote in pairs if local.table is mapper.local_table]
    elif not pairs or any(remote.table is not target.local_table for _, remote in pairs):
        return None
    if not pairs:
        return None
    return {
        "owner": mapper.class_.__name__,
        "attribute": relationship.key,
        "target": target.class_.__name__,
        "table": _table(mapper.local_table),
        "target_table": _table(target.local_table),
        "columns": [remote.name for _, remote in pairs],
        "local_columns": [local.name for local, _ in pairs],
        "to_many": bool(relationship.uselist),
        "link_table": _table(link) if link is not None else "",
        "nullable": any(bool(local.nullable) for local, _ in pairs),
    }


def _table(table: Any) -> str:
    return str(getattr(table, "fullname", table))


if __name__ == "__main__":
    main(sys.argv[1])
