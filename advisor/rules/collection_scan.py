"""A collection is read from end to end to answer a query.

## What it finds

Queries whose plan is a collection scan (COLLSCAN) of at least 500 documents that returns less than 35 % of them, or
whose answer does not tell how many matched (counts, groups).

## Why it matters

The work grows with the collection, not with the answer, and pushes other collections' pages out of the cache. An
`$or` falls back to it as soon as one of its arms has no index.

## Example

    db.reviews.find({user_id: 42})          // COLLSCAN, docsExamined 30000, nreturned 1

## Instead

    db.reviews.createIndex({user_id: 1}, {name: "user_id_1"})

## When it is wrong

When the answer is a third of the collection or more: then reading it is the fastest way. Reports that run once a night
may be left alone. A clustered collection reports an unbounded range on its key as COLLSCAN too.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.finding import Finding, Rule
from advisor.ports import Study
from advisor.rules import _examined

RULE = Rule.of(__name__, "A collection is read whole for few of its documents", ("mongodb",), ("plans",))


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding for each."""
    for query, effort in _examined.measured(study):
        if effort.selective:
            name = query.shape.tables[0].name
            message = f"{name} is read whole: a collection scan examines {_examined.words(effort)}."
            yield _examined.finding(study, RULE, query, effort, message)
