"""A query returns many documents, whole and without limit.

## What it finds

Finds without limit whose answers hold at least a thousand documents on average; without a projection they are
whole documents.

## Why it matters

Answers that grow with the data fill the network and the application's memory long before the database suffers, and
the cursor's batches hold resources meanwhile.

## Example

    db.orders.find({status: "paid"})            // 4,277 documents in 43 batches

## Instead

    db.orders.find({status: "paid"}, {total: 1}).sort({_id: 1}).limit(100)     // and page by key

Or let the server add up: `aggregate([{$match: …}, {$group: …}])`.

## When it is wrong

Exports and nightly reports read everything on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from advisor.model.finding import Confidence, Finding, Rule, Severity
from advisor.ports import Study
from advisor.rules import _examined

MANY = 1000
"""Documents in an answer that nobody reads on a screen."""

RULE = Rule.of(__name__, "Many documents without limit", ("mongodb",), ("plans",))


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding for each."""
    for query, effort, block in _examined.asked(study):
        many = effort.returned is not None and effort.returned >= MANY
        if query.shape.command == "find" and many and not block.limited:
            whole = all("*" in fields for _, fields in block.read)
            message = (
                f"A find on {query.shape.tables[0].name} returns {effort.returned:,.0f} "
                f"{'whole ' if whole else ''}documents a call, without limit."
            )
            found = _examined.finding(study, RULE, query, effort, message)
            yield replace(found, severity=Severity.LOW, confidence=Confidence.MEDIUM)
