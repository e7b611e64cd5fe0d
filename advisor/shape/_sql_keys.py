"""The sides of a comparison: which column or expression of one table could be an index's key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import SqlglotError

from advisor.model.catalog import Table
from advisor.shape._sql_scope import Resolved, Scope, Source, parameter, unwrapped
from advisor.shape._sql_text import Value

_QUERIES = (exp.Select, exp.SetOperation)
_TEXT_TYPES = frozenset({"text", "character varying", "varchar"})


@dataclass(frozen=True, slots=True)
class Key:
    """The side of a comparison that an index could hold."""

    source: Source
    column: str
    expression: str = ""
    columns: tuple[str, ...] = ()


class Keys:
    """Finds keys; ``values`` are those of the statement's ``$k``, for literals inside expressions."""

    def __init__(self, values: Sequence[Value]) -> None:
        self.values = values

    def key(self, node: exp.Expr, scope: Scope) -> Key | None:
        """The one table's column or expression that ``node`` is, or ``None``."""
        node = unwrapped(node)
        if isinstance(node, (exp.Tuple, exp.Subquery, *_QUERIES)):
            return None
        found = list(resolved_columns(node, scope))
        sources = {id(one.source): one.source for one in found}
        if len(sources) != 1 or any(not one.column for one in found):
            return self._through(node, scope)
        source = found[0].source
        names = tuple(dict.fromkeys(one.column for one in found))
        bare = _harmless(node, source.table)
        if isinstance(bare, exp.Column):
            return Key(source, names[0], columns=names)
        if next(node.find_all(*_QUERIES), None) is not None:
            return None
        return Key(source, "", self.sql(node, scope), names)

    def _through(self, node: exp.Expr, scope: Scope) -> Key | None:
        """A column that stands for an expression of an inlined subquery or view."""
        if isinstance(node, exp.Column) and (found := scope.resolve(node)) and found.expression is not None:
            assert found.scope is not None
            return self.key(found.expression, found.scope)
        return None

    def sql(self, node: exp.Expr, scope: Scope) -> str:
        """The expression over bare column names, with the literals that the text shows."""
        copy = node.copy()
        pairs = list(zip(node.find_all(exp.Column), copy.find_all(exp.Column), strict=True))
        for original, mirrored in pairs:
            number = parameter(original)
            if number is not None:
                value = self.values[number - 1]
                shown = value.literal or f"${number}"
                replacement: exp.Expr = exp.Var(this=shown)
            elif found := scope.resolve(original):
                replacement = exp.Column(this=exp.to_identifier(found.column))
            else:
                continue
            if mirrored is copy:
                copy = replacement
            else:
                mirrored.replace(replacement)
        for unit in copy.find_all(exp.Var):
            if unit.parent is not None and unit.arg_key == "unit":
                unit.set("this", str(unit.this).lower())
        return copy.sql("postgres", normalize_functions="lower")


def resolved_columns(node: exp.Expr, scope: Scope) -> Iterator[Resolved]:
    """Every column of ``node`` that resolves, subqueries left out, inlined expressions opened."""
    if isinstance(node, exp.Column) and (parameter(node) is not None or isinstance(node.this, exp.Star)):
        return
    for part in (node,) if isinstance(node, exp.Column) else node.walk(prune=lambda n: isinstance(n, _QUERIES)):
        if not isinstance(part, exp.Column) or isinstance(part.this, exp.Star) or parameter(part) is not None:
            continue
        found = scope.resolve(part)
        if found is None:
            continue
        if found.expression is not None and found.scope is not None:
            yield from resolved_columns(found.expression, found.scope)
            yield found
        else:
            yield found


def bare(node: exp.Expr) -> exp.Expr:
    """The node without parentheses and casts around it."""
    while isinstance(node, exp.Paren | exp.Cast | exp.TryCast):
        node = node.this
    return node


def _harmless(node: exp.Expr, table: Table | None) -> exp.Expr:
    """The column under casts that change neither its order nor its index: to its own type, or varchar to text."""
    while isinstance(node, exp.Cast | exp.Paren | exp.Collate):
        if isinstance(node, exp.Cast):
            inner = unwrapped(node.this)
            column = table.by_column.get(inner.name) if table is not None and isinstance(inner, exp.Column) else None
            target = node.to.sql("postgres").lower()
            if column is None:
                return node
            own = column.type.split("(")[0].strip()
            same = exp.DataType.build(target, dialect="postgres") == _type(own)
            if not (same or (own in _TEXT_TYPES and target.split("(")[0] in _TEXT_TYPES)):
                return node
        elif isinstance(node, exp.Collate):
            return node
        node = node.this
    return node


def _type(name: str) -> exp.DataType | None:
    try:
        return exp.DataType.build(name, dialect="postgres")
    except SqlglotError:
        return None
