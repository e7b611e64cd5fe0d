"""Every form of the report: what it answers, what it must not contain, that it is always the same."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from advisor.model.capture import Server
from advisor.model.report import Report
from advisor.model.workload import Workload
from advisor.registry import with_attribute
from advisor.report import html, text
from advisor.report import json as report_json

FORMS = with_attribute("advisor.report", "render")
ROOT = Path(__file__).parents[3]
EMPTY = Report(Server("postgresql"), None, (), Workload(), (), (), ())

SCRIPT = """
import json, sys
from pathlib import Path
from advisor.model.codec import decode
from advisor.model.report import Report
from advisor.registry import with_attribute
report = decode(Report, json.loads(Path("tests/cases/report/shop.advisor.json").read_text()))
for name, module in with_attribute("advisor.report", "render").items():
    sys.stdout.write(name + module.render(report))
"""


def test_the_expected_forms_are_there() -> None:
    assert {"text", "json", "html", "markdown", "sarif"} <= set(FORMS)


@pytest.mark.parametrize("module", FORMS.values(), ids=list(FORMS))
def test_an_empty_report_has_every_form(module: ModuleType) -> None:
    assert module.render(EMPTY).endswith("\n")


@pytest.mark.parametrize("module", [FORMS["text"], FORMS["markdown"], FORMS["html"]])
def test_a_person_reads_what_how_sure_what_to_do_and_what_it_costs(module: ModuleType, shop: Report) -> None:
    page = re.sub(r"\s+", " ", module.render(shop).replace("\\", ""))
    assert "4 problems and 1 minor one on 3 tables" in page
    assert "2 of 5 proven by PostgreSQL 18.4 (shadow)" in page
    assert "Add 2 indexes, drop 1 index, load eagerly in 1 place of the code and change 1 setting" in page
    assert "No read and no write has to wait" in page
    assert "pg_stat_statements" in page
    assert "only 5 distinct values" in page


def test_equal_reports_are_equal_bytes_whatever_the_hash_seed() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_the_json_keeps_its_contract(shop: Report) -> None:
    document = json.loads(report_json.render(shop))
    assert document["schema_version"] == 1
    assert {"source", "coverage", "shapes", "findings", "recommendations", "declined"} <= set(document)
    shape = document["shapes"][0]
    asked = "fingerprint text calls total_ms mean_ms p50_ms p95_ms p99_ms rows tables routes"
    assert set(asked.split()) <= set(shape)
    assert shape["tables"] == ["public.orders"]
    finding = document["findings"][0]
    assert {"rule", "severity", "confidence", "tables", "shapes", "count", "evidence", "message"} <= set(finding)
    advised = document["recommendations"][0]
    asked = "id kind tables statement problem root_cause solution benefit migration_impact risks verification"
    asked += " acceptance shapes"
    assert set(asked.split()) <= set(advised)
    assert {"method", "cost_before", "cost_after", "ms_saved_per_day"} <= set(advised["benefit"])
    assert {each["kind"] for each in document["recommendations"]} <= {
        "add_index",
        "drop_index",
        "eager_load",
        "rewrite_query",
        "configure",
    }
    assert set(document["declined"][0]) >= {"candidate", "reason"}


class Page(HTMLParser):
    """What a page loads, its headings, its tables and its ids."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.styled = 0
        self.scripts: list[str | None] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.loads += [value or "" for name, value in attrs if name in ("src", "srcset", "data", "poster")]
        if tag == "link":
            self.loads.append(given.get("href") or "")
        if tag == "script":
            self.scripts.append(given.get("type"))
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if "id" in given:
            self.ids.append(given["id"] or "")
        if tag == "a":
            self.links.append(given.get("href") or "")
        self.styled += "style" in given


def test_the_html_file_needs_nothing_but_itself(shop: Report) -> None:
    text_ = html.render(shop)
    page = Page(text_)
    assert page.loads == []
    assert page.styled == 0
    assert page.scripts == ["application/json"]
    assert "default-src 'none'" in text_
    assert "@import" not in text_
    assert "url(" not in text_
    inside = [link[1:] for link in page.links if link.startswith("#")]
    assert set(inside) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_the_html_files_headings_skip_no_level(shop: Report) -> None:
    levels = Page(html.render(shop)).headings
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_html_file_carries_the_json(shop: Report) -> None:
    found = re.search(r'<script type="application/json" id="report">(.*?)</script>', html.render(shop), re.DOTALL)
    assert found is not None
    assert json.loads(found[1]) == json.loads(report_json.render(shop))


def test_hostile_names_do_not_leave_their_place(shop: Report) -> None:
    evil = '</script><script>alert("1")</script><img src=x onerror=alert(1)>'
    finding = replace(shop.findings[0], message=evil)
    query = replace(shop.workload.queries[0], shape=replace(shop.workload.queries[0].shape, text=f"SELECT '{evil}'"))
    load = replace(shop.workload, queries=(query, *shop.workload.queries[1:]))
    advised = replace(shop.recommendations[0], title=evil, statement=evil, problem=evil)
    page = html.render(replace(shop, findings=(finding,), workload=load, recommendations=(advised,)))
    assert "<img" not in page
    assert Page(page).scripts == ["application/json"]


def test_two_hundred_queries_stay_below_two_megabytes(shop: Report) -> None:
    base = shop.workload.queries[0]
    long = (
        "SELECT " + ", ".join(f"some_table.some_column_{n}" for n in range(60)) + " FROM public.some_table WHERE x = $1"
    )
    queries = tuple(
        replace(base, shape=replace(base.shape, fingerprint=f"{n:016x}", text=f"{long} AND y = {n}"))
        for n in range(200)
    )
    advised = tuple(replace(shop.recommendations[0], id=f"add_index-{n}") for n in range(60))
    report = replace(shop, workload=replace(shop.workload, queries=queries), recommendations=advised)
    assert len(html.render(report).encode()) < 2_000_000


def test_markdown_keeps_code_and_nothing_else_of_the_texts_marks(shop: Report) -> None:
    advised = replace(shop.recommendations[0], problem="a_b `SELECT a_b | c` <img> *x* `odd", title="t | u")
    page = FORMS["markdown"].render(replace(shop, recommendations=(advised,)))
    assert r"a\_b `SELECT a_b \| c` \<img\> \*x\* \`odd" in page
    assert r"| 1 | t \| u |" in page


def test_thousands_of_queries_stay_below_two_megabytes(shop: Report) -> None:
    query = shop.workload.queries[0]
    queries = tuple(replace(query, shape=replace(query.shape, fingerprint=f"{n:016x}")) for n in range(3_000))
    advised = tuple(replace(shop.recommendations[0], id=f"add_index-{n}") for n in range(200))
    report = replace(shop, workload=replace(shop.workload, queries=queries), recommendations=advised)
    assert len(html.render(report).encode()) < 2_000_000


def test_the_terminal_gets_colour_only_when_asked(shop: Report) -> None:
    plain, colored = text.render(shop), text.render(shop, color=True)
    assert "\x1b[" not in plain
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == plain


@pytest.mark.parametrize("width", [60, 100])
def test_lines_fit_but_statements_stay_whole(shop: Report, width: int) -> None:
    statements = {line for each in shop.recommendations for line in each.statement.splitlines()}
    for line in text.render(shop, width=width).splitlines():
        assert len(line) <= width or line.strip() in statements or "://" in line or line.strip().count(" ") < 5


def test_sarif_results_stand_somewhere_and_keep_their_fingerprint(shop: Report) -> None:
    log: dict[str, Any] = json.loads(FORMS["sarif"].render(shop))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"]
        assert place["region"]["startLine"] >= 1
        assert result["partialFingerprints"]
        assert result["level"] in ("error", "warning", "note")
    places = [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]]
    assert "app/services/orders.py" in places
    assert "stubs/sql/20261120164100_add_ix_orders_customer_id_created_at.up.sql" in places
