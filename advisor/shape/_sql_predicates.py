"""Conditions -> Predicates: which column or expression of which table is compared how, and with what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sqlglot import exp

from advisor.model.identifiers import quote
from advisor.model.shape import Operand, Operator, Predicate
from advisor.shape._sql_keys import Key, Keys, bare, resolved_columns
from advisor.shape._sql_scope import Scope, Source, identifier, parameter, unwrapped
from advisor.shape._sql_text import Value

_BINARY: dict[type[exp.Expr], tuple[Operator, str]] = {
    exp.EQ: (Operator.EQUAL, "="),
    exp.NEQ: (Operator.NOT_EQUAL, "<>"),
    exp.GT: (Operator.RANGE, ">"),
    exp.GTE: (Operator.RANGE, ">="),
    exp.LT: (Operator.RANGE, "<"),
    exp.LTE: (Operator.RANGE, "<="),
    exp.Like: (Operator.LIKE, "~~"),
    exp.ILike: (Operator.ILIKE, "~~*"),
    exp.RegexpLike: (Operator.REGEX, "~"),
    exp.RegexpILike: (Operator.REGEX, "~*"),
    exp.SimilarTo: (Operator.REGEX, "~"),
    exp.ArrayContainsAll: (Operator.CONTAINS, "@>"),
    exp.ArrayContainedBy: (Operator.CONTAINED, "<@"),
    exp.ArrayOverlaps: (Operator.OVERLAPS, "&&"),
    exp.JSONBContains: (Operator.HAS_KEY, "?"),
    exp.JSONBContainsTopKey: (Operator.HAS_KEY, "?"),
    exp.JSONBContainsAnyTopKeys: (Operator.HAS_KEY, "?|"),
    exp.JSONBContainsAllTopKeys: (Operator.HAS_KEY, "?&"),
    exp.StartsWith: (Operator.PREFIX, "^@"),
    exp.Distance: (Operator.DISTANCE, "<->"),
}
_FLIPPED = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "@>": "<@", "<@": "@>"}
_SYMMETRIC = {
    Operator.EQUAL,
    Operator.NOT_EQUAL,
    Operator.RANGE,
    Operator.OVERLAPS,
    Operator.CONTAINS,
    Operator.CONTAINED,
}


class Conditions:
    """Turns conditions into predicates of the blocks that their columns belong to."""

    def __init__(self, values: Sequence[Value], lengths: Mapping[int, int]) -> None:
        self.values = values
        self.lengths = lengths
        self.key = Keys(values).key
        self.mixed = any(value.parameter for value in values)

    def add(self, node: exp.Expr, scope: Scope, branch: int = 0) -> None:
        """Add what ``node`` asks to the drafts of the tables that it speaks of."""
        node = unwrapped(node)
        if isinstance(node, exp.And):
            for part in node.flatten():
                self.add(part, scope, branch)
        elif isinstance(node, exp.Or):
            self._either(node, scope, branch)
        elif isinstance(node, exp.Not):
            self._negated(unwrapped(node.this), scope, branch)
        elif isinstance(node, exp.Escape):
            self.add(node.this, scope, branch)
        else:
            self._single(node, scope, branch)

    def _either(self, node: exp.Or, scope: Scope, branch: int) -> None:
        arms = [unwrapped(arm) for arm in node.flatten()]
        if same := self._same_column(arms, scope):
            self._emit(replace(same, branch=branch, elements=len(arms)), scope)
            return
        for arm in arms:
            scope.draft.branches += 1
            self.add(arm, scope, scope.draft.branches)

    def _same_column(self, arms: list[exp.Expr], scope: Scope) -> Predicate | None:
        """``a = 1 OR a = 2`` is an IN list."""
        found: list[Predicate] = []
        for arm in arms:
            if not isinstance(arm, exp.EQ):
                return None
            key = self.key(arm.this, scope)
            operand = self._operand(arm.expression, scope)
            if key is None or operand["operand"] not in (Operand.PARAMETER, Operand.CONSTANT):
                return None
            found.append(self._predicate(key, Operator.IN, "=", {"operand": operand["operand"]}, node=arm))
        keys = {(p.table, p.key, p.alias) for p in found}
        return found[0] if len(keys) == 1 else None

    def _negated(self, node: exp.Expr, scope: Scope, branch: int) -> None:
        if isinstance(node, exp.Column):
            if parameter(node) is None and (key := self.key(node, scope)):
                operand: dict[str, object] = {"operand": Operand.CONSTANT, "constant": "FALSE"}
                self._emit(self._predicate(key, Operator.EQUAL, "=", operand, branch, node), scope)
        elif isinstance(node, exp.Is):
            self._is(node, scope, branch, negated=True)
        elif isinstance(node, exp.In | exp.EQ):
            if key := self.key(node.this, scope):
                operand = (
                    {"operand": Operand.PARAMETER}
                    if isinstance(node, exp.In)
                    else self._operand(node.expression, scope)
                )
                self._emit(self._predicate(key, Operator.NOT_EQUAL, "<>", operand, branch, node), scope)
        elif isinstance(node, exp.Exists):
            pass
        else:
            self._other(node, scope, branch)

    def _single(self, node: exp.Expr, scope: Scope, branch: int) -> None:
        if isinstance(node, exp.Column):
            if parameter(node) is None and (key := self.key(node, scope)):
                operand: dict[str, object] = {"operand": Operand.CONSTANT, "constant": "TRUE"}
                self._emit(self._predicate(key, Operator.EQUAL, "=", operand, branch, node), scope)
        elif isinstance(node, exp.Is):
            self._is(node, scope, branch, negated=bool(node.args.get("negate")))
        elif isinstance(node, exp.In):
            self._in(node, scope, branch)
        elif isinstance(node, exp.Between):
            self._between(node, scope, branch)
        elif isinstance(node, exp.MatchAgainst):
            if (vectors := node.expressions) and (key := self.key(vectors[0], scope)):
                operand = self._operand(node.this, scope)
                self._emit(self._predicate(key, Operator.TEXT_SEARCH, "@@", operand, branch, node), scope)
        elif isinstance(node, exp.Operator):
            self._named_operator(node, scope, branch)
        elif type(node) in _BINARY:
            self._comparison(node, scope, branch)
        elif not isinstance(node, exp.Exists):
            self._other(node, scope, branch)

    def _named_operator(self, node: exp.Operator, scope: Scope, branch: int) -> None:
        """``a OPERATOR(pg_catalog.=) b``, as pg_get_viewdef and postgres_fdw write it."""
        name = str(node.args.get("operator", "")).rpartition(".")[2]
        kinds = {symbol: kind for kind, (_, symbol) in _BINARY.items() if kind is not exp.SimilarTo}
        if name in kinds:
            self._comparison(kinds[name](this=node.this, expression=node.expression), scope, branch)
        elif key := self.key(node.this, scope):
            operand = self._operand(node.expression, scope)
            self._emit(self._predicate(key, Operator.OTHER, name, operand, branch, node), scope)
        else:
            self._other(node, scope, branch)

    def _is(self, node: exp.Is, scope: Scope, branch: int, negated: bool) -> None:
        key = self.key(node.this, scope)
        if key is None:
            return
        if isinstance(node.expression, exp.Null):
            operator = Operator.IS_NOT_NULL if negated else Operator.IS_NULL
            operand: dict[str, object] = {"operand": Operand.CONSTANT, "constant": "NULL"}
            self._emit(self._predicate(key, operator, operator.value.upper(), operand, branch, node), scope)
        elif isinstance(node.expression, exp.Boolean):
            truth = "TRUE" if node.expression.this else "FALSE"
            operator = Operator.NOT_EQUAL if negated else Operator.EQUAL
            operand = {"operand": Operand.CONSTANT, "constant": truth}
            self._emit(
                self._predicate(key, operator, f"IS {'NOT ' if negated else ''}{truth}", operand, branch, node), scope
            )

    def _in(self, node: exp.In, scope: Scope, branch: int) -> None:
        query = node.args.get("query")
        items = node.expressions
        operand: dict[str, object] = {"operand": Operand.SUBQUERY}
        if query is None:
            first = next((k for item in items if (k := parameter(bare(item)))), None)
            constant = self.mixed and bool(items) and all(self._is_literal(item) for item in items)
            operand = {
                "operand": Operand.CONSTANT if constant else Operand.PARAMETER,
                "elements": self.lengths.get(first or 0, len(items)),
                "parameter": first,
            }
        for key in self._keys(node.this, scope):
            self._emit(self._predicate(key, Operator.IN, "=", operand, branch, node), scope)

    def _keys(self, node: exp.Expr, scope: Scope) -> Iterator[Key]:
        row = _row(node)
        for part in row if row is not None else [node]:
            if key := self.key(part, scope):
                yield key

    def _between(self, node: exp.Between, scope: Scope, branch: int) -> None:
        if key := self.key(node.this, scope):
            operand = self._operand(node.args["low"], scope)
            self._emit(self._predicate(key, Operator.RANGE, "between", operand, branch, node), scope)
            return
        for side, symbol in ((node.args["low"], "<="), (node.args["high"], ">=")):
            if key := self.key(side, scope):
                operand = self._operand(node.this, scope)
                self._emit(self._predicate(key, Operator.RANGE, symbol, operand, branch, node), scope)

    def _comparison(self, node: exp.Expr, scope: Scope, branch: int) -> None:
        operator, symbol = _BINARY[type(node)]
        left, right = node.this, node.expression
        rows = _row(left), _row(right)
        if rows[0] is not None and rows[1] is not None:
            for a, b in zip(rows[0], rows[1], strict=False):
                self._sides(node, operator, symbol, (a, b), scope, branch)
            return
        if isinstance(bare(left), exp.Any):
            left, right = right, left
        if operator is Operator.EQUAL and isinstance(unwrapped(right), exp.Any):
            self._any(node, left, unwrapped(unwrapped(right).this), scope, branch)
            return
        if node.args.get("negate"):
            self._other(node, scope, branch)
            return
        if operator is Operator.LIKE:
            operator = self._like(right)
        if operator is Operator.RANGE and isinstance(unwrapped(left), exp.Distance):
            left = unwrapped(left).this
            operator, symbol = Operator.DISTANCE, "<->"
        self._sides(node, operator, symbol, (left, right), scope, branch)

    def _any(self, node: exp.Expr, left: exp.Expr, array: exp.Expr, scope: Scope, branch: int) -> None:
        operand: dict[str, object]
        inner = bare(array)
        number = parameter(inner)
        if isinstance(inner, exp.Subquery | exp.Select | exp.SetOperation):
            operand = {"operand": Operand.SUBQUERY}
        elif number is not None:
            operand = {"operand": Operand.PARAMETER, "parameter": number, "elements": self._array_length(number)}
        elif isinstance(inner, exp.Array):
            operand = {"operand": Operand.PARAMETER, "elements": len(inner.expressions)}
        elif held := self.key(array, scope):
            # value = ANY (column): what a GIN index answers once written as column @> ARRAY[value].
            operand = self._operand(left, scope)
            self._emit(self._predicate(held, Operator.OTHER, "= any", operand, branch, node), scope)
            return
        else:
            operand = {"operand": Operand.EXPRESSION}
        for key in self._keys(left, scope):
            self._emit(self._predicate(key, Operator.IN, "=", operand, branch, node), scope)

    def _array_length(self, number: int) -> int | None:
        if number in self.lengths:
            return self.lengths[number]
        literal = self.values[number - 1].literal
        return literal.count(",") + 1 if literal.startswith("'{") and literal != "'{}'" else None

    def _sides(
        self,
        node: exp.Expr,
        operator: Operator,
        symbol: str,
        sides: tuple[exp.Expr, exp.Expr],
        scope: Scope,
        branch: int,
    ) -> None:
        left, right = (self.key(side, scope) for side in sides)
        if left is not None and right is not None and left.source is right.source:
            self._other(node, scope, branch)
            return
        if left is not None and not self._reads(sides[1], scope, left.source):
            operand = self._operand(sides[1], scope)
            self._emit(self._predicate(left, operator, symbol, operand, branch, node), scope)
        elif left is None and right is None:
            self._other(node, scope, branch)
        if right is not None and operator in _SYMMETRIC and not self._reads(sides[0], scope, right.source):
            flipped = {Operator.CONTAINS: Operator.CONTAINED, Operator.CONTAINED: Operator.CONTAINS}.get(
                operator, operator
            )
            operand = self._operand(sides[0], scope)
            self._emit(self._predicate(right, flipped, _FLIPPED.get(symbol, symbol), operand, branch, node), scope)

    def _reads(self, node: exp.Expr, scope: Scope, source: Source) -> bool:
        return any(found.source is source for found in resolved_columns(node, scope))

    def _other(self, node: exp.Expr, scope: Scope, branch: int) -> None:
        """A condition that no ordinary index answers: kept, since it tells which rows are thrown away."""
        if key := self.key(node, scope):
            key = replace(key, column=key.column if isinstance(node, exp.Column) else "")
            self._emit(self._predicate(key, Operator.OTHER, "", {"operand": Operand.EXPRESSION}, branch, node), scope)

    def _operand(self, node: exp.Expr, scope: Scope) -> dict[str, object]:
        inner = bare(node)
        number = parameter(inner)
        if number is not None:
            value = self.values[number - 1]
            constant = self.mixed and not value.parameter
            return {
                "operand": Operand.CONSTANT if constant else Operand.PARAMETER,
                "constant": value.literal if constant else "",
                "parameter": number,
            }
        if isinstance(inner, exp.Boolean | exp.Null | exp.Literal):
            return {"operand": Operand.CONSTANT, "constant": inner.sql("postgres")}
        if isinstance(inner, exp.Subquery | exp.Select | exp.SetOperation):
            return {"operand": Operand.SUBQUERY}
        joined = next((found for found in resolved_columns(inner, scope) if found.source.name is not None), None)
        if joined is not None:
            plain = isinstance(inner, exp.Column)
            return {
                "operand": Operand.COLUMN if plain else Operand.EXPRESSION,
                "joined_table": joined.source.name,
                "joined_column": joined.column,
            }
        return {"operand": Operand.COLUMN if isinstance(inner, exp.Column) else Operand.EXPRESSION}

    def _is_literal(self, node: exp.Expr) -> bool:
        number = parameter(bare(node))
        return number is not None and not self.values[number - 1].parameter

    def _like(self, pattern: exp.Expr) -> Operator:
        """PREFIX when the pattern is anchored at its start: a literal that shows it, or ``$1 || '%'``."""
        inner = bare(pattern)
        parts = list(inner.flatten()) if isinstance(inner, exp.DPipe) else [inner]
        first = parameter(bare(parts[0]))
        if first is None:
            return Operator.LIKE
        value = self.values[first - 1]
        if value.literal:
            return Operator.LIKE if value.literal.lstrip("eE")[1:2] in ("%", "_", "'") else Operator.PREFIX
        concatenated = len(parts) > 1 and value.parameter
        return Operator.PREFIX if concatenated else Operator.LIKE

    def _predicate(
        self,
        key: Key,
        operator: Operator,
        symbol: str,
        operand: Mapping[str, object],
        branch: int = 0,
        node: exp.Expr | None = None,
    ) -> Predicate:
        assert key.source.name is not None
        text = _shown(node) if node is not None else ""
        return Predicate(
            table=key.source.name,
            column=key.column,
            operator=operator,
            expression=key.expression,
            columns=key.columns,
            sql_operator=symbol,
            branch=branch,
            alias=key.source.alias,
            sql=text,
            **operand,  # type: ignore[arg-type]  # fields of Predicate
        )

    def _emit(self, predicate: Predicate, scope: Scope) -> None:
        """Into the draft that the table belongs to: a correlated condition also serves the outer block's table."""
        for level in scope.chain():
            for source in _base_sources(level):
                if source.alias == predicate.alias and source.name == predicate.table:
                    branch = predicate.branch if source.draft is scope.draft else 0
                    source.draft.predicates.append(replace(predicate, branch=branch))
                    return


def _base_sources(scope: Scope) -> Iterator[Source]:
    for source in scope.sources:
        if source.inner is not None:
            yield from _base_sources(source.inner)
        else:
            yield source


def _row(node: exp.Expr) -> list[exp.Expr] | None:
    node = node if isinstance(node, exp.Tuple) else unwrapped(node)
    if isinstance(node, exp.Tuple):
        return list(node.expressions)
    if isinstance(node, exp.Anonymous) and str(node.this).lower() == "row":
        return list(node.expressions)
    return None


def _shown(node: exp.Expr) -> str:
    """The condition as text. sqlglot's generator copies the tree, so plain comparisons go without it."""
    if type(node) in _PLAIN and (left := _plain(node.this)) and (right := _plain(node.expression)):
        return f"{left} {_PLAIN[type(node)]} {right}"
    text = node.sql("postgres", normalize_functions="lower")
    return _UNQUOTE.sub(r"\1", text)


_PLAIN: dict[type[exp.Expr], str] = {exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}


def _plain(node: exp.Expr) -> str:
    if not isinstance(node, exp.Column):
        return ""
    if (number := parameter(node)) is not None:
        return f"${number}"
    return ".".join(quote(identifier(part)) for part in node.parts)


_UNQUOTE = re.compile(r'"(\$\d+)"')
