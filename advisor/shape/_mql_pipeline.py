"""An aggregation's stages as blocks: what it asks of its own collection, and of those that it joins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from advisor.model.catalog import TableName
from advisor.model.shape import Operand, Operator, Predicate, QueryBlock, SortKey
from advisor.shape._mql_filters import predicates

# Stages after which fields are no longer those of the collection.
_MAKES_OTHERS = frozenset(
    {"$group", "$bucket", "$bucketAuto", "$facet", "$count", "$sortByCount", "$replaceRoot", "$replaceWith",
     "$unionWith", "$setWindowFields", "$densify", "$fill", "$search", "$vectorSearch"}
)  # fmt: skip
_AGGREGATES = frozenset({"$group", "$count", "$sortByCount", "$bucket", "$bucketAuto"})


@dataclass
class _Reading:
    """What has been gathered of the main collection while walking the stages."""

    table: TableName
    predicates: list[Predicate] = field(default_factory=list)
    sort: tuple[SortKey, ...] = ()
    group: tuple[SortKey, ...] = ()
    limited: bool = False
    offset: bool = False
    aggregated: bool = False
    open: bool = True
    computed: set[str] = field(default_factory=set)
    unwound: bool = False
    read: set[str] | None = None


def pipeline_blocks(stages: Sequence[Any], table: TableName) -> tuple[QueryBlock, ...]:
    """The main collection's block first, then one for each collection that ``$lookup`` and its kind read."""
    main = _Reading(table)
    others: list[QueryBlock] = []
    for stage in stages:
        for name, value in stage.items() if isinstance(stage, Mapping) else ():
            _take(main, name, value)
            others += _joined(name, value, table)
    asked = {predicate.column for predicate in main.predicates if predicate.column}
    # No index covers the elements of an array.
    read = ("*",) if main.read is None or main.unwound else tuple(sorted(main.read | asked))
    block = QueryBlock(
        (table,), predicates=tuple(main.predicates), sort=main.sort, group=main.group, limited=main.limited,
        offset=main.offset, aggregated=main.aggregated, read=((table, read),),
    )  # fmt: skip
    return (block, *others)


def _take(main: _Reading, name: str, value: Any) -> None:
    if not main.open:
        return
    if name == "$match":
        _match(main, value)
    elif name == "$sort" and isinstance(value, Mapping) and not main.sort and not main.limited:
        main.sort = _sort(value, main)
    elif name == "$limit":
        main.limited = True
    elif name == "$skip":
        main.offset = True
    elif name in ("$project", "$addFields", "$set", "$unset") and isinstance(value, Mapping):
        _project(main, name, value)
    elif name in ("$lookup", "$graphLookup") and isinstance(value, Mapping):
        main.computed.add(str(value.get("as", "")))
        main.read = None
    elif name == "$unwind":
        path = value.get("path", "") if isinstance(value, Mapping) else value
        main.computed.add(str(path).lstrip("$"))
        main.unwound = True
    elif name == "$geoNear" and isinstance(value, Mapping):
        main.predicates.append(
            Predicate(
                main.table, str(value.get("key", "")), Operator.DISTANCE, expression="$geoNear", sql_operator=name
            )
        )
        main.predicates += predicates(value.get("query", {}), main.table)
    elif name in _MAKES_OTHERS:
        _close(main, name, value)


def _match(main: _Reading, value: Any) -> None:
    """A match before a limit is asked of the index; after one, or on computed fields, it filters what came."""
    if main.limited or main.offset:
        return
    found = predicates(value, main.table)
    main.predicates += [p for p in found if not _is_computed(p.column, main)]


def _is_computed(column: str, main: _Reading) -> bool:
    return any(column == name or column.startswith(f"{name}.") for name in main.computed)


def _sort(value: Mapping[str, Any], main: _Reading) -> tuple[SortKey, ...]:
    plain = all(isinstance(way, int | float) for way in value.values())
    if not plain or any(_is_computed(key, main) for key in value) or any(key.startswith("$") for key in value):
        return ()
    return tuple(SortKey(main.table, key, descending=way < 0) for key, way in value.items())


def _project(main: _Reading, name: str, value: Mapping[str, Any]) -> None:
    """Plain inclusions rename nothing; everything else makes the field a computed one."""
    main.computed |= {key for key, way in value.items() if way not in (0, 1, True, False)}
    included = [key for key, way in value.items() if way in (1, True)]
    if name == "$project" and included and main.read is None:
        identity = set() if value.get("_id", 1) in (0, False) else {"_id"}
        main.read = {*included, *identity, *_paths(value)} - {""}


def _close(main: _Reading, name: str, value: Any) -> None:
    main.open = False
    main.aggregated = name in _AGGREGATES
    if name in ("$group", "$bucket", "$sortByCount", "$count"):
        used = set(_paths(value)) if name != "$count" else set()
        main.read = used if main.read is None else main.read | used
        main.read |= {key.column for key in main.sort}
        key = value.get("_id") if isinstance(value, Mapping) else value
        if name in ("$group", "$sortByCount") and isinstance(key, str) and key.startswith("$"):
            main.group = (SortKey(main.table, key[1:]),)
        elif name == "$group" and isinstance(key, Mapping):
            main.group = tuple(SortKey(main.table, path) for path in dict.fromkeys(_paths(key)))
    elif name not in ("$facet", "$unionWith"):
        main.read = None


def _paths(value: Any) -> Iterator[str]:
    """Field paths in an expression (``"$a.b"``); system variables are none."""
    if isinstance(value, str) and value.startswith("$") and not value.startswith("$$"):
        yield value[1:]
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _paths(inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            yield from _paths(inner)


def _joined(name: str, value: Any, table: TableName) -> Iterator[QueryBlock]:
    if name == "$facet" and isinstance(value, Mapping):
        for inner in value.values():
            for stage in inner:
                for part, given in stage.items():
                    yield from _joined(part, given, table)
        return
    if name not in ("$lookup", "$graphLookup", "$unionWith") or not isinstance(value, Mapping):
        return
    source = value.get("from") or value.get("coll")
    if not isinstance(source, str):
        return
    foreign = TableName(table.schema, source)
    inner = value.get("pipeline", [])
    blocks = pipeline_blocks(inner, foreign) if isinstance(inner, Sequence) else ()
    conditions = list(blocks[0].predicates) if blocks else []
    column = str(value.get("foreignField") or value.get("connectToField") or "")
    local = str(value.get("localField") or value.get("connectFromField") or "")
    if column:
        conditions.insert(
            0,
            Predicate(
                foreign, column, Operator.EQUAL, Operand.COLUMN, sql_operator=name,
                joined_table=foreign if name == "$graphLookup" else table, joined_column=local,
            ),
        )  # fmt: skip
    conditions += _correlated(inner, foreign, table, value.get("let"))
    sort = blocks[0].sort if blocks else ()
    limited = bool(blocks) and blocks[0].limited
    yield QueryBlock(
        (foreign,), predicates=tuple(conditions), sort=sort, limited=limited, outer=False, read=((foreign, ("*",)),)
    )
    yield from blocks[1:]


def _correlated(inner: Any, foreign: TableName, table: TableName, variables: Any) -> Iterator[Predicate]:
    """``$expr: {$eq: ["$field", "$$variable"]}`` in a $lookup's pipeline: an index on the field serves it (5.0 on)."""
    if not isinstance(variables, Mapping) or not isinstance(inner, Sequence):
        return
    for stage in inner:
        condition = stage.get("$match", {}).get("$expr") if isinstance(stage, Mapping) else None
        arms = condition.get("$and", [condition]) if isinstance(condition, Mapping) else []
        for arm in arms:
            sides = arm.get("$eq") if isinstance(arm, Mapping) else None
            if not isinstance(sides, Sequence) or len(sides) != 2:
                continue
            names = [side for side in sides if isinstance(side, str)]
            own = [side[1:] for side in names if side.startswith("$") and not side.startswith("$$")]
            bound = [variables.get(side[2:], "") for side in names if side.startswith("$$")]
            if len(own) == 1 and len(bound) == 1 and isinstance(bound[0], str):
                yield Predicate(
                    foreign, own[0], Operator.EQUAL, Operand.COLUMN, sql_operator="$lookup",
                    joined_table=table, joined_column=bound[0].lstrip("$"),
                )  # fmt: skip
