"""An index's size from the catalog alone: what the arithmetic of page layouts needs, read off a Catalog."""

from __future__ import annotations

import math
import re

from advisor.model.catalog import Catalog, Column, Index, Table
from advisor.model.page_layout import IndexFacts, KeyColumn, index_size, tuple_bytes

# pg_type's typlen and typalign of the fixed types that indexes are made of.
_FIXED = {
    "smallint": (2, "s"),
    "integer": (4, "i"),
    "bigint": (8, "d"),
    "real": (4, "i"),
    "double precision": (8, "d"),
    "boolean": (1, "c"),
    "date": (4, "i"),
    "time without time zone": (8, "d"),
    "timestamp without time zone": (8, "d"),
    "timestamp with time zone": (8, "d"),
    "interval": (16, "d"),
    "uuid": (16, "c"),
    "money": (8, "d"),
    "oid": (4, "i"),
    "macaddr": (6, "i"),
}
_SIZE = re.compile(r"\(\d+(?:,\s*-?\d+)?\)")
# Equal values of these may differ in their bytes, so that a btree does not merge them (manual, 64.1.4.3).
_UNMERGED = ("numeric", "real", "double precision", "jsonb", "interval")
# Without statistics the planner takes 32 bytes for a text of unknown width (get_typavgwidth).
_UNKNOWN_WIDTH = 32.0
# A predicate's share is not known here; the planner's own default for an unknown condition lies near a third.
_UNKNOWN_SHARE = 1 / 3


def estimated_size(index: Index, catalog: Catalog) -> int:
    """The size in bytes that ``index`` would have, newly built; 0 when its table is not in the catalog."""
    table = catalog.by_name.get(index.table)
    return size_on(index, table) if table else 0


def size_on(index: Index, table: Table, share: float | None = None) -> int:
    """The same on a table that is at hand; ``share``: what part of its rows a partial index holds, if that is known."""
    columns = _columns(index, table)
    rows = table.rows * (_share(index, table) if share is None else share)
    facts = IndexFacts(
        method=index.method,
        keys=tuple(map(key_column, columns)),
        rows=rows,
        distinct=_distinct(columns, rows),
        merges=index.method == "btree" and not index.unique and not index.include and not any(map(_unmerged, columns)),
        heap_pages=table.pages,
    )
    return index_size(facts).size_bytes


def entry_bytes(index: Index, table: Table) -> float:
    """The average bytes that one row takes in ``index``, its line pointer included."""
    return tuple_bytes([key_column(column) for column in _columns(index, table)])


def key_column(column: Column | None) -> KeyColumn:
    """How a column is stored; ``None`` stands for an expression, whose width is not known."""
    if column is None:
        return KeyColumn(-1, "i", _UNKNOWN_WIDTH)
    length, alignment = _FIXED.get(_SIZE.sub("", column.type), (-1, "i"))
    stats = column.stats
    if stats is None:
        return KeyColumn(length, alignment, float(length) if length > 0 else _UNKNOWN_WIDTH)
    return KeyColumn(length, alignment, stats.average_width, stats.null_fraction, stats.most_common_frequencies)


def _columns(index: Index, table: Table) -> list[Column | None]:
    names = [*(key.name for key in index.columns), *index.include]
    return [table.by_column.get(name) for name in names]


def _distinct(columns: list[Column | None], rows: float) -> float:
    counts = [column.stats.n_distinct if column and column.stats else rows for column in columns]
    return max(1.0, min(rows, math.prod(max(1.0, count) for count in counts)))


def _share(index: Index, table: Table) -> float:
    """The share of rows in a partial index; exact for the null tests of one column."""
    if not index.predicate:
        return 1.0
    test = re.fullmatch(r'\(?"?(\w+)"? IS (NOT )?NULL\)?', index.predicate, re.IGNORECASE)
    column = table.by_column.get(test[1]) if test else None
    if test and column and column.stats:
        return 1 - column.stats.null_fraction if test[2] else column.stats.null_fraction
    return _UNKNOWN_SHARE


def _unmerged(column: Column | None) -> bool:
    return column is not None and (column.type.startswith(_UNMERGED) or column.type.endswith("[]"))
