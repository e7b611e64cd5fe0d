"""How many pages an index would have, newly built, from statistics alone. Pure arithmetic over page layouts.

Source of the layouts: ``bufpage.h``, ``itup.h``, ``nbtree.h``, ``nbtsort.c``, ``brin_page.h``, ``hashpage.h`` of
PostgreSQL 16-18. Sizes are bytes unless they are called pages.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

PAGE = 8192
"""Bytes of a page (BLCKSZ, as every packaged server has it)."""

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
_SPREAD = 0.15
"""How far widths of text are taken to lie around their average, as a part of it: the statistics do not tell."""
_SAMPLES = tuple(step / 4 for step in range(-4, 5))
_BYTES_PER_JSON_ITEM = 10
"""A key or a value of jsonb takes about so much: four bytes of JEntry, and short strings or numbers (``jsonb.h``)."""
_ALIGNMENT = {"c": 1, "s": 2, "i": 4, "d": 8}


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """One column of an index as stored: ``length`` and ``alignment`` are pg_attribute's attlen and attalign.

    ``width`` is the average in bytes, ``nulls`` the fraction, ``frequencies`` those of the most common values,
    ``elements`` how many elements an array or tsvector has on average (0: not known), ``text``: of variable length.
    """

    length: int
    alignment: str
    width: float
    nulls: float = 0.0
    frequencies: tuple[float, ...] = ()
    elements: float = 0.0
    text: bool = True

    @property
    def spread(self) -> float:
        """How far values' widths lie from the average, in bytes; each of them is rounded by alignment."""
        return self.width * _SPREAD if self.length < 0 and self.text and self.width not in _FIXED_TEXT else 0.0


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
    without_null = math.prod(1 - key.nulls for key in keys)
    # The null bitmap has four bytes, which alignment makes eight.
    header = _HEADER + 8 * (1 - without_null)
    samples = _SAMPLES if any(key.spread for key in keys) else (0.0,)
    return sum(_entry_bytes(keys, header, sample) for sample in samples) / len(samples)


def _entry_bytes(keys: Sequence[KeyColumn], header: float, sample: float) -> float:
    """Bytes of an entry whose texts are longer than the average by ``sample`` times their spread."""
    position = header
    for key in keys:
        if key.length > 0:
            boundary = _ALIGNMENT.get(key.alignment, 1)
            if key.nulls < 1:
                position = math.ceil(position / boundary) * boundary
            position += key.length * (1 - key.nulls)
        else:
            position += round(key.width + sample * key.spread) * (1 - key.nulls)
    return _aligned(position) + _ITEM


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
    # Buckets of the last round that are not split yet hold twice as much as the others.
    full = 2.0 ** math.ceil(math.log2(buckets))
    unsplit, load = full - buckets, facts.rows / full
    per_page = _ROOM // entry
    pages = (buckets - unsplit) * math.ceil(load / per_page) + unsplit * math.ceil(2 * load / per_page)
    return IndexSize(math.ceil(pages + buckets / (PAGE * 8 / 2) + 2))


def _brin(facts: IndexFacts) -> IndexSize:
    ranges = math.ceil(facts.heap_pages / facts.pages_per_range)
    width = sum(2 * (key.length if key.length > 0 else key.width) for key in facts.keys)
    entry = _aligned(_HEADER + width) + _ITEM
    per_revmap_page = (PAGE - 32) // _TID
    return IndexSize(1 + math.ceil(ranges / per_revmap_page) + math.ceil(ranges * entry / _ROOM) if ranges else 2)


def _gin(facts: IndexFacts) -> IndexSize:
    """A rough guess: what the elements are, and how many different ones, is not in the statistics of most types.

    Of jsonb's items half are keys, which every row has; a quarter are values of few kinds and a quarter of many.
    TIDs are stored as differences in groups of seven bits (``ginpostinglist.c``).
    """
    total = 0.0
    for key in facts.keys:
        rows = facts.rows * (1 - key.nulls)
        if key.elements:
            items = rows * key.elements
            total += _gin_bytes(facts, items, math.sqrt(items) / 2, key.width / key.elements)
        else:
            items = rows * max(1.0, key.width / _BYTES_PER_JSON_ITEM)
            for share, distinct in ((0.5, items / max(rows, 1)), (0.25, 20.0), (0.25, rows / 10)):
                total += _gin_bytes(facts, items * share, distinct, _BYTES_PER_JSON_ITEM)
    return IndexSize(max(2, 2 + math.ceil(total / (_ROOM * 0.9))))


def _gin_bytes(facts: IndexFacts, items: float, distinct: float, width: float) -> float:
    """Bytes of the entries and posting lists of ``items`` elements, ``distinct`` of them different."""
    distinct = max(1.0, min(items, distinct))
    gap = max(1.0, facts.rows * distinct / max(items, 1.0))
    per_page = max(1.0, facts.rows / max(1, facts.heap_pages))
    # Rows of one page differ by their offsets, eleven bits of a TID; others by page numbers above these.
    difference = gap if gap < per_page / 2 else gap / per_page * 2048
    return items * math.ceil(math.log2(difference + 1) / 7) + distinct * (_aligned(_HEADER + width) + _ITEM + 8)


def _tree(facts: IndexFacts) -> IndexSize:
    """GiST, SP-GiST and what else there is: one entry a row, pages two thirds full as random inserts leave them."""
    leaves = math.ceil(facts.rows * tuple_bytes(facts.keys) / (_ROOM * 0.67))
    return IndexSize(max(1, leaves + math.ceil(leaves / 50)))


def _present(key: KeyColumn) -> KeyColumn:
    return replace(key, nulls=0.0)


def _aligned(size: float) -> int:
    return math.ceil(size / 8) * 8
