"""An index that no query used, or whose queries another one serves as well.

## What it finds

Indexes whose keys another index of the same options begins with, indexes equal in keys to another, and indexes
without a use since their counters began. Unique, TTL, sparse, partial, text, geo and hidden ones and those that
the workload uses are never among them for disuse.

## Why it matters

Each index is maintained by every insert and delete and takes cache that others need; a collection may have 64.

## Example

    {user_id: 1} beside {user_id: 1, status: 1}

## Instead

Hide it, watch a whole business cycle on every member, then drop it:

    db.orders.hideIndex("user_id_1")

## When it is wrong

Uses are counted by each member since its start: a report that runs on one secondary is seen there only. Wide indexes
are slower to walk than narrow ones. The index of a shard key must stay.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.finding import Confidence, Finding, Rule, Severity
from advisor.ports import Study
from advisor.shape.mql_indexes import superfluous, used_indexes

RULE = Rule.of(__name__, "An index that nothing needs", ("mongodb",), ("catalog",))


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding for each."""
    used = used_indexes(study.workload.queries)
    for table in study.catalog.tables:
        for index, reason, _ in superfluous(table, used):
            yield Finding(
                rule=RULE.name,
                severity=Severity.LOW,
                confidence=Confidence.MEDIUM,
                message=f"Index {index.name} of {table.name.name}: {reason}.",
                tables=(table.name,),
                index=index.name,
                evidence={"size (bytes)": index.size_bytes or 0, "uses": -1 if index.scans is None else index.scans},
            )
