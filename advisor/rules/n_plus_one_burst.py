"""One query for a list, then one more for each of its rows.

## What it finds

A query that returns rows (the parent), followed in the same request, transaction or session by the same query (the
child) once for each of them: `1 + N`, also interleaved (customer, address, payment for each order), nested
(`1 + N + N·M`), through a join table, as COUNT, EXISTS or `LIMIT 1` for each row, and as a preload that runs per object
with a list of one key. The parent is found by foreign keys, else by names (`author_id`, key columns that both tables
have), else by its place: the same list right before the lookups, in unit after unit.

## Why it matters

Each execution waits for a round trip. The server's own time is often a tenth of what the application waits, so that
slow-query logs do not show it; it grows with the rows of the parent, not with the load.

## Example

    SELECT id, title, author_id FROM books ORDER BY id LIMIT 50;
    SELECT id, name FROM authors WHERE id = 1;
    SELECT id, name FROM authors WHERE id = 2;   -- ... fifty times

## Instead

Load the relation with its parent, in one statement for all rows: `selectinload` or `joinedload` (SQLAlchemy),
`select_related` or `prefetch_related` (Django), `includes` (Rails), `include` (Prisma), or

    SELECT id, name FROM authors WHERE id = ANY($1);

Counts become one GROUP BY, "the newest of each" a LATERAL join. A guard (`raiseload`, `strict_loading`) keeps it away.

## When it is wrong

When most rows never use the relation, loading it always costs more than a few extra queries. When the pooler shares
one session among clients in transaction mode and the application uses no transactions, the log cannot tell whose
statements follow one another. The saving counts the application's own work between statements: it is an upper bound.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.finding import Finding, Rule
from advisor.model.workload import Burst, Query, Relation
from advisor.ports import Study
from advisor.rules import _bursts

RULE = Rule.of(__name__, "A query for each row of another query", ("postgresql", "mongodb"), ("events",))


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding a parent: all its children, with theirs, are one thing to change."""
    bursts = list(_bursts.of_pattern(study, "n-plus-one"))
    by_parent: dict[str, list[Burst]] = {}
    for burst in bursts:
        by_parent.setdefault(_root(burst, bursts), []).append(burst)
    for parent, children in by_parent.items():
        yield Finding(
            rule=RULE.name,
            severity=_bursts.severity(children, study.workload),
            confidence=_bursts.confidence(children),
            message=_message(children, study.workload.by_fingerprint.get(parent)),
            tables=_bursts.tables(children),
            shapes=(parent, *sorted({burst.child for burst in children} - {parent})),
            count=sum(burst.executions for burst in children),
            evidence=_bursts.evidence(children, study.workload),
            lines=tuple(dict.fromkeys(line for burst in children for line in burst.evidence)),
            location=_bursts.place(children),
        )


def _root(burst: Burst, bursts: list[Burst]) -> str:
    """The outermost parent: the children of children belong to the same loop."""
    seen = {burst.child}
    while burst.nested_in and burst.nested_in not in seen:
        seen.add(burst.nested_in)
        outer = next((other for other in bursts if other.child == burst.nested_in), None)
        if outer is None:
            break
        burst = outer
    return burst.parent


def _message(children: list[Burst], query: Query | None) -> str:
    first = min(children, key=lambda burst: (bool(burst.nested_in), burst.child))
    parts = [f"{burst.per_unit:g} times {_what(burst)}" for burst in children]
    total = 1 + sum(burst.per_unit for burst in children)
    parent = first.parent_table.name if first.parent_table else "a query"
    listed = [block.tables[0].name for block in query.shape.blocks if block.outer] if query else []
    # What a relation hangs on may only be joined to what is listed.
    parent = parent if not listed or parent in listed else f"{listed[0]} with {parent}"
    return (
        f"Reading {parent} is followed by a query for each row: {', '.join(parts)} "
        f"({total:g} statements a {first.unit_kind.value} where {1 + len(children)} would do)"
        f"{_bursts.where(_bursts.place(children))}."
    )


def _what(burst: Burst) -> str:
    child = burst.child_table.name if burst.child_table else "a query"
    if burst.relation is Relation.DEFERRED:
        return f"{child} again by primary key"
    through = f" through {burst.link_table.name}" if burst.link_table else ""
    return f"{child}{through} ({burst.relation.value})"
