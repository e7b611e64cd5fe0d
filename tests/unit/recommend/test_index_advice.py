from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from advisor.errors import PlannerUnavailable
from advisor.model.catalog import Catalog, Index, IndexColumn, TableName
from advisor.model.finding import Confidence, Finding, Severity
from advisor.model.impact import MigrationImpact
from advisor.model.plan import Access, Plan, PlanNode
from advisor.model.recommendation import AddIndex, Cost, Declined, Method, Recommendation, WhatIf
from advisor.model.shape import Operand, Operator, Predicate, SortKey
from advisor.model.workload import CallSite, Query
from advisor.ports import Options, Study
from advisor.recommend.add_index import recommend
from advisor.recommend.candidates import label

ORDERS, CUSTOMERS = TableName("public", "orders"), TableName("public", "customers")
MakeQuery = Callable[..., Query]
MakeStudy = Callable[..., Study]


class Planner:
    """A planner that knows, for each query, index label -> cost; everything else costs 10,000."""

    planner = "PostgreSQL 18.4 (fake)"
    coverage = ()

    def __init__(self, costs: dict[str, dict[str, float]], refuses: str = "", size: int = 1_000_000) -> None:
        self._costs = costs
        self._refuses = refuses
        self._size = size
        self.asked: list[WhatIf] = []

    def costs(self, questions: Sequence[WhatIf]) -> list[Cost]:
        self.asked += questions
        return [self._cost(question) for question in questions]

    def _cost(self, question: WhatIf) -> Cost:
        if question.fingerprint == "broken":
            return Cost(math.inf, self.planner, error='relation "gone" does not exist')
        if self._refuses and any(self._refuses in label(index) for index in question.indexes):
            return Cost(math.inf, self.planner, error="access method unknown")
        known = self._costs.get(question.fingerprint, {})
        usable = [(known[label(i)], i) for i in question.indexes if label(i) in known]
        total, index = min(usable, key=lambda row: row[0], default=(10_000.0, None))
        node = PlanNode("Seq Scan", Access.SEQUENTIAL, ORDERS, total_cost=total, rows=3)
        return Cost(total, self.planner, Plan(node), frozenset([index] if index else []))

    def sizes(self, indexes: Sequence[Index]) -> list[int]:
        return [self._size] * len(indexes)

    def close(self) -> None:
        pass


def equal(name: str, table: TableName = ORDERS) -> Predicate:
    return Predicate(table, name, Operator.EQUAL, columns=(name,))


def split(study: Study, findings: Sequence[Finding] = ()) -> tuple[list[Recommendation], list[Declined]]:
    answers = list(recommend(study, findings))
    return [a for a in answers if isinstance(a, Recommendation)], [a for a in answers if isinstance(a, Declined)]


def reasons(declined: Sequence[Declined]) -> dict[str, str]:
    return {answer.candidate: answer.reason for answer in declined}


def test_every_field_is_filled(make_query: MakeQuery, make_study: MakeStudy) -> None:
    query = make_query(
        "q1",
        equal("customer_id"),
        sort=[SortKey(ORDERS, "placed_at", True)],
        limited=True,
        sites=[CallSite("app/orders.py", 12, "list_orders")],
    )
    planner = Planner({"q1": {"public.orders (customer_id)": 40, "public.orders (customer_id, placed_at)": 8}})
    finding = Finding("sequential-scan", Severity.HIGH, Confidence.HIGH, "reads everything", (ORDERS,), shapes=("q1",))
    other = Finding("unused-index", Severity.LOW, Confidence.LOW, "another index", (ORDERS,))
    [advice], declined = split(make_study(query, estimator=planner), [finding, other])
    assert isinstance(advice.action, AddIndex)
    assert advice.statement == (
        "CREATE INDEX CONCURRENTLY ix_orders_customer_id_placed_at ON public.orders (customer_id, placed_at)"
    )
    assert advice.id.startswith("add_index-public.orders-")
    assert advice.title == "Add an index on orders (customer_id, placed_at): speeds up 1 query"
    assert "Run 100 times, 50 ms each, 5.0 s in total, 100.0% of all database time" in advice.problem
    assert "reads all 1,000,000 rows" in advice.problem
    assert "app/orders.py:12 (list_orders)" in advice.root_cause
    assert "PostgreSQL 18.4 (fake)" in advice.solution
    assert advice.benefit.method is Method.PLANNER
    assert (advice.benefit.cost_before, advice.benefit.cost_after) == (1_000_000, 800)
    assert advice.benefit.ms_saved_per_day == pytest.approx(4_996 * 24)
    assert advice.rules == ("sequential-scan",)
    assert advice.confidence is Confidence.HIGH
    assert str(advice.location) == "app/orders.py:12 (list_orders)"
    assert [pair.fingerprint for pair in advice.plans] == ["q1"]
    assert advice.migration_impact.rollback == (
        "DROP INDEX CONCURRENTLY IF EXISTS public.ix_orders_customer_id_placed_at",
    )
    assert advice.risks
    assert advice.verification
    assert advice.acceptance
    assert "lost to public.orders (customer_id, placed_at)" in reasons(declined)["public.orders (customer_id)"]


def test_a_candidate_that_no_plan_uses_is_declined_with_the_planner_named(
    make_query: MakeQuery, make_study: MakeStudy
) -> None:
    advised, declined = split(make_study(make_query("q1", equal("status")), estimator=Planner({})))
    assert not advised
    assert reasons(declined) == {
        "public.orders (status)": "the planner (PostgreSQL 18.4 (fake)) would not use it for the one query that it "
        "was made for"
    }


@pytest.mark.parametrize(
    ("cost", "options", "reason"),
    [
        (9_900.0, Options(), "it saves 1.0% of a query at most, below --min-improvement 5%"),
        (100.0, Options(budget_bytes=500_000), "it would take 977 kB, more than the whole budget of 488 kB"),
        (100.0, Options(max_indexes=0), "would save 4.9 s more over the window, but --max-indexes 0 is spent"),
    ],
)
def test_reasons_carry_figures(
    make_query: MakeQuery, make_study: MakeStudy, cost: float, options: Options, reason: str
) -> None:
    planner = Planner({"q1": {"public.orders (status)": cost}})
    advised, declined = split(make_study(make_query("q1", equal("status")), estimator=planner, options=options))
    assert not advised
    assert reason in reasons(declined)["public.orders (status)"]


def test_writes_are_charged_and_can_forbid_an_index(make_query: MakeQuery, make_study: MakeStudy) -> None:
    read = make_query("q1", equal("status"), calls=10, mean_ms=10)
    write = make_query("u1", equal("id"), command="UPDATE", assigned=("status",), calls=100_000, mean_ms=0.1)
    planner = Planner({"q1": {"public.orders (status)": 100}})
    advised, declined = split(make_study(read, write, estimator=planner))
    assert not advised
    assert "writes would pay" in reasons(declined)["public.orders (status)"]
    few = replace(write, stats=replace(write.stats, calls=10, total_ms=1.0))
    [advice], _ = split(make_study(read, few, estimator=planner))
    assert "lose HOT" in " ".join(advice.risks)


def test_a_statement_that_cannot_be_planned_is_named_and_the_rest_is_advised(
    make_query: MakeQuery, make_study: MakeStudy
) -> None:
    planner = Planner({"q1": {"public.orders (status)": 100}})
    study = make_study(make_query("q1", equal("status")), make_query("broken", equal("total")), estimator=planner)
    [advice], declined = split(study)
    assert advice.shapes == ("q1",)
    assert 'the planner could not plan it: relation "gone" does not exist' in reasons(declined).values()


def test_an_index_that_the_planner_refuses_spoils_no_other(make_query: MakeQuery, make_study: MakeStudy) -> None:
    query = make_query("q1", equal("status"), Predicate(ORDERS, "labels", Operator.OVERLAPS))
    planner = Planner({"q1": {"public.orders (status)": 100}}, refuses="gin")
    [advice], _ = split(make_study(query, estimator=planner))
    assert "(status)" in advice.statement


def test_a_trigram_index_that_the_planner_lacks_is_advised_by_rule(
    make_query: MakeQuery, make_study: MakeStudy
) -> None:
    query = make_query("q1", Predicate(ORDERS, "status", Operator.ILIKE, columns=("status",)))
    planner = Planner({}, refuses="gin", size=0)
    [advice], _ = split(make_study(query, estimator=planner, extensions=["pg_trgm"]))
    assert advice.statement.endswith("USING gin (status gin_trgm_ops)")
    assert advice.benefit.method is Method.ESTIMATED
    assert advice.confidence is Confidence.LOW
    assert "could not build it (access method unknown)" in advice.solution


def test_a_guessed_range_must_save_half(make_query: MakeQuery, make_study: MakeStudy) -> None:
    query = make_query("q1", Predicate(ORDERS, "total", Operator.RANGE))
    query = replace(query, shape=replace(query.shape, text="SELECT 1 FROM orders WHERE total > $1"))
    small = Planner({"q1": {"public.orders (total)": 6_500}})
    advised, declined = split(make_study(query, estimator=small))
    assert not advised
    assert "guess" in reasons(declined)["public.orders (total)"]
    large = Planner({"q1": {"public.orders (total)": 3_000}})
    assert split(make_study(query, estimator=large))[0]


def test_deletes_of_referenced_rows_get_their_index(make_query: MakeQuery, make_study: MakeStudy) -> None:
    delete = make_query("d1", equal("id", CUSTOMERS), table=CUSTOMERS, command="DELETE", calls=20)
    planner = Planner({"fk:public.orders.orders_customer_id_fkey": {"public.orders (customer_id)": 10}})
    [advice], _ = split(make_study(delete, estimator=planner))
    assert advice.title == "Add an index on orders (customer_id): speeds up a foreign key's check"
    assert "orders_customer_id_fkey" in advice.problem
    assert advice.shapes == ()


def test_a_planner_that_is_lost_leaves_advice_by_rule(make_query: MakeQuery, make_study: MakeStudy) -> None:
    class Lost(Planner):
        def costs(self, questions: Sequence[WhatIf]) -> list[Cost]:
            raise PlannerUnavailable("The server ended.")

    [advice], declined = split(make_study(make_query("q1", equal("customer_id")), estimator=Lost({})))
    assert advice.benefit.method is Method.ESTIMATED
    assert "the planner was lost: The server ended." in reasons(declined)["indexes proven by a planner"]


def test_without_a_planner_the_advice_says_so(make_query: MakeQuery, make_study: MakeStudy) -> None:
    [advice], _ = split(make_study(make_query("q1", equal("customer_id"))))
    assert advice.benefit.method is Method.ESTIMATED
    assert advice.confidence is Confidence.LOW
    assert "rule of thumb" in advice.solution


def test_a_partitioned_table_is_built_without_concurrently(
    catalog: Catalog, make_query: MakeQuery, make_study: MakeStudy
) -> None:
    parent = replace(catalog.by_name[ORDERS], kind="partitioned table", partition_key="RANGE (placed_at)")
    leaf = replace(parent, name=TableName("public", "orders_1"), kind="table", partition_of=ORDERS, indexes=())
    others = tuple(table for table in catalog.tables if table.name != ORDERS)
    planner = Planner({"q1": {"public.orders (status)": 100}})
    study = make_study(
        make_query("q1", equal("status")), estimator=planner, where=replace(catalog, tables=(*others, parent, leaf))
    )
    [advice], _ = split(study)
    assert advice.statement == "CREATE INDEX ix_orders_status ON public.orders (status)"
    assert isinstance(advice.action, AddIndex)
    assert advice.action.partitions == (leaf.name,)


def test_what_it_replaces_is_named(catalog: Catalog, make_query: MakeQuery, make_study: MakeStudy) -> None:
    short = Index(ORDERS, (IndexColumn("customer_id"),), "ix_old", exists=True)
    table = catalog.by_name[ORDERS]
    widened = replace(table, indexes=(*table.indexes, short))
    others = tuple(t for t in catalog.tables if t.name != ORDERS)
    planner = Planner({"q1": {"public.orders (customer_id, status)": 100}})
    study = make_study(
        make_query("q1", equal("customer_id"), equal("status")),
        estimator=planner,
        where=replace(catalog, tables=(*others, widened)),
    )
    built, dropped = split(study)[0]
    assert isinstance(built.action, AddIndex)
    assert built.action.replaces == ("ix_old",)
    assert dropped.statement == "DROP INDEX CONCURRENTLY IF EXISTS public.ix_old"
    assert "Only after ix_orders_customer_id_status is built and valid." in dropped.risks


def test_names_are_unique_and_fit(catalog: Catalog, make_query: MakeQuery, make_study: MakeStudy) -> None:
    table = catalog.by_name[ORDERS]
    clash = Index(ORDERS, (IndexColumn("total"),), "ix_orders_status", exists=True)
    others = tuple(t for t in catalog.tables if t.name != ORDERS)
    where = replace(catalog, tables=(*others, replace(table, indexes=(*table.indexes, clash))))
    planner = Planner({"q1": {"public.orders (status)": 100}})
    [advice], _ = split(make_study(make_query("q1", equal("status")), estimator=planner, where=where))
    assert isinstance(advice.action, AddIndex)
    assert advice.action.index.name.startswith("ix_orders_status_")
    assert len(advice.action.index.name.encode()) <= 63


def test_the_same_study_gives_the_same_answers(make_query: MakeQuery, make_study: MakeStudy) -> None:
    queries = [make_query(f"q{n}", equal(name)) for n, name in enumerate(("status", "customer_id", "total"))]
    assert list(recommend(make_study(*queries), ())) == list(recommend(make_study(*queries), ()))


def test_few_questions_are_asked(make_query: MakeQuery, make_study: MakeStudy) -> None:
    planner = Planner({"q1": {"public.orders (status)": 100}})
    split(make_study(make_query("q1", equal("status")), estimator=planner))
    assert len(planner.asked) <= 4


def test_a_constant_is_priced_with_its_value(make_query: MakeQuery, make_study: MakeStudy) -> None:
    constant = Predicate(ORDERS, "status", Operator.EQUAL, Operand.CONSTANT, constant="'paid'", columns=("status",))
    query = make_query("q1", constant, equal("customer_id"))
    sample = "SELECT * FROM orders WHERE status = 'paid' AND customer_id = $1"
    planner = Planner({"q1": {"public.orders (customer_id) WHERE status = 'paid'": 10}})
    [advice], _ = split(make_study(replace(query, shape=replace(query.shape, sample=sample)), estimator=planner))
    assert {question.text for question in planner.asked} == {sample}
    assert advice.statement.endswith("(customer_id) WHERE status = 'paid'")
    assert isinstance(advice.migration_impact, MigrationImpact)
