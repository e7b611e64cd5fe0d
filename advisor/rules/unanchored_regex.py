"""A regular expression that an index cannot seek.

## What it finds

Conditions with a regular expression that ignores case or does not start with a literal prefix (`/^abc/`), where nothing
else narrows the query.

## Why it matters

The server tests the expression on every document, or on every key of an index; an index on the field does not help
to find, it only makes what is tested smaller.

## Example

    db.products.find({name: /chair/i}).limit(10)      // COLLSCAN

## Instead

An anchored, case-sensitive prefix on a normalised copy of the field; a collation of strength 2 for equality without
case; a text index or a search engine for words:

    db.products.createIndex({name: "text"})

## When it is wrong

On small collections, and when another condition of the query is selective and has an index.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.finding import Finding, Rule
from advisor.model.shape import Operator
from advisor.ports import Study
from advisor.rules import _examined
from advisor.shape.mql_effort import SMALL

RULE = Rule.of(__name__, "A regular expression that no index can seek", ("mongodb",), ("plans",))


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding for each."""
    for query, effort, block in _examined.asked(study):
        slow = [p for p in block.predicates if p.operator in (Operator.REGEX, Operator.ILIKE)]
        if slow and effort.examined >= SMALL and (effort.wasteful or effort.returned is None):
            how = "ignores case" if slow[0].operator is Operator.ILIKE else "has no literal prefix"
            message = (
                f"The regular expression on {slow[0].column} {how}, so that no index can seek it: "
                f"{_examined.words(effort)}. A b-tree index at most lets it be tested on keys; "
                "a text index or a search engine cures it."
            )
            yield _examined.finding(study, RULE, query, effort, message)
