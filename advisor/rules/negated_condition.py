"""A query that only says what it does not want.

## What it finds

Queries whose conditions are all negations (`$ne`, `$nin`, `$not`) and that read far more than they return.

## Why it matters

A negation selects the ranges around a value: usually most of the index. The planner can bound it, but not narrow it.

## Example

    db.orders.find({status: {$ne: "done"}})

## Instead

Name what is wanted, `{status: {$in: ["new", "paid"]}}`, or keep a partial index for the rare states:

    db.orders.createIndex({created_at: 1}, {partialFilterExpression: {status: {$in: ["new", "paid"]}}})

## When it is wrong

When the excluded value is nearly everything: then the index on the field does narrow the query.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.finding import Finding, Rule
from advisor.model.shape import Operator
from advisor.ports import Study
from advisor.rules import _examined

RULE = Rule.of(__name__, "Only a negation narrows the query", ("mongodb",), ("plans",))


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding for each."""
    for query, effort, block in _examined.asked(study):
        asked = block.predicates
        if asked and all(p.operator is Operator.NOT_EQUAL for p in asked) and effort.wasteful:
            fields = ", ".join(sorted({p.column for p in asked}))
            message = f"Only a negation on {fields} narrows the query: it examines {_examined.words(effort)}."
            yield _examined.finding(study, RULE, query, effort, message)
