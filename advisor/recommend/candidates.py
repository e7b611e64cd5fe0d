"""Index candidates: everything that could help some query, before any planner is asked.

For each table that a query reads (:mod:`._needs`) B-trees are made from its equalities, joins, ranges, sort and group
keys in each order that a planner could prefer, with and without the other columns that the query reads; the other
kinds come from :mod:`._special`. The list is generous on purpose: the planner prices, the selection chooses.
Never UNIQUE (that is a constraint, not a speed-up) and never hash (a B-tree does the same and more).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain

from advisor.model.capture import Server
from advisor.model.catalog import Catalog, Index, IndexColumn, Table, TableName
from advisor.model.recommendation import Candidate, Declined
from advisor.model.shape import Predicate
from advisor.model.workload import Query
from advisor.recommend import _indexable
from advisor.recommend._needs import Need, fixed_condition, needs
from advisor.recommend._special import special

ALL_KINDS = frozenset({"include", "partial", "expression", "pattern", "gin", "gist", "brin"})
"""What may be proposed besides plain multi-column B-trees on columns."""

MAX_KEYS = 5
"""Key columns of one candidate; beyond four the next one rarely cuts the rows further and always widens the entry."""

MAX_COVERED = 8
"""Columns of an index that is to answer a query without its table."""

TINY_ROWS = 1_000
TINY_PAGES = 1_280
"""A table below both (10 MB) is read whole as fast as through an index (research: impact note, caveats)."""


@dataclass(frozen=True)
class Options:
    """Which ``kinds`` besides plain B-trees may be proposed, and how wide a key may be."""

    kinds: frozenset[str] = ALL_KINDS
    max_keys: int = MAX_KEYS
    max_covered: int = MAX_COVERED


@dataclass
class Proposals:
    """Candidates with the shapes that want them, and what was refused before any planner was asked."""

    found: dict[Index, Candidate] = field(default_factory=dict)
    declined: dict[Declined, None] = field(default_factory=dict)

    def add(self, index: Index, fingerprint: str, reason: str) -> None:
        """Note that ``fingerprint`` could use ``index``."""
        known = self.found.get(index)
        shapes = (fingerprint,) if known is None else (*known.shapes, fingerprint)
        self.found[index] = Candidate(index, tuple(dict.fromkeys(shapes)), known.reason if known else reason)

    def refuse(self, what: str, why: str, table: TableName, fingerprint: str) -> None:
        """Note what is not proposed, and why."""
        self.declined[Declined(what, why, tables=(table,), shapes=(fingerprint,))] = None


def candidates(
    queries: Sequence[Query], catalog: Catalog, server: Server, options: Options | None = None
) -> tuple[list[Candidate], list[Declined]]:
    """Return every index that could help ``queries``, in a stable order, and what was ruled out with the reason."""
    options = options or Options()
    wanted = [need for query in queries for need in needs(query.shape, catalog)]
    shared = _sharing(wanted)
    proposals = Proposals()
    for need in wanted:
        if tiny(need.table):
            if need.keys:
                proposals.refuse(
                    f"an index on {need.table.name}",
                    f"the table has {need.table.rows:,.0f} rows in {need.table.pages:,} pages; "
                    "reading it whole is as fast as any index",
                    need.table.name,
                    "",
                )
            continue
        for index, reason in chain(_btrees(need, shared, options, proposals), special(need, server, options.kinds)):
            proposals.add(index, need.fingerprint, reason)
    return _new_ones(proposals, catalog)


def tiny(table: Table) -> bool:
    """Whether a sequential scan is right whatever the query. A table never analyzed (no rows known) is not."""
    known = table.rows > 0 or table.pages > 0
    return known and table.rows < TINY_ROWS and table.pages < TINY_PAGES


def _sharing(wanted: Iterable[Need]) -> Mapping[tuple[TableName, str], int]:
    """How many needs compare each (table, key) for equality: shared columns lead, so that queries share an index."""
    return Counter(
        (need.table.name, key)
        for need in wanted
        for key in dict.fromkeys([*need.equal, *(key for key, _ in need.joins)])
    )


def _btrees(
    need: Need, shared: Mapping[tuple[TableName, str], int], options: Options, proposals: Proposals
) -> Iterator[tuple[Index, str]]:
    usable = _Usable(need, options, proposals)
    equal = usable.names(need.equal)
    equal = sorted(equal, key=lambda key: (-shared[need.table.name, key], -_distinct(need.table, key), key))
    seen: set[Index] = set()
    for keys, reason in _orders(need, equal, usable):
        columns = _once(keys)[: options.max_keys]
        if not columns:
            continue
        plain = Index(need.table.name, columns)
        for index in _variants(plain, need, options):
            if index not in seen:
                seen.add(index)
                yield index, reason


class _Usable:
    """Filters a need's keys to those that a B-tree can hold, noting why not."""

    def __init__(self, need: Need, options: Options, proposals: Proposals) -> None:
        self._need = need
        self._options = options
        self._proposals = proposals

    def names(self, keys: Iterable[str]) -> list[str]:
        return [key for key in keys if self._fits(key)]

    def columns(self, keys: Iterable[IndexColumn]) -> list[IndexColumn]:
        """The leading run that fits: an order cannot skip a key."""
        run: list[IndexColumn] = []
        for key in keys:
            if not self._fits(key.key):
                break
            run.append(key)
        return run

    def _fits(self, key: str) -> bool:
        table = self._need.table
        if column := table.by_column.get(key):
            obstacle = _indexable.btree_obstacle(column)
        elif "expression" not in self._options.kinds:
            return False
        else:
            obstacle = _indexable.expression_obstacle(key, table)
        if obstacle:
            self._proposals.refuse(f"{table.name} ({key})", obstacle, table.name, self._need.fingerprint)
        return not obstacle


Keys = list[IndexColumn]


def _orders(need: Need, equal: list[str], usable: _Usable) -> Iterator[tuple[Keys, str]]:
    """Every key order worth pricing, with its reason."""
    as_key = {key: _key(need.table, key) for key in [*equal, *need.many, *need.ranges, *need.group]}
    same = [as_key[key] for key in equal]
    many = [as_key[key] for key in usable.names(need.many)]
    ranges = [as_key[key] for key in usable.names(need.ranges)]
    group = [as_key[key] for key in usable.names(need.group)]
    sort = usable.columns(need.sort)
    joins = [_key(need.table, key) for key in usable.names(key for key, _ in need.joins)]
    for base, reason in _bases(same, many, joins):
        if base:
            yield base, reason
        if sort:
            yield [*base, *sort], "filter, then order"
        for number, bound in enumerate(ranges):
            others = ranges[:number] + ranges[number + 1 :]
            yield [*base, bound], "equality, then range"
            if sort:
                yield [*base, *sort, bound], "filter, order, then range"
                yield [*base, bound, *sort], "filter, range, then order"
            if others:
                yield [*base, bound, *others], "equality, then ranges"
        if group:
            yield [*base, *group], "filter, then group"
    for join in joins:
        for bound in ranges[:2]:
            yield [bound, join], "range, then join"


def _bases(same: Keys, many: Keys, joins: Keys) -> Iterator[tuple[Keys, str]]:
    """What can stand before a sort or range: equalities, lists and join columns in their promising orders."""
    yield same, "equality"
    if len(same) == 2:
        yield same[::-1], "equality"
    if len(same) > 2:
        yield same[:1], "the most shared equality"
        yield same[:2], "the two most shared equalities"
    if many:
        yield [*same, *many], "equality and list"
    if same:
        yield [], "order or range alone"
    for join in joins[:4]:
        yield [*same, join], "filter, then join"
        yield [join, *same], "join, then filter"
        if same:
            yield [join], "join"
        if many:
            yield [join, *many], "join, then list"
    if len(joins) > 1:
        yield [*same, *joins], "composite join"
        yield [*joins[::-1], *same], "composite join"


def _variants(plain: Index, need: Need, options: Options) -> Iterator[Index]:
    """The plain index; the one that answers without the table; and both over only those rows that are asked for."""
    covering = _covering(plain, need, options)
    yield plain
    if covering is not None:
        yield covering
    if "partial" not in options.kinds:
        return
    for predicates in _conditions(need):
        condition = " AND ".join(fixed_condition(predicate, need.table) for predicate in predicates)
        given = {predicate.key for predicate in predicates}
        keys = tuple(column for column in plain.columns if column.key not in given) or plain.columns
        yield replace(plain, columns=keys, predicate=condition)
        if covering is not None:
            yield replace(covering, columns=keys, predicate=condition)
            # A column that only the condition mentions need not be held for an index-only scan (manual, 11.9).
            mentioned = {name for predicate in predicates for name in (predicate.column, *predicate.columns)}
            if mentioned & set(covering.include):
                riders = tuple(name for name in covering.include if name not in mentioned)
                yield replace(covering, columns=keys, include=riders, predicate=condition)


def _conditions(need: Need) -> Iterator[tuple[Predicate, ...]]:
    """What an index may be limited to: each fixed condition, and all of them."""
    yield from ((predicate,) for predicate in need.fixed)
    if len(need.fixed) > 1:
        yield need.fixed


def _covering(plain: Index, need: Need, options: Options) -> Index | None:
    """``plain`` with every other column that the query reads, or ``None`` where that is too wide or nothing is left."""
    if need.read is None or any(column.expression for column in plain.columns):
        return None
    missing = sorted(set(need.read) - set(plain.keys))
    columns = [need.table.by_column.get(name) for name in missing]
    if not missing or len(plain.columns) + len(missing) > options.max_covered:
        return None
    if any(column is None or _indexable.width(column) > _indexable.MAX_KEY_WIDTH for column in columns):
        return None
    if "include" in options.kinds:
        return replace(plain, include=tuple(missing))
    if any(column is not None and _indexable.btree_obstacle(column) for column in columns):
        return None
    return replace(plain, columns=(*plain.columns, *(IndexColumn(name) for name in missing)))


def _key(table: Table, key: str) -> IndexColumn:
    return IndexColumn(name=key) if key in table.by_column else IndexColumn(expression=key)


def _once(keys: Iterable[IndexColumn]) -> tuple[IndexColumn, ...]:
    found: dict[str, IndexColumn] = {}
    for column in keys:
        found.setdefault(column.key, column)
    return tuple(found.values())


def _distinct(table: Table, key: str) -> float:
    column = table.by_column.get(key)
    return column.stats.n_distinct if column and column.stats else 0.0


def _new_ones(proposals: Proposals, catalog: Catalog) -> tuple[list[Candidate], list[Declined]]:
    """Leave out what an existing valid index already is or begins with."""
    fresh: list[Candidate] = []
    for candidate in proposals.found.values():
        table = catalog.by_name[candidate.index.table]
        server = existing_cover(candidate.index, table)
        if server is None:
            fresh.append(candidate)
            continue
        same = "is that index" if len(server.columns) == len(candidate.index.columns) else "begins with these columns"
        proposals.refuse(
            label(candidate.index), f"the existing index {server.name} {same}", table.name, candidate.shapes[0]
        )
    return fresh, list(proposals.declined)


def existing_cover(index: Index, table: Table) -> Index | None:
    """The valid existing index that already gives what ``index`` would, or ``None``."""
    for existing in table.indexes:
        if existing.valid and normal(existing).covers(normal(index)):
            return existing
    return None


def normal(index: Index) -> Index:
    """``index`` with spelled-out defaults removed, so that equal ones compare equal; read backwards if it begins so."""
    columns = tuple(
        replace(
            column,
            nulls_first=None if column.nulls_first == column.descending else column.nulls_first,
            collation="" if column.collation in {"default", "pg_catalog.default"} else column.collation,
        )
        for column in index.columns
    )
    return replace(index, columns=columns)


def merged(first: Index, second: Index, *, include: bool = True) -> Iterator[Index]:
    """The indexes that could serve in place of both (same table, method and predicate): index merging.

    ``first``'s keys lead; ``second``'s missing ones follow as keys, or as INCLUDE where ``second`` only includes them.
    """
    same = (first.table, first.method, first.predicate) == (second.table, second.method, second.predicate)
    if first == second or not same or first.method != "btree" or first.columns[0].key != second.columns[0].key:
        return
    keys = _once([*first.columns, *second.columns])
    riders = tuple(sorted({*first.include, *second.include} - {column.key for column in keys}))
    if len(keys) <= MAX_KEYS and len(keys) + len(riders) <= MAX_COVERED:
        yield replace(first, columns=keys, include=riders)
    if not include:
        return
    loose = {column.name for column in second.columns if column.name} | {*first.include, *second.include}
    riders = tuple(sorted(loose - set(first.keys)))
    if len(first.columns) + len(riders) <= MAX_COVERED and riders != first.include:
        yield replace(first, include=riders)


@lru_cache(maxsize=65_536)
def label(index: Index) -> str:
    """An index in one phrase: ``public.orders (customer_id, created_at) WHERE …``."""
    method = f"USING {index.method} " if index.method != "btree" else ""
    include = f" INCLUDE ({', '.join(index.include)})" if index.include else ""
    predicate = f" WHERE {index.predicate}" if index.predicate else ""
    return f"{index.table} {method}({', '.join(column.sql for column in index.columns)}){include}{predicate}"
