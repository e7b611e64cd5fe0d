"""Index sizes against those of indexes really built on 500,000 rows (``tests/benchmarks/shadow_sizes.py``)."""

from __future__ import annotations

import pytest

from advisor.model.page_layout import PAGE, IndexFacts, KeyColumn, index_size, tree_height, tuple_bytes

ROWS = 500_000.0
INTEGER = KeyColumn(4, "i", 4)
BIGINT = KeyColumn(8, "d", 8)
MD5 = KeyColumn(-1, "i", 33)
UUID = KeyColumn(16, "c", 16)
BOOLEAN = KeyColumn(1, "c", 1, frequencies=(0.9, 0.1))


@pytest.mark.parametrize(
    ("method", "keys", "distinct", "merges", "built"),
    [
        ("btree", (BIGINT,), ROWS, True, 11_255_808),
        ("btree", (INTEGER,), ROWS, True, 11_255_808),
        ("btree", (MD5,), ROWS, True, 29_548_544),
        ("btree", (UUID,), ROWS, True, 15_794_176),
        ("btree", (INTEGER,), 12_500, True, 3_661_824),
        ("btree", (INTEGER,), 183_600, True, 7_815_168),
        ("btree", (INTEGER, BIGINT), ROWS, False, 15_794_176),
        ("btree", (BOOLEAN,), 2, True, 3_489_792),
        ("btree", (KeyColumn(4, "i", 4, nulls=0.9),), 48_000, True, 4_268_032),
        ("hash", (MD5,), ROWS, False, 16_793_600),
        ("brin", (BIGINT,), ROWS, False, 24_576),
    ],
)
def test_sizes(method: str, keys: tuple[KeyColumn, ...], distinct: float, merges: bool, built: int) -> None:
    facts = IndexFacts(method, keys, ROWS, distinct, merges, heap_pages=17_000)
    assert index_size(facts).size_bytes == pytest.approx(built, rel=0.05)


@pytest.mark.parametrize("method", ["btree", "hash", "brin", "gin", "gist", "spgist"])
@pytest.mark.parametrize("rows", [0.0, 1.0, 1e12])
def test_every_size_is_sane(method: str, rows: float) -> None:
    facts = IndexFacts(method, (MD5, INTEGER), rows, max(1.0, rows / 3), True, heap_pages=int(rows // 50))
    size = index_size(facts)
    assert size.pages >= 1
    assert size.size_bytes == size.pages * PAGE
    assert 0 <= size.height < 10


def test_tree_height() -> None:
    assert [tree_height(pages, (BIGINT,)) for pages in (1, 2, 3, 280, 500, 100_000)] == [0, 0, 1, 1, 2, 3]


def test_nulls_take_no_room() -> None:
    assert tuple_bytes([KeyColumn(-1, "i", 200, nulls=1.0)]) < tuple_bytes([KeyColumn(-1, "i", 200)])
