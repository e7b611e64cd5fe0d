from __future__ import annotations

from typing import Any

import pytest

from advisor.model.catalog import Catalog
from advisor.model.workload import Relation, UnitKind

BOOKS = "SELECT books.id, books.title, books.author_id FROM books ORDER BY books.id LIMIT $1"
AUTHOR = "SELECT authors.id, authors.name FROM authors WHERE authors.id = $1"
REVIEWS = "SELECT reviews.id, reviews.stars FROM reviews WHERE $1::INTEGER = reviews.book_id"
TAGS = "SELECT tags.id, tags.name FROM tags, book_tags WHERE $1 = book_tags.book_id AND tags.id = book_tags.tag_id"
AUTHORS = "SELECT authors.id, authors.name FROM authors"
BY_AUTHOR = "SELECT books.id, books.title FROM books WHERE $1 = books.author_id"


def loop(log: Any, parent: str, *children: str, n: int = 8, times: int = 3, transaction: bool = True) -> Any:
    for time in range(times):
        if transaction:
            log.run("BEGIN")
        log.run(parent, time)
        for i in range(n):
            for child in children:
                log.run(child, i)
        if transaction:
            log.run("COMMIT")
        log.pause()
    return log


@pytest.mark.parametrize("at_once", [1000, 100, 61])
def test_a_long_log_is_searched_part_by_part(
    log: Any, books: Catalog, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("advisor.workload.bursts.EVENTS_AT_ONCE", at_once)
    (burst,), _ = loop(log, BOOKS, AUTHOR, n=20, times=10).find(books)
    # A part of the file may end between a parent and its children: those of one unit count less, no unit twice.
    assert burst.pattern == "n-plus-one"
    assert 160 <= burst.executions <= 200


@pytest.mark.parametrize("transaction", [True, False])
@pytest.mark.parametrize(
    ("child", "relation"),
    [(AUTHOR, Relation.MANY_TO_ONE), (REVIEWS, Relation.ONE_TO_MANY), (TAGS, Relation.MANY_TO_MANY)],
)
def test_one_relation(log: Any, books: Catalog, child: str, relation: Relation, transaction: bool) -> None:
    (burst,), _ = loop(log, BOOKS, child, transaction=transaction).find(books)
    assert burst.pattern == "n-plus-one"
    assert burst.relation is relation
    assert (burst.units, burst.executions, burst.per_unit) == (3, 24, 8)
    assert burst.parent_table.name == "books"
    assert burst.unit_kind is (UnitKind.TRANSACTION if transaction else UnitKind.SESSION)
    assert burst.evidence[0].text == BOOKS


def test_two_foreign_keys_to_one_table_are_both_named(log: Any, books: Catalog) -> None:
    (burst,), _ = loop(log, BOOKS.replace("author_id", "author_id, books.editor_id"), AUTHOR).find(books)
    assert burst.linked_by == "foreign key books_author_id_fkey or books_editor_id_fkey"


def test_a_unique_foreign_key_is_one_to_one(log: Any, books: Catalog) -> None:
    child = "SELECT isbns.id, isbns.code FROM isbns WHERE isbns.book_id = $1"
    (burst,), _ = loop(log, BOOKS, child).find(books)
    assert burst.relation is Relation.ONE_TO_ONE


def test_interleaved_siblings_know_each_other(log: Any, books: Catalog) -> None:
    bursts, _ = loop(log, BOOKS, AUTHOR, REVIEWS, TAGS).find(books)
    assert len(bursts) == 3
    assert all(len(burst.siblings) == 2 for burst in bursts)
    assert len({burst.parent for burst in bursts}) == 1


def test_nested(log: Any, books: Catalog) -> None:
    for _ in range(3):
        log.run("BEGIN").run(AUTHORS)
        for author in range(6):
            log.run(BY_AUTHOR, author)
            for book in range(2):
                log.run(REVIEWS, author * 2 + book)
        log.run("COMMIT")
    bursts, _ = log.find(books)
    by_table = {burst.child_table.name: burst for burst in bursts}
    assert by_table["books"].nested_in == ""
    assert by_table["reviews"].nested_in == by_table["books"].child
    assert by_table["reviews"].per_unit == 12


def test_nested_to_one(log: Any, books: Catalog) -> None:
    reviews = "SELECT reviews.id, reviews.book_id FROM reviews"
    book = "SELECT books.id, books.author_id FROM books WHERE books.id = $1"
    bursts, _ = loop(log, reviews, book, AUTHOR).find(books)
    by_table = {burst.child_table.name: burst for burst in bursts}
    assert by_table["authors"].nested_in == by_table["books"].child


def test_counts_and_subquery_keys(log: Any, books: Catalog) -> None:
    count = "SELECT count(*) FROM reviews WHERE reviews.book_id = $1"
    slug = "SELECT books.id FROM books WHERE books.author_id = (SELECT id FROM authors WHERE slug = $1)"
    (burst,), _ = loop(log, BOOKS, count).find(books)
    assert "grouped statement" in " ".join(burst.notes)
    log.rows.clear()
    (burst,), _ = loop(log, AUTHORS, slug).find(books)
    assert burst.relation is Relation.ONE_TO_MANY


def test_a_list_of_one_is_a_burst_and_of_many_is_none(log: Any, books: Catalog) -> None:
    one = "SELECT reviews.id FROM reviews WHERE reviews.book_id IN ($1)"
    many = "SELECT reviews.id FROM reviews WHERE reviews.book_id IN ($1, $2, $3)"
    (burst,), _ = loop(log, BOOKS, one).find(books)
    assert burst.relation is Relation.ONE_TO_MANY
    log.rows.clear()
    bursts, suppressed = loop(log, BOOKS, many).find(books)
    assert not bursts
    assert "batched" in suppressed[0].reason


def test_without_catalog_names_decide(log: Any) -> None:
    (burst,), _ = loop(log, BOOKS, AUTHOR).find(None)
    assert burst.relation is Relation.MANY_TO_ONE
    assert burst.confidence < 0.8
    (burst,), _ = loop(log, BOOKS, REVIEWS).find(None)[0][:1], None
    assert burst.relation in (Relation.MANY_TO_ONE, Relation.ONE_TO_MANY)


def test_deferred_columns(log: Any, books: Catalog) -> None:
    parent = "SELECT books.id, books.title FROM books"
    child = "SELECT books.body FROM books WHERE books.id = $1"
    (burst,), _ = loop(log, parent, child).find(books)
    assert burst.relation is Relation.DEFERRED


def test_parentless_loop_and_identical_repeats(log: Any, books: Catalog) -> None:
    for _ in range(3):
        log.run("BEGIN")
        for i in range(9):
            log.run(AUTHOR, i).run("SELECT authors.name FROM authors WHERE authors.slug = $1", "x")
        log.run("COMMIT")
    bursts, _ = log.find(books)
    assert sorted(burst.pattern for burst in bursts) == ["parentless-loop", "repeated-identical-query"]


def test_row_by_row_writes_but_not_pipelined_ones(log: Any, books: Catalog) -> None:
    insert = "INSERT INTO reviews (book_id, stars) VALUES ($1, $2)"
    for _ in range(3):
        log.run("BEGIN")
        for i in range(9):
            log.run(insert, i, 5)
        log.run("COMMIT")
    (burst,), _ = log.find(books)
    assert burst.pattern == "row-by-row-write"
    log.rows.clear()
    for _ in range(3):
        log.run("BEGIN")
        for i in range(9):
            log.run(insert, i, 5, gap=0.001)
        log.run("COMMIT")
    bursts, suppressed = log.find(books)
    assert not bursts
    assert "executemany" in suppressed[0].reason


def reasons(log: Any, catalog: Catalog) -> str:
    bursts, suppressed = log.find(catalog)
    assert not [burst for burst in bursts if burst.pattern == "n-plus-one"], bursts
    return " ".join(found.reason for found in suppressed)


def test_pagination(log: Any, books: Catalog) -> None:
    keyset = "SELECT books.id FROM books WHERE books.id > $1 ORDER BY books.id LIMIT $2"
    offset = "SELECT books.id FROM books ORDER BY books.id LIMIT $1 OFFSET $2"
    for i in range(8):
        log.run(keyset, i)
    log.pause()
    for page in range(8):
        log.run(offset, 20, 20 * page, params_distinct_key="same")
    assert reasons(log, books).count("page by page") == 2


def test_write_loops_and_uniqueness_checks(log: Any, books: Catalog) -> None:
    check = "SELECT $0 AS one FROM authors WHERE authors.slug = $1 LIMIT $0"
    for _ in range(3):
        log.run("BEGIN")
        for i in range(8):
            log.run(check, i).run("INSERT INTO authors (slug) VALUES ($1)", i)
        log.run("COMMIT")
    assert "uniqueness check" in reasons(log, books)


def test_job_worker_and_retry(log: Any, books: Catalog) -> None:
    take = "SELECT books.id FROM books WHERE books.title = $1 LIMIT $0 FOR UPDATE SKIP LOCKED"
    for i in range(8):
        log.run("BEGIN").run(take, "queued").run("UPDATE books SET title = $1 WHERE id = $2", "done", i).run("COMMIT")
    for _ in range(6):
        log.run("BEGIN").run(AUTHOR, 1, error="40001").run("ROLLBACK")
    assert log.find(books)[0] == ()


def test_requests_on_one_connection(log: Any, books: Catalog) -> None:
    user = "SELECT authors.id FROM authors WHERE authors.slug = $1"
    log.run(user, "a").run(BOOKS, 1)
    for i in range(8):
        log.run(user, i).run("SELECT books.id, books.body FROM books WHERE books.id = $1", i)
    assert "share a connection" in reasons(log, books)


@pytest.mark.parametrize("at_once", [1000, 26])
def test_fan_out_over_a_pool(log: Any, books: Catalog, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advisor.workload.bursts.READS_AT_ONCE", at_once)
    reset = "SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;"
    for _ in range(4):
        log.session = "s0"
        log.run(BOOKS, 1).run(reset)
        for i in range(12):
            log.session = f"s{i % 4}"
            log.run(REVIEWS, i, gap=-0.2).run(reset)
        log.pause()
    (burst,), _ = log.find(books)
    assert burst.unit_kind is UnitKind.CLUSTER
    assert burst.executions == 48
    assert burst.per_unit == 12


def test_concurrent_traffic_is_no_fan_out(log: Any, books: Catalog) -> None:
    for i in range(60):
        log.session = f"s{i % 6}"
        if i in (3, 8, 29, 30, 51):
            log.run(BOOKS, 1)
        log.run("BEGIN", gap=0.5).run(REVIEWS, i).run("COMMIT")
    assert "as dense before" in reasons(log, books)


def test_a_trace_joins_sessions(log: Any, books: Catalog) -> None:
    for request in range(3):
        log.tags = {"traceparent": f"00-{request:032x}-00f067aa0ba902b7-01"}
        log.session = "s0"
        log.run(BOOKS, 1)
        for i in range(8):
            log.session = f"s{i % 3}"
            log.run(AUTHOR, i)
    (burst,), _ = log.find(books)
    assert burst.unit_kind is UnitKind.TRACE
    assert burst.per_unit == 8


def test_places_and_routes_come_from_tags(log: Any, books: Catalog) -> None:
    log.tags = {"route": "/books", "code_filepath": "app/views.py", "code_lineno": "31", "code_function": "index"}
    (burst,), _ = loop(log, BOOKS, AUTHOR).find(books)
    assert str(burst.call_sites[0]) == "app/views.py:31 (index)"
    assert burst.routes == ("/books",)


def test_a_log_of_one_request_is_enough(log: Any, books: Catalog) -> None:
    (burst,), _ = loop(log, BOOKS, AUTHOR, times=1).find(books)
    assert burst.units == 1


def test_what_runs_otherwise_too_is_reported_from_several_units_on(log: Any, books: Catalog) -> None:
    """Several in a row may be chance, where a statement runs alone many times; but not in a transaction."""
    for i in range(40):
        log.session = f"other {i}"
        log.run(AUTHOR, i).pause()
    bursts, suppressed = loop(log, BOOKS, AUTHOR, times=1, transaction=False).find(books)
    assert not bursts
    assert "seen in 1 unit" in suppressed[0].reason
    assert log.find(books, min_units=1)[0]
    assert loop(log, BOOKS, AUTHOR, times=1).find(books)[0]


def test_a_transaction_pooler_is_said(log: Any, books: Catalog) -> None:
    for i in range(10):
        log.application = f"app{i % 2}"
        log.run(AUTHOR, i)
    _, suppressed = log.find(books)
    assert "transaction-pooler" in {found.pattern for found in suppressed}


def test_siblings_that_know_one_another_are_not_taken_for_a_chain(log: Any, books: Catalog) -> None:
    """The book of a review and its author, where the review's own author would explain the second as well."""
    editor = "SELECT profiles.id, profiles.author_id FROM profiles WHERE profiles.id = $1"
    parent = "SELECT books.id, books.author_id, books.profile_id FROM books"
    bursts, _ = loop(log, parent, AUTHOR, editor).find(None)
    assert {burst.parent_table.name for burst in bursts if burst.parent_table} == {"books"}
