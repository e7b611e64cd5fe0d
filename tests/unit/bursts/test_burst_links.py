"""Links where no foreign key is declared: by names, by shared columns, by position."""

from __future__ import annotations

import doctest
from typing import Any

import pytest

from advisor.model.catalog import Catalog, TableName
from advisor.model.workload import Relation
from advisor.workload.bursts import naming
from advisor.workload.bursts.naming import is_primary_key, polymorphic, refers


def table(name: str) -> TableName:
    return TableName("public", name)


def loop(log: Any, parent: str, *children: str, n: int = 8) -> Any:
    for time in range(3):
        log.run("BEGIN").run(parent, time)
        for i in range(n):
            for child in children:
                log.run(child, i, time)
        log.run("COMMIT").pause()
    return log


def test_examples() -> None:
    assert doctest.testmod(naming).failed == 0


@pytest.mark.parametrize(
    ("column", "target", "own", "key", "meant"),
    [
        ("author_id", "authors", "books", "", True),
        ("vehicleId", "vehicle", "trip", "", True),
        ("branch_code", "branch", "account", "code", True),
        ("record_label_id", "app_recordlabel", "app_album", "", True),
        ("fk_artist", "artist", "item", "", True),
        ("parent_id", "categories", "categories", "", True),
        ("artist_uuid", "artist", "artist", "", False),
        ("title", "titles", "books", "", False),
    ],
)
def test_what_a_column_refers_to(column: str, target: str, own: str, key: str, meant: bool) -> None:
    assert refers(column, table(target), table(own), key) is meant


def test_keys_by_name() -> None:
    assert is_primary_key(table("account"), frozenset(["tenant", "account_no"]), None)
    assert not is_primary_key(table("entry"), frozenset(["tenant", "account_no"]), None)
    assert not is_primary_key(table("item_theme"), frozenset(["theme_no"]), None)


def test_polymorphic_columns() -> None:
    assert polymorphic(frozenset(["commentable_id", "commentable_type", "user_id"])) == {"commentable_id"}
    assert polymorphic(frozenset(["object_id", "content_type_id"])) == {"object_id"}
    assert not polymorphic(frozenset(["user_id", "kind"]))


def test_shared_key_columns(log: Any) -> None:
    accounts = "SELECT tenant, account_no FROM account WHERE tenant = $1"
    entries = "SELECT cents FROM entry WHERE tenant = $2 AND account_no = $1"
    (burst,), _ = loop(log, accounts, entries).find(None)
    assert burst.relation is Relation.ONE_TO_MANY
    assert "share account_no, tenant" in burst.linked_by


def test_a_list_right_before_the_lookups(log: Any, books: Catalog) -> None:
    works = "SELECT works.id, works.made_by FROM works WHERE works.year = $1"
    makers = "SELECT people.name FROM people WHERE people.id = $1"
    (burst,), _ = loop(log, works, makers).find(None)
    assert (burst.pattern, burst.relation) == ("n-plus-one", Relation.MANY_TO_ONE)
    assert burst.confidence < 0.7
    assert "order of statements" in " ".join(burst.notes)


def test_lookups_that_follow_a_list_only_now_and_then_have_no_parent(log: Any) -> None:
    makers = "SELECT people.name FROM people WHERE people.id = $1"
    for time in range(4):
        log.run("BEGIN")
        if time == 0:
            log.run("SELECT works.id FROM works WHERE works.year = $1", 1)
        for i in range(8):
            log.run(makers, i)
        log.run("COMMIT").pause()
    (burst,), _ = log.find(None)
    assert burst.pattern == "parentless-loop"


def test_a_list_that_reads_no_column_for_the_key_is_no_parent(log: Any, books: Catalog) -> None:
    """Nothing but its own key."""
    tags = "SELECT tags.id FROM tags LIMIT $1"
    isbns = "SELECT isbns.code FROM isbns WHERE isbns.id = $1"
    (burst,), _ = loop(log, tags, isbns).find(books)
    assert burst.pattern == "parentless-loop"


def test_one_page_after_the_other_is_told_from_first_rows(log: Any, books: Catalog) -> None:
    """``LIMIT 1 OFFSET 0`` of peewee's get() is no page."""
    parent = "SELECT books.id, books.author_id FROM books WHERE books.title <> $1"
    child = "SELECT authors.name FROM authors WHERE authors.id = $1 LIMIT $2 OFFSET $3"
    (burst,), _ = loop(log, parent, child).find(books)
    assert burst.relation is Relation.MANY_TO_ONE


def test_batched_writes_are_no_loop(log: Any, books: Catalog) -> None:
    update = "UPDATE reviews SET stars = $1 WHERE reviews.id IN ($2, $3, $4)"
    for _ in range(3):
        log.run("BEGIN")
        for i in range(9):
            log.run(update, i)
        log.run("COMMIT")
    assert log.find(books)[0] == ()


def test_writes_of_several_clients_on_one_session_are_no_loop(log: Any, books: Catalog) -> None:
    """Between two of them lie now two, now seven statements: a loop's body is the same each time."""
    for i, between in enumerate((2, 7, 1, 4, 9, 3, 6, 2, 8, 5, 3, 1)):
        log.run("UPDATE reviews SET stars = $1 WHERE reviews.id = $2", 5, i)
        for n in range(between):
            log.run("SELECT books.title FROM books WHERE books.id = $1", i * 20 + n)
    assert not [burst for burst in log.find(books, min_units=1)[0] if burst.pattern == "row-by-row-write"]
