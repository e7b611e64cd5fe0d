"""Plain SQL: the child's own statement, asked once for all keys."""

from __future__ import annotations

from collections.abc import Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from advisor.model.recommendation import CodeChange
from advisor.model.shape import QueryShape
from advisor.recommend._relations import Fetch

TITLE = "SQL"


def change(fetches: Sequence[Fetch], parent: QueryShape | None) -> CodeChange | None:
    """The parent's statement followed by the children's, before and after."""
    flat = [fetch for top in fetches for fetch in top.walk()]
    pairs = [(fetch, batched(fetch.shape, fetch.burst.child_columns, fetch.kind)) for fetch in flat]
    pairs = [(fetch, after) for fetch, after in pairs if after]
    if not pairs:
        return None
    head = f"{_line(parent.text)};\n" if parent else ""
    return CodeChange(
        tool="sql",
        title=TITLE,
        before=head + "\n".join(f"{_line(f.shape.text)};  -- {f.burst.per_unit:g} times" for f, _ in pairs),
        after=head + "\n".join(f"{after};  -- once, $1: the keys of all rows" for _, after in pairs),
        note="Match the rows to their parents in the application, by the key column.",
        language="sql",
    )


def batched(shape: QueryShape, columns: Sequence[str], kind: str = "rows") -> str:
    """The statement with ``column = $n`` turned into ``column = ANY($n)``; empty when it cannot be rewritten.

    Only one key column can be asked for by ANY. Counts are grouped by it; the first of each becomes DISTINCT ON.
    """
    if len(columns) != 1:
        return ""
    try:
        tree = sqlglot.parse_one(shape.text, read="postgres")
    except SqlglotError:
        return ""
    if not isinstance(tree, exp.Select):
        return ""
    key = _ask_for_all(tree, columns[0])
    if key is None:
        return ""
    _limit(tree, key, kind)
    if kind == "count":
        tree = tree.select(key.copy(), append=True).group_by(key.copy())
    elif not _selected(tree, key):
        tree = tree.select(key.copy(), append=True)
    return tree.sql(dialect="postgres")


def _ask_for_all(tree: exp.Select, column: str) -> exp.Column | None:
    """Replace the equality (or the list of one) on ``column`` by ANY; the column as it stands there."""
    for condition in list(tree.find_all(exp.EQ, exp.In)):
        key, value = condition.this, condition.args.get("expression")
        if isinstance(condition, exp.In):
            values = condition.expressions
            value = values[0] if len(values) == 1 else None
        if not isinstance(_bare(key), exp.Column):
            key, value = value, key
        bare, given = _bare(key), _bare(value)
        if isinstance(bare, exp.Column) and bare.name == column and isinstance(given, exp.Parameter):
            condition.replace(exp.EQ(this=bare.copy(), expression=exp.Any(this=exp.paren(given.copy()))))
            return bare
    return None


def _limit(tree: exp.Select, key: exp.Column, kind: str) -> None:
    """A LIMIT would cut across parents: the first of each is DISTINCT ON; a guard (Django's LIMIT 21) goes."""
    for part in ("limit", "offset"):
        tree.set(part, None)
    if kind == "first":
        tree.set("distinct", exp.Distinct(on=exp.Tuple(expressions=[key.copy()])))
        order = tree.args.get("order")
        if order is not None:
            order.set("expressions", [exp.Ordered(this=key.copy()), *order.expressions])


def _bare(node: exp.Expression | None) -> exp.Expression | None:
    while isinstance(node, exp.Cast | exp.Paren):
        node = node.this
    return node


def _selected(tree: exp.Select, key: exp.Column) -> bool:
    return any(
        isinstance(bare := (item.this if isinstance(item, exp.Alias) else item), exp.Star)
        or (isinstance(bare, exp.Column) and (bare.name == key.name or isinstance(bare.this, exp.Star)))
        for item in tree.expressions
    )


def _line(text: str) -> str:
    return " ".join(text.split())
