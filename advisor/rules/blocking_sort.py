"""Documents are sorted in memory before the first one is returned.

## What it finds

Queries with a sort that no index serves (`hasSortStage`, a SORT stage), and sorts that spilled to disk (`usedDisk`).

## Why it matters

All that matches is read and held before the limit can stop it; above 100 MB the sort spills to disk or fails. With an
index in the order of the sort a limit of 20 reads 20.

## Example

    db.orders.find({user_id: 7}).sort({created_at: -1}).limit(20)     // IXSCAN {user_id: 1}, SORT

## Instead

    db.orders.createIndex({user_id: 1, created_at: -1})

## When it is wrong

A few documents are sorted in no time; then the index pays only if it replaces another. A sort by a computed field has
no index, and a range before the sort may be worth more than the sort.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.finding import Finding, Rule
from advisor.ports import Study
from advisor.rules import _examined

RULE = Rule.of(__name__, "Documents are sorted in memory", ("mongodb",), ("plans",))


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding for each."""
    for query, effort in _examined.measured(study):
        if effort.sorted_in_memory:
            name = query.shape.tables[0].name
            how = " and spills to disk" if effort.spilled else ""
            message = f"A query of {name} sorts in memory{how}: it examines {_examined.words(effort)}."
            yield _examined.finding(study, RULE, query, effort, message)
