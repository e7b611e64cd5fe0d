from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from advisor.model.capture import Capture, Server
from advisor.model.catalog import Catalog
from advisor.model.recommendation import CodeChange, Declined, EagerLoad, Recommendation, RewriteQuery
from advisor.model.workload import Query, QueryStats, StatsSource, Workload
from advisor.ports import Options, Study
from advisor.recommend import batch_lookup, batch_write, eager_load, hoist_query
from advisor.rules import n_plus_one_burst, parentless_loop, repeated_identical_query, row_by_row_write
from advisor.shape.sql import shape_of

CASES = Path(__file__).parents[2] / "cases" / "rules"
RULES = {
    "n-plus-one-burst": n_plus_one_burst,
    "parentless-loop": parentless_loop,
    "repeated-identical-query": repeated_identical_query,
    "row-by-row-write": row_by_row_write,
}
FILES = [(rule, path) for rule in RULES for path in sorted((CASES / rule).glob("*.log"))]


def study_of(path: Path, log: Any, catalog: Catalog) -> Study:
    """A file of ``statement | values`` lines; ``...`` lets time pass."""
    for line in path.read_text(encoding="utf-8").splitlines():
        text, _, values = line.partition(" | ")
        if text == "...":
            log.pause()
        else:
            log.run(text, *values.split())
    bursts, suppressed = log.find(catalog)
    stats = QueryStats(StatsSource.EVENTS, 1, 1.0, 1.0)
    shapes = {(shape := shape_of(row["text"], catalog)).fingerprint: shape for row in log.rows}
    workload = Workload(tuple(Query(shape, stats) for shape in shapes.values()), bursts, suppressed, duration_s=60)
    return Study(Capture(Path(), Server("postgresql"), catalog), workload, options=Options())


@pytest.mark.parametrize(("rule", "path"), FILES, ids=[f"{rule}/{path.stem}" for rule, path in FILES])
def test_case(rule: str, path: Path, log: Any, books: Catalog) -> None:
    findings = list(RULES[rule].find(study_of(path, log, books)))
    assert len(findings) == (1 if path.stem.startswith("bad") else 0)
    for finding in findings:
        assert finding.rule == rule
        assert finding.lines
        assert finding.message.endswith(".")


def advised(name: str, remedy: Any, log: Any, books: Catalog) -> Recommendation:
    study = study_of(CASES / name, log, books)
    (only,) = [answer for answer in remedy.recommend(study, ()) if isinstance(answer, Recommendation)]
    return only


def change(recommendation: Recommendation, tool: str) -> CodeChange:
    assert isinstance(recommendation.action, EagerLoad | RewriteQuery)
    return next(found for found in recommendation.action.changes if found.tool == tool)


def test_eager_load_of_interleaved_relations(log: Any, books: Catalog) -> None:
    found = advised("n-plus-one-burst/bad_interleaved.log", eager_load, log, books)
    assert isinstance(found.action, EagerLoad)
    assert (found.benefit.queries_before, found.benefit.queries_after) == (19, 4)
    code = change(found, "sqlalchemy")
    assert "joinedload(Book.author, innerjoin=True)" in code.after
    assert "selectinload(Book.reviews)" in code.after
    assert "selectinload(Book.tags)" in code.after
    assert code.guessed
    assert 'select_related("author")' in change(found, "django").after
    assert "includes(" in change(found, "rails").after
    assert "include: {" in change(found, "prisma").after
    assert "= ANY(" in change(found, "sql").after


def test_eager_load_of_nested_relations(log: Any, books: Catalog) -> None:
    found = advised("n-plus-one-burst/bad_nested.log", eager_load, log, books)
    assert "selectinload(Author.books).selectinload(Book.reviews)" in change(found, "sqlalchemy").after
    assert '"book_set__review_set"' in change(found, "django").after
    assert "reviews (book_id) has no index" in " ".join(found.migration_impact.preflight)


def test_eager_load_of_a_relation_behind_a_join(log: Any, books: Catalog) -> None:
    found = advised("n-plus-one-burst/bad_behind_a_join.log", eager_load, log, books)
    assert found.title == "Load Book.author with Review: 9 statements become 2"
    option = "joinedload(Review.book, innerjoin=True).joinedload(Book.author, innerjoin=True)"
    assert option in change(found, "sqlalchemy").after
    assert 'select_related("book", "book__author")' in change(found, "django").after
    assert "includes(book: :author)" in change(found, "rails").after


def test_suppressed_repetitions_are_declined_with_their_reason(log: Any, books: Catalog) -> None:
    study = study_of(CASES / "n-plus-one-burst/good_pages.log", log, books)
    (declined,) = eager_load.recommend(study, ())
    assert isinstance(declined, Declined)
    assert "page by page" in declined.reason


@pytest.mark.parametrize(
    ("name", "remedy", "expected"),
    [
        (
            "parentless-loop/bad.log",
            batch_lookup,
            "SELECT authors.id, authors.name FROM authors WHERE authors.id = ANY($1)",
        ),
        ("repeated-identical-query/bad.log", hoist_query, "SELECT tags.name"),
        (
            "row-by-row-write/bad.log",
            batch_write,
            "INSERT INTO public.reviews (book_id, stars) SELECT * FROM unnest($1, $2)",
        ),
    ],
)
def test_other_remedies(name: str, remedy: Any, expected: str, log: Any, books: Catalog) -> None:
    found = advised(name, remedy, log, books)
    assert isinstance(found.action, RewriteQuery)
    assert expected in found.statement
