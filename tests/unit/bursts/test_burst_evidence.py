"""Less common evidence: rows joined once more, as-of lookups, arrays, clocks of seconds, requests in turn, pools."""

from __future__ import annotations

from typing import Any

import pytest

from advisor.model.catalog import Catalog
from advisor.model.workload import Burst, Relation, UnitKind

BOOKS = "SELECT books.id, books.title, books.author_id FROM books ORDER BY books.id LIMIT $1"
AUTHOR = "SELECT authors.id, authors.name FROM authors WHERE authors.id = $1"
REVIEWS = "SELECT reviews.id, reviews.stars FROM reviews WHERE $1::INTEGER = reviews.book_id"


def loop(log: Any, parent: str, child: str, n: int = 8, times: int = 3) -> Any:
    for time in range(times):
        log.run("BEGIN").run(parent, time)
        for i in range(n):
            log.run(child, i, time)
        log.run("COMMIT").pause()
    return log


def ends(burst: Burst) -> tuple[str, str, Relation]:
    assert burst.child_table is not None
    assert burst.parent_table is not None
    return burst.child_table.name, burst.parent_table.name, burst.relation


@pytest.mark.parametrize(
    ("child", "relation"),
    [
        ("SELECT a.name FROM authors a JOIN books b ON b.author_id = a.id WHERE b.id = $1", Relation.MANY_TO_ONE),
        ("SELECT r.name FROM reviews r JOIN books b ON r.book_id = b.id WHERE b.id = $1", Relation.ONE_TO_MANY),
        (
            "SELECT t.name FROM tags t WHERE EXISTS (SELECT l.tag_id FROM book_tags l JOIN books b ON b.id = l.book_id"
            " WHERE b.id = $1 AND l.tag_id = t.id)",
            Relation.MANY_TO_MANY,
        ),
    ],
)
def test_the_parents_row_is_joined_once_more_to_reach_the_child(
    log: Any, books: Catalog, child: str, relation: Relation
) -> None:
    (burst,), _ = loop(log, BOOKS, child).find(books)
    assert ends(burst)[1:] == ("books", relation)
    assert ends(burst)[0] in child


def test_the_last_price_at_a_day_is_no_page(log: Any) -> None:
    price = "SELECT cents FROM price WHERE item_id = $1 AND since <= $2 ORDER BY since DESC LIMIT 1"
    (burst,), _ = loop(log, "SELECT id, name FROM items ORDER BY id LIMIT $1", price).find(None)
    assert burst.pattern == "n-plus-one"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT id FROM books WHERE author_id = $1 AND id < $2 ORDER BY id DESC LIMIT 20",
        "SELECT id FROM books WHERE id >= (SELECT id FROM books WHERE id = $1) ORDER BY id LIMIT 20 OFFSET $2",
    ],
)
def test_pages_of_one_author_and_behind_a_cursor(log: Any, books: Catalog, text: str) -> None:
    found, suppressed = loop(log, AUTHOR, text).find(books)
    assert not found
    assert any("page by page" in s.reason for s in suppressed)


def test_an_array_of_rows_is_a_batch(log: Any, books: Catalog) -> None:
    update = "UPDATE books SET title = 'x' FROM unnest($1::int[]) AS u(id) WHERE books.id = u.id"
    found, suppressed = loop(log, BOOKS, update).find(books)
    assert not found
    assert any("list of keys" in s.reason for s in suppressed)


def test_a_heartbeat_is_no_write_loop(log: Any, books: Catalog) -> None:
    for beat in range(60):
        log.run("UPDATE workers SET seen = now() WHERE name = $1", "w1").run("SELECT id FROM jobs WHERE kind = $1", "k")
        log.pause(ms=50 + beat % 7 * 10)
    found, suppressed = log.find(books)
    assert "row-by-row-write" not in [burst.pattern for burst in found]
    assert any("heartbeat" in s.reason for s in suppressed)


def test_a_clock_of_whole_seconds_tells_nothing_of_pipelines(log: Any, books: Catalog) -> None:
    loop(log, BOOKS, AUTHOR, n=12)
    for row in log.rows:
        row["started_at"] = row["ended_at"] = row["ended_at"].replace(microsecond=0)
    (burst,), _ = log.find(books)
    assert burst.pattern == "n-plus-one"


def test_a_single_row_between_keeps_the_child_from_the_list_before(log: Any, books: Catalog) -> None:
    one = "SELECT books.title, books.author_id FROM books WHERE books.id = $1"
    for time in range(3):
        log.run(BOOKS, time)
        for i in range(8):
            log.run(one, i).run(AUTHOR, i)
        log.pause()
    found, _ = log.find(books)
    assert ("authors", "books", Relation.MANY_TO_ONE) not in [ends(b) for b in found if "LIMIT" in b.evidence[0].text]


def test_the_unit_before_explains_a_loop_only_where_it_mostly_does(log: Any, books: Catalog) -> None:
    for time in range(9):
        log.run("BEGIN").run(BOOKS if time % 3 == 0 else "SELECT count(*) FROM users", time).run("COMMIT")
        log.run("BEGIN")
        for i in range(8):
            log.run(AUTHOR, i, time)
        log.run("COMMIT").pause()
    (burst,), _ = log.find(books)
    assert burst.pattern == "parentless-loop"


def test_a_parent_in_another_database_of_the_same_client(log: Any, books: Catalog) -> None:
    for time in range(3):
        log.session = "s1"
        log.run(BOOKS, time)
        log.session = "s2"
        for i in range(8):
            log.run(REVIEWS, i, database="other")
        log.pause()
    (burst,), _ = log.find(books)
    assert (burst.unit_kind, *ends(burst)) == (UnitKind.CLUSTER, "reviews", "books", Relation.ONE_TO_MANY)


def test_a_list_before_the_runs_of_a_pool_without_keys_or_names(log: Any) -> None:
    for time in range(4):
        log.session = "s0"
        log.run("SELECT id, made_by FROM works ORDER BY id LIMIT $1", time)
        for i in range(12):
            log.session = f"s{i % 4}"
            log.run("SELECT name FROM people WHERE id = $1", time * 20 + i)
        log.pause()
    (burst,), _ = log.find(None)
    assert ends(burst) == ("people", "works", Relation.MANY_TO_ONE)


def test_requests_in_turn_through_a_pool_are_no_fan_out(log: Any, books: Catalog) -> None:
    for time in range(3):
        log.run(BOOKS, time)
        for i in range(10):
            log.session = f"s{i % 4}"
            log.run(REVIEWS, i, gap=20)
        log.pause(ms=60)
    found, _ = log.find(books)
    assert not [burst for burst in found if burst.unit_kind is UnitKind.CLUSTER]


def test_prefixes_of_columns_tell_keys_and_references(log: Any) -> None:
    patients = "SELECT PAT_ID, PAT_NAME, PAT_WRD_ID FROM TBL_PATIENT ORDER BY PAT_NAME LIMIT $1"
    (burst,), _ = loop(log, patients, "SELECT WRD_ID, WRD_NAME FROM TBL_WARD WHERE WRD_ID = $1").find(None)
    assert burst.relation is Relation.MANY_TO_ONE
    assert burst.parent_columns == ("pat_wrd_id",)


def test_a_key_with_its_tables_prefix_reads_the_same_row_again(log: Any) -> None:
    patients = "SELECT PAT_ID, PAT_NAME FROM TBL_PATIENT ORDER BY PAT_NAME LIMIT $1"
    (burst,), _ = loop(log, patients, "SELECT PAT_ID, PAT_BORN FROM TBL_PATIENT WHERE PAT_ID = $1").find(None)
    assert burst.relation is Relation.DEFERRED


def test_a_polymorphic_pair_of_a_table_read_by_star_is_no_prefix(log: Any) -> None:
    comments = "SELECT comments.* FROM comments WHERE comments.commentable_id = $1 AND comments.commentable_type = $2"
    (burst,), _ = loop(log, "SELECT posts.* FROM posts ORDER BY posts.id LIMIT $1", comments).find(None)
    assert burst.relation is Relation.ONE_TO_MANY
