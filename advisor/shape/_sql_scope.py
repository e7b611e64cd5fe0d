"""What a name means inside a statement: sources, scopes, and the block that each belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from advisor.model.catalog import Catalog, Table, TableName
from advisor.model.shape import Predicate, QueryBlock, SortKey


def identifier(node: exp.Expr | str | None) -> str:
    """An identifier's name as the catalog spells it: folded to lower case unless quoted."""
    if node is None:
        return ""
    if isinstance(node, str):
        return node.lower()
    if isinstance(node, exp.Identifier):
        return str(node.this) if node.args.get("quoted") else str(node.this).lower()
    return identifier(node.this) if isinstance(node.this, exp.Expr) else str(node.name).lower()


def parameter(node: exp.Expr | None) -> int | None:
    """The ``k`` of a ``"$k"`` that stands for a value, else ``None``."""
    if isinstance(node, exp.Column) and not node.args.get("table"):
        name = node.name
        if name.startswith("$") and name[1:].isdigit():
            return int(name[1:])
    return None


def argument(node: exp.Expr, name: str) -> exp.Expr | None:
    """An argument that newer sqlglot versions spell with a trailing underscore (``from_``, ``with_``)."""
    found = node.args.get(name + "_") or node.args.get(name)
    return found if isinstance(found, exp.Expr) else None


def unwrapped(node: exp.Expr) -> exp.Expr:
    """The node without parentheses around it."""
    while isinstance(node, exp.Paren):
        node = node.this
    return node


@dataclass(eq=False)
class Draft:
    """A QueryBlock in the making."""

    outer: bool
    tables: list[TableName] = field(default_factory=list)
    predicates: list[Predicate] = field(default_factory=list)
    sort: tuple[SortKey, ...] = ()
    group: tuple[SortKey, ...] = ()
    limited: bool = False
    offset: bool = False
    distinct: bool = False
    aggregated: bool = False
    read: dict[TableName, set[str]] = field(default_factory=dict)
    branches: int = 0

    def table(self, name: TableName) -> None:
        """Note that this block reads ``name``."""
        if name not in self.tables:
            self.tables.append(name)
        self.read.setdefault(name, set())

    def block(self) -> QueryBlock:
        """The finished block."""
        return QueryBlock(
            tables=tuple(self.tables),
            predicates=tuple(dict.fromkeys(self.predicates)),
            sort=self.sort,
            group=self.group,
            limited=self.limited,
            offset=self.offset,
            distinct=self.distinct,
            aggregated=self.aggregated,
            outer=self.outer,
            read=tuple((name, tuple(sorted(self.read[name]))) for name in sorted(self.read)),
        )


@dataclass(eq=False)
class Source:
    """One entry of FROM: a table (``name``), an inlined subquery (``inner``), or something opaque."""

    alias: str
    draft: Draft
    name: TableName | None = None
    table: Table | None = None
    inner: Scope | None = None
    outputs: dict[str, exp.Expr] = field(default_factory=dict)
    stars: bool = False
    columns: frozenset[str] | None = None

    def has(self, column: str) -> bool | None:
        """Whether this source has ``column``; ``None`` when nothing tells."""
        if self.table is not None and self.table.columns:
            return column in self.table.by_column
        if column in self.outputs:
            return True
        if self.inner is not None and self.stars:
            return self.inner.has(column)
        if self.columns is not None:
            return column in self.columns
        return None if self.name is not None or (self.inner is None and not self.outputs) else False


@dataclass(frozen=True, slots=True)
class Resolved:
    """A base table's column, or the expression of an inlined subquery that the name stands for."""

    source: Source
    column: str = ""
    expression: exp.Expr | None = None
    scope: Scope | None = None


@dataclass(eq=False)
class Cte:
    """A WITH query: its text, and how often the statement refers to it."""

    query: exp.Expr
    scope: Scope
    references: int = 0
    inline: bool = False
    visited: bool = False
    columns: tuple[str, ...] = ()
    recursive: bool = False


@dataclass(eq=False)
class Scope:
    """Names that one SELECT, UPDATE or DELETE level sees."""

    draft: Draft
    parent: Scope | None = None
    sources: list[Source] = field(default_factory=list)
    ctes: dict[str, Cte] = field(default_factory=dict)
    projections: list[exp.Expr] = field(default_factory=list)

    def cte(self, name: str) -> Cte | None:
        """The WITH query that ``name`` means here."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.ctes:
                return scope.ctes[name]
            scope = scope.parent
        return None

    def has(self, column: str) -> bool | None:
        """Whether any source here has ``column``."""
        answers = [source.has(column) for source in self.sources]
        return True if True in answers else None if None in answers else False

    def resolve(self, node: exp.Column) -> Resolved | None:
        """What a column reference means, through inlined subqueries down to a table, outwards through scopes."""
        name, qualifier = identifier(node.this), identifier(node.args.get("table"))
        schema = identifier(node.args.get("db"))
        scope: Scope | None = self
        while scope is not None:
            source = scope._qualified(qualifier, schema) if qualifier else scope._unqualified(name)
            if source is not None:
                return _inside(source, name)
            scope = scope.parent
        return None

    def _qualified(self, qualifier: str, schema: str) -> Source | None:
        for source in self.sources:
            if source.alias == qualifier and (not schema or source.name is None or source.name.schema in (schema, "")):
                return source
        return None

    def _unqualified(self, name: str) -> Source | None:
        answers = [(source, source.has(name)) for source in self.sources]
        for source, answer in answers:
            if answer:
                return source
        unknown = [source for source, answer in answers if answer is None]
        # One source of unknown columns takes the name, unless an outer scope could mean it.
        if len(unknown) == 1 and not (self.parent is not None and self.parent.has(name)):
            return unknown[0]
        return None

    def chain(self) -> Iterator[Scope]:
        """This scope and those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


def _inside(source: Source, name: str) -> Resolved | None:
    if source.inner is None:
        return Resolved(source, name) if source.name is not None else None
    expression = source.outputs.get(name)
    if expression is None:
        if not source.stars:
            return None
        expression = exp.Column(this=exp.Identifier(this=name, quoted=True))
    expression = unwrapped(expression)
    if isinstance(expression, exp.Column) and parameter(expression) is None:
        return source.inner.resolve(expression)
    return Resolved(source, "", expression, source.inner)


def find_table(catalog: Catalog | None, node: exp.Table) -> tuple[TableName, Table | None]:
    """The table that a FROM entry names, with its catalog entry where there is one."""
    schema, name = identifier(node.args.get("db")), identifier(node.this)
    table = catalog.find(name, schema) if catalog is not None else None
    return (table.name if table is not None else TableName(schema, name)), table
