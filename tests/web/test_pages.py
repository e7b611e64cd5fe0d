"""Every page answers, as HTML and as JSON; filters work; nothing of the input gets out of its place."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from advisor.model.report import Report
from advisor.registry import with_attribute
from advisor.store import Decision
from web.app import create_app
from web.memory import MemoryReports

INDEX = "add_index-3f2a9c1b7d10"
EAGER = "eager_load-12ab34cd56ef"
Browse = Callable[[FastAPI], httpx.Client]
PAGES = [
    "/reports/1",
    "/reports/1/findings",
    "/reports/1/findings?severity=high&rule=missing-index",
    "/reports/1/recommendations",
    "/reports/1/recommendations?kind=add_index&sort=size&status=open",
    f"/reports/1/recommendations/{INDEX}",
    f"/reports/1/recommendations/{INDEX}?tool=alembic",
    f"/reports/1/recommendations/{EAGER}",
    "/reports/1/queries",
    "/reports/1/queries?sort=calls&q=orders&table=public.orders",
    "/reports/1/queries/aaaaaaaaaaaaaaaa",
    "/reports/1/queries/eeeeeeeeeeeeeeee",
    "/reports/1/queries/aaaaaaaaaaaaaaaa/plan",
    "/reports/1/n-plus-one",
    "/reports/1/tables",
    "/reports/1/tables/public/orders",
    "/reports/1/declined",
    "/reports/1/exports",
    "/reports/1/compare/1",
]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_answers_in_html_and_json(pages: httpx.Client, path: str) -> None:
    page = pages.get(path)
    assert page.status_code == 200, page.text
    assert page.headers["content-type"].startswith("text/html")
    assert page.text.startswith("<!doctype html>")
    assert " style=" not in page.text
    address, question, query = path.partition("?")
    twin = pages.get(f"{address}.json{question}{query}")
    assert twin.status_code == 200
    assert isinstance(twin.json(), dict)
    assert f'href="{address}.json"' in page.text


@pytest.mark.parametrize("rule", with_attribute("advisor.rules", "RULE"))
def test_every_rule_has_its_page(pages: httpx.Client, rule: str) -> None:
    page = pages.get(f"/rules/{rule}")
    assert page.status_code == 200
    assert [heading for heading, _ in pages.get(f"/rules/{rule}.json").json()["sections"]][-1] == "When it is wrong"


def test_the_first_page_answers_the_four_questions(shop: Report, browse: Browse) -> None:
    with browse(create_app([shop])) as client:
        page = client.get("/")
    assert page.url.path == "/reports/1"
    for question, answer in [
        ("What is wrong", "4 problems and 1 minor one on 3 tables"),
        ("How sure", "2 of 5 proven by PostgreSQL 18.4 (shadow)"),
        ("What to do", "Add 2 indexes"),
        ("What it costs", "No read and no write has to wait"),
    ]:
        assert question in page.text
        assert answer in page.text


def test_filters_choose(pages: httpx.Client) -> None:
    assert len(pages.get("/reports/1/findings.json?severity=low").json()["findings"]) == 1
    assert pages.get("/reports/1/findings.json?table=no.such").json().get("findings", []) == []
    kinds = pages.get("/reports/1/recommendations.json?kind=drop_index").json()["recommendations"]
    assert [each["action"]["kind"] for each in kinds] == ["drop_index"]
    queries = pages.get("/reports/1/queries.json?sort=calls&q=ORDER_LINES").json()["queries"]
    assert [query["shape"]["fingerprint"] for query in queries] == ["b" * 16]
    assert pages.get("/reports/1/queries?sort=nonsense&number=99").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/reports/99",
        "/reports/1/queries/0000",
        "/reports/1/queries/eeeeeeeeeeeeeeee/plan",
        "/reports/1/tables/no/such",
        "/reports/1/recommendations/nope",
        f"/reports/1/recommendations/{INDEX}?tool=abacus",
        "/reports/1/exports/stubs/abacus.zip",
        "/reports/1/exports/report/pdf",
        f"/reports/1/recommendations/{INDEX}/stubs/sql/9",
        "/rules/nope",
        "/scans/nope",
        "/reports/1/compare/9",
        "/reports/one",
        "/reports/1/queries?number=x",
    ],
)
def test_what_is_not_there_is_said_in_one_sentence(pages: httpx.Client, path: str) -> None:
    page = pages.get(path)
    assert page.status_code in (400, 404, 422)
    assert "Traceback" not in page.text
    assert re.search(r"<h1>[^<]+\.</h1>", page.text)


def test_the_recommendations_fields_come_in_the_reviewers_order(pages: httpx.Client) -> None:
    page = pages.get(f"/reports/1/recommendations/{INDEX}").text
    order = [
        "Concerns 1 query",
        "Before and after",
        "Locks",
        "It waits for",
        "Size",
        "Build time",
        "WAL per inserted row",
        "Trust in the figures",
        "Mind",
        "Undo",
        "If it fails",
        "Watch it",
        "The migration",
        "Why not something else",
    ]
    places = [page.index(f">{name}<" if name not in (order[0],) else name) for name in order]
    assert places == sorted(places)


def test_stubs_come_one_by_one_and_as_a_zip(pages: httpx.Client) -> None:
    packed = pages.get("/reports/1/exports/stubs/sql.zip")
    names = zipfile.ZipFile(io.BytesIO(packed.content)).namelist()
    assert "20261120164100_add_ix_orders_customer_id_created_at.up.sql" in names
    assert any(name.startswith("notes/") for name in names)
    assert packed.content == pages.get("/reports/1/exports/stubs/sql.zip").content
    one = pages.get("/reports/1/exports/stubs/sql.zip", params={"only": INDEX})
    assert len(zipfile.ZipFile(io.BytesIO(one.content)).namelist()) == 2
    file = pages.get(f"/reports/1/recommendations/{INDEX}/stubs/sql/0")
    assert "CREATE INDEX CONCURRENTLY" in file.text
    assert file.headers["content-disposition"].endswith('add_ix_orders_customer_id_created_at.up.sql"')


@pytest.mark.parametrize("form", with_attribute("advisor.report", "render"))
def test_the_report_comes_in_every_form(pages: httpx.Client, form: str) -> None:
    file = pages.get(f"/reports/1/exports/report/{form}")
    assert file.status_code == 200
    assert "attachment" in file.headers["content-disposition"]


def test_a_decision_is_kept_and_shown(client: httpx.Client, store: MemoryReports) -> None:
    path = f"/reports/1/recommendations/{INDEX}"
    page = client.post(f"{path}/decision", data={"status": "dismissed", "reason": "we <b>drop</b> it"})
    assert page.status_code == 200
    assert "we &lt;b&gt;drop&lt;/b&gt; it" in page.text
    assert len(client.get("/reports/1/recommendations.json?status=open").json()["recommendations"]) == 4
    assert client.post(f"{path}/decision", data={"status": "maybe"}).status_code == 422


def test_two_runs_are_compared(shop: Report, browse: Browse) -> None:
    query = shop.workload.queries[0]
    slower = replace(query, stats=replace(query.stats, mean_ms=query.stats.mean_ms * 2))
    later = replace(
        shop,
        findings=shop.findings[1:],
        workload=replace(shop.workload, queries=(slower, *shop.workload.queries[1:])),
    )
    with browse(create_app([shop, later])) as client:
        found = client.get("/reports/2/compare/1.json").json()
        assert "1 query slower" in client.get("/reports/2/compare/1").text
    assert found["new"] == []
    assert [finding["rule"] for finding in found["gone"]] == ["n-plus-one-burst"]
    assert len(found["slower"]) == 1


def test_a_bug_is_one_sentence_too(shop: Report, browse: Browse, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(MemoryReports):
        def decisions(self, target: str) -> dict[str, Decision]:
            raise KeyError("postgresql://app:s3cret@db/shop")

    with browse(create_app(store=Broken([shop]))) as client:
        page = client.get("/reports/1")
        assert client.get("/reports/1.json").json() == {
            "error": "The page could not be made (KeyError); please report it."
        }
    assert page.status_code == 500
    assert "content-security-policy" in page.headers
    assert "Traceback" in caplog.text
    assert "s3cret" not in page.text
    assert "Traceback" not in page.text


def test_a_report_on_mongodb_has_all_pages(shop: Report, browse: Browse) -> None:
    report = replace(shop, server=replace(shop.server, product="mongodb"))
    with browse(create_app([report])) as client:
        for tail in (
            "",
            "/findings",
            "/recommendations",
            f"/recommendations/{INDEX}",
            "/queries",
            "/tables",
            "/exports",
        ):
            assert client.get(f"/reports/1{tail}").status_code == 200


def test_hostile_text_stays_text(shop: Report, browse: Browse) -> None:
    evil = "</title><script>alert(1)</script>"
    finding = replace(shop.findings[0], message=evil, rule="missing-index")
    query = replace(shop.workload.queries[0], shape=replace(shop.workload.queries[0].shape, text=evil), routes=(evil,))
    report = replace(shop, findings=(finding,), workload=replace(shop.workload, queries=(query,)))
    with browse(create_app([report])) as client:
        for path in ("/reports/1", "/reports/1/findings", "/reports/1/queries", f"/reports/1/queries/{'a' * 16}"):
            assert "<script>alert" not in client.get(path).text


def test_the_api_is_described(pages: httpx.Client) -> None:
    paths = json.loads(pages.get("/openapi.json").text)["paths"]
    assert "/reports/{report_id}/recommendations/{identity}.json" in paths


def test_a_report_without_anything_has_all_pages(shop: Report, browse: Browse) -> None:
    bare = replace(shop, findings=(), recommendations=(), declined=(), coverage=(), catalog=None)
    bare = replace(bare, workload=replace(bare.workload, queries=(), bursts=(), suppressed=(), by_minute=()))
    with browse(create_app([bare])) as client:
        for tail in (
            "",
            "/findings",
            "/recommendations",
            "/queries",
            "/n-plus-one",
            "/tables",
            "/declined",
            "/exports",
        ):
            assert client.get(f"/reports/1{tail}").status_code == 200
