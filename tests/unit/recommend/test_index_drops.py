from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from advisor.model.catalog import Catalog, ForeignKey, Index, IndexColumn, TableName
from advisor.model.finding import Confidence
from advisor.model.recommendation import Cost, Declined, DropIndex, Recommendation, WhatIf
from advisor.model.shape import Operator, Predicate
from advisor.model.workload import Query
from advisor.ports import Study
from advisor.recommend.drop_index import recommend

ORDERS, CUSTOMERS = TableName("public", "orders"), TableName("public", "customers")
NOW = datetime(2026, 11, 1, tzinfo=UTC)
MakeQuery = Callable[..., Query]
MakeStudy = Callable[..., Study]


class Planner:
    """Every query costs 100, and ``dearer`` once one of ``needed`` is hidden."""

    planner = "fake"
    coverage = ()

    def __init__(self, needed: Sequence[str] = (), dearer: float = 900.0) -> None:
        self._needed = {f"public.{name}" for name in needed}
        self._dearer = dearer

    def costs(self, questions: Sequence[WhatIf]) -> list[Cost]:
        return [Cost(self._dearer if self._needed & q.hidden else 100.0, self.planner) for q in questions]

    def sizes(self, indexes: Sequence[Index]) -> list[int]:
        return [0] * len(indexes)

    def close(self) -> None:
        pass


def index(name: str, *keys: str, table: TableName = ORDERS, **more: object) -> Index:
    facts = {"exists": True, "scans": 5, "size_bytes": 50_000_000, **more}
    return Index(table, tuple(IndexColumn(key) for key in keys), name, **facts)  # type: ignore[arg-type]


def with_indexes(catalog: Catalog, *indexes: Index, keys: Sequence[ForeignKey] = ()) -> Catalog:
    tables = tuple(
        replace(table, indexes=(*table.indexes, *(i for i in indexes if i.table == table.name)))
        for table in catalog.tables
    )
    return replace(catalog, tables=tables, foreign_keys=tuple(keys), stats_reset_at=NOW - timedelta(days=90))


@pytest.fixture
def ask(catalog: Catalog, make_study: MakeStudy, make_query: MakeQuery) -> Callable[..., dict[str, object]]:
    def judge(
        *indexes: Index, planner: Planner | None = None, keys: Sequence[ForeignKey] = (), age: timedelta | None = None
    ) -> dict[str, object]:
        where = with_indexes(catalog, *indexes, keys=keys)
        if age is not None:
            where = replace(where, stats_reset_at=NOW - age)
        query = make_query("q1", Predicate(ORDERS, "customer_id", Operator.EQUAL))
        study = make_study(query, estimator=planner or Planner(), where=where)
        study = replace(study, capture=replace(study.capture, captured_at=NOW))
        answers: dict[str, object] = {}
        for answer in recommend(study, ()):
            if isinstance(answer, Recommendation):
                assert isinstance(answer.action, DropIndex)
                answers[answer.action.index.name] = answer
            else:
                answers[answer.candidate.removeprefix("drop ")] = answer.reason
        return answers

    return judge


Ask = Callable[..., dict[str, object]]


def test_one_of_two_equal_indexes_goes(ask: Ask) -> None:
    answers = ask(index("ix_a", "status"), index("ix_b", "status"))
    assert list(answers) == ["ix_b"]
    advice = answers["ix_b"]
    assert isinstance(advice, Recommendation)
    assert advice.statement == "DROP INDEX CONCURRENTLY IF EXISTS public.ix_b"
    assert isinstance(advice.action, DropIndex)
    assert advice.action.covered_by == "ix_a"
    assert advice.rules == ("duplicate-index",)
    assert advice.confidence is Confidence.HIGH
    assert any("CREATE INDEX CONCURRENTLY ix_b" in risk for risk in advice.risks)


def test_a_prefix_goes_and_its_cover_stays(ask: Ask) -> None:
    assert list(ask(index("ix_short", "status"), index("ix_long", "status", "total"))) == ["ix_short"]


def test_what_the_planner_needs_stays(ask: Ask) -> None:
    answers = ask(index("ix_short", "status"), index("ix_long", "status", "total"), planner=Planner(["ix_short"]))
    assert "rises by 800%" in str(answers["ix_short"])


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"constraint": "uq"}, ""),
        ({"unique": True}, ""),
        ({"replica_identity": True}, "replica identity"),
        ({"clustered": True}, "clustered"),
        ({"parent": "ix_parent"}, "only be dropped as a whole"),
    ],
)
def test_what_something_else_depends_on_stays(ask: Ask, facts: dict[str, object], reason: str) -> None:
    bound = replace(index("ix_x", "status", "total", scans=0), **facts)  # type: ignore[arg-type]
    answers = ask(index("ix_used", "status", scans=9), bound)
    assert not isinstance(answers.get("ix_x"), Recommendation)
    assert reason in str(answers.get("ix_x", ""))


@pytest.mark.parametrize(
    "look_alike",
    [
        index("ix_b", "status", predicate="deleted_at IS NULL"),
        replace(index("ix_b"), columns=(IndexColumn("status", collation="C"),)),
        replace(index("ix_b"), columns=(IndexColumn("status", opclass="text_pattern_ops"),)),
        replace(index("ix_b"), columns=(IndexColumn("status", descending=True),)),
        index("ix_b", "status", method="hash"),
    ],
    ids=["partial", "collation", "operator class", "direction", "method"],
)
def test_look_alikes_are_left_alone(ask: Ask, look_alike: Index) -> None:
    assert ask(index("ix_a", "status"), look_alike) == {}


def test_the_only_support_of_a_foreign_key_stays(ask: Ask) -> None:
    key = ForeignKey("fk_customer", ORDERS, ("customer_id",), CUSTOMERS, ("id",))
    answers = ask(index("ix_c", "customer_id", scans=0), keys=[key])
    assert "the only index that serves the foreign key fk_customer" in str(answers["ix_c"])
    twins = ask(index("ix_c", "customer_id"), index("ix_d", "customer_id"), keys=[key])
    assert list(twins) == ["ix_d"]
    assert isinstance(twins["ix_d"], Recommendation)


def test_an_unused_index_goes_with_its_window_told(ask: Ask) -> None:
    advice = ask(index("ix_unused", "total", scans=0))["ix_unused"]
    assert isinstance(advice, Recommendation)
    assert "not scanned once in 90 days" in advice.problem
    assert advice.confidence is Confidence.MEDIUM
    assert any("eplicas" in risk for risk in advice.risks)


def test_young_counters_are_trusted_less(ask: Ask) -> None:
    advice = ask(index("ix_unused", "total", scans=0), age=timedelta(hours=3))["ix_unused"]
    assert isinstance(advice, Recommendation)
    assert advice.confidence is Confidence.LOW
    assert any("3 hours only" in risk for risk in advice.risks)


def test_an_unused_unique_index_keeps_its_promise(ask: Ask) -> None:
    assert ask(index("uq", "total", scans=0, unique=True)) == {}


def test_an_invalid_index_goes(ask: Ask) -> None:
    advice = ask(index("ix_broken", "status", valid=False), index("ix_ok", "status"))["ix_broken"]
    assert isinstance(advice, Recommendation)
    assert "INVALID" in advice.problem
    assert any("pg_stat_progress_create_index" in risk for risk in advice.risks)


def test_two_that_cover_each_other_in_turn_do_not_both_go(ask: Ask) -> None:
    answers = ask(
        index("ix_1", "status"), index("ix_2", "status", "total"), index("ix_3", "status", "total", "placed_at")
    )
    assert list(answers) == ["ix_1", "ix_2"]


def test_other_databases_are_none_of_its_business(make_study: MakeStudy) -> None:
    study = make_study()
    server = replace(study.capture.server, product="mongodb")
    assert list(recommend(replace(study, capture=replace(study.capture, server=server)), ())) == []


def test_declined_names_the_rule(catalog: Catalog, make_study: MakeStudy) -> None:
    where = with_indexes(catalog, index("ix_a", "status"), index("ix_b", "status", clustered=True, constraint="c"))
    study = make_study(estimator=Planner(), where=where)
    answers = list(recommend(study, ()))
    assert [type(a) for a in answers] == [Recommendation]
    assert not any(isinstance(a, Declined) for a in answers)
