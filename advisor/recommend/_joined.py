"""The way from a statement's own table to one that it joins: what select_related or joinedload has loaded already."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.catalog import Catalog, ForeignKey, TableName
from advisor.model.shape import Operand, Operator, QueryShape


def way_to(shape: QueryShape, table: TableName | None, catalog: Catalog) -> tuple[ForeignKey, ...]:
    """The foreign keys that lead from the rows that ``shape`` lists to ``table``, one join after another.

    Empty where ``table`` is what it lists, and where a join on the way follows no foreign key forwards.
    """
    outer = next((block for block in shape.blocks if block.outer), None)
    if outer is None or not outer.tables or table is None:
        return ()
    ways: dict[TableName, tuple[ForeignKey, ...]] = {outer.tables[0]: ()}
    for _ in outer.tables:
        for key in _keys(shape, catalog):
            if key.table in ways and key.referenced not in ways:
                ways[key.referenced] = (*ways[key.table], key)
    return ways.get(table, ())


def _keys(shape: QueryShape, catalog: Catalog) -> Iterator[ForeignKey]:
    for block in shape.blocks:
        for joined in block.predicates if block.outer else ():
            if joined.operand is not Operand.COLUMN or joined.operator is not Operator.EQUAL or not joined.joined_table:
                continue
            ends = ((joined.table, joined.column), (joined.joined_table, joined.joined_column))
            for (near, column), (far, other) in (ends, ends[::-1]):
                for key in catalog.foreign_keys_of(near):
                    if (key.referenced, key.columns, key.referenced_columns) == (far, (column,), (other,)):
                        yield key
