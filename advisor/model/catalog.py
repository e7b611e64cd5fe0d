"""What exists in the inspected database: tables, columns, indexes, foreign keys, and their statistics.

One vocabulary for both databases: a MongoDB collection is a :class:`Table`, a (dotted) field path a
:class:`Column`. Sizes are bytes, fractions lie in [0, 1], times are timezone-aware.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from advisor.model.identifiers import quote


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    """A table's schema (MongoDB: database) and name, as the catalog spells them."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name

    @property
    def sql(self) -> str:
        """The quoted, schema-qualified name."""
        return ".".join(quote(part) for part in (self.schema, self.name) if part)


@dataclass(frozen=True, slots=True)
class ColumnStats:
    """Planner statistics of one column (``pg_stats``; MongoDB: a bounded ``$sample``).

    ``n_distinct`` is a count of values; PostgreSQL's negative ratios are resolved with the table's rows.
    ``most_common_values`` is empty unless the capture was allowed to keep values; the frequencies stay.
    """

    null_fraction: float = 0.0
    n_distinct: float = 0.0
    average_width: int = 0
    correlation: float | None = None
    most_common_frequencies: tuple[float, ...] = ()
    most_common_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """One column, its SQL type as ``format_type`` spells it (MongoDB: the BSON types seen, joined by ``|``)."""

    name: str
    type: str
    nullable: bool = True
    generated: bool = False
    collation: str | None = None
    default: str | None = None
    stats: ColumnStats | None = None


@dataclass(frozen=True, slots=True, order=True)
class IndexColumn:
    """One key column of an index: a column's name, or an SQL expression (without outer parentheses).

    ``opclass`` and ``collation`` are set where they are not the default, as SQL spells them (quoted, qualified).
    """

    name: str = ""
    expression: str = ""
    descending: bool = False
    nulls_first: bool | None = None
    opclass: str = ""
    collation: str = ""

    @property
    def key(self) -> str:
        """The column's name, or the expression."""
        return self.name or self.expression

    @property
    def sql(self) -> str:
        """The key as it stands in CREATE INDEX."""
        parts = [quote(self.name) if self.name else f"({self.expression})"]
        if self.collation:
            parts.append(f"COLLATE {self.collation}")
        if self.opclass:
            parts.append(self.opclass)
        if self.descending:
            parts.append("DESC")
        # NULLS LAST is the default of ASC, NULLS FIRST of DESC (manual, 11.4).
        if self.nulls_first is not None and self.nulls_first != self.descending:
            parts.append("NULLS FIRST" if self.nulls_first else "NULLS LAST")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Index:
    """An index: one that exists, or one that could (``exists`` false). A value: equal definition, equal index.

    ``scans`` counts uses since :attr:`Catalog.stats_reset_at`. ``options`` holds what only one database
    knows (MongoDB: sparse, expireAfterSeconds, partialFilterExpression as JSON, collation, hidden, weights).
    """

    table: TableName
    columns: tuple[IndexColumn, ...]
    name: str = ""
    method: str = "btree"
    include: tuple[str, ...] = ()
    predicate: str = ""
    unique: bool = False
    exists: bool = field(default=False, compare=False)
    primary: bool = field(default=False, compare=False)
    constraint: str = field(default="", compare=False)
    valid: bool = field(default=True, compare=False)
    replica_identity: bool = field(default=False, compare=False)
    clustered: bool = field(default=False, compare=False)
    parent: str = field(default="", compare=False)
    size_bytes: int | None = field(default=None, compare=False)
    pages: int | None = field(default=None, compare=False)
    rows: float | None = field(default=None, compare=False)
    scans: int | None = field(default=None, compare=False)
    last_used_at: datetime | None = field(default=None, compare=False)
    definition: str = field(default="", compare=False)
    options: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def keys(self) -> tuple[str, ...]:
        """The key columns' names or expressions, in order."""
        return tuple(column.key for column in self.columns)

    def prefixes(self) -> Iterator[Index]:
        """Every shorter index that this one's leading columns make up, longest first."""
        for length in range(len(self.columns) - 1, 0, -1):
            yield Index(self.table, self.columns[:length], method=self.method, predicate=self.predicate)

    def covers(self, other: Index) -> bool:
        """Whether this index can answer whatever ``other`` answers: same rows, ``other``'s keys as its prefix.

        A unique ``other`` is covered only by a unique index on the same keys, since uniqueness is a promise
        of its own; operator classes, collations and directions must agree, and only a btree has prefixes.
        """
        if (self.table, self.method, self.predicate) != (other.table, other.method, other.predicate):
            return False
        if self.columns[: len(other.columns)] != other.columns:
            return False
        if len(self.columns) > len(other.columns) and self.method != "btree":
            return False
        if other.unique and not (self.unique and self.columns == other.columns):
            return False
        return set(other.include) <= {*self.include, *(column.name for column in self.columns)}


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key: ``table.columns`` references ``referenced.referenced_columns``."""

    name: str
    table: TableName
    columns: tuple[str, ...]
    referenced: TableName
    referenced_columns: tuple[str, ...]
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"


@dataclass(frozen=True, slots=True)
class TableUsage:
    """Cumulative counters of one table since :attr:`Catalog.stats_reset_at`; ``None`` where unreadable."""

    sequential_scans: int | None = None
    sequential_rows_read: int | None = None
    index_scans: int | None = None
    inserts: int | None = None
    updates: int | None = None
    deletes: int | None = None
    hot_updates: int | None = None
    modified_since_analyze: int | None = None
    last_analyzed_at: datetime | None = None


@dataclass(frozen=True)
class Table:
    """A table, partitioned table, partition, view, materialized view, foreign table or collection.

    ``assumed``: the source tells no sizes, and those here are made up so that a planner has something to weigh.
    """

    name: TableName
    columns: tuple[Column, ...]
    kind: str = "table"
    rows: float = 0.0
    pages: int = 0
    size_bytes: int | None = None
    indexes: tuple[Index, ...] = ()
    primary_key: tuple[str, ...] = ()
    partition_of: TableName | None = None
    partition_key: str = ""
    usage: TableUsage = TableUsage()
    options: Mapping[str, str] = field(default_factory=dict)
    definition: str = ""
    assumed: bool = False

    @property
    def told_rows(self) -> str:
        """``900,000 rows``; an assumption is called one."""
        return f"{self.rows:,.0f} rows{', assumed' if self.assumed else ''}"

    @cached_property
    def by_column(self) -> Mapping[str, Column]:
        """Columns by name."""
        return {column.name: column for column in self.columns}

    def unique_keys(self) -> Iterator[tuple[str, ...]]:
        """Every set of columns that identifies at most one row."""
        if self.primary_key:
            yield self.primary_key
        for index in self.indexes:
            if index.unique and index.valid and not index.predicate and all(c.name for c in index.columns):
                yield index.keys


@dataclass(frozen=True)
class Catalog:
    """Everything that exists, and since when its usage counters count."""

    tables: tuple[Table, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    search_path: tuple[str, ...] = ("public",)
    stats_reset_at: datetime | None = None

    @cached_property
    def by_name(self) -> Mapping[TableName, Table]:
        """Tables by qualified name."""
        return {table.name: table for table in self.tables}

    @cached_property
    def _by_bare_name(self) -> Mapping[str, tuple[Table, ...]]:
        found: dict[str, tuple[Table, ...]] = {}
        for table in self.tables:
            found[table.name.name] = (*found.get(table.name.name, ()), table)
        return found

    def find(self, name: str, schema: str = "") -> Table | None:
        """Return the table that ``schema.name`` means, through the search path where ``schema`` is empty."""
        if schema:
            return self.by_name.get(TableName(schema, name))
        for path in self.search_path:
            if table := self.by_name.get(TableName(path, name)):
                return table
        others = self._by_bare_name.get(name, ())
        return others[0] if len(others) == 1 else None

    def short_name(self, table: TableName) -> str:
        """The table's bare name; with its schema where another schema has one of that name."""
        return table.name if len(self._by_bare_name.get(table.name, ())) < 2 else str(table)

    def foreign_keys_of(self, table: TableName) -> tuple[ForeignKey, ...]:
        """Foreign keys whose referencing side is ``table``."""
        return tuple(key for key in self.foreign_keys if key.table == table)
