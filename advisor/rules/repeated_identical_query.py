"""The same question asked again and again within one unit of work.

## What it finds

A SELECT executed several times with the same values (or with a few values over and over) in one request, transaction
or turn of a session, without a parent query whose rows would explain it.

## Why it matters

Every repetition after the first waits for a round trip to hear what is known already.

## Example

    SELECT value FROM settings WHERE key = 'currency';
    SELECT value FROM settings WHERE key = 'currency';   -- ... once for each line of an invoice

## Instead

Ask once before the loop and keep the answer: hoist the call out of the loop, memoise it for the request
(`functools.cache` on a request-scoped object, `cached_property`), or cache it across requests when it rarely changes.

## When it is wrong

When another session may change the row and the loop waits for that (a poll at equal intervals is recognised), or when
the repetitions belong to different requests that share one pooled connection outside transactions.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.finding import Finding, Rule
from advisor.ports import Study
from advisor.rules import _bursts

RULE = Rule.of(__name__, "The same query with the same values", ("postgresql", "mongodb"), ("events",))


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding a shape."""
    for burst in _bursts.of_pattern(study, "repeated-identical-query"):
        table = f" on {burst.child_table.name}" if burst.child_table else ""
        said = f"The same query{table} runs {burst.per_unit:g} times a {burst.unit_kind.value} with the same values"
        yield _bursts.finding(study, RULE.name, burst, said)
