"""An index that is kept up by every write and used by no query.

## What it finds

Indexes marked INVALID (pg_index.indisvalid is false): what a failed CREATE INDEX CONCURRENTLY, REINDEX CONCURRENTLY or
ATTACH PARTITION leaves behind.

## Why it matters

No plan may use it, yet writes maintain it. A migration with IF NOT EXISTS takes it for the index that it should have
made and goes on as if all were well.

## Example

    CREATE INDEX CONCURRENTLY ix_orders_email ON orders (email);
    ERROR: canceling statement due to lock timeout
    -- "ix_orders_email" btree (email) INVALID

## Instead

`DROP INDEX CONCURRENTLY ix_orders_email;` and build it again, or `REINDEX INDEX CONCURRENTLY ix_orders_email;`

## When it is wrong

While the index is being built it is INVALID as well: look into pg_stat_progress_create_index first. An index of a
partitioned table is INVALID until every partition has its part.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.finding import Confidence, Finding, Rule, Severity
from advisor.ports import Study
from advisor.rules._indexes import facts, indexed_tables

RULE = Rule.of(__name__, "An INVALID index, written to and never read", ("postgresql",), ("catalog",))


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding an INVALID index; those of partitioned tables are waiting for their partitions."""
    for table in indexed_tables(study.catalog):
        for index in sorted(table.indexes, key=lambda index: index.name):
            if index.valid or table.kind == "partitioned table":
                continue
            promised = index.unique or bool(index.constraint)
            yield Finding(
                rule=RULE.name,
                severity=Severity.HIGH if promised else Severity.MEDIUM,
                confidence=Confidence.HIGH,
                message=(
                    f"{index.name} on {table.name.name} ({', '.join(index.keys)}) is INVALID: no query may use it"
                    f"{', and it does not keep its columns unique' if promised else ''}, every write keeps it up."
                ),
                tables=(table.name,),
                index=index.name,
                evidence=facts(index),
            )
