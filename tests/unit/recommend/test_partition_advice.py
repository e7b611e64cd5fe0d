from __future__ import annotations

from advisor.model.catalog import Catalog, Index, IndexColumn, Table, TableName
from advisor.recommend.add_index import _of_parent

EVENTS, YEAR, DAY = (TableName("public", name) for name in ("events", "events_2024", "events_2024_01_01"))
CATALOG = Catalog(
    (
        Table(EVENTS, (), kind="partitioned"),
        Table(YEAR, (), kind="partitioned", partition_of=EVENTS),
        Table(DAY, (), partition_of=YEAR),
    )
)


def test_an_index_that_comes_with_the_partitioned_tables_is_not_advised_again() -> None:
    whole, day = (Index(table, (IndexColumn("device"),)) for table in (EVENTS, DAY))
    other = Index(DAY, (IndexColumn("kind"),))
    assert "public.events (device)" in _of_parent(day, [whole, day, other], CATALOG)
    assert _of_parent(whole, [whole, day], CATALOG) == ""
    assert _of_parent(other, [whole, day, other], CATALOG) == ""
