"""Execution plans of both databases in one form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from advisor.model.catalog import TableName


class Access(StrEnum):
    """How a plan node reads its table. MongoDB's COLLSCAN is SEQUENTIAL, IXSCAN + FETCH is INDEX."""

    SEQUENTIAL = "sequential"
    INDEX = "index"
    INDEX_ONLY = "index_only"
    BITMAP = "bitmap"


@dataclass(frozen=True, slots=True)
class PlanNode:
    """One node. Costs are the planner's units; rows and widths are per loop; times are milliseconds.

    ``kind`` is the database's own word ("Seq Scan", "COLLSCAN"). Conditions have their literals replaced.
    ``attributes`` keeps what only one database or version tells, as text.
    """

    kind: str
    access: Access | None = None
    table: TableName | None = None
    alias: str = ""
    index: str = ""
    startup_cost: float = 0.0
    total_cost: float = 0.0
    rows: float = 0.0
    width: int = 0
    actual_rows: float | None = None
    actual_ms: float | None = None
    loops: float | None = None
    filter: str = ""
    index_condition: str = ""
    join_condition: str = ""
    sort_keys: tuple[str, ...] = ()
    spilled_bytes: int | None = None
    rows_removed: float | None = None
    keys_examined: int | None = None
    documents_examined: int | None = None
    buffers_hit: int | None = None
    buffers_read: int | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: tuple[PlanNode, ...] = ()

    def walk(self) -> Iterator[PlanNode]:
        """This node and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement's plan. ``planner`` names who made it, with its version; ``generic`` says parameters were unknown.

    ``fingerprint`` links it to its QueryShape and ``text`` is the statement; both are empty for a plan that came alone.
    """

    root: PlanNode
    planner: str = ""
    fingerprint: str = ""
    text: str = ""
    generic: bool = True
    planning_ms: float | None = None
    execution_ms: float | None = None
    rejected: int = 0
    raw: str = ""

    @property
    def cost(self) -> float:
        """The planner's total cost of the whole statement."""
        return self.root.total_cost

    @property
    def tells_effort(self) -> bool:
        """Whether it has a cost or says what was examined; COSTS OFF and MongoDB's queryPlanner verbosity do not."""
        return bool(self.cost) or self.keys_examined() is not None or self.documents_examined() is not None

    def nodes(self) -> Iterator[PlanNode]:
        """Every node, parents first."""
        return self.root.walk()

    def scans(self) -> Iterator[PlanNode]:
        """The nodes that read a table or an index."""
        return (node for node in self.nodes() if node.access is not None)

    def keys_examined(self) -> int | None:
        """Index keys read by all nodes (MongoDB); ``None`` when no node tells."""
        told = [node.keys_examined for node in self.nodes() if node.keys_examined is not None]
        return sum(told) if told else None

    def documents_examined(self) -> int | None:
        """Documents read by all nodes (MongoDB); ``None`` when no node tells."""
        told = [node.documents_examined for node in self.nodes() if node.documents_examined is not None]
        return sum(told) if told else None
