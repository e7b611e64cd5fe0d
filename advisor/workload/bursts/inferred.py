"""What statements tell of tables that no catalog knows: columns that all carry their table's prefix."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from advisor.model.catalog import Catalog, Column, Table, TableName
from advisor.model.shape import QueryShape
from advisor.workload.bursts.naming import PRIMARY_KEY_NAMES, words


def inferred_catalog(shapes: Iterable[QueryShape]) -> Catalog | None:
    """Tables whose columns share a prefix (``PAT_ID``, ``PAT_NAME``, ``PAT_WRD_ID``), with the key that it names.

    A convention of older schemas; where it does not hold nothing is inferred, and ``None`` if it holds nowhere. Nothing
    is inferred of a table that is read by ``*`` either, for its other columns are not told.
    """
    read: dict[TableName, set[str]] = defaultdict(set)
    for shape in shapes:
        for block in shape.blocks:
            for table, columns in block.read:
                read[table].update(columns)
    tables = [Table(name, tuple(Column(column, "") for column in sorted(columns))) for name, columns in read.items()]
    known = tuple(table for found in sorted(tables, key=lambda t: t.name) for table in _with_key(found))
    return Catalog(known) if known else None


def _with_key(table: Table) -> Iterable[Table]:
    names = [words(column.name) for column in table.columns]
    if len(names) < 2 or len({name[:1] for name in names}) > 1 or any(len(name) < 2 for name in names):
        return
    keys = [c.name for c, name in zip(table.columns, names, strict=True) if "".join(name[1:]) in PRIMARY_KEY_NAMES]
    if len(keys) == 1:
        yield Table(table.name, table.columns, primary_key=(keys[0],))
