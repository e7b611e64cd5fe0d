"""EXPLAIN (FORMAT TEXT) as mappings with the names of the JSON form: lines, and the tree that they make."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.postgres.plan.labels import arity, is_label, label
from connectors.postgres.plan.properties import properties

_COSTS = re.compile(r"\(cost=(\d+\.\d+)\.\.(\d+\.\d+) rows=(\d+) width=(\d+)\)")
_ACTUAL = re.compile(r"\(actual (?:time=([\d.]+?)\.\.([\d.]+) )?rows=([\d.]+) loops=(\d+)\)|\(never executed\)")
_PROPERTY = re.compile(r"\s*(?P<name>[A-Z][\w/ -]*?):(?:\s+(?P<value>.*))?\Z")
_HEADER = re.compile(r"\s*(?P<name>(?:InitPlan|SubPlan) [\w.()]+(?: \(.*\))?|CTE \S.*)\Z")
# What stands behind the tree and speaks of the whole statement.
_WHOLE = frozenset(
    ["Planning Time", "Execution Time", "Planning", "Settings", "JIT", "Query Identifier", "Total runtime"]
)
# Servers before 10, and tools that write like them.
_TIMES = {"planning time": "Planning Time", "execution time": "Execution Time", "total runtime": "Execution Time"}
_STATEMENT = "Query Text"


@dataclass
class _Node:
    """A node under way: the column of its arrow (-1: the root), its properties, its children in order."""

    column: int
    properties: dict[str, Any]
    children: list[_Node] = field(default_factory=list)


@dataclass
class _Tree:
    """One plan under way."""

    nodes: list[_Node] = field(default_factory=list)
    whole: dict[str, Any] = field(default_factory=dict)
    header: str = ""
    ended: bool = False
    # The property that the next line may continue: its place, its name, its lines.
    open: tuple[_Node, str, list[str]] | None = None

    def close(self) -> None:
        """Settle the property that was being read."""
        if self.open is not None:
            node, name, lines = self.open
            found = properties(name, " ".join(lines))
            if worker := found.pop("Workers", None):
                node.properties.setdefault("Workers", []).extend(worker)
            # What follows a worker's line is the worker's: the node's own properties stand before.
            if "Workers" not in node.properties:
                node.properties.update(found)
            self.open = None

    def document(self) -> dict[str, Any]:
        """The plan as EXPLAIN (FORMAT JSON) gives it."""
        self.close()
        _link(self.nodes)
        return {"Plan": _plain(self.nodes[0]), **self.whole}


def read(text: str) -> Iterator[Mapping[str, Any]]:
    """Every plan in ``text``, in order. Lines before the first node are passed over, but for a ``Query Text``.

    Where the indentation is lost, each kind of node's own number of inputs gives the tree.
    """
    tree = _Tree()
    statement: list[str] = []
    in_statement = False
    for line in text.split("\n"):
        if not line.strip():
            continue
        node = _node(line, bool(tree.nodes) and not tree.ended)
        if node is not None and node.column < 0 and tree.nodes:
            yield tree.document()
            tree = _Tree()
        if node is not None:
            _add(tree, node, statement)
            in_statement = False
        elif line.lstrip().startswith(_STATEMENT + ":"):
            in_statement, statement = True, [line.partition(":")[2].strip()]
        elif in_statement:
            statement.append(line.strip())
        elif tree.nodes:
            _line(tree, line)
    if tree.nodes:
        yield tree.document()


def _add(tree: _Tree, node: _Node, statement: list[str]) -> None:
    tree.close()
    if not tree.nodes and statement:
        tree.whole[_STATEMENT] = " ".join(statement)
        statement.clear()
    if tree.header:
        node.properties["Subplan Name"] = tree.header
        node.properties["Parent Relationship"] = "SubPlan" if tree.header.startswith("SubPlan") else "InitPlan"
        tree.header = ""
    tree.nodes.append(node)


def _line(tree: _Tree, line: str) -> None:
    """A line that is no node: a property, a header of a subplan, or the rest of the property before."""
    if header := _HEADER.match(line):
        tree.close()
        tree.header = header["name"]
        return
    match = _PROPERTY.match(line)
    if match is None:
        if tree.open is not None:
            tree.open[2].append(line.strip())
        return
    tree.close()
    name, value = _TIMES.get(match["name"].lower(), match["name"]), match["value"] or ""
    if name in _WHOLE or name.startswith("Trigger"):
        tree.ended = True
        if name.endswith("Time"):
            tree.whole[name] = value.removesuffix(" ms")
    elif not tree.ended:
        tree.open = (tree.nodes[-1], name, [value])


def _node(line: str, inside: bool) -> _Node | None:
    """Read a line as a node; ``None`` when it is none. ``inside``: a plan has begun, so that the root is behind."""
    bare = line.lstrip()
    column = len(line) - len(bare)
    arrow = bare.startswith("->")
    if arrow:
        bare = bare[2:].lstrip()
    costs, actual = _COSTS.search(bare), _ACTUAL.search(bare)
    measured = [match.start() for match in (costs, actual) if match]
    name = bare[: min(measured)].rstrip() if measured else bare.rstrip()
    if not arrow and (not is_label(name) or (inside and not measured)):
        return None
    found = label(name)
    if costs:
        found |= zip(("Startup Cost", "Total Cost", "Plan Rows", "Plan Width"), costs.groups(), strict=True)
    if actual:
        names = ("Actual Startup Time", "Actual Total Time", "Actual Rows", "Actual Loops")
        values = actual.groups() if actual[4] else (None, "0", "0", "0")
        found |= {key: value for key, value in zip(names, values, strict=True) if value is not None}
    return _Node(column if arrow else -1, found)


def _link(nodes: list[_Node]) -> None:
    """Give every node its children: by the arrows' columns, or by arity where the columns say nothing."""
    columns = {node.column for node in nodes[1:]}
    flat = len(columns) == 1 and len(nodes) > 2 and arity(nodes[0].properties) < len(nodes) - 1
    if flat:
        _link_by_arity(nodes)
        return
    stack = [nodes[0]]
    for node in nodes[1:]:
        while len(stack) > 1 and stack[-1].column >= node.column:
            stack.pop()
        stack[-1].children.append(node)
        stack.append(node)


def _link_by_arity(nodes: list[_Node]) -> None:
    waiting = [nodes[0]]
    for node in nodes[1:]:
        extra = "Subplan Name" in node.properties
        while len(waiting) > 1 and not extra and _inputs(waiting[-1]) >= arity(waiting[-1].properties):
            waiting.pop()
        waiting[-1].children.append(node)
        waiting.append(node)


def _inputs(node: _Node) -> int:
    return sum("Subplan Name" not in child.properties for child in node.children)


def _plain(root: _Node) -> dict[str, Any]:
    """The nodes as nested mappings, without recursion: a pasted plan may be of any depth."""
    pending = [root]
    while pending:
        current = pending.pop()
        if current.children:
            current.properties["Plans"] = [child.properties for child in current.children]
            pending.extend(current.children)
    return root.properties
