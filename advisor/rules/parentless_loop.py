"""A lookup in a loop whose keys did not come from a query.

## What it finds

The same lookup by key executed many times with different values in one unit of work, where no earlier query could have
returned these keys: they came from a file, a message, a request body, a cache or an array column.

## Why it matters

As with N+1, each lookup waits for a round trip; only there is no relation that an ORM could load eagerly.

## Example

    SELECT id, name, price FROM products WHERE id = 17;
    SELECT id, name, price FROM products WHERE id = 4;   -- ... once for each line of the posted cart

## Instead

Collect the keys first and ask once:

    SELECT id, name, price FROM products WHERE id = ANY($1);

## When it is wrong

When each answer decides what is asked next (walking a linked list: a recursive query may help), or when the lookups
belong to different requests on one pooled connection outside transactions.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.finding import Finding, Rule
from advisor.ports import Study
from advisor.rules import _bursts

RULE = Rule.of(__name__, "A lookup in a loop", ("postgresql", "mongodb"), ("events",))


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding a shape."""
    for burst in _bursts.of_pattern(study, "parentless-loop"):
        table = f" in {burst.child_table.name}" if burst.child_table else ""
        said = (
            f"A lookup{table} runs {burst.per_unit:g} times a {burst.unit_kind.value} with different values, "
            f"and no earlier query returned them"
        )
        yield _bursts.finding(study, RULE.name, burst, said)
