"""A collection has so many indexes that its writes suffer.

## What it finds

Collections with more than twenty indexes; the server's limit is 64.

## Why it matters

Each insert writes a key into each of them (several for arrays), and each competes for the cache; the planner tries more
plans.

## Example

    db.orders.getIndexes().length      // 27

## Instead

Merge indexes that begin alike, hide those without use, then drop them.

## When it is wrong

On collections that are written once and read in many ways.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.finding import Confidence, Finding, Rule, Severity
from advisor.ports import Study

MANY = 20
"""MongoDB's own guidance: generally not more than twenty indexes."""

RULE = Rule.of(__name__, "A collection with very many indexes", ("mongodb",), ("catalog",))


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding for each."""
    for table in study.catalog.tables:
        if len(table.indexes) > MANY:
            yield Finding(
                rule=RULE.name,
                severity=Severity.MEDIUM,
                confidence=Confidence.MEDIUM,
                message=f"{table.name.name} has {len(table.indexes)} indexes (limit 64), and each write maintains all.",
                tables=(table.name,),
                evidence={"indexes": len(table.indexes), "size (bytes)": sum(i.size_bytes or 0 for i in table.indexes)},
            )
