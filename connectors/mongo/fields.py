"""Shapes of documents from a bounded sample: types, arrays, how many distinct values. No value is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bson import Binary, Decimal128, Int64, ObjectId, Regex, Timestamp

from advisor.model.catalog import Column, ColumnStats

SAMPLE = 200
"""Documents looked at in a collection."""
MAX_PATHS, MAX_DEPTH, MAX_ELEMENTS = 300, 8, 20
"""Paths kept of a collection, levels followed, elements looked at in an array: documents may have 1,000 of each."""
UNIQUE = 0.9
"""Share of distinct values in the sample from which a field is taken to go on like that over all documents."""

_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "bool"), (Int64, "long"), (int, "int"), (float, "double"), (str, "string"), (ObjectId, "objectId"),
    (Decimal128, "decimal"), (Binary, "binData"), (bytes, "binData"), (Timestamp, "timestamp"), (Regex, "regex"),
)  # fmt: skip


def columns_of(documents: Iterable[Mapping[str, Any]], rows: float) -> tuple[Column, ...]:
    """The fields of sampled documents, dotted where they are nested, by name."""
    seen: dict[str, tuple[set[str], set[int], set[int]]] = {}
    count = 0
    for document in documents:
        count += 1
        for path, kind, digest in _walk(document, "", 0):
            if path not in seen and len(seen) >= MAX_PATHS:
                continue
            types, digests, holders = seen.setdefault(path, (set(), set(), set()))
            types.add(kind)
            holders.add(count)
            digests.add(digest)
    return tuple(
        _column(path, types, len(digests), len(holders), count, rows)
        for path, (types, digests, holders) in sorted(seen.items())
    )


def _column(path: str, types: set[str], distinct: int, holders: int, count: int, rows: float) -> Column:
    missing = 1 - holders / count if count else 0.0
    grown = distinct >= UNIQUE * holders and holders > 1
    estimate = rows * (1 - missing) * distinct / holders if grown else float(distinct)
    stats = ColumnStats(null_fraction=round(missing, 4), n_distinct=round(max(estimate, 1.0)))
    return Column(path, "|".join(sorted(types)), nullable=missing > 0 or "null" in types, stats=stats)


def _walk(value: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, str, int]]:
    for name, inner in value.items():
        if "." in name or name.startswith("$") or depth >= MAX_DEPTH:
            continue  # a key with a dot or a dollar cannot be named by a path
        path = prefix + name
        if isinstance(inner, Mapping):
            yield path, "object", 0
            yield from _walk(inner, f"{path}.", depth + 1)
        elif isinstance(inner, list):
            yield path, "array", len(inner)
            for element in inner[:MAX_ELEMENTS]:
                if isinstance(element, Mapping):
                    yield from _walk(element, f"{path}.", depth + 1)
                else:
                    yield path, kind_of(element), hash(str(element))
        else:
            yield path, kind_of(inner), hash(str(inner))


def kind_of(value: Any) -> str:
    """A value's BSON type by its name in ``$type``."""
    if value is None:
        return "null"
    return next(
        (name for kind, name in _TYPES if isinstance(value, kind)), "date" if hasattr(value, "year") else "other"
    )
