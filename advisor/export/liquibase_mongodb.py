"""Liquibase's MongoDB extension: changesets in XML with their rollback."""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from advisor.export import _mongo
from advisor.export._change import ExportOptions, IndexChange, Migration, Tool
from advisor.model.recommendation import MigrationStub

TOOL = Tool("liquibase-mongodb", "Liquibase for MongoDB", "xml", ("mongodb",))

_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog"
    xmlns:ext="http://www.liquibase.org/xml/ns/mongodb"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:schemaLocation="http://www.liquibase.org/xml/ns/dbchangelog
        http://www.liquibase.org/xml/ns/dbchangelog/dbchangelog-latest.xsd
        http://www.liquibase.org/xml/ns/mongodb
        http://www.liquibase.org/xml/ns/mongodb/liquibase-mongodb-latest.xsd">
"""


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """``<stamp>_<slug>.xml``; an index that goes gets a second one under ``later``."""
    files = []
    for number, step in enumerate(_mongo.steps(change)):
        name = _mongo.stem(migration, step, number)
        up, down = _ways(change, step)
        told = "".join(f"        {escape(fact)}\n" for fact in change.facts())
        text = (
            f'{_HEAD}    <changeSet id={quoteattr(name)} author="query-advisor">\n'
            f"        <comment>\n{told}        </comment>\n{up}        <rollback>\n{down}        </rollback>\n"
            "    </changeSet>\n</databaseChangeLog>\n"
        )
        files.append((_mongo.path(step, f"{name}.xml"), text))
    return MigrationStub(
        TOOL.name,
        change.recommendation.id,
        tuple(files),
        f"liquibase update --changelog-file={files[0][0]}\n"
        f"liquibase rollback-count 1 --changelog-file={files[0][0]}  # undo",
    )


def _ways(change: IndexChange, step: _mongo.Step) -> tuple[str, str]:
    index = change.index
    place = f"collectionName={quoteattr(index.table.name)}"
    keys, options = (escape(json.dumps(d)) for d in (_mongo.keys_of(index), _mongo.options_of(index)))
    create = (
        f"        <ext:createIndex {place}>\n            <ext:keys>{keys}</ext:keys>\n"
        f"            <ext:options>{options}</ext:options>\n        </ext:createIndex>\n"
    )
    # By name: the extension's own dropIndex takes keys, which two indexes of different collations share.
    drop = _command({"dropIndexes": index.table.name, "index": index.name})
    hide, show = (_collmod(index.table.name, index.name, hidden) for hidden in (True, False))
    match step.kind:
        case "create":
            return create, hide + drop
        case "hide":
            return hide, show
        case _:
            return drop, create


def _collmod(table: str, name: str, hidden: bool) -> str:
    return _command({"collMod": table, "index": {"name": name, "hidden": hidden}})


def _command(command: dict[str, Any]) -> str:
    text = escape(json.dumps(command))
    return f"        <ext:runCommand>\n            <ext:command>{text}</ext:command>\n        </ext:runCommand>\n"
