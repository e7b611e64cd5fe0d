"""A foreign key whose referencing columns have no index, while referenced rows are deleted or their keys change.

## What it finds

Foreign keys on large tables without an index that begins with the referencing columns (in any order), where the
workload or the server's counters show that rows of the referenced table are deleted or their keys updated.

## Why it matters

For every deleted row the server looks for rows that point to it. It does so in a trigger, so that the plan of the
DELETE does not show it; without an index each deleted row reads the whole referencing table and holds its locks for
that long (manual, 5.5.5).

## Example

    CREATE TABLE sessions (customer_id integer REFERENCES customers ON DELETE CASCADE, …);   -- no index on customer_id
    DELETE FROM customers WHERE id = $1;

## Instead

`CREATE INDEX CONCURRENTLY ON sessions (customer_id);`

## When it is wrong

When the referenced table is a fixed list from which nothing is ever deleted: such keys are not reported. When rows are
deleted once a year in a clean-up, the index costs every write of the year.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.catalog import ForeignKey, Table
from advisor.model.finding import Confidence, Finding, Rule
from advisor.model.workload import Query
from advisor.ports import Study
from advisor.rules import _load
from advisor.rules._tables import is_small

RULE = Rule.of(__name__, "Deletes that read the whole referencing table", ("postgresql",), ("catalog",))


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding a foreign key."""
    for key in sorted(study.catalog.foreign_keys, key=lambda key: (key.table, key.name)):
        table = study.catalog.by_name.get(key.table)
        if table is None or is_small(table) or _indexed(table, key):
            continue
        queries = [query for query in study.workload.queries if _checks(query, key)]
        referenced = study.catalog.by_name.get(key.referenced)
        deleted = (referenced.usage.deletes or 0) if referenced is not None else 0
        if queries or deleted:
            yield _finding(study, key, table, queries, deleted)


def _indexed(table: Table, key: ForeignKey) -> bool:
    """Whether an index begins with exactly the key's columns. A partial one is not used by the check."""
    wanted = set(key.columns)
    return any(
        index.valid and not index.predicate and set(index.keys[: len(wanted)]) == wanted for index in table.indexes
    )


def _checks(query: Query, key: ForeignKey) -> bool:
    """Whether the statement makes the server look for referencing rows."""
    if query.shape.written != key.referenced:
        return False
    if query.shape.command == "DELETE":
        return True
    return query.shape.command in ("UPDATE", "MERGE") and bool(set(query.shape.assigned) & set(key.referenced_columns))


def _finding(study: Study, key: ForeignKey, table: Table, queries: list[Query], deleted: int) -> Finding:
    spent = sum(query.stats.total_ms for query in queries)
    columns = ", ".join(key.columns)
    what = f"ON DELETE {key.on_delete}" if key.on_delete != "NO ACTION" else "its check"
    return Finding(
        rule=RULE.name,
        severity=_load.severity(study, spent),
        confidence=Confidence.HIGH if queries else Confidence.LOW,
        message=(
            f"{table.name.name} ({columns}) references {key.referenced.name} without an index: for every row that "
            f"goes, {what} reads all of {table.name.name} ({table.told_rows}), unseen in the plan."
        ),
        tables=(table.name, key.referenced),
        shapes=tuple(query.shape.fingerprint for query in queries),
        count=sum(query.stats.calls for query in queries) or deleted,
        evidence={
            "foreign key": key.name,
            "columns": columns,
            "on delete": key.on_delete,
            "rows in the referencing table": round(table.rows),
            "rows deleted from the referenced table since the counters began": deleted,
            **_load.evidence(study, queries),
        },
        location=next((query.call_sites[0] for query in queries if query.call_sites), None),
    )
