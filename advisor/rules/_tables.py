"""Facts about tables that several rules ask: what is small, what an index serves, how many rows a condition keeps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from advisor.model.catalog import Catalog, Index, IndexColumn, Table, TableName
from advisor.model.shape import Operand, Operator, Predicate, QueryBlock
from advisor.shape.sql import expression_key

SMALL_ROWS, SMALL_PAGES = 1_000, 12
"""Below either a whole read is as fast as an index (a dozen pages are one read-ahead; research, section 4.1 item 9)."""

BTREE_OPERATORS = frozenset({Operator.EQUAL, Operator.IN, Operator.RANGE, Operator.IS_NULL, Operator.PREFIX})
"""What a btree can look up (manual, 11.2.1)."""

ONE_SIDED_RANGE, TWO_SIDED_RANGE, UNKNOWN = 1 / 3, 0.005, 0.5
"""The planner's own guesses for unknown values (DEFAULT_INEQ_SEL, DEFAULT_RANGE_INEQ_SEL in selfuncs.h)."""

_WORD = re.compile(r"[a-z_][\w$]*", re.IGNORECASE)


def is_small(table: Table) -> bool:
    """Whether reading all of it is the right thing to do."""
    return table.rows < SMALL_ROWS or (0 < table.pages < SMALL_PAGES)


def resolved(catalog: Catalog, name: TableName | None) -> Table | None:
    """The catalog's table for a plan's or statement's name, which may lack its schema."""
    if name is None:
        return None
    return catalog.find(name.name, name.schema)


def root_of(catalog: Catalog, table: Table) -> Table:
    """The partitioned table that a partition belongs to, or the table itself."""
    while table.partition_of is not None and (parent := catalog.by_name.get(table.partition_of)) is not None:
        table = parent
    return table


def key_of(column: IndexColumn | Predicate) -> str:
    """An index column's or predicate's key in a form that compares equal however it is spelled."""
    name = column.name if isinstance(column, IndexColumn) else column.column
    return name or expression_key(column.expression)


def serves(index: Index, predicates: Sequence[Predicate]) -> bool:
    """Whether ``index`` can look up rows by at least one of the conditions (all on its table)."""
    if not index.valid or not applies(index, predicates):
        return False
    if index.predicate:  # it holds just the rows that the conditions ask for
        return True
    if index.method in ("btree", "hash"):
        leading = key_of(index.columns[0])
        return any(key_of(p) == leading and p.operator in BTREE_OPERATORS for p in predicates)
    keys = {key_of(column) for column in index.columns}
    return any(key_of(p) in keys for p in predicates)


def applies(index: Index, predicates: Sequence[Predicate]) -> bool:
    """Whether a partial index could be used: the conditions speak of every column of its predicate."""
    if not index.predicate:
        return True
    words = {word.lower() for word in _WORD.findall(_without_literals(index.predicate))}
    columns = {column for predicate in predicates for column in predicate.columns or (predicate.column,)}
    return bool(words & columns) and words - columns <= _PREDICATE_WORDS


_PREDICATE_WORDS = frozenset(
    ["is", "not", "null", "and", "or", "true", "false", "any", "array", "text", "character", "varying", "bpchar", "in"]
)


def _without_literals(text: str) -> str:
    return re.sub(r"::[\w\s\[\]]+|'(?:[^']|'')*'", " ", text)


def usable(predicate: Predicate) -> bool:
    """Whether an index could look rows up by it, once its other side is known."""
    return (
        predicate.operator in BTREE_OPERATORS
        and "$" not in predicate.expression
        and predicate.operand is not Operand.COLUMN
        and not (predicate.operand is Operand.EXPRESSION and predicate.joined_table is not None)
    )


def of_table(block: QueryBlock, table: TableName) -> Iterator[tuple[str, list[Predicate]]]:
    """A block's conditions on one table, by alias (a self join has two)."""
    aliases = dict.fromkeys(predicate.alias for predicate in block.predicates if predicate.table == table)
    for alias in aliases or [""]:
        yield alias, [p for p in block.predicates if p.table == table and p.alias == alias]


def selectivity(table: Table, predicates: Iterable[Predicate]) -> float:
    """The fraction of rows that conditions joined by AND keep, as the planner guesses without knowing values."""
    kept = 1.0
    ranges: dict[str, int] = {}
    for predicate in predicates:
        if predicate.operator is Operator.RANGE:
            sides = 2 if predicate.sql_operator == "between" else 1
            ranges[predicate.key] = ranges.get(predicate.key, 0) + sides
        else:
            kept *= _kept(table, predicate)
    for sides in ranges.values():
        kept *= TWO_SIDED_RANGE if sides > 1 else ONE_SIDED_RANGE
    return kept


def _kept(table: Table, predicate: Predicate) -> float:
    column = table.by_column.get(predicate.column)
    stats = column.stats if column is not None else None
    if predicate.operator is Operator.IS_NULL:
        return stats.null_fraction if stats is not None else UNKNOWN
    if predicate.operator is Operator.IS_NOT_NULL:
        return 1 - stats.null_fraction if stats is not None else UNKNOWN
    if predicate.operator in (Operator.EQUAL, Operator.IN):
        return min(_equal(table, predicate) * max(predicate.elements or 1, 1), 1.0)
    if predicate.operator in (Operator.PREFIX, Operator.CONTAINS, Operator.TEXT_SEARCH, Operator.HAS_KEY):
        return TWO_SIDED_RANGE
    return UNKNOWN if predicate.operator is Operator.OTHER else 1.0


def _equal(table: Table, predicate: Predicate) -> float:
    """One value's share of the rows: the average, or the most common one's for TRUE and FALSE."""
    if (predicate.column,) in set(table.unique_keys()):
        return 1 / max(table.rows, 1.0)
    column = table.by_column.get(predicate.column)
    if column is None or column.stats is None or not column.stats.n_distinct:
        # An expression without statistics: the planner takes 0.5 % (DEFAULT_EQ_SEL, selfuncs.h).
        return UNKNOWN if predicate.constant in ("TRUE", "FALSE") else 0.005
    if column.type == "boolean" and column.stats.most_common_frequencies:
        return _boolean(predicate, column.stats.most_common_values, column.stats.most_common_frequencies)
    return (1 - column.stats.null_fraction) / max(column.stats.n_distinct, 1.0)


def _boolean(predicate: Predicate, values: Sequence[str], frequencies: Sequence[float]) -> float:
    wanted = {"TRUE": "t", "FALSE": "f"}.get(predicate.constant, "")
    for value, frequency in zip(values, frequencies, strict=False):
        if value == wanted:
            return frequency
    return max(frequencies)
