"""A parsed query -> QueryBlocks: one a query level, with simple subqueries, CTEs and views opened.

A subquery that only filters and renames is planned by PostgreSQL as part of the query around it (subquery pull-up,
src/backend/optimizer/README; CTEs used once since PostgreSQL 12): its tables and conditions join the outer block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from advisor.model.catalog import Catalog
from advisor.model.shape import Operand, Operator, Predicate, SortKey
from advisor.shape._sql_keys import resolved_columns
from advisor.shape._sql_predicates import Conditions
from advisor.shape._sql_scope import (
    Cte,
    Draft,
    Scope,
    Source,
    argument,
    find_table,
    identifier,
    parameter,
    unwrapped,
)
from advisor.shape._sql_text import Canonical
from advisor.shape._sql_tree import (
    QUERIES,
    alias_columns,
    alias_of,
    common,
    is_aggregated,
    is_simple,
    is_star,
    output_name,
    parse_view,
    unaliased,
    using,
)

_MAX_DEPTH = 40


@dataclass
class Blocks:
    """Walks queries. Raises ``RecursionError`` for statements nested deeper than Python's stack."""

    catalog: Catalog | None
    canonical: Canonical
    drafts: list[Draft] = field(default_factory=list)
    views: int = 0

    def __post_init__(self) -> None:
        self.conditions = Conditions(self.canonical.values, self.canonical.lengths)

    def query(self, tree: exp.Expr, parent: Scope | None, draft: Draft | None = None) -> Scope | None:
        """Read a SELECT or set operation; returns the SELECT's scope."""
        if isinstance(tree, exp.Subquery | exp.Paren):
            inner = self.query(tree.this, parent, draft)
            if isinstance(tree, exp.Subquery) and inner is not None and tree.this.args.get("limit") is None:
                inner.draft.limited = inner.draft.limited or tree.args.get("limit") is not None
            return inner
        if isinstance(tree, exp.SetOperation):
            scope = Scope(Draft(outer=parent is None), parent)
            self._with(tree, scope)
            for arm in (tree.left, tree.right):
                self.query(arm, scope if scope.ctes else parent)
            self._unvisited(scope)
            return None
        if isinstance(tree, exp.Select):
            return self._select(tree, parent, draft)
        if isinstance(tree, exp.Values):
            self._visit(tree, parent or Scope(Draft(outer=True)))
        elif isinstance(tree, exp.Table):
            return self._select(exp.select("*").from_(tree.copy()), parent, draft)
        return None

    def _select(self, tree: exp.Select, parent: Scope | None, draft: Draft | None) -> Scope:
        inlined = draft is not None
        if draft is None:
            draft = Draft(outer=parent is None)
            self.drafts.append(draft)
        scope = Scope(draft, parent)
        self._with(tree, scope)
        pending = self._from(tree, scope)
        scope.projections = list(tree.expressions)
        for condition in pending:
            self._condition(condition, scope)
        self._output(tree, scope, inlined)
        self._unvisited(scope)
        return scope

    def _output(self, tree: exp.Select, scope: Scope, inlined: bool) -> None:
        draft = scope.draft
        for projection in tree.expressions:
            if not inlined:
                self._star(projection, scope)
            self._visit(projection, scope)
        for name in ("group", "having", "order", "distinct", "qualify"):
            if isinstance(part := tree.args.get(name), exp.Expr):
                self._visit(part, scope)
        for window in tree.args.get("windows") or []:
            self._visit(window, scope)
        if inlined:
            return
        group = tree.args.get("group")
        draft.aggregated = group is not None or is_aggregated(tree)
        draft.distinct = tree.args.get("distinct") is not None
        draft.limited = tree.args.get("limit") is not None
        draft.offset = tree.args.get("offset") is not None
        if isinstance(group, exp.Group):
            sets = any(isinstance(each, exp.Rollup | exp.Cube | exp.GroupingSets) for each in group.expressions)
            draft.group = self._keys(group.expressions, scope, plain=len(group.args) == 1 and not sets)
        order = tree.args.get("order")
        if isinstance(order, exp.Order):
            draft.sort = self._keys(order.expressions, scope)

    # FROM.

    def _from(self, tree: exp.Expr, scope: Scope) -> list[exp.Expr]:
        """Register every source; returns the conditions, which may speak of all of them."""
        pending: list[exp.Expr] = []
        if (clause := argument(tree, "from")) is not None:
            self._source(clause.this, scope, pending)
        self._joins(tree, scope, pending)
        for lateral in tree.args.get("laterals") or []:
            self._source(lateral, scope, pending)
        if isinstance(where := tree.args.get("where"), exp.Where):
            pending.append(where.this)
        return pending

    def _joins(self, tree: exp.Expr, scope: Scope, pending: list[exp.Expr]) -> None:
        for join in tree.args.get("joins") or []:
            before = list(scope.sources)
            self._source(join.this, scope, pending)
            if isinstance(on := join.args.get("on"), exp.Expr):
                pending.append(on)
            new = [source for source in scope.sources if source not in before]
            names = [identifier(name) for name in join.args.get("using") or []]
            if str(join.args.get("method") or "").upper() == "NATURAL":
                names = common(before, new)
            pending.extend(using(name, before, new) for name in names if before and new)

    def _source(self, node: exp.Expr, scope: Scope, pending: list[exp.Expr]) -> None:
        if isinstance(node, exp.Table):
            self._table(node, scope)
            self._joins(node, scope, pending)
        elif isinstance(node, exp.Subquery | exp.Lateral):
            self._derived(node, scope, pending)
        else:
            scope.sources.append(Source(alias_of(node), scope.draft, columns=alias_columns(node)))
            self._visit(node, scope)

    def _derived(self, node: exp.Expr, scope: Scope, pending: list[exp.Expr]) -> None:
        inner = node.this
        while isinstance(inner, exp.Subquery) and not inner.args.get("alias"):
            inner = inner.this
        if isinstance(inner, exp.Table):  # FROM (a JOIN b ON …)
            self._source(inner, scope, pending)
            self._joins(node, scope, pending)
            return
        # Only LATERAL sees its neighbours; without it the names around the query are those of the outer query.
        around = scope if isinstance(node, exp.Lateral) or isinstance(inner, exp.Lateral) else scope.parent
        if isinstance(inner, exp.Lateral):
            inner = inner.this
        visible = around if around is not None or not scope.ctes else Scope(Draft(outer=False), None, ctes=scope.ctes)
        if visible is scope.parent and scope.ctes:
            visible = Scope(scope.draft, scope.parent, ctes=scope.ctes)
        self._inline_or_apart(inner, visible, scope, alias_of(node), alias_columns(node))
        self._joins(node, scope, pending)

    def _inline_or_apart(
        self,
        query: exp.Expr,
        visible: Scope | None,
        scope: Scope,
        alias: str,
        names: frozenset[str] | None = None,
    ) -> None:
        while isinstance(query, exp.Subquery):
            query = query.this
        if isinstance(query, exp.Select) and is_simple(query) and names is None:
            inner = self._select(query, visible, scope.draft)
            outputs = {output_name(item): unaliased(item) for item in query.expressions}
            stars = any(is_star(item) for item in query.expressions)
            scope.sources.append(Source(alias, scope.draft, inner=inner, outputs=outputs, stars=stars))
            return
        if isinstance(query, QUERIES):
            self.query(query, visible or Scope(Draft(outer=False)))
        else:
            self._visit(query, visible or scope)
        columns = names or (frozenset(output_name(i) for i in query.selects) if isinstance(query, QUERIES) else None)
        stars = isinstance(query, QUERIES) and any(is_star(item) for item in query.selects)
        scope.sources.append(Source(alias, scope.draft, columns=None if stars else columns))

    def _table(self, node: exp.Table, scope: Scope) -> None:
        alias = alias_of(node)
        if not isinstance(node.this, exp.Identifier):  # a function in FROM
            scope.sources.append(Source(alias, scope.draft, columns=alias_columns(node)))
            self._visit(node.this, scope) if isinstance(node.this, exp.Expr) else None
            return
        if not node.args.get("db") and (cte := scope.cte(identifier(node.this))):
            self._cte_source(cte, scope, alias or identifier(node.this))
            return
        name, table = find_table(self.catalog, node)
        is_view = table is not None and table.kind == "view" and self.views < _MAX_DEPTH
        if is_view and table is not None and (view := parse_view(table.definition)) is not None:
            self.views += 1
            self._inline_or_apart(view, None, scope, alias or name.name)
            return
        scope.sources.append(Source(alias or name.name, scope.draft, name=name, table=table))
        scope.draft.table(name)

    # WITH.

    def _with(self, tree: exp.Expr, scope: Scope) -> None:
        clause = argument(tree, "with")
        if clause is None:
            return
        recursive = bool(clause.args.get("recursive"))
        for cte in clause.expressions:
            name = identifier(cte.args["alias"].this)
            references = sum(
                1 for table in tree.find_all(exp.Table) if not table.args.get("db") and identifier(table.this) == name
            )
            inline = not cte.args.get("materialized") and references == 1 and not recursive
            columns = tuple(identifier(column) for column in cte.args["alias"].args.get("columns") or [])
            # A WITH query sees those before it: the scope as it is now.
            seen = Scope(scope.draft, scope.parent, ctes=dict(scope.ctes))
            entry = Cte(cte.this, seen, references, inline and not columns, columns=columns, recursive=recursive)
            if recursive:
                seen.ctes[name] = Cte(cte.this, seen, visited=True, recursive=True)
            scope.ctes[name] = entry

    def _cte_source(self, cte: Cte, scope: Scope, alias: str) -> None:
        if cte.inline and not cte.visited and isinstance(cte.query, QUERIES):
            cte.visited = True
            self._inline_or_apart(cte.query, cte.scope, scope, alias)
            return
        self._visit_cte(cte)
        columns: frozenset[str] | None = frozenset(cte.columns) or None
        if columns is None and isinstance(cte.query, QUERIES) and not any(is_star(i) for i in cte.query.selects):
            columns = frozenset(output_name(item) for item in cte.query.selects)
        scope.sources.append(Source(alias, scope.draft, columns=columns))

    def _visit_cte(self, cte: Cte) -> None:
        if not cte.visited:
            cte.visited = True
            self.query(cte.query, cte.scope)

    def _unvisited(self, scope: Scope) -> None:
        for cte in scope.ctes.values():
            self._visit_cte(cte)

    # Conditions, columns read, nested queries.

    def _condition(self, node: exp.Expr, scope: Scope) -> None:
        self.conditions.add(node, scope)
        self._visit(node, scope)

    def _visit(self, node: exp.Expr, scope: Scope) -> None:
        """Note columns read, and read the queries nested in an expression as blocks of their own."""
        for part in node.walk(prune=lambda n: isinstance(n, QUERIES)):
            if isinstance(part, QUERIES):
                inner = self.query(part, scope)
                self._semijoin(part, inner, scope)
        for found in resolved_columns(node, scope):
            if found.source.name is not None and found.column:
                found.source.draft.read.setdefault(found.source.name, set()).add(found.column)

    def _semijoin(self, query: exp.Expr, inner: Scope | None, scope: Scope) -> None:
        """``x IN (SELECT y FROM u)``: an index on ``u.y`` can serve the semi join."""
        parent = query.parent
        while isinstance(parent, exp.Subquery | exp.Paren):
            parent = parent.parent
        if not isinstance(parent, exp.In | exp.Any) or inner is None or len(inner.projections) != 1:
            return
        outer = parent.this if isinstance(parent, exp.In) else None
        key = self.conditions.key(unaliased(inner.projections[0]), inner)
        if key is None or key.source.name is None or key.source.draft is not inner.draft or inner.draft.limited:
            return
        joined = self.conditions.key(outer, scope) if outer is not None else None
        inner.draft.predicates.append(
            Predicate(
                key.source.name,
                key.column,
                Operator.EQUAL,
                Operand.COLUMN,
                key.expression,
                key.columns,
                "=",
                joined_table=joined.source.name if joined else None,
                joined_column=joined.column if joined else "",
                alias=key.source.alias,
                sql="",
            )
        )

    def _star(self, projection: exp.Expr, scope: Scope) -> None:
        if isinstance(projection, exp.Star):
            sources = scope.sources
        elif isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star):
            qualifier = identifier(projection.args.get("table"))
            sources = [source for source in scope.sources if source.alias == qualifier]
        else:
            return
        for source in sources:
            self._read_all(source)

    def _read_all(self, source: Source) -> None:
        if source.name is not None:
            source.draft.read.setdefault(source.name, set()).add("*")
        elif source.inner is not None:
            for projection in source.inner.projections:
                self._star(projection, source.inner)

    def _keys(self, nodes: Sequence[exp.Expr], scope: Scope, plain: bool = True) -> tuple[SortKey, ...]:
        keys: list[SortKey] = []
        for node in nodes:
            descending = nulls_first = False
            if isinstance(node, exp.Ordered):
                descending, nulls_first = bool(node.args.get("desc")), bool(node.args.get("nulls_first"))
                node = node.this
            key = self.conditions.key(self._output_expression(node, scope), scope)
            if key is None or key.source.name is None or not plain:
                return ()
            # NULLS LAST is the default of ASC, NULLS FIRST of DESC (manual, 7.5).
            nulls = None if nulls_first == descending else nulls_first
            keys.append(SortKey(key.source.name, key.column, descending, nulls, key.expression, key.source.alias))
        return tuple(keys)

    def _output_expression(self, node: exp.Expr, scope: Scope) -> exp.Expr:
        """What ``ORDER BY 2`` or ``ORDER BY alias`` means (manual, SELECT, ORDER BY clause)."""
        node = unwrapped(node)
        if isinstance(node, exp.Literal) and node.is_int:
            place = int(node.this) - 1
            return unaliased(scope.projections[place]) if 0 <= place < len(scope.projections) else node
        if isinstance(node, exp.Column) and not node.args.get("table") and parameter(node) is None:
            for projection in scope.projections:
                if isinstance(projection, exp.Alias) and identifier(projection.args["alias"]) == identifier(node.this):
                    return unaliased(projection)
        return node
