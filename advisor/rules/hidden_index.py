"""An index that is hidden: every write pays for it, no query may use it.

## What it finds

Hidden indexes (`hidden: true`), with the queries whose first condition they would serve.

## Why it matters

Hiding is a step on the way to dropping. Left there, the index costs disk, cache and writes and helps nobody; or it was
hidden by mistake and queries scan without it.

## Example

    db.carts.getIndexes()      // {name: "owner_1", key: {owner: 1}, hidden: true}

## Instead

    db.carts.unhideIndex("owner_1")      // if queries need it
    db.carts.dropIndex("owner_1")        // if they have done without it for a business cycle

## When it is wrong

While somebody observes how things go without it. A hidden unique or TTL index still enforces and expires.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.catalog import Index
from advisor.model.finding import Confidence, Finding, Rule, Severity
from advisor.model.shape import QueryBlock
from advisor.ports import Study
from advisor.rules import _examined

RULE = Rule.of(__name__, "An index is hidden and still maintained", ("mongodb",), ("catalog",))


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding for each."""
    for table in study.catalog.tables:
        for index in table.indexes:
            if index.options.get("hidden") != "true":
                continue
            wanting = [
                query
                for query, effort in _examined.measured(study)
                if effort.wasteful and any(_begins(block, index) for block in query.shape.blocks)
            ]
            told = f"; {len(wanting)} badly served queries ask for {index.keys[0]}" if wanting else ""
            yield Finding(
                rule=RULE.name,
                severity=Severity.MEDIUM if wanting else Severity.LOW,
                confidence=Confidence.HIGH,
                message=f"Index {index.name} of {table.name.name} is hidden and still maintained by every write{told}.",
                tables=(table.name,),
                shapes=tuple(sorted(query.shape.fingerprint for query in wanting)),
                index=index.name,
            )


def _begins(block: QueryBlock, index: Index) -> bool:
    return any(p.table == index.table and p.column == index.keys[0] for p in block.predicates)
