"""Pages are reached by skip, which reads all that it skips.

## What it finds

Queries with `skip` that examine at least ten times as many keys as they return, whatever index they have.

## Why it matters

`skip(3000).limit(20)` reads 3,020 keys or documents to return 20; the last page reads everything.

## Example

    db.orders.find({region: 1}).sort({created_at: 1}).skip(3000).limit(20)

## Instead

Go on from the last document seen, with a unique key at the end of the sort:

    db.orders.find({region: 1, created_at: {$gt: last}}).sort({created_at: 1, _id: 1}).limit(20)

## When it is wrong

When users never go beyond the first pages, or must jump to a page by its number.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.finding import Finding, Rule
from advisor.ports import Study
from advisor.rules import _examined

DEEP = 10.0
"""Keys read for each document returned from which skipping is what costs."""

RULE = Rule.of(__name__, "Pages reached by skipping", ("mongodb",), ("plans",))


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding for each."""
    for query, effort in _examined.measured(study):
        if not any(block.offset for block in query.shape.blocks):
            continue
        if effort.returned is not None and effort.examined >= DEEP * max(effort.returned, 1.0):
            message = (
                f"Pages of {query.shape.tables[0].name} are reached by skip: {_examined.words(effort)}; "
                "no index spares it, page by key instead."
            )
            yield _examined.finding(study, RULE, query, effort, message)
