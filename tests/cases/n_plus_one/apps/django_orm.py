"""Django 5.2, psycopg 3, autocommit (its default)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cases import DEFERRED, M2M, M2O, O2M, O2O, Case, burst

os.environ["DJANGO_SETTINGS_MODULE"] = "djshop.settings"


def configure(url: str, name: str) -> None:
    """Point Django at ``url``; the application's name is given to each connection that is opened from now on."""
    import django
    from django.conf import settings

    parts = urlsplit(url)
    settings.DATABASES["default"] = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": parts.username or "postgres",
        "HOST": parse_qs(parts.query).get("host", [unquote(parts.hostname or "")])[0],
        "OPTIONS": {"application_name": name},
    }
    django.setup()


def _models() -> Any:
    from djshop import models

    return models


def books(n: int = 20) -> Any:
    return _models().Book.objects.order_by("id")[:n]


POSITIVE = [
    Case(
        "m2o",
        query=books,
        visit=lambda b: b.publisher.name,
        expected=(burst("publishers", "books", M2O, "Book.publisher"),),
    ),
    Case("m2o_ambiguous", query=books, visit=lambda b: b.author.name, expected=(burst("authors", "books", M2O),)),
    Case(
        "m2o_skewed",
        query=lambda: _models().Book.objects.filter(publisher_id=3)[:15],
        visit=lambda b: b.publisher.name,
        expected=(burst("publishers", "books", M2O, "Book.publisher"),),
    ),
    Case(
        "o2m",
        query=books,
        visit=lambda b: sorted(r.stars for r in b.review_set.all()),
        expected=(burst("reviews", "books", O2M, "Book.review_set"),),
    ),
    Case(
        "o2m_named",
        query=lambda: _models().Publisher.objects.all(),
        visit=lambda p: sorted(b.title for b in p.books.all()),
        expected=(burst("books", "publishers", O2M, "Publisher.books"),),
    ),
    Case(
        "m2m",
        query=books,
        visit=lambda b: sorted(t.name for t in b.tags.all()),
        expected=(burst("tags", "books", M2M, "Book.tags"),),
    ),
    Case(
        "m2m_reverse",
        query=lambda: _models().Tag.objects.all(),
        visit=lambda t: sorted(b.title for b in t.books.all()),
        expected=(burst("books", "tags", M2M, "Tag.books"),),
    ),
    Case(
        "o2o_reverse",
        query=lambda: _models().Author.objects.all()[:15],
        visit=lambda a: a.profile.bio,
        expected=(burst("profiles", "authors", O2O, "Author.profile"),),
    ),
    Case(
        "o2o_forward",
        query=lambda: _models().Profile.objects.all()[:15],
        visit=lambda p: p.author.name,
        expected=(burst("authors", "profiles", O2O, "Profile.author"),),
    ),
    Case(
        "nested",
        query=lambda: _models().Author.objects.order_by("id")[:6],
        visit=lambda a: [sorted(r.stars for r in b.review_set.all()) for b in a.book_set.all()],
        expected=(burst("books", "authors", O2M, "Author.book_set"), burst("reviews", "books", O2M, "Book.review_set")),
    ),
    Case(
        "nested_to_one",
        query=lambda: _models().Review.objects.order_by("id")[:15],
        visit=lambda r: r.book.publisher.name,
        expected=(burst("books", "reviews", M2O, "Review.book"), burst("publishers", "books", M2O, "Book.publisher")),
    ),
    Case(
        "interleaved",
        query=lambda: books(10),
        visit=lambda b: (
            b.publisher.name,
            sorted(r.stars for r in b.review_set.all()),
            sorted(t.name for t in b.tags.all()),
        ),
        expected=(
            burst("publishers", "books", M2O, "Book.publisher"),
            burst("reviews", "books", O2M, "Book.review_set"),
            burst("tags", "books", M2M, "Book.tags"),
        ),
    ),
    Case(
        "self_children",
        query=lambda: _models().Category.objects.filter(parent=None),
        visit=lambda c: sorted(d.name for d in c.children.all()),
        expected=(burst("categories", "categories", O2M, "Category.children"),),
    ),
    Case(
        "iterator",
        query=lambda: _models().Book.objects.order_by("id")[:25],
        options={"chunk_size": 10},
        visit=lambda b: b.publisher.name,
        expected=(burst("publishers", "books", M2O),),
    ),
    Case(
        "only",
        query=lambda: _models().Book.objects.only("id", "title")[:15],
        visit=lambda b: b.body,
        expected=(burst("books", "books", DEFERRED),),
    ),
    Case(
        "generic_forward",
        query=lambda: _models().Note.objects.order_by("id")[:12],
        visit=lambda n: n.target.name,
        expected=(burst("authors", "notes", M2O, "Note.target"),),
    ),
    Case(
        "generic_reverse",
        query=lambda: _models().Author.objects.order_by("id")[:12],
        visit=lambda a: sorted(n.text for n in a.notes.all()),
        expected=(burst("notes", "authors", O2M, "Author.notes"),),
    ),
]


def count() -> None:
    for book in books(15):
        book.review_set.count()


def exists() -> None:
    for book in books(15):
        book.review_set.exists()


def first() -> None:
    for book in books(15):
        book.review_set.order_by("-created_at").first()


def prefetch_each() -> None:
    from django.db.models import prefetch_related_objects

    for book in books(10):
        prefetch_related_objects([book], "review_set")


def get_after_list() -> None:
    for key in list(_models().Review.objects.values_list("book_id", flat=True)[:15]):
        _models().Book.objects.get(pk=key)


def filter_on_prefetched() -> None:
    for book in _models().Book.objects.prefetch_related("review_set")[:12]:
        list(book.review_set.filter(stars__gte=3))


def in_transaction() -> None:
    from django.db import transaction

    found = list(books(12))
    with transaction.atomic():
        for book in found:
            book.publisher.name  # noqa: B018


def no_parent() -> None:
    for key in (4, 8, 15, 16, 23, 42):
        _models().Book.objects.get(pk=key)


def same_again() -> None:
    for _ in range(8):
        _models().Publisher.objects.get(pk=1)


def save_each() -> None:
    for n in range(10):
        _models().Reading.objects.create(sensor=n, value=0.5)


POSITIVE += [
    Case("count", count, (burst("reviews", "books", O2M),)),
    Case("exists", exists, (burst("reviews", "books", O2M),)),
    Case("first", first, (burst("reviews", "books", O2M),)),
    Case("prefetch_each", prefetch_each, (burst("reviews", "books", O2M),)),
    Case("get_after_list", get_after_list, (burst("books", "reviews", M2O),)),
    Case("filter_on_prefetched", filter_on_prefetched, (burst("reviews", "books", O2M),)),
    Case("in_transaction", in_transaction, (burst("publishers", "books", M2O),)),
    Case("no_parent", no_parent, (burst("books", pattern="parentless-loop"),)),
    Case("same_again", same_again, (burst("publishers", pattern="repeated-identical-query"),)),
    Case("save_each", save_each, (burst("readings", pattern="row-by-row-write"),)),
]


def select_related() -> None:
    for book in _models().Book.objects.select_related("publisher", "author")[:30]:
        book.publisher.name, book.author.name  # noqa: B018


def prefetch_related() -> None:
    for book in _models().Book.objects.prefetch_related("review_set", "tags")[:30]:
        list(book.review_set.all()), list(book.tags.all())


def in_bulk() -> None:
    for start in range(1, 300, 30):
        _models().Book.objects.in_bulk(list(range(start, start + 30)))


def paginator() -> None:
    from django.core.paginator import Paginator

    pages = Paginator(_models().Book.objects.order_by("id"), 25)
    for number in pages.page_range:
        list(pages.page(number))


def server_cursor() -> None:
    for _ in _models().Book.objects.iterator(chunk_size=25):
        pass


def get_or_create() -> None:
    stamp = time.monotonic_ns()
    for n in range(8):
        _models().Tag.objects.get_or_create(name=f"dj {stamp} {n}", defaults={"id": 500000 + stamp % 10**8 * 10 + n})


def bulk() -> None:
    m = _models()
    m.Reading.objects.bulk_create([m.Reading(sensor=n, value=0.25) for n in range(200)], batch_size=100)


def worker() -> None:
    from django.db import transaction

    for _ in range(8):
        with transaction.atomic():
            job = _models().Job.objects.select_for_update(skip_locked=True).filter(state="queued").first()
            job.state = "done"
            job.save()


def requests_in_turn() -> None:
    """Requests on one persistent connection: who is it, then the page."""
    m = _models()
    m.User.objects.get(email="user1@example.org")
    list(m.Book.objects.order_by("id")[:20])
    for n in range(1, 10):
        m.User.objects.get(email=f"user{n}@example.org")
        m.Book.objects.get(pk=n)
        time.sleep(0.002)


def requests_side_by_side() -> None:
    from django.db import connection

    def request(n: int) -> None:
        list(_models().Book.objects.filter(publisher_id=n)[:10])
        list(_models().Review.objects.filter(book_id=n)[:10])
        connection.close()

    threads = [Thread(target=request, args=(n,)) for n in range(12)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]


def polling() -> None:
    for _ in range(8):
        _models().Job.objects.filter(state="failed").exists()
        time.sleep(0.05)


NEGATIVE = [
    Case("select_related", select_related, row="already batched"),
    Case("prefetch_related", prefetch_related, row="already batched"),
    Case("in_bulk", in_bulk, row="already batched"),
    Case("paginator", paginator, row="pagination"),
    Case("server_cursor", server_cursor, row="cursor FETCH"),
    Case("get_or_create", get_or_create, row="uniqueness check"),
    Case("bulk_create", bulk, row="bulk write"),
    Case("worker", worker, row="job worker"),
    Case("requests_in_turn", requests_in_turn, row="concurrent traffic"),
    Case("requests_side_by_side", requests_side_by_side, row="concurrent traffic"),
    Case("polling", polling, row="polling"),
]


def record(url: str, prefix: str) -> Iterator[Case]:
    from django.db import connection, connections

    configure(url, prefix)
    connection.ensure_connection()
    from django.contrib.contenttypes.models import ContentType

    with connection.schema_editor() as editor:
        editor.create_model(ContentType)
    author = ContentType.objects.get_for_model(_models().Author)
    _models().Note.objects.update(content_type=author)
    for case in POSITIVE + NEGATIVE:
        connection.close()
        connections.settings["default"]["OPTIONS"]["application_name"] = prefix + case.name
        connection.settings_dict["OPTIONS"]["application_name"] = prefix + case.name
        ContentType.objects.clear_cache()
        for _ in range(case.times):
            answer(case)
            time.sleep(0.3)
        yield case
    connection.close()


def answer(case: Case, change: Any = None) -> object:
    """One request; ``change`` rewrites the query set."""
    if case.run is not None:
        return case.run()
    found = change(case.query()) if change else case.query()
    return [case.visit(row) for row in (found.iterator(**case.options) if case.options else found)]
