"""What one shape can be in a burst: what it is keyed by, whether it can answer with many rows, what it must not be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from advisor.model.catalog import Catalog, TableName
from advisor.model.shape import Operand, Operator, Predicate, QueryBlock, QueryShape
from advisor.workload.bursts.naming import named_as_key

_ARRAY_OF_ROWS = re.compile(
    r"\b(unnest|jsonb?_(to_recordset|populate_recordset|array_elements(_text)?)|string_to_table)"
    r"[\s(]*(cast[\s(]*)?\$\d",
    re.IGNORECASE,
)
"""A parameter that holds many rows' values (PostgreSQL, "Set Returning Functions", "JSON Functions")."""

READS = frozenset(["SELECT", "WITH", "DECLARE", "VALUES", "TABLE", "find", "aggregate", "count", "distinct"])
SYSTEM_SCHEMAS = frozenset(["pg_catalog", "information_schema", "pg_toast"])
_ONE_ROW_KEYS = (Operator.EQUAL, Operator.IN)


@dataclass(frozen=True, slots=True)
class Key:
    """Columns of one table that a statement compares with values (or with the answer of a subquery)."""

    table: TableName
    columns: frozenset[str]
    by_subquery: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """An equality between columns of two tables."""

    table: TableName
    column: str
    other: TableName
    other_column: str


@dataclass(frozen=True)
class ShapeFacts:
    """What the burst search asks of a shape.

    ``single``: a unique key is bound, so it returns at most one row. ``listed``: it takes a list (IN, ANY, unnest), of
    ``elements`` where its text tells how many, else 0. ``pages``: it reads on from a key (range, ORDER BY, LIMIT).
    ``as_of``: the column whose last value at or before a given one it takes (``since <= $2 ORDER BY since DESC LIMIT
    1``), which completes a key.
    """

    shape: QueryShape
    reads: bool
    writes: bool
    keys: tuple[Key, ...]
    joins: tuple[Join, ...]
    columns: Mapping[TableName, frozenset[str]]
    single: bool
    listed: bool
    elements: int
    pages: bool
    offset: bool
    limited: bool
    aggregated: bool
    as_of: frozenset[str] = frozenset()

    @property
    def tables(self) -> tuple[TableName, ...]:
        """Every table that it names."""
        return self.shape.tables

    def reads_all(self, table: TableName) -> bool:
        """Whether the columns it reads of ``table`` are not told (``*``)."""
        return "*" in self.columns.get(table, frozenset(["*"]))


def facts_of(shape: QueryShape, catalog: Catalog | None) -> ShapeFacts:
    """Derive the facts of one shape; pure."""
    predicates = [p for block in shape.blocks for p in block.predicates if p.branch == 0]
    keys = tuple(_keys(predicates))
    joins = tuple(_joins(predicates))
    lists = [p for p in predicates if p.operator is Operator.IN and p.operand is Operand.PARAMETER]
    reads = shape.command in READS and shape.written is None and bool(shape.tables) and not _system(shape)
    outer = [block for block in shape.blocks if block.outer]
    limited = any(block.limited for block in outer)
    pages = any(_keyset(block) for block in outer)
    return ShapeFacts(
        shape=shape,
        reads=reads,
        writes=shape.written is not None,
        keys=keys,
        joins=joins,
        columns=_columns(shape.blocks),
        single=reads and _one_row(_keys(p for p in predicates if (p.elements or 1) == 1), joins, outer, catalog),
        listed=bool(lists or _ARRAY_OF_ROWS.search(shape.text)),
        elements=max((p.elements or 0 for p in lists), default=0),
        pages=pages,
        offset=any(block.offset for block in outer),
        limited=limited,
        aggregated=any(block.aggregated and not block.group for block in outer),
        as_of=frozenset(block.sort[0].column for block in outer if _reads_on(block)) if not pages else frozenset(),
    )


def _keys(predicates: Iterable[Predicate]) -> Iterator[Key]:
    bound: dict[tuple[TableName, str], set[str]] = {}
    for predicate in predicates:
        if not predicate.column or predicate.operator not in _ONE_ROW_KEYS:
            continue
        if predicate.operand is Operand.PARAMETER:
            bound.setdefault((predicate.table, ""), set()).add(predicate.column)
        elif predicate.operand is Operand.SUBQUERY and predicate.operator is Operator.EQUAL:
            bound.setdefault((predicate.table, predicate.column), set()).add(predicate.column)
    for (table, subquery), columns in bound.items():
        yield Key(table, frozenset(columns), bool(subquery))


def _joins(predicates: Iterable[Predicate]) -> Iterator[Join]:
    for predicate in predicates:
        if predicate.operand is Operand.COLUMN and predicate.joined_table and predicate.operator is Operator.EQUAL:
            yield Join(predicate.table, predicate.column, predicate.joined_table, predicate.joined_column)


def _columns(blocks: Iterable[QueryBlock]) -> Mapping[TableName, frozenset[str]]:
    read: dict[TableName, set[str]] = {}
    for block in blocks:
        for table, columns in block.read:
            read.setdefault(table, set()).update(columns)
    return {table: frozenset(columns) for table, columns in read.items()}


def _one_row(keys: Iterable[Key], joins: Iterable[Join], outer: Iterable[QueryBlock], catalog: Catalog | None) -> bool:
    """A unique key of the first table is bound, and every other table is joined by a unique key of its own."""
    tables = {table for block in outer for table in block.tables}
    reached = {key.table for key in keys if not key.by_subquery and _unique(key.table, key.columns, catalog)}
    sides = [(j.table, j.other, j.other_column) for j in joins] + [(j.other, j.table, j.column) for j in joins]
    growing = bool(reached)
    while growing and not tables <= reached:
        more = {
            to
            for source, to, column in sides
            if source in reached and to not in reached and _unique(to, frozenset([column]), catalog)
        }
        reached |= more
        growing = bool(more)
    return bool(reached) and tables <= reached


def _unique(table: TableName, columns: frozenset[str], catalog: Catalog | None) -> bool:
    known = catalog.find(table.name, table.schema) if catalog else None
    if known is None:
        return any(named_as_key(table, column) for column in columns)
    return any(set(unique) <= columns for unique in known.unique_keys())


def _keyset(block: QueryBlock) -> bool:
    """A range on the first sort key, in the direction of the sort: "since yesterday, newest first" is no page.

    Nor is "the last one at or before that day" of a key (``code = $1 AND since <= $2 ORDER BY since DESC LIMIT 1``): a
    page that begins with the row before it would show it twice. Prisma asks for its start in a subquery.
    """
    of_one_key = any(p.operator is Operator.EQUAL and p.operand is Operand.PARAMETER for p in block.predicates)
    return _reads_on(block, strictly=of_one_key and not block.offset)


def _reads_on(block: QueryBlock, *, strictly: bool = False) -> bool:
    """Whether the first rows behind a value of the first sort key are taken."""
    if not (block.limited and block.sort):
        return False
    first = block.sort[0]
    onward = "<" if first.descending else ">"
    return any(
        p.operator is Operator.RANGE
        and p.operand in (Operand.PARAMETER, Operand.SUBQUERY)
        and p.key == first.key
        and (p.sql_operator or onward) in ((onward,) if strictly else (onward, f"{onward}="))
        for p in block.predicates
    )


def _system(shape: QueryShape) -> bool:
    return all(t.schema in SYSTEM_SCHEMAS or t.name.startswith(("pg_", "sqlite_")) for t in shape.tables)
