"""What a MongoDB query costs the server by what it examines, and whether an index can be expected to help.

Judged by examined to returned, not by the stage's name: an index scan that walks a whole index is worse than a
collection scan, and a collection scan of a hundred documents is nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from advisor.model.plan import Access, Plan
from advisor.model.shape import QueryShape
from advisor.model.workload import Query

SMALL = 500
"""Documents that may be read for nothing in a call before an index is worth its upkeep (as Atlas' advisor)."""
RATIO = 5.0
"""Examined per returned from which a query is badly served by its index; the manual's ideal is 1."""
MOST = 0.4
"""Share of a collection from which reading all of it is as fast as fetching by an index: on the recorded server an
index took as long as the scan at a third of the collection, a tenth longer at half of it, and a third longer at six
tenths (the index oracle's weights, which do not know the clock, would say two thirds)."""
RARE = 0.05
"""Share below which testing a regular expression on each key of an index, not on each document, is worth an index: the
documents that match are then next to nothing beside those that need not be read. At more the recorded server was slower
with the index, though it examined less."""
MANY = 201
"""``Predicate.elements`` of a list that is too long to be merged in the order of a sort (the manual's $in: 200)."""
SORTABLE_BYTES, USUAL_BYTES = 10 << 20, 2 << 10
"""Bytes that are sorted in memory without harm, a tenth of the server's own limit (manual, ``$sort``: 100 MB), and what
a document is taken for where nothing tells its size."""
KEY, DOCUMENT, SORTED = 1.0, 2.0, 0.5
"""Weights of a key read, a document read and a document sorted in memory (those of the recorded index oracle)."""


@dataclass(frozen=True, slots=True)
class Effort:
    """The means of one call. ``returned`` is ``None`` where the answer's size does not tell what matched."""

    keys: float
    documents: float
    returned: float | None
    sorted_in_memory: bool
    collection_scan: bool
    spilled: bool
    joins: bool = False
    complete: bool = False
    """All that matches was returned: no limit ended the scan, or the answers were mostly shorter than their limit."""
    foreign: tuple[float, float] = (0.0, 0.0)
    """Keys and documents of joined collections, where the plan tells them apart (an explain does, a log does not)."""

    @property
    def own(self) -> Effort:
        """Without what joined collections took."""
        keys, documents = self.foreign
        return replace(self, keys=self.keys - keys, documents=self.documents - documents, foreign=(0.0, 0.0))

    @property
    def examined(self) -> float:
        """The larger of keys and documents read."""
        return max(self.keys, self.documents)

    @property
    def ratio(self) -> float | None:
        """Examined per returned; ``None`` when it is not known what matched."""
        return None if self.returned is None else self.examined / max(self.returned, 1.0)

    @property
    def cost(self) -> float:
        """In the oracle's weights."""
        return KEY * self.keys + DOCUMENT * self.documents + (SORTED * self.documents if self.sorted_in_memory else 0.0)

    @property
    def share(self) -> float | None:
        """The share of what was read by a collection scan that was wanted."""
        if not self.collection_scan or self.returned is None or not self.documents:
            return None
        return self.returned / self.documents

    @property
    def selective(self) -> bool:
        """Whether a collection was read for so small a part of it that fetching this part by an index is faster."""
        large = self.collection_scan and self.documents >= SMALL
        return large and (self.share is None or self.share < MOST)

    @property
    def matches(self) -> float | None:
        """The share of the collection that matches; ``None`` when it is not known."""
        return self.share if self.complete else None

    @property
    def wasteful(self) -> bool:
        """Whether far more is examined than returned."""
        if self.returned is None:
            return self.documents >= SMALL
        return self.examined - self.returned >= 20 and self.examined >= RATIO * max(self.returned, 1.0)


def effort_of(query: Query) -> Effort | None:
    """The effort of one call by the query's plan; ``None`` when no plan tells what was examined."""
    return effort(query.plan, query.shape) if query.plan is not None else None


def effort(plan: Plan, shape: QueryShape) -> Effort | None:
    """The effort of one execution of a plan."""
    keys, documents = plan.keys_examined(), plan.documents_examined()
    if keys is None and documents is None:
        return None
    kinds = {node.kind.upper() for node in plan.nodes()}
    scans = [node for node in plan.scans() if node.access is Access.SEQUENTIAL and not node.attributes.get("side")]
    main = shape.blocks[0] if shape.blocks else None
    told = plan.root.actual_rows
    aggregated = main is not None and (main.aggregated or main.distinct or bool(main.group))
    joins = any(not block.outer for block in shape.blocks)
    joined = [node for node in plan.nodes() if node.attributes.get("side")]
    returned = None if aggregated or told is None else float(told)
    limited = main is not None and main.limited
    cut = float(plan.root.attributes.get("limit reached", "1" if limited else "0"))
    return Effort(
        keys=float(keys or 0),
        documents=float(documents or 0),
        returned=returned,
        sorted_in_memory=bool(kinds & {"SORT", "SORT_KEY_GENERATOR", "$SORT"}) and bool(main and main.sort),
        collection_scan=bool(scans),
        spilled=any(node.spilled_bytes for node in plan.nodes()),
        joins=joins,
        complete=returned is not None and main is not None and not main.offset and cut < 0.5,
        foreign=(
            float(sum(node.keys_examined or 0 for node in joined)),
            float(sum(node.documents_examined or 0 for node in joined)),
        ),
    )
