"""What a MongoDB migration costs, by server version."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.impact.mongodb import migration_impact
from advisor.model.capture import Capture, Server
from advisor.model.catalog import Catalog, Column, Index, IndexColumn, Table, TableName
from advisor.model.recommendation import AddIndex, Configure, DropIndex, EagerLoad
from advisor.model.workload import Workload

ORDERS = TableName("shop", "orders")
INDEX = Index(ORDERS, (IndexColumn("user_id"), IndexColumn("created_at", descending=True)), name="made")
TABLE = Table(ORDERS, (Column("created_at", "date"), Column("user_id", "int")), kind="collection", rows=1_000_000)


def capture(version: int) -> Capture:
    return Capture(Path(), Server("mongodb", version_number=version), Catalog((TABLE,), search_path=("shop",)))


@pytest.mark.parametrize(
    ("version", "word"), [(40_400, "three builds"), (50_000, "resumes"), (70_100, "indexBuildMin")]
)
def test_the_build_of_each_version(version: int, word: str) -> None:
    note = migration_impact(AddIndex(INDEX), capture(version), Workload())
    assert any(word in caveat for caveat in note.caveats)
    assert "background" not in repr(note)
    assert note.rollback[0].endswith('.hideIndex("made")')
    assert note.size is not None
    assert 10e6 < note.size.value < 30e6
    assert any("commitQuorum" in wait for wait in note.waits_for)


def test_a_drop_hides_first_and_is_undone_by_showing() -> None:
    note = migration_impact(DropIndex(INDEX, hide_first=True), capture(70_000), Workload())
    assert note.locks[0].statement.endswith('.hideIndex("made")')
    assert note.rollback[0].endswith('.unhideIndex("made")')


def test_showing_an_index_and_changing_code_build_nothing() -> None:
    shown = migration_impact(Configure("index a of b", "visible", "hidden"), capture(70_000), Workload())
    code = migration_impact(EagerLoad("p", ("c",)), capture(70_000), Workload())
    assert not shown.locks
    assert not code.locks
