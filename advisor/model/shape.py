"""A statement's shape: what stays when its values are taken away, and what it asks of each table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from advisor.model.catalog import TableName


class Operator(StrEnum):
    """What a predicate asks. The names are shared by SQL and MongoDB's query language."""

    EQUAL = "="
    IN = "in"
    NOT_EQUAL = "<>"
    RANGE = "range"
    IS_NULL = "is null"
    IS_NOT_NULL = "is not null"
    PREFIX = "prefix"
    LIKE = "like"
    ILIKE = "ilike"
    REGEX = "regex"
    CONTAINS = "@>"
    CONTAINED = "<@"
    OVERLAPS = "&&"
    HAS_KEY = "?"
    TEXT_SEARCH = "@@"
    DISTANCE = "<->"
    EXISTS = "exists"
    OTHER = "other"


class Operand(StrEnum):
    """What the column is compared with."""

    PARAMETER = "parameter"
    CONSTANT = "constant"
    COLUMN = "column"
    SUBQUERY = "subquery"
    EXPRESSION = "expression"


@dataclass(frozen=True, slots=True)
class Predicate:
    """One condition on one column or expression of one table.

    ``expression`` is the SQL over the bare columns where it is not a plain column (``lower(email)``); ``columns``
    are the columns that it reads. ``branch`` is 0 for a conjunct and counts 1, 2, … for the arms of an OR,
    conditions of one arm sharing a number. ``constant`` is the literal that every execution shares; it is set only
    when it stands in the program's own text beside ``$n`` parameters, or is TRUE, FALSE or NULL. ``elements`` is an
    IN list's length where the text tells it.
    """

    table: TableName
    column: str
    operator: Operator
    operand: Operand = Operand.PARAMETER
    expression: str = ""
    columns: tuple[str, ...] = ()
    sql_operator: str = ""
    constant: str = ""
    joined_table: TableName | None = None
    joined_column: str = ""
    parameter: int | None = None
    elements: int | None = None
    branch: int = 0
    alias: str = ""
    sql: str = ""

    @property
    def key(self) -> str:
        """The column's name, or the expression."""
        return self.column or self.expression


@dataclass(frozen=True, slots=True)
class SortKey:
    """One ORDER BY or GROUP BY key."""

    table: TableName
    column: str
    descending: bool = False
    nulls_first: bool | None = None
    expression: str = ""
    alias: str = ""

    @property
    def key(self) -> str:
        """The column's name, or the expression."""
        return self.column or self.expression


@dataclass(frozen=True, slots=True)
class QueryBlock:
    """One SELECT, UPDATE or DELETE level (a subquery or CTE is a block of its own), its tables' needs side by side.

    ``sort`` and ``group`` are empty unless *all* their keys are resolved columns or expressions of known tables.
    ``read`` maps a table to every column of it that this block touches; ``*`` stands for all of them.
    """

    tables: tuple[TableName, ...]
    predicates: tuple[Predicate, ...] = ()
    sort: tuple[SortKey, ...] = ()
    group: tuple[SortKey, ...] = ()
    limited: bool = False
    offset: bool = False
    distinct: bool = False
    aggregated: bool = False
    outer: bool = True
    read: tuple[tuple[TableName, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class QueryShape:
    """A normalised statement.

    ``fingerprint``: 16 hex digits over the canonical text, stable over versions of the advisor and over both
    databases. ``text``: canonical, with ``$1`` … ``$n`` for every value, fit for EXPLAIN (GENERIC_PLAN); MongoDB: the
    command as JSON with ``?``. ``sample``: the text as captured. ``unparsed``: why the parser gave up, else empty.
    A MongoDB ``$lookup`` is a block of its own.
    """

    fingerprint: str
    text: str
    command: str
    tables: tuple[TableName, ...] = ()
    blocks: tuple[QueryBlock, ...] = ()
    parameters: int = 0
    written: TableName | None = None
    assigned: tuple[str, ...] = ()
    locking: bool = False
    volatile: bool = False
    unparsed: str = ""
    sample: str = ""

    @property
    def reads_only(self) -> bool:
        """Whether executing it changes nothing."""
        return (
            self.written is None
            and not self.locking
            and self.command in {"SELECT", "find", "aggregate", "count", "distinct"}
        )
