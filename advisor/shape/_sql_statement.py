"""A parsed statement -> its blocks, tables and what it writes."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from advisor.model.catalog import TableName
from advisor.model.shape import QueryBlock
from advisor.shape._sql_blocks import Blocks
from advisor.shape._sql_scope import Draft, Scope, Source, find_table, identifier
from advisor.shape._sql_tree import alias_of, assigned_columns


@dataclass
class Parsed:
    """What the tree of a statement tells."""

    blocks: tuple[QueryBlock, ...] = ()
    tables: tuple[TableName, ...] = ()
    written: TableName | None = None
    assigned: tuple[str, ...] = ()


@dataclass
class Statement(Blocks):
    """Walks a whole statement: a query, or one that writes, which may stand in a WITH too."""

    parsed: Parsed = field(default_factory=Parsed)

    def parse(self, tree: exp.Expr) -> Parsed:
        """Read the whole statement."""
        self.query(tree, None)
        self.parsed.blocks = tuple(draft.block() for draft in self.drafts if draft.tables)
        tables = [name for draft in self.drafts for name in draft.tables]
        self.parsed.tables = tuple(dict.fromkeys([*([self.parsed.written] if self.parsed.written else []), *tables]))
        return self.parsed

    def query(self, tree: exp.Expr, parent: Scope | None, draft: Draft | None = None) -> Scope | None:
        """Read a query or a statement that writes; returns a SELECT's scope."""
        match tree:
            case exp.Update():
                self._update(tree, parent)
            case exp.Delete():
                self._delete(tree, parent)
            case exp.Insert():
                self._insert(tree, parent)
            case exp.Merge():
                self._merge(tree, parent)
            case _:
                return super().query(tree, parent, draft)
        return None

    def _target(self, node: exp.Expr | None, scope: Scope) -> None:
        while isinstance(node, exp.Schema):
            node = node.this
        if not isinstance(node, exp.Table):
            return
        name, table = find_table(self.catalog, node)
        self.parsed.written = self.parsed.written or name
        scope.sources.append(Source(alias_of(node) or name.name, scope.draft, name=name, table=table))
        scope.draft.table(name)

    def _opened(self, tree: exp.Expr, parent: Scope | None) -> Scope:
        draft = Draft(outer=parent is None)
        self.drafts.append(draft)
        scope = Scope(draft, parent)
        self._with(tree, scope)
        return scope

    def _finish(self, tree: exp.Expr, scope: Scope, pending: list[exp.Expr]) -> None:
        for condition in pending:
            self._condition(condition, scope)
        for name in ("expressions", "returning"):
            parts = tree.args.get(name) or []
            for part in parts if isinstance(parts, list) else [parts]:
                self._visit(part, scope)
        self._unvisited(scope)

    def _update(self, tree: exp.Update, parent: Scope | None) -> None:
        scope = self._opened(tree, parent)
        self._target(tree.this, scope)
        self.parsed.assigned = (*self.parsed.assigned, *assigned_columns(tree.expressions))
        self._finish(tree, scope, self._from(tree, scope))

    def _delete(self, tree: exp.Delete, parent: Scope | None) -> None:
        scope = self._opened(tree, parent)
        self._target(tree.this, scope)
        pending: list[exp.Expr] = []
        for node in tree.args.get("using") or []:
            self._source(node, scope, pending)
        self._finish(tree, scope, [*pending, *self._from(tree, scope)])

    def _insert(self, tree: exp.Insert, parent: Scope | None) -> None:
        scope = self._opened(tree, parent)
        self._target(tree.this, scope)
        scope.draft.tables.clear()
        scope.draft.read.clear()
        columns = tree.this.expressions if isinstance(tree.this, exp.Schema) else []
        self.parsed.assigned = tuple(identifier(column) for column in columns)
        scope.sources.clear()
        if isinstance(query := tree.args.get("expression"), exp.Expr):
            if isinstance(query, exp.Values):
                self._visit(query, scope)
            else:
                self.query(query, scope if scope.ctes or parent is not None else None)
        self._unvisited(scope)

    def _merge(self, tree: exp.Merge, parent: Scope | None) -> None:
        scope = self._opened(tree, parent)
        self._target(tree.this, scope)
        pending: list[exp.Expr] = []
        self._source(tree.args["using"], scope, pending)
        pending.append(tree.args["on"])
        whens = tree.args.get("whens")
        if whens is not None:
            self._visit(whens, scope)
            updates = [part for update in whens.find_all(exp.Update) for part in update.expressions]
            self.parsed.assigned = assigned_columns(updates)
        self._finish(tree, scope, pending)
