"""An index is used, and nearly all that it finds is thrown away.

## What it finds

Queries that use an index and examine at least five times as many keys or documents as they return, and at least twenty
more: a prefix that is not selective enough, or an index walked from end to end only for its order.

## Why it matters

"It uses an index" hides the worst cases: walking a whole index to serve a sort fetches every document in random order,
which is slower than a collection scan.

## Example

    db.events.find({session: "s1"}).sort({ts: 1})     // IXSCAN {ts: 1}, 80,000 documents for 5

## Instead

    db.events.createIndex({session: 1, ts: 1})        // equality first, then the sort

## When it is wrong

When the field that filters cannot be indexed usefully (an unanchored regular expression, a negation), or a deep skip
counts keys that no index can spare: these have findings of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.finding import Finding, Rule
from advisor.ports import Study
from advisor.rules import _examined
from advisor.shape.mql_effort import SMALL

RULE = Rule.of(__name__, "An index that examines far more than is returned", ("mongodb",), ("plans",))


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding for each."""
    for query, effort in _examined.measured(study):
        skips = any(block.offset for block in query.shape.blocks)
        if effort.collection_scan or effort.joins or skips:
            continue
        if effort.wasteful or (effort.returned is None and effort.documents >= SMALL):
            name = query.shape.tables[0].name
            message = f"An index of {name} examines {_examined.words(effort)}."
            yield _examined.finding(study, RULE, query, effort, message)
