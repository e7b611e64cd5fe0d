"""What every query asks of every table that it reads: the raw material of index candidates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from advisor.model.catalog import Catalog, Index, IndexColumn, Table, TableName
from advisor.model.identifiers import quote
from advisor.model.shape import Operand, Operator, Predicate, QueryBlock, QueryShape, SortKey

INDEXABLE_KINDS = frozenset({"table", "partitioned table", "partition", "materialized view"})


@dataclass(frozen=True)
class Need:
    """One query level's wishes of one table.

    Keys are columns' names or expressions. ``equal``: compared with one value; ``many``: with a list; ``joins``:
    (key, other table); ``ranges``: compared by size; ``sort``: what an index must be ordered by after the equalities
    are fixed; ``group``: the same for grouping, order free; ``fixed``: conditions that every execution shares;
    ``read``: every column touched, ``None`` for all. ``special``: conditions for other access methods than btree.
    """

    table: Table
    fingerprint: str
    equal: tuple[str, ...] = ()
    many: tuple[str, ...] = ()
    joins: tuple[tuple[str, TableName | None], ...] = ()
    ranges: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    sort: tuple[IndexColumn, ...] = ()
    group: tuple[str, ...] = ()
    fixed: tuple[Predicate, ...] = ()
    special: tuple[Predicate, ...] = ()
    read: tuple[str, ...] | None = None
    limited: bool = False

    @property
    def keys(self) -> frozenset[str]:
        """Every key that could lead an index of use to this need."""
        return frozenset(
            [
                *self.equal,
                *self.many,
                *(key for key, _ in self.joins),
                *self.ranges,
                *self.patterns,
                *(column.key for column in self.sort[:1]),
                *self.group,
                *(predicate.key for predicate in self.special),
            ]
        )


def covers(index: Index, need: Need) -> bool:
    """Whether ``index`` holds every column that ``need`` reads, so that the table need not be visited."""
    held = {*index.keys, *index.include}
    return index.method == "btree" and need.read is not None and set(need.read) <= held


_SPECIAL = frozenset(
    {
        Operator.LIKE,
        Operator.ILIKE,
        Operator.REGEX,
        Operator.CONTAINS,
        Operator.CONTAINED,
        Operator.OVERLAPS,
        Operator.HAS_KEY,
        Operator.TEXT_SEARCH,
        Operator.DISTANCE,
    }
)


def needs(shape: QueryShape, catalog: Catalog) -> Iterator[Need]:
    """Yield what ``shape`` asks of each table that can be indexed, each arm of an OR by itself."""
    for block in shape.blocks:
        for name, alias in _relations(block):
            table = catalog.by_name.get(name)
            if table is None or table.kind not in INDEXABLE_KINDS:
                continue
            own = [p for p in block.predicates if (p.table, p.alias) == (name, alias)]
            arms = sorted({p.branch for p in own if p.branch})
            common = [p for p in own if not p.branch]
            yield _need(table, shape, block, alias, common)
            for arm in arms:
                yield _need(table, shape, block, alias, [*common, *(p for p in own if p.branch == arm)], arm=True)


def _relations(block: QueryBlock) -> list[tuple[TableName, str]]:
    mentioned: Iterable[Predicate | SortKey] = (*block.predicates, *block.sort, *block.group)
    found = dict.fromkeys((item.table, item.alias) for item in mentioned)
    seen = {name for name, _ in found}
    return [*found, *((name, "") for name in dict.fromkeys(block.tables) if name not in seen)]


def _need(
    table: Table, shape: QueryShape, block: QueryBlock, alias: str, own: list[Predicate], *, arm: bool = False
) -> Need:
    by_kind: dict[str, dict[str, TableName | None]] = {
        "equal": {},
        "many": {},
        "joins": {},
        "ranges": {},
        "patterns": {},
    }
    for predicate in own:
        if kind := _kind(predicate):
            by_kind[kind].setdefault(predicate.key, predicate.joined_table)
    equal = tuple(by_kind["equal"])
    joins = tuple((key, other) for key, other in by_kind["joins"].items() if key not in by_kind["equal"])
    read = dict(block.read).get(table.name, ("*",))
    return Need(
        table=table,
        fingerprint=shape.fingerprint,
        equal=equal,
        many=tuple(key for key in by_kind["many"] if key not in equal),
        joins=joins,
        ranges=tuple(key for key in by_kind["ranges"] if key not in equal),
        patterns=tuple(by_kind["patterns"]),
        sort=() if arm else _sort(block, table.name, alias, set(equal)),
        group=() if arm else _group(block, table.name, alias, set(equal)),
        fixed=tuple(p for p in own if fixed_condition(p, table)),
        special=tuple(p for p in own if p.operator in _SPECIAL),
        read=None if "*" in read or arm else tuple(dict.fromkeys(read)),
        limited=block.limited,
    )


def _kind(predicate: Predicate) -> str:
    match predicate.operator:
        case Operator.EQUAL | Operator.IN if predicate.operand in {Operand.COLUMN, Operand.SUBQUERY}:
            return "joins" if predicate.joined_table or predicate.operator is Operator.IN else "equal"
        case Operator.EQUAL | Operator.IS_NULL:
            return "equal"
        case Operator.IN:
            return "equal" if predicate.elements == 1 else "many"
        case Operator.RANGE:
            return "ranges"
        case Operator.PREFIX:
            return "patterns"
        case _:
            return ""


def _sort(block: QueryBlock, table: TableName, alias: str, equal: set[str]) -> tuple[IndexColumn, ...]:
    """The leading run of sort keys on this table, columns fixed by an equality left out (they order nothing)."""
    keys: list[IndexColumn] = []
    for key in block.sort:
        if (key.table, key.alias) != (table, alias):
            break
        if key.key not in equal and key.key not in {column.key for column in keys}:
            keys.append(IndexColumn(key.column, key.expression, key.descending, key.nulls_first))
    return forwards(tuple(keys))


def forwards(keys: tuple[IndexColumn, ...]) -> tuple[IndexColumn, ...]:
    """The same order, or its reverse, with the first key ascending: an index is read both ways (manual, 11.4)."""
    if not keys or not keys[0].descending:
        return tuple(_plain(key, key.descending, _nulls(key)) for key in keys)
    return tuple(_plain(key, not key.descending, not _nulls(key)) for key in keys)


def _nulls(key: IndexColumn) -> bool:
    return key.descending if key.nulls_first is None else key.nulls_first


def _plain(key: IndexColumn, descending: bool, nulls_first: bool) -> IndexColumn:
    return IndexColumn(key.name, key.expression, descending, None if nulls_first == descending else nulls_first)


def _group(block: QueryBlock, table: TableName, alias: str, equal: set[str]) -> tuple[str, ...]:
    if any((key.table, key.alias) != (table, alias) for key in block.group):
        return ()
    return tuple(dict.fromkeys(key.key for key in block.group if key.key not in equal))


_TWO_COLUMNS = re.compile(r'("[^"]+"|\w+) (?:<|<=|=|>=|>|<>) ("[^"]+"|\w+)')


def fixed_condition(predicate: Predicate, table: Table) -> str:
    """The condition as it stands in an index's WHERE, when every execution shares it; else empty."""
    if predicate.branch or (predicate.expression and "$" in predicate.expression):
        return ""
    if predicate.operator is Operator.OTHER:
        return predicate.expression if _compares_own_columns(predicate, table) else ""
    key = quote(predicate.column) if predicate.column else f"({predicate.expression})"
    match predicate.operator:
        case Operator.IS_NULL:
            return f"{key} IS NULL"
        case Operator.IS_NOT_NULL:
            return f"{key} IS NOT NULL"
        case Operator.EQUAL if predicate.constant and predicate.constant.upper() in {"TRUE", "FALSE"}:
            return key if predicate.constant.upper() == "TRUE" else f"NOT {key}"
        case Operator.EQUAL if predicate.constant and predicate.operand is Operand.CONSTANT:
            return f"{key} = {predicate.constant}"
        case Operator.NOT_EQUAL if predicate.constant and predicate.operand is Operand.CONSTANT:
            return f"{key} <> {predicate.constant}"
        case _:
            return ""


def _compares_own_columns(predicate: Predicate, table: Table) -> bool:
    """``paid < total``: no value in it, and immutable, as comparisons within one type are."""
    types = {table.by_column[name].type for name in predicate.columns if name in table.by_column}
    return len(predicate.columns) == 2 and len(types) == 1 and bool(_TWO_COLUMNS.fullmatch(predicate.expression))
