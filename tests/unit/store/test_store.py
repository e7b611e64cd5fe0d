from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from advisor.errors import StoreError
from advisor.model.capture import Server
from advisor.model.report import Report
from advisor.model.workload import Workload
from advisor.store import Store

REPORT = Report(Server("postgresql", name="db/shop"), datetime(2026, 1, 2, tzinfo=UTC), (), Workload(), (), (), ())


@pytest.fixture
def store(tmp_path: Path):  # type: ignore[no-untyped-def]
    store = Store(f"sqlite:///{tmp_path}/deep/advisor.db")
    yield store
    store.close()


def test_no_password_reaches_the_file(store: Store, tmp_path: Path) -> None:
    target = store.add_target("shop", "postgresql://app:hunter2@db/shop?password=hunter2&sslmode=require")
    assert target.url == "postgresql://app@db/shop?sslmode=require"
    assert store.add_target("again", "postgresql://app:other@db/shop?sslmode=require") == target
    store.close()
    assert b"hunter2" not in (tmp_path / "deep" / "advisor.db").read_bytes()


def test_reports_come_back_whole_and_newest_first(store: Store) -> None:
    first, second = store.save(REPORT), store.save(REPORT)
    assert [saved.id for saved in store.reports()] == [second, first]
    assert store.report(first) == REPORT
    store.remove_report(first)
    with pytest.raises(StoreError, match="no report"):
        store.report(first)


def test_reports_outlive_their_target_and_decisions_their_report(store: Store) -> None:
    target = store.add_target("shop", "postgresql://db/shop")
    store.save(REPORT, target.id)
    store.decide("db/shop", "add-1", "dismissed", "too large")
    store.decide("db/shop", "add-1", "accepted")
    store.remove_target(target.id)
    assert store.targets() == []
    assert [saved.target for saved in store.reports()] == [None]
    assert store.decisions("db/shop")["add-1"].status == "accepted"


def test_a_store_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="--store"):
        Store(f"sqlite:///{tmp_path}/file/advisor.db")
    with pytest.raises(StoreError, match=r"^(?!.*pw)"):
        Store("nosuchdb://u:pw@h/x")
