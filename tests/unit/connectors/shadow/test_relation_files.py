"""Sparse relation files in segments, and a btree's pages as PostgreSQL expects them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from advisor.model.page_layout import PAGE
from connectors.postgres.shadow.files import SEGMENT_PAGES, cut, grow_tree, read_all_equal_image, set_pages, uncut


def sizes(path: Path) -> list[int]:
    """Pages of each segment, in order."""
    found = sorted(path.parent.glob(f"{path.name}*"), key=lambda file: int(file.suffix[1:] or 0))
    return [file.stat().st_size // PAGE for file in found]


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        (0, [0]),
        (7, [7]),
        (SEGMENT_PAGES, [SEGMENT_PAGES]),
        (SEGMENT_PAGES + 1, [SEGMENT_PAGES, 1]),
        (3 * SEGMENT_PAGES, [SEGMENT_PAGES] * 3),
        (3 * SEGMENT_PAGES + 5, [SEGMENT_PAGES] * 3 + [5]),
    ],
)
def test_segments(tmp_path: Path, pages: int, expected: list[int]) -> None:
    path = tmp_path / "16384"
    path.touch()
    for earlier in (5 * SEGMENT_PAGES, 2):  # grown before, or shrunk
        set_pages(path, earlier)
        set_pages(path, pages)
        assert sizes(path) == expected


def test_no_disk_is_used(tmp_path: Path) -> None:
    path = tmp_path / "16384"
    path.touch()
    set_pages(path, 150_000_000)  # more than a terabyte
    assert sum(file.stat().st_blocks * 512 for file in tmp_path.iterdir()) < 100_000


def test_a_cut_relation_looks_empty_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "16384"
    path.touch()
    pages = 2 * SEGMENT_PAGES + 3
    set_pages(path, pages)
    cut(path)
    assert sizes(path) == [0, SEGMENT_PAGES, 3]
    uncut(path, pages)
    assert sizes(path) == [SEGMENT_PAGES, SEGMENT_PAGES, 3]


def test_only_a_btree_grows(tmp_path: Path) -> None:
    path = tmp_path / "16384"
    path.write_bytes(bytes(PAGE))
    grow_tree(path, 3)
    assert path.stat().st_size == PAGE
    assert not read_all_equal_image(path)
    meta = bytearray(PAGE)
    struct.pack_into("=IIIIIII4xd?", meta, 24, 0x053162, 4, 0, 0, 0, 0, 0, -1.0, True)
    path.write_bytes(meta)
    assert read_all_equal_image(path)
    grow_tree(path, 2)
    assert path.stat().st_size == 4 * PAGE
    root, fast = struct.unpack_from("=IIII", path.read_bytes(), 24 + 8)[1::2]
    assert (root, fast) == (2, 2)
    assert read_all_equal_image(path)
