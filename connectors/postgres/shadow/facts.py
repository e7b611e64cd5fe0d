"""From the shadow's own catalog to what the size of an index depends on."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.model.page_layout import IndexFacts, KeyColumn
from connectors.postgres.shadow.files import read_all_equal_image

_QUERY = Path(__file__).with_name("index_facts.sql").read_text(encoding="utf-8")
_UNKNOWN_WIDTH = 32.0
"""What the planner takes for a value of unknown width (get_typavgwidth in ``lsyscache.c``)."""
_UNKNOWN_DISTINCT = 200.0
"""What the planner takes for a column without statistics (DEFAULT_NUM_DISTINCT in ``selfuncs.h``)."""


@dataclass(frozen=True, slots=True)
class StoredIndex:
    """An index of the shadow: its object id, name, file (below the data directory), table, and pages so far."""

    oid: int
    name: str
    path: str
    table: int
    pages: int
    partial: bool
    facts: IndexFacts


async def stored_indexes(connection: Any, data: Path, oids: Sequence[int] | None = None) -> list[StoredIndex]:
    """Read the facts of these indexes (``None``: of all); ``connection`` is a superuser's.

    A partial index is taken to hold all rows of its table: who knows its selectivity scales.
    """
    rows = await connection.fetch(_QUERY, oids)
    found = itertools.groupby(rows, key=lambda row: row["oid"])
    return [_stored(list(columns), data) for _, columns in found]


def _stored(columns: list[Mapping[str, Any]], data: Path) -> StoredIndex:
    first = columns[0]
    rows = float(first["rows"])
    distinct = 1.0
    for column in columns[: first["key_count"]]:
        distinct = min(rows, distinct * _distinct(column, rows))
    included = len(columns) > first["key_count"]
    merges = not included and (not first["is_unique"]) and read_all_equal_image(data / first["path"])
    return StoredIndex(
        oid=first["oid"],
        name=first["name"],
        path=first["path"],
        table=first["table_oid"],
        pages=first["pages"],
        partial=first["is_partial"],
        facts=IndexFacts(
            method=first["method"],
            keys=tuple(_key(column) for column in columns),
            rows=rows,
            distinct=max(1.0, distinct),
            merges=merges,
            heap_pages=first["heap_pages"],
            pages_per_range=first["pages_per_range"] or 128,
        ),
    )


def _distinct(column: Mapping[str, Any], rows: float) -> float:
    known = column["distinct_values"]
    if not known:
        # An expression without statistics: as the planner, but no more than there are rows.
        return _UNKNOWN_DISTINCT if known is None else rows
    return float(known) if known > 0 else max(1.0, -known * rows)


def _key(column: Mapping[str, Any]) -> KeyColumn:
    counts = column["element_counts"]
    return KeyColumn(
        length=column["length"],
        alignment=column["alignment"],
        width=float(column["width"] or _UNKNOWN_WIDTH),
        nulls=float(column["nulls"] or 0.0),
        frequencies=tuple(map(float, column["frequencies"] or ())),
        elements=float(counts[-1]) if counts else 0.0,
        text=column["is_text"],
    )
