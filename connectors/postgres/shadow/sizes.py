"""How many pages an index would have, newly built, from statistics alone. Pure arithmetic over page layouts.

Source of the layouts: ``bufpage.h``, ``itup.h``, ``nbtree.h``, ``nbtsort.c``, ``brin_page.h``, ``hashpage.h`` of
PostgreSQL 16-18. Sizes are bytes unless they are called pages.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connectors.postgres.shadow.files import PAGE

_ROOM = PAGE - 24 - 16
"""Bytes of an index page between its header and its special space."""
_ITEM = 4
"""An ItemId, the line pointer of every tuple."""
_HEADER = 8
"""IndexTupleData."""
_NULL_HEADER = 16
"""IndexTupleData with the null bitmap, aligned."""
_LEAF_FREE = PAGE // 10
"""What a build leaves free on a leaf (BTREE_DEFAULT_FILLFACTOR is 90)."""
_INNER_FREE = PAGE * 3 // 10
"""What a build leaves free on an inner page (BTREE_NONLEAF_FILLFACTOR is 70)."""
_LARGEST_POSTING = 812
"""The largest posting list tuple that a build makes: a tenth of a page less an ItemId (``_bt_load``)."""
_TID = 6
_SPREAD_DUPLICATES = 50.0
"""Above so many duplicates a key the spread around the mean no longer matters for the size."""
# Widths of text, header included, that betray a fixed length: 32, 36, 40 and 64 characters (MD5, UUID, SHA-1, SHA-256).
_FIXED_TEXT = frozenset({33, 37, 41, 65})
_ALIGNMENT = {"c": 1, "s": 2, "i": 4, "d": 8}


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """One column of an index as stored: ``length`` and ``alignment`` are pg_attribute's attlen and attalign.

    ``width`` is the average in bytes, ``nulls`` the fraction, ``frequencies`` those of the most common values,
    ``elements`` how many elements an array, tsvector or jsonb value has on average.
    """

    length: int
    alignment: str
    width: float
    nulls: float = 0.0
    frequencies: tuple[float, ...] = ()
    elements: float = 0.0

    @property
    def varies(self) -> bool:
        """Whether values differ in width, so that alignment rounds each of them differently."""
        return self.length < 0 and self.width not in _FIXED_TEXT


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """What the size of an index depends on.

    ``rows``: those that the index holds. ``distinct``: distinct combinations of the keys among them.
    ``merges``: whether the btree may merge duplicates. ``heap_pages`` counts for BRIN alone.
    """

    method: str
    keys: tuple[KeyColumn, ...]
    rows: float
    distinct: float
    merges: bool = False
    heap_pages: int = 0
    pages_per_range: int = 128


@dataclass(frozen=True, slots=True)
class IndexSize:
    """Pages in all, and for a btree the levels below its root."""

    pages: int
    height: int = 0

    @property
    def size_bytes(self) -> int:
        """The size in bytes."""
        return self.pages * PAGE


def index_size(facts: IndexFacts) -> IndexSize:
    """The size that an index with these facts has right after CREATE INDEX."""
    build = {"btree": _btree, "hash": _hash, "brin": _brin, "gin": _gin}.get(facts.method, _tree)
    return build(facts)


def tuple_bytes(keys: Sequence[KeyColumn]) -> float:
    """The average bytes that one entry takes on a page, its line pointer included; nulls take no room."""
    position = float(_HEADER)
    for key in keys:
        present = 1.0 - key.nulls
        if key.length > 0:
            boundary = _ALIGNMENT.get(key.alignment, 1)
            position = math.ceil(position / boundary) * boundary if key.nulls < 1 else position
            position += key.length * present
        else:
            position += key.width * present
    if any(key.nulls > 0 for key in keys):
        # Entries with a null carry a bitmap of four bytes, which alignment makes eight.
        position += 8 * (1 - math.prod(1 - key.nulls for key in keys))
    # Of widths that vary each value is rounded up by three and a half bytes on average.
    aligned = position + 3.5 if any(key.varies for key in keys) else _aligned(position)
    return aligned + _ITEM


def _btree(facts: IndexFacts) -> IndexSize:
    entry = tuple_bytes(facts.keys)
    if len(facts.keys) == 1:
        nulls = facts.keys[0].nulls * facts.rows
        entry = tuple_bytes([_present(facts.keys[0])])
        common = facts.keys[0].frequencies
    else:
        nulls, common = 0.0, ()
    total = _leaf_bytes(facts, facts.rows - nulls, entry, [f * facts.rows for f in common])
    total += _posting_bytes(nulls, _NULL_HEADER) if facts.merges else nulls * (_NULL_HEADER + _ITEM)
    leaves = max(1, _pages_of(total, entry))
    levels = list(_levels(leaves, entry))
    return IndexSize(leaves + sum(levels) + 1, len(levels))


def tree_height(pages: int, keys: Sequence[KeyColumn]) -> int:
    """Levels below the root of a btree that has ``pages`` in all."""
    return len(list(_levels(pages - 1, tuple_bytes(keys))))


def _levels(leaves: int, entry: float) -> Iterator[int]:
    """Pages of each level above the leaves, up to the root."""
    fan_out = max(2, int((_ROOM - _ITEM - _INNER_FREE) / entry) + 1)
    level = leaves
    while level > 1:
        level = math.ceil(level / fan_out)
        yield level


def _pages_of(total: float, entry: float) -> int:
    """Leaf pages for entries of ``total`` bytes: a leaf takes entries until a tenth of it is left."""
    room = float(_ROOM - _ITEM - _LEAF_FREE)
    if entry <= 64:  # small entries: the last one that does not fit any more is what is lost
        room = math.floor(room / entry) * entry
    return math.ceil(total / room)


def _leaf_bytes(facts: IndexFacts, rows: float, entry: float, common: Sequence[float]) -> float:
    if rows <= 0:
        return 0.0
    if not facts.merges or rows <= facts.distinct:
        return rows * entry
    base = entry - _ITEM
    common = [count for count in common if count > 1]
    rest = max(0.0, rows - sum(common))
    others = max(1.0, facts.distinct - len(common))
    size = sum(_posting_bytes(count, base) for count in common)
    return size + others * _expected_bytes(rest / others, base, entry)


def _expected_bytes(duplicates: float, base: float, entry: float) -> float:
    """Bytes of one key's entries when keys have ``duplicates`` rows on average.

    Rows that fall on keys at random make the counts Poisson; keys without a row are not seen (zero-truncated).
    """
    if duplicates <= 1:
        return duplicates * entry
    if duplicates > _SPREAD_DUPLICATES:
        return _posting_bytes(duplicates, base)
    mean = _untruncated_mean(duplicates)
    probability = math.exp(-mean)
    seen = 1 - probability
    total = 0.0
    for count in range(1, int(duplicates * 3) + 20):
        probability *= mean / count
        total += probability / seen * (entry if count == 1 else _posting_bytes(count, base))
    return total


def _untruncated_mean(duplicates: float) -> float:
    low, high = 1e-9, duplicates
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if middle / (1 - math.exp(-middle)) < duplicates else (low, middle)
    return low


def _posting_bytes(rows: float, base: float) -> float:
    """Bytes of ``rows`` entries of one key, merged into posting lists."""
    if rows <= 0:
        return 0.0
    most = max(2, int((_LARGEST_POSTING - base) / _TID))
    full, rest = divmod(rows, most)
    size = full * (_aligned(base + _TID * most) + _ITEM)
    if rest > 1:
        size += _aligned(base + _TID * math.ceil(rest)) + _ITEM
    elif rest > 0:
        size += rest * (base + _ITEM)
    return size


def _hash(facts: IndexFacts) -> IndexSize:
    entry = _aligned(_HEADER + 4) + _ITEM  # four bytes of hash code, whatever the key
    per_bucket = PAGE * 0.75 / entry  # HASH_DEFAULT_FILLFACTOR
    wanted = max(2.0, facts.rows / per_bucket)
    # Buckets come in powers of two, quartered from the tenth on (HASH_SPLITPOINT_GROUPS_WITH_ONE_PHASE).
    power = 2.0 ** math.floor(math.log2(wanted))
    step = power / 4 if wanted >= 512 else power
    buckets = power if wanted == power else power + math.ceil((wanted - power) / step) * step
    overflow = max(0.0, facts.rows * entry / _ROOM - buckets)
    return IndexSize(math.ceil(buckets + overflow + buckets / (PAGE * 8 / 2) + 2))


def _brin(facts: IndexFacts) -> IndexSize:
    ranges = math.ceil(facts.heap_pages / facts.pages_per_range)
    width = sum(2 * (key.length if key.length > 0 else key.width) for key in facts.keys)
    entry = _aligned(_HEADER + width) + _ITEM
    per_revmap_page = (PAGE - 32) // _TID
    return IndexSize(1 + math.ceil(ranges / per_revmap_page) + math.ceil(ranges * entry / _ROOM) if ranges else 2)


def _gin(facts: IndexFacts) -> IndexSize:
    """Entries are not counted by the server's statistics; the number of distinct elements is a rough guess.

    TIDs are stored as differences in groups of seven bits (``ginpostinglist.c``).
    """
    total = entries = 0.0
    for key in facts.keys:
        elements = max(key.elements, 1.0)
        items = facts.rows * (1 - key.nulls) * elements
        width = max(4.0, key.width / elements)
        distinct = max(1.0, min(items, facts.distinct if elements == 1 else math.sqrt(items) * 4))
        gap = max(1.0, facts.heap_pages * 2048 / max(1.0, items / distinct))
        total += items * math.ceil(max(1.0, math.log2(gap)) / 7)
        entries += distinct * (_aligned(_HEADER + width) + _ITEM + 8)
    return IndexSize(max(2, 2 + math.ceil((total + entries) / (_ROOM * 0.9))))


def _tree(facts: IndexFacts) -> IndexSize:
    """GiST, SP-GiST and what else there is: one entry a row, pages two thirds full as random inserts leave them."""
    leaves = math.ceil(facts.rows * tuple_bytes(facts.keys) / (_ROOM * 0.67))
    return IndexSize(max(1, leaves + math.ceil(leaves / 50)))


def _present(key: KeyColumn) -> KeyColumn:
    return KeyColumn(key.length, key.alignment, key.width, 0.0, key.frequencies, key.elements)


def _aligned(size: float) -> int:
    return math.ceil(size / 8) * 8
