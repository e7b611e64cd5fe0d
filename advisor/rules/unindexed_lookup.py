"""A $lookup reads the whole foreign collection for each document.

## What it finds

`$lookup` and `$graphLookup` whose foreign field begins no index of the foreign collection, where the aggregation
examines far more than it returns. The server adds the foreign side's documents to the aggregation's own figures.

## Why it matters

Without the index each input document costs one scan of the foreign collection; a hundred documents read it a hundred
times.

## Example

    db.carts.aggregate([{$match: …}, {$lookup: {from: "reviews", localField: "owner",
        foreignField: "user_id", as: "r"}}])

## Instead

    db.reviews.createIndex({user_id: 1})

## When it is wrong

When the foreign collection is tiny, or SBE joins by hashing it once (explain: EQ_LOOKUP, HashJoin).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from advisor.model.catalog import Index
from advisor.model.finding import Finding, Rule
from advisor.model.shape import Operand
from advisor.ports import Study
from advisor.rules import _examined

RULE = Rule.of(__name__, "$lookup without an index on the foreign field", ("mongodb",), ("plans", "catalog"))


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding for each."""
    for query, effort in _examined.measured(study):
        for block in query.shape.blocks:
            joined = [p for p in block.predicates if p.operand is Operand.COLUMN]
            if block.outer or not joined or not effort.wasteful:
                continue
            table = study.catalog.find(block.tables[0].name, block.tables[0].schema)
            field = joined[0].column
            if field == "_id" or (table and any(_serves(index, field) for index in table.indexes)):
                continue
            message = (
                f"A $lookup into {block.tables[0].name} by {field} has no index: "
                f"the aggregation examines {_examined.words(effort)}."
            )
            found = _examined.finding(study, RULE, query, effort, message)
            yield replace(found, evidence={**found.evidence, "foreign field": field})


def _serves(index: Index, field: str) -> bool:
    return index.keys[0] == field and index.options.get("hidden") != "true" and not index.predicate
