"""Relation files of the shadow: sparse, as large as the target's, for the planner asks the file system for sizes."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from advisor.model.page_layout import PAGE

SEGMENT_PAGES = 131_072
"""Pages of one segment file: 1 GiB (RELSEG_SIZE in ``pg_config.h``)."""
MOST_PAGES = 0xFFFFFFFE
"""The largest number of pages that a relation may have (MaxBlockNumber in ``block.h``)."""

# BTMetaPageData stands behind the 24 bytes of page header (nbtree.h): magic, version, root, level, fastroot,
# fastlevel, last_cleanup_num_delpages, last_cleanup_num_heap_tuples (aligned double), allequalimage.
_META_OFFSET = 24
_META = struct.Struct("=IIIIIII4xd?")
_BTREE_MAGIC = 0x053162


def set_pages(path: Path, pages: int) -> None:
    """Make the relation at ``path`` look ``pages`` long. No disk is used: the files are sparse.

    Raises ``OSError`` when the file system refuses.
    """
    full, rest = divmod(max(0, min(pages, MOST_PAGES)), SEGMENT_PAGES)
    os.truncate(path, (SEGMENT_PAGES if full else rest) * PAGE)
    for number in range(1, full):
        _link_full(_segment(path, number), path)
    number = max(1, full)
    if full and rest:
        _create(_segment(path, number), rest * PAGE, path)
        number += 1
    while (segment := _segment(path, number)).exists():
        segment.unlink()
        number += 1


def cut(path: Path) -> None:
    """Make the relation at ``path`` look empty to a backend that has not opened it yet; later segments stay."""
    os.truncate(path, 0)


def uncut(path: Path, pages: int) -> None:
    """Undo :func:`cut`: give the first segment its share of ``pages`` back."""
    os.truncate(path, min(pages, SEGMENT_PAGES) * PAGE)


def read_all_equal_image(path: Path) -> bool:
    """Whether PostgreSQL would merge duplicates in the btree at ``path`` (its metapage says so)."""
    with path.open("rb") as file:
        page = file.read(_META_OFFSET + _META.size)
    if len(page) < _META_OFFSET + _META.size:
        return False
    fields = _META.unpack_from(page, _META_OFFSET)
    return fields[0] == _BTREE_MAGIC and bool(fields[8])


def grow_tree(path: Path, height: int) -> None:
    """Give the empty btree at ``path`` ``height`` levels below its root: the planner charges every descent.

    Root and inner pages lead down to one empty leaf, for the planner looks there for the largest and smallest key
    and must find a tree, if without any.
    """
    with path.open("r+b") as file:
        meta = bytearray(file.read(PAGE))
        if len(meta) < PAGE or height < 1:
            return
        magic, version, *_, deleted, cleaned, equal = _META.unpack_from(meta, _META_OFFSET)
        if magic != _BTREE_MAGIC:
            return
        _META.pack_into(meta, _META_OFFSET, magic, version, 1, height, 1, height, deleted, cleaned, equal)
        file.seek(0)
        file.write(meta)
        for block in range(1, height + 2):
            file.write(_tree_page(block, height + 1 - block, root=block == 1))


def _tree_page(block: int, level: int, *, root: bool) -> bytes:
    """A btree page of PostgreSQL 12-18 whose only item, above the leaves, points to the next block."""
    page = bytearray(PAGE)
    special = PAGE - 16
    lower, upper = (24 + 4, special - 8) if level else (24, special)
    # PageHeaderData: log position, checksum, flags, lower, upper, special, size and layout version, prune xid.
    struct.pack_into("=QHHHHHHI", page, 0, 0, 0, 0, lower, upper, special, PAGE | 4, 0)
    if level:
        # ItemIdData: offset, LP_NORMAL, length. IndexTupleData: a downlink without key, "minus infinity".
        struct.pack_into("=I", page, 24, upper | 1 << 15 | 8 << 17)
        struct.pack_into("=HHHH", page, upper, (block + 1) >> 16, (block + 1) & 0xFFFF, 0, 0x2000 | 8)
    # BTPageOpaqueData: previous, next, level, flags (1: leaf, 2: root), vacuum cycle.
    struct.pack_into("=IIIHH", page, special, 0, 0, level, (0 if level else 1) | (2 if root else 0), 0)
    return bytes(page)


def _segment(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}") if number else path


def _link_full(segment: Path, first: Path) -> None:
    """Make a full segment. They are all alike, and nobody writes to them: one file may stand for very many."""
    segment.unlink(missing_ok=True)
    template = first.with_name("advisor_full_segment")
    try:
        os.link(template, segment)
    except FileNotFoundError:
        _create(template, SEGMENT_PAGES * PAGE, first)
        os.link(template, segment)
    except OSError:  # the file system's limit of links
        template.unlink()
        _create(segment, SEGMENT_PAGES * PAGE, first)


def _create(path: Path, size: int, like: Path) -> None:
    path.unlink(missing_ok=True)  # it may be a link to what others share
    with path.open("wb") as file:
        file.truncate(size)
    if os.geteuid() == 0:
        owner = like.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
        path.chmod(0o600)
