"""Conditions that no index serves.

## What it finds

A query that looks up a few rows of a large table by columns (equality, list, range, prefix), or asks for the first few
in an order, while no index begins with any of these columns. It needs the catalog only; a plan makes it more certain.

## Why it matters

Without an index that begins with one of the condition's columns, the server has no way to the rows but through all of
them.

## Example

    SELECT * FROM payments WHERE captured_at >= $1 AND captured_at < $2;   -- indexes: (id), (order_id)

## Instead

`CREATE INDEX CONCURRENTLY ON payments (captured_at);` The recommendation says which columns in which order the planner
would really use, for all queries together.

## When it is wrong

When the values asked for are common ones: the rule knows averages, unless the capture tells how many rows came back.
When the query is so rare that the index costs writes more than it saves reads. Not reported: small tables, conditions
that keep more than a tenth of the rows, conditions that a partial index of the same columns serves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from advisor.model.catalog import Index, Table, TableName
from advisor.model.finding import Confidence, Finding, Rule
from advisor.model.plan import Access, Plan
from advisor.model.shape import Predicate, QueryBlock
from advisor.model.workload import Query
from advisor.ports import Study
from advisor.rules import _load
from advisor.rules._tables import is_small, of_table, resolved, root_of, selectivity, serves, usable

RULE = Rule.of(__name__, "Conditions that no index serves", ("postgresql",), ("catalog",))

SELECTIVE = 0.1
"""The fraction of rows up to which an index is expected to win; between 5 % and 20 % it depends on the correlation."""


@dataclass(frozen=True, slots=True)
class _Unserved:
    table: Table
    keys: tuple[str, ...]
    kept: float
    query: Query
    scanned: bool
    sorted_only: bool = False


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding a table and set of columns, with every query that asks by them."""
    groups: dict[tuple[TableName, tuple[str, ...]], list[_Unserved]] = {}
    for query in study.workload.queries:
        for found in _unserved(study, query):
            groups.setdefault((found.table.name, found.keys), []).append(found)
    for key in sorted(groups):
        yield _finding(study, groups[key])


def _unserved(study: Study, query: Query) -> Iterator[_Unserved]:
    told: set[tuple[TableName, tuple[str, ...]]] = set()
    for block in query.shape.blocks:
        for name in block.tables:
            table = resolved(study.catalog, name)
            if table is None or is_small(table) or table.kind in ("view", "foreign table"):
                continue
            plan = _read_by(query.plan, table, study)
            if plan is False:
                continue
            for _, predicates in of_table(block, name):
                found = _by_conditions(query, block, table, predicates, plan is True)
                if found is not None and (table.name, found.keys) not in told:
                    told.add((table.name, found.keys))
                    yield found


def _read_by(plan: Plan | None, table: Table, study: Study) -> bool | None:
    """True: the plan reads the table whole; False: by an index; None: there is no plan that tells."""
    if plan is None:
        return None
    access = [
        node.access
        for node in plan.scans()
        if (read := resolved(study.catalog, node.table)) is not None
        and root_of(study.catalog, read).name == root_of(study.catalog, table).name
    ]
    return Access.SEQUENTIAL in access if access else None


def _by_conditions(
    query: Query, block: QueryBlock, table: Table, predicates: Sequence[Predicate], scanned: bool
) -> _Unserved | None:
    common = [predicate for predicate in predicates if not predicate.branch]
    asked = [predicate for predicate in common if usable(predicate)]
    arms = sorted({predicate.branch for predicate in predicates if predicate.branch})
    joined = [predicate for predicate in common if predicate not in asked]
    # An index for the join may be the way in; a plan that reads the whole table tells that it is not.
    if any(serves(index, asked if scanned and asked else common) for index in table.indexes):
        return None
    if not asked and arms:
        return _by_arms(query, block, table, predicates, arms, scanned)
    if asked:
        kept = _kept(query, block, table, common)
        if kept > SELECTIVE and not (block.limited and _sorted_by(block, table)):
            return None
        return _Unserved(table, tuple(dict.fromkeys(p.key for p in asked)), kept, query, scanned)
    if joined or not block.limited or len(block.tables) > 1 or block.aggregated or block.distinct:
        return None
    keys = _sorted_by(block, table)
    if not keys or any(_orders(index, keys) for index in table.indexes):
        return None
    return _Unserved(table, keys, 0.0, query, scanned, sorted_only=True)


def _by_arms(
    query: Query,
    block: QueryBlock,
    table: Table,
    predicates: Sequence[Predicate],
    arms: Sequence[int],
    scanned: bool,
) -> _Unserved | None:
    """Every arm of an OR must have its index; one without makes the others useless."""
    keys: list[str] = []
    kept = 0.0
    for arm in arms:
        asked = [predicate for predicate in predicates if predicate.branch == arm and usable(predicate)]
        if not asked:
            return None
        kept += selectivity(table, asked)
        if not any(serves(index, asked) for index in table.indexes):
            keys.extend(predicate.key for predicate in asked)
    if not keys or min(kept, _kept(query, block, table, [])) > SELECTIVE:
        return None
    return _Unserved(table, tuple(dict.fromkeys(keys)), kept, query, scanned)


def _kept(query: Query, block: QueryBlock, table: Table, predicates: Sequence[Predicate]) -> float:
    """The fraction of rows kept: by the rows that came back where they are the table's, else by statistics."""
    guessed = selectivity(table, predicates)
    returned = _load.rows_a_call(query)
    alone = len(query.shape.blocks) == 1 and len(block.tables) == 1
    if returned is None or not alone or block.aggregated or block.distinct or block.limited or not table.rows:
        return guessed
    return min(returned / table.rows, 1.0)


def _sorted_by(block: QueryBlock, table: Table) -> tuple[str, ...]:
    if not block.sort or any(key.table != table.name for key in block.sort):
        return ()
    return tuple(key.key for key in block.sort)


def _orders(index: Index, keys: Sequence[str]) -> bool:
    return index.valid and not index.predicate and index.method == "btree" and index.keys[0] == keys[0]


def _finding(study: Study, found: list[_Unserved]) -> Finding:
    first = found[0]
    queries = [one.query for one in found]
    spent = sum(query.stats.total_ms for query in queries)
    columns = ", ".join(first.keys)
    scanned = any(one.scanned for one in found)
    asked = "asks for the first rows in the order of" if first.sorted_only else "looks rows up by"
    planned = "; the plan reads the whole table" if scanned else ""
    rest = f" and {len(found) - 1} more" if len(found) > 1 else ""
    kept = min(one.kept for one in found)
    return Finding(
        rule=RULE.name,
        severity=_load.severity(study, spent),
        confidence=Confidence.HIGH if scanned else Confidence.MEDIUM,
        message=(
            f"No index of {first.table.name.name} ({first.table.told_rows}) begins with what "
            f"a query{rest} {asked}: {columns}{planned}."
        ),
        tables=(first.table.name,),
        shapes=tuple(dict.fromkeys(query.shape.fingerprint for query in queries)),
        count=sum(query.stats.calls for query in queries),
        evidence={
            "columns": columns,
            "rows in the table": round(first.table.rows),
            **({} if first.sorted_only else {"rows kept, at most": f"{kept:.2%}"}),
            "indexes": "; ".join(f"{i.name} ({', '.join(i.keys)})" for i in first.table.indexes) or "none",
            **_load.evidence(study, queries),
        },
        location=next((query.call_sites[0] for query in queries if query.call_sites), None),
    )
