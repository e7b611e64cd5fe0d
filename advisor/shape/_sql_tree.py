"""Small questions to sqlglot's tree, without scopes."""

from __future__ import annotations

from collections.abc import Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from advisor.shape._sql_scope import Source, argument, identifier, unwrapped

QUERIES = (exp.Select, exp.SetOperation)


def is_aggregated(tree: exp.Select) -> bool:
    """Whether the select list has an aggregate of this level."""
    for projection in tree.expressions:
        for node in projection.walk(prune=lambda n: isinstance(n, (*QUERIES, exp.Window))):
            if isinstance(node, exp.AggFunc):
                return True
    return False


def is_simple(tree: exp.Select) -> bool:
    """Whether PostgreSQL plans this subquery as part of the query around it."""
    blocking = ("group", "having", "distinct", "limit", "offset", "windows", "qualify", "locks")
    if any(tree.args.get(name) for name in blocking) or argument(tree, "from") is None:
        return False
    if argument(tree, "with") is not None or is_aggregated(tree):
        return False
    return not any(
        projection.find(exp.Window, exp.ExplodingGenerateSeries, exp.Unnest) for projection in tree.expressions
    )


def assigned_columns(nodes: Sequence[exp.Expr]) -> tuple[str, ...]:
    """The columns that SET assigns, in order."""
    names: list[str] = []
    for node in nodes:
        target = node.this if isinstance(node, exp.EQ) else None
        targets = target.expressions if isinstance(target, exp.Tuple) else [target]
        names.extend(identifier(part.this) for part in map(_unparen, targets) if isinstance(part, exp.Column))
    return tuple(dict.fromkeys(names))


def _unparen(node: exp.Expr | None) -> exp.Expr | None:
    return unwrapped(node) if node is not None else None


def alias_of(node: exp.Expr) -> str:
    """The alias of an entry of FROM; empty without one."""
    alias = node.args.get("alias")
    if isinstance(alias, exp.TableAlias):
        return identifier(alias.this)
    return identifier(alias) if alias is not None else ""


def alias_columns(node: exp.Expr) -> frozenset[str] | None:
    """The column names that an alias gives: ``v(id, name)``."""
    alias = node.args.get("alias")
    columns = alias.args.get("columns") if isinstance(alias, exp.TableAlias) else None
    return frozenset(identifier(column) for column in columns) if columns else None


def output_name(node: exp.Expr) -> str:
    """The name of a column of the select list; empty for an unnamed expression."""
    if isinstance(node, exp.Alias):
        return identifier(node.args["alias"])
    return identifier(node.this) if isinstance(node, exp.Column) else ""


def unaliased(node: exp.Expr) -> exp.Expr:
    """The expression of a column of the select list."""
    return node.this if isinstance(node, exp.Alias) else node


def is_star(node: exp.Expr) -> bool:
    """Whether it is ``*`` or ``t.*``."""
    return isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star))


def common(left: Sequence[Source], right: Sequence[Source]) -> list[str]:
    """The column names that both sides of a NATURAL JOIN have, as far as the catalog tells."""
    sides = [
        {name for source in side if source.table is not None for name in source.table.by_column}
        for side in (left, right)
    ]
    return sorted(sides[0] & sides[1])


def using(name: str, left: Sequence[Source], right: Sequence[Source]) -> exp.Expr:
    """``JOIN … USING (name)`` as the condition that it means."""

    def side(sources: Sequence[Source]) -> exp.Column:
        owner = next((source for source in sources if source.has(name)), sources[-1])
        return exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier(owner.alias, quoted=True))

    return exp.EQ(this=side(left), expression=side(right))


def parse_view(definition: str) -> exp.Expr | None:
    """A view's query; ``None`` when the parser cannot read it."""
    try:
        return sqlglot.parse_one(definition.rstrip().rstrip(";"), dialect="postgres")
    except SqlglotError:
        return None
