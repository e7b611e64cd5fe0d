"""A search for text in the middle of a column.

## What it finds

LIKE, ILIKE and regular expressions on a large table whose pattern is not anchored at its start, where no trigram
index exists. `'%' || $1 || '%'` is recognised as well as a literal.

## Why it matters

A btree is ordered by the beginning of the text; without the beginning every row is read and matched.

## Example

    SELECT * FROM products WHERE name ILIKE '%' || $1 || '%';

## Instead

A trigram index: `CREATE EXTENSION pg_trgm; CREATE INDEX CONCURRENTLY ON products USING gin (name gin_trgm_ops);` For
words rather than pieces of text, full text search. For `ends with`, an index on `reverse(name)`.

## When it is wrong

A pattern of one or two letters matches so much that no index helps. Trigram indexes are large and slow to write. A
bare parameter may hold an anchored pattern: the capture does not show it, and such queries have low confidence.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.catalog import Table
from advisor.model.finding import Confidence, Finding, Rule
from advisor.model.plan import Access
from advisor.model.shape import Operand, Operator, Predicate
from advisor.model.workload import Query
from advisor.ports import Study
from advisor.rules import _load
from advisor.rules._tables import is_small, key_of, resolved

RULE = Rule.of(__name__, "A search for text in the middle of a column", ("postgresql",), ("catalog",))

_PATTERNS = frozenset({Operator.LIKE, Operator.ILIKE, Operator.REGEX})


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding a query and column."""
    for query in study.workload.queries:
        told: set[str] = set()
        for block in query.shape.blocks:
            for predicate in block.predicates:
                table = resolved(study.catalog, predicate.table)
                if table is None or is_small(table) or predicate.operator not in _PATTERNS or predicate.key in told:
                    continue
                if not _is_served(table, predicate) and not _read_by_index(query, table, study):
                    told.add(predicate.key)
                    yield _finding(study, query, table, predicate)


def _is_served(table: Table, predicate: Predicate) -> bool:
    """By trigrams; a bare parameter also by an index for prefixes, made for the patterns that it holds."""
    served = ("trgm", "pattern_ops") if predicate.operand is Operand.PARAMETER else ("trgm",)
    return any(
        index.valid and any(word in column.opclass for word in served) and key_of(column) == key_of(predicate)
        for index in table.indexes
        for column in index.columns
    )


def _read_by_index(query: Query, table: Table, study: Study) -> bool:
    """Whether other conditions already find the rows, so that the pattern only filters them."""
    if query.plan is None:
        return False
    access = [n.access for n in query.plan.scans() if resolved(study.catalog, n.table) is table]
    return bool(access) and Access.SEQUENTIAL not in access


def _finding(study: Study, query: Query, table: Table, predicate: Predicate) -> Finding:
    built = predicate.operand in (Operand.EXPRESSION, Operand.CONSTANT)
    return Finding(
        rule=RULE.name,
        severity=_load.severity(study, query.stats.total_ms),
        confidence=Confidence.MEDIUM if built else Confidence.LOW,
        message=(
            f"{predicate.key} of {table.name.name} ({table.told_rows}) is searched by "
            f"{'a pattern that begins with a wildcard' if built else 'a pattern'}, which no btree index can serve."
        ),
        tables=(table.name,),
        shapes=(query.shape.fingerprint,),
        count=query.stats.calls,
        evidence={"condition": predicate.sql, "column": predicate.key, **_load.evidence(study, [query])},
        location=query.call_sites[0] if query.call_sites else None,
    )
