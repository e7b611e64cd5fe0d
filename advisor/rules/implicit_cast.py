"""A column that is cast to another type before it is compared.

## What it finds

`id::text = $1`, or a plan's filter such as `((id)::numeric = …)` on a large table, where an index begins with the
column. The second is what a driver causes that sends a number as numeric or double for an integer column.

## Why it matters

The index holds values of the column's own type, ordered as that type is. Once every value is cast, it is of no use.

## Example

    SELECT * FROM orders WHERE id = 4711.0;          -- Filter: ((id)::numeric = 4711.0)
    SELECT * FROM users WHERE uuid::text = $1;

## Instead

Cast the value, not the column: `WHERE uuid = $1::uuid`; send integers as integers (`Decimal` and `float` in
Python, `double` in Java cause the cast).

## When it is wrong

varchar to text is free and not reported. When another condition finds the rows, the cast only filters them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from advisor.model.catalog import Index, Table
from advisor.model.finding import Confidence, Finding, Rule
from advisor.model.plan import Access
from advisor.model.shape import Predicate
from advisor.model.workload import Query
from advisor.ports import Study
from advisor.rules import _load
from advisor.rules._tables import BTREE_OPERATORS, is_small, key_of, of_table, resolved, serves

RULE = Rule.of(__name__, "A column cast to another type before it is compared", ("postgresql",), ("catalog",))

# `((column)::type operator`, as EXPLAIN prints a cast column on the left of a comparison.
_CAST_IN_FILTER = re.compile(
    r"\(\(?\"?([a-z_][\w$]*)\"?\)?::([a-z][a-z ]*?)(?:\(\d+\))? (?:=|<|>|<=|>=) ", re.IGNORECASE
)
_CAST_IN_TEXT = re.compile(r"CAST\((\w+) AS ([\w ]+?)\)\Z")
_FREE = frozenset({("character varying", "text"), ("character", "bpchar"), ("text", "character varying")})


@dataclass(frozen=True, slots=True)
class _Cast:
    table: Table
    column: str
    to: str
    index: Index


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding a query and column."""
    for query in study.workload.queries:
        found = {(cast.table.name, cast.column): cast for cast in (*_in_text(study, query), *_in_plan(study, query))}
        for key in sorted(found):
            yield _finding(study, query, found[key])


def _in_plan(study: Study, query: Query) -> Iterator[_Cast]:
    for node in query.plan.scans() if query.plan is not None else ():
        table = resolved(study.catalog, node.table)
        if table is not None and node.access is Access.SEQUENTIAL and not is_small(table):
            for match in _CAST_IN_FILTER.finditer(node.filter):
                yield from _cast(table, match.group(1), match.group(2).strip())


def _in_text(study: Study, query: Query) -> Iterator[_Cast]:
    for block in query.shape.blocks:
        for name in block.tables:
            table = resolved(study.catalog, name)
            if table is None or is_small(table):
                continue
            for _, predicates in of_table(block, name):
                yield from _in_conditions(table, [predicate for predicate in predicates if not predicate.branch])


def _in_conditions(table: Table, predicates: Sequence[Predicate]) -> Iterator[_Cast]:
    if any(serves(index, predicates) for index in table.indexes):
        return
    for predicate in predicates:
        match = _CAST_IN_TEXT.match(predicate.expression)
        if match is not None and predicate.operator in BTREE_OPERATORS:
            yield from _cast(table, match.group(1), match.group(2).lower())


def _cast(table: Table, column: str, to: str) -> Iterator[_Cast]:
    """The cast, when an index begins with the column and the cast keeps it from being used."""
    if (index := _beginning_with(table, column)) and _matters(table, column, to):
        yield _Cast(table, column, to, index)


def _beginning_with(table: Table, column: str) -> Index | None:
    indexes = sorted(table.indexes, key=lambda index: index.name)
    return next((i for i in indexes if i.valid and i.method == "btree" and key_of(i.columns[0]) == column), None)


def _matters(table: Table, column: str, to: str) -> bool:
    own = table.by_column.get(column)
    kind = own.type.partition("(")[0].strip() if own is not None else ""
    return bool(kind) and kind != to and (kind, to) not in _FREE


def _finding(study: Study, query: Query, cast: _Cast) -> Finding:
    table, column, index, to = cast.table, cast.column, cast.index, cast.to
    own = table.by_column[column].type
    return Finding(
        rule=RULE.name,
        severity=_load.severity(study, query.stats.total_ms),
        confidence=Confidence.HIGH if query.plan is not None else Confidence.MEDIUM,
        message=(
            f"{table.name.name}.{column} is {own} and is cast to {to} before it is compared: "
            f"{index.name} cannot be used."
        ),
        tables=(table.name,),
        shapes=(query.shape.fingerprint,),
        count=query.stats.calls,
        index=index.name,
        evidence={"column": column, "type": own, "cast to": to, "index": index.name, **_load.evidence(study, [query])},
        location=query.call_sites[0] if query.call_sites else None,
    )
