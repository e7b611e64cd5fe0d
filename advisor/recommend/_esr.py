"""Keys that one MongoDB query wants in an index: equality, sort, range (the manual's ESR) and its exceptions.

Sources: manual, "The ESR (Equality, Sort, Range) Guideline", "Multikey Index Bounds", "$or Clauses and Indexes"; each
exception was checked against an index oracle recorded on a real server (tests/benchmarks/mongo_oracle.py).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from advisor.model.catalog import Catalog, Table, TableName
from advisor.model.shape import Operand, Operator, Predicate, QueryBlock, QueryShape
from advisor.shape.mql_effort import MANY, MOST, RARE, SORTABLE_BYTES, USUAL_BYTES, Effort

MAX_COVERED = 2
"""Fields that may be added to an index so that no document is fetched; each makes every write dearer."""
WORTH_COVERING = 10
"""Documents that a covered index must spare in a call."""

MAX_KEYS = 16
"""Fields of an index: half of what the server takes (32); Atlas' advisor stops here too."""

_EQUAL = (Operator.EQUAL, Operator.CONTAINS)
_BOUNDED = (Operator.RANGE, Operator.PREFIX, Operator.IS_NOT_NULL)
_TESTED = (Operator.REGEX, Operator.ILIKE)
"""Conditions that no index seeks, but that are tested on its keys."""
_OWN = frozenset({"?date", "?objectId", "?uuid", "?timestamp"})
"""Marks of values of which nearly every document has its own."""
LIST, HOLDERS = 300, 4
"""What is taken for the length of a list too long to be merged in the order of a sort, and for the documents that hold
one of its values, for neither is told: so eight of ten recorded or modelled queries get the better index."""


@dataclass(frozen=True)
class Wish:
    """What one query, or one arm of its ``$or``, asks of one index.

    ``equal`` may stand in any order, ``ordered`` (field, descending) follow as they are. ``optional`` fields narrow
    what is fetched but may go where another index has no place for them. ``present`` are compared with something that
    is not null, ``tested`` on keys only.
    """

    table: TableName
    equal: frozenset[str]
    ordered: tuple[tuple[str, bool], ...] = ()
    optional: tuple[str, ...] = ()
    covering: tuple[str, ...] = ()
    collation: str = ""
    sparse: bool = False
    arrays: tuple[str, ...] = ()
    fingerprint: str = ""
    reasons: tuple[str, ...] = ()
    tested: tuple[str, ...] = ()
    present: frozenset[str] = frozenset()
    sorts: bool = False
    foreign: bool = field(default=False)
    covered: bool = False
    """Whether the index alone answers: no document is fetched."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field, equality first."""
        return tuple(dict.fromkeys((*sorted(self.equal), *(name for name, _ in self.ordered), *self.optional)))


def wishes(shape: QueryShape, catalog: Catalog, effort: Effort | None) -> Iterator[Wish]:
    """What the shape asks of indexes, its joined collections included; nothing when no b-tree can serve it."""
    collation = _collation(shape)
    for block in shape.blocks:
        if not block.tables:
            continue
        table = catalog.find(block.tables[0].name, block.tables[0].schema)
        if table is not None and table.kind in ("view", "timeseries"):
            continue
        yield from _of_block(block, shape.fingerprint, collation, table, effort)


def _collation(shape: QueryShape) -> str:
    try:
        given = json.loads(shape.text).get("collation")
    except (ValueError, AttributeError):
        return ""
    return json.dumps(given, sort_keys=True) if given else ""


def _of_block(
    block: QueryBlock, fingerprint: str, collation: str, table: Table | None, effort: Effort | None
) -> Iterator[Wish]:
    conjuncts = [predicate for predicate in block.predicates if predicate.branch == 0]
    if any(p.operator in (Operator.TEXT_SEARCH, Operator.DISTANCE) for p in conjuncts):
        return  # only a text or geo index serves it, and it does not run without one
    arms: dict[int, list[Predicate]] = {}
    for predicate in block.predicates:
        if predicate.branch:
            arms.setdefault(predicate.branch, []).append(predicate)
    if not arms:
        wish = _wish(block, conjuncts, fingerprint, collation, table, effort if block.outer else None)
        if wish is not None:
            yield wish
        return
    found = [_wish(block, [*conjuncts, *arm], fingerprint, collation, table, None) for _, arm in sorted(arms.items())]
    own = [_wish(block, arm, fingerprint, collation, table, None) for _, arm in sorted(arms.items())]
    if all(own):  # one arm without an index makes the whole $or a collection scan
        yield from (wish for wish in found if wish is not None)
    elif conjuncts and (alone := _wish(block, conjuncts, fingerprint, collation, table, None)) is not None:
        yield alone


def _wish(
    block: QueryBlock,
    predicates: Sequence[Predicate],
    fingerprint: str,
    collation: str,
    table: Table | None,
    effort: Effort | None,
) -> Wish | None:
    """``effort``: of the whole query where these predicates are all of it, which tells how many documents match."""
    if _by_identity(predicates):
        return None
    usable = [p for p in predicates if _indexable(p.column) and not p.expression]
    equal = {p.column for p in usable if p.operator in _EQUAL or p.operator is Operator.IN}
    long = _long(usable, block) if block.sort else []
    equal -= set(long if equal - set(long) else ())
    absent = [p.column for p in usable if p.operator is Operator.IS_NULL and p.column not in equal]
    weak = [p.column for p in usable if p.operator in (Operator.NOT_EQUAL, *_TESTED)]
    sort = [(key.column, key.descending) for key in block.sort if key.column not in equal]
    if sort and absent:
        equal |= set(absent)
        absent = []
    key = [k.column for k in block.group] if block.distinct else []
    ordered = [(name, False) for name in key if name not in equal]
    reads_all = _reads_all(block, table, effort, equal=bool(equal))
    narrowing = _narrowing(usable, equal, long, reads_all=reads_all if sort else None)
    if sort and _walked(usable, block, table, effort):
        equal, narrowing = set(), []
    ordered += _ordered(sort, narrowing, reads_all=reads_all, equal=bool(equal))
    if not equal and not ordered:
        equal = set(absent)
        absent = []
    if not equal and not ordered:
        ordered = [(name, False) for name in _alone(usable, effort)]
    if not equal and not ordered:
        return None
    ordered = ordered[:MAX_KEYS]
    equal = set(_most_distinct(equal, table)[: MAX_KEYS - len(ordered)])
    taken = {*equal, *(name for name, _ in ordered)}
    seeks = bool(equal) or ordered[0][0] in {p.column for p in usable}
    optional = tuple(dict.fromkeys(name for name in (*absent, *weak) if seeks and name not in taken))
    optional = optional[: MAX_KEYS - len(taken)]
    arrays = _arrays(table, (*taken, *optional))
    if len({_root(name, table) for name in arrays}) > 1:
        dropped = set(arrays[1:])
        equal -= dropped
        ordered = [pair for pair in ordered if pair[0] not in dropped]
        optional = tuple(name for name in optional if name not in dropped)
        arrays = arrays[:1]
    kept = {p.column for p in usable if p.operator is Operator.IS_NOT_NULL}
    extra = () if arrays or any(p.branch for p in predicates) else _covering(block, table, effort)
    extra = tuple(name for name in extra if name not in taken)
    held = {*equal, *optional, *extra, *(name for name, _ in ordered)}
    return Wish(
        table=block.tables[0],
        equal=frozenset(equal),
        ordered=tuple(dict.fromkeys(ordered)),
        optional=optional,
        covering=extra,
        collation=collation,
        sparse=not equal and len(ordered) == 1 and ordered[0][0] in kept and not sort,
        arrays=arrays,
        fingerprint=fingerprint,
        tested=tuple(sorted({p.column for p in usable if p.operator in _TESTED})),
        present=frozenset(p.column for p in usable if p.operator in (*_EQUAL, *_BOUNDED)),
        sorts=bool(block.sort),
        foreign=not block.outer or any(p.operand is Operand.COLUMN for p in predicates),
        covered=block.outer and set(_read(block)) <= held and not (arrays or _looks_at_documents(block)),
    )


def _most_distinct(names: Iterable[str], table: Table | None) -> list[str]:
    columns = table.by_column if table else {}
    stats = {name: columns[name].stats for name in names if name in columns}
    return sorted(names, key=lambda name: (-(found.n_distinct if (found := stats.get(name)) else 0.0), name))


def _indexable(path: str) -> bool:
    """Whether an index may name a path: no part empty or led by a dollar, but for a DBRef's (manual, "Limits")."""
    parts = path.split(".")
    return path != "_id" and all(part and (part[0] != "$" or part in ("$id", "$ref", "$db")) for part in parts)


def _ranges(usable: Sequence[Predicate], equal: Iterable[str]) -> list[str]:
    """Fields with a range, those with both ends first: they select less than those with one; then dates last.

    A scan skips from one value of a field to the next where the field after it is bounded too, which spares much where
    values are few, as numbers' often are and dates' are not.
    """
    found = [p for p in usable if p.operator in _BOUNDED and p.column not in equal]
    found.sort(key=lambda p: (p.sql_operator != "between", p.sql in _OWN))
    return list(dict.fromkeys(p.column for p in found))


def _narrowing(
    usable: Sequence[Predicate], equal: Collection[str], long: Iterable[str], *, reads_all: bool | None
) -> list[str]:
    """Fields with ranges, after those that are skipped; beside an equality and before a sort of all that matches every
    other condition too: what is fetched and sorted is then no more than what matches. ``reads_all`` is ``None``
    where nothing is sorted."""
    ranges = [*(name for name in long if name not in equal), *_ranges(usable, equal)]
    if reads_all is None:
        ranged = any(p.operator is Operator.RANGE and p.column in ranges for p in usable)
        return [*(_skipped(usable, equal) if ranged else ()), *ranges]
    if not reads_all:
        return ranges
    weak = [p.column for p in usable if p.operator in (Operator.NOT_EQUAL, *_TESTED) and p.column not in equal]
    return list(dict.fromkeys([*_skipped(usable, equal), *ranges, *(weak if equal else ())]))


def _skipped(usable: Sequence[Predicate], equal: Iterable[str]) -> list[str]:
    """Negated fields that go before ranges, and before a sort of all that matches: of a field with few values (a state)
    nearly nothing but what matches is read, for the scan skips what is negated and, in each value, what is out of the
    range."""
    found = [p for p in usable if p.operator is Operator.NOT_EQUAL and p.sql_operator in ("$ne", "$nin")]
    few = [p.column for p in found if p.column not in equal and not set(p.sql.split(",")) & {*_OWN, "?null"}]
    return list(dict.fromkeys(few))


def _long(usable: Sequence[Predicate], block: QueryBlock) -> list[str]:
    """Lists too long to be merged in the order of the sort: beside an equality they are ranges (manual, ``$in``)."""
    sorted_by = {key.column for key in block.sort}
    found = [p.column for p in usable if p.operator is Operator.IN and (p.elements or 0) >= MANY]
    return [name for name in dict.fromkeys(found) if name not in sorted_by]


def _walked(usable: Sequence[Predicate], block: QueryBlock, table: Table | None, effort: Effort | None) -> bool:
    """Whether walking the order of the sort to the limit reads less than a list too long to be merged in that order.

    All keys of the list must be read and sorted then; on the way of the sort each document is fetched and tested.
    """
    if effort is None or effort.complete or effort.returned is None or not (block.limited and usable) or block.offset:
        return False
    long = [p for p in usable if p.operator is Operator.IN and (p.elements or 0) >= MANY]
    rows = effort.documents if effort.collection_scan else table.rows if table else 0.0
    matching = LIST * HOLDERS
    return len(long) == len(usable) == 1 and 3 * effort.returned * rows / matching < LIST + matching


def _alone(usable: Sequence[Predicate], effort: Effort | None) -> tuple[str, ...]:
    """The field of a negation or regular expression that nothing else narrows, where so few documents match that even
    all of a collection's keys, or the ranges beside one value, are less to read than its documents."""
    share = effort.matches if effort is not None else None
    if share is None:
        return ()
    most = {Operator.NOT_EQUAL: MOST, **dict.fromkeys(_TESTED, RARE)}
    return tuple(p.column for p in usable if share < most.get(p.operator, 0.0))[:1]


def _ordered(
    sort: Sequence[tuple[str, bool]], ranges: Sequence[str], *, reads_all: bool, equal: bool
) -> list[tuple[str, bool]]:
    """Sort keys before ranges, so that nothing is sorted in memory and a limit stops the scan.

    The exception (the manual's ERS): where all that matches is read anyhow, no limit stopping it, ranges come first.
    Sorting what matches in memory costs half a document for each, a sixth of what reading it costs, whereas walking
    the order of the sort may read every key. With an equality before them this is done up to as many bytes as sort
    without harm. After a leading sort no range narrows anything: the server then walks the whole index and tests
    documents.
    """
    sorted_by = {name for name, _ in sort}
    others = [(name, False) for name in ranges if name not in sorted_by]
    same = bool(sorted_by & set(ranges))
    if reads_all and not same:
        return [*others, *sort]
    return [*sort, *(others if equal or same or not sort else ())]


def _reads_all(block: QueryBlock, table: Table | None, effort: Effort | None, *, equal: bool) -> bool:
    """Whether all that matches is read anyhow, and may be sorted in memory."""
    if effort is not None and effort.complete:
        size = float(table.options.get("average document", USUAL_BYTES)) if table else USUAL_BYTES
        return not equal or (effort.returned or 0.0) * size <= SORTABLE_BYTES
    return not block.limited and not equal


def _by_identity(predicates: Iterable[Predicate]) -> bool:
    """A document is named by ``_id``: nothing is faster."""
    return any(p.column == "_id" and p.operator in (*_EQUAL, Operator.IN) for p in predicates)


def _covering(block: QueryBlock, table: Table | None, effort: Effort | None) -> tuple[str, ...]:
    """Fields that make the index answer alone, where they are few and spare many documents."""
    read = _read(block)
    asked = {p.column for p in block.predicates} | {key.column for key in block.sort}
    extra = [name for name in read if name not in asked]
    if not block.outer or "*" in read or "_id" in extra or not 0 < len(extra) <= MAX_COVERED:
        return ()
    if _looks_at_documents(block) or _arrays(table, extra):
        return ()
    matched = effort.returned if effort and effort.returned is not None else None
    return tuple(extra) if matched is None or matched >= WORTH_COVERING else ()


def _read(block: QueryBlock) -> tuple[str, ...]:
    """The fields that the answer needs; ``*`` for whole documents."""
    return next((fields for name, fields in block.read if name == block.tables[0]), ("*",))


def _looks_at_documents(block: QueryBlock) -> bool:
    """A null is stored as a missing field is: such a condition must look at the document (seen on a real server)."""
    return any(p.operator is Operator.IS_NULL for p in block.predicates)


def _arrays(table: Table | None, names: Iterable[str]) -> tuple[str, ...]:
    """Those fields that a sample has shown to hold arrays, or to lie in one."""
    if table is None:
        return ()
    return tuple(name for name in sorted(names) if _root(name, table))


def _root(name: str, table: Table | None) -> str:
    """The path at which a field's array stands; empty when it is in none."""
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        path = ".".join(parts[:length])
        column = table.by_column.get(path) if table else None
        if column is not None and "array" in column.type.split("|"):
            return path
    return ""
