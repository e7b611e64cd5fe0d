"""Sizes for a schema that comes without any: made up alike for all tables, so that the planner has something to weigh.

A dump of ``pg_dump --schema-only`` tells no rows, and on empty tables every plan is as good as another. With all
tables equally large, keys and foreign keys alone tell which access is selective, and the statements' own times tell
which of them matter. What is built on this is never called proven.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from advisor.model.capture import Coverage
from advisor.model.catalog import Catalog, Column, ColumnStats, Table, TableName
from advisor.model.index_size import key_column
from advisor.model.page_layout import tuple_bytes
from connectors.postgres.shadow.extract.statistics import attribute_call, relation_call

ROWS = 1_000_000
"""Rows of every table, those of a partitioned one split among its partitions: large enough for an index to matter."""
CHILDREN = 10.0
"""Rows that share one value of a foreign key."""
PAGE, HEADER = 8192, 28
"""Bytes of a page, and of a row's header with its line pointer (manual, 66.6)."""
_STORED = frozenset({"table", "partition", "materialized view"})


def has_statistics(catalog: Catalog) -> bool:
    """Whether some table's size is known."""
    return any(table.rows > 0 or table.pages > 0 for table in catalog.tables)


def assume(catalog: Catalog) -> Catalog:
    """The catalog with :data:`ROWS` rows in each table, and statistics of the columns that are keys."""
    parts = Counter(table.partition_of for table in catalog.tables if table.partition_of is not None)
    return replace(catalog, tables=tuple(_assumed(table, catalog, parts) for table in catalog.tables))


def statistics_of(catalog: Catalog) -> str:
    """What was assumed, as the script that the data-free planner loads."""
    return "\n".join(call for table in catalog.tables if table.assumed for call in _calls(table)) + "\n"


def coverage(how: str) -> Coverage:
    """What the reader must know of it; ``how`` says how statistics can be had."""
    return Coverage(
        "statistics",
        seen=False,
        detail=f"The dump tells no sizes: every table is taken for {ROWS:,} rows, so that advice rests on keys and on "
        "the statements' own times. It is marked as estimated.",
        remedy=how,
    )


def _assumed(table: Table, catalog: Catalog, parts: Counter[TableName]) -> Table:
    if table.kind not in _STORED and table.kind != "partitioned table":
        return table
    rows = float(ROWS)
    if table.partition_of is not None:
        rows /= parts[table.partition_of]
    columns = tuple(replace(column, stats=_statistics(column, table, catalog, rows)) for column in table.columns)
    width = HEADER + tuple_bytes([key_column(column) for column in columns])
    pages = max(1, round(rows * width / PAGE))
    indexes = tuple(replace(index, size_bytes=None, pages=None, rows=None) for index in table.indexes)
    return replace(table, columns=columns, rows=rows, pages=pages, size_bytes=None, indexes=indexes, assumed=True)


def _statistics(column: Column, table: Table, catalog: Catalog, rows: float) -> ColumnStats | None:
    """Statistics of a key; ``None`` for other columns, of which the planner has guesses of its own."""
    width = round(key_column(column).width)
    if (column.name,) in set(table.unique_keys()):
        return ColumnStats(n_distinct=rows, average_width=width)
    if any(column.name in key.columns for key in catalog.foreign_keys_of(table.name)):
        return ColumnStats(n_distinct=rows / CHILDREN, average_width=width)
    return None


def _calls(table: Table) -> Iterator[str]:
    names = {"schemaname": table.name.schema, "relname": table.name.name}
    yield relation_call({**names, "relpages": table.pages, "reltuples": table.rows, "relallvisible": table.pages})
    for column in table.columns:
        if column.stats is not None:
            yield attribute_call(
                {
                    **names,
                    "attname": column.name,
                    "inherited": table.kind == "partitioned table",
                    "null_frac": 0.0,
                    "avg_width": column.stats.average_width,
                    "n_distinct": column.stats.n_distinct,
                }
            )
