"""Pages in Chromium: nothing fetched from elsewhere, narrow screens, both colour schemes, no JavaScript, live progress.

What axe would check is checked by hand: names of controls, order of headings, contrast of text as it is painted.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from advisor.model.report import Report
from advisor.report import html
from web.app import create_app
from web.memory import MemoryReports

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SMALL: Any = {"width": 390, "height": 844}
PATHS = [
    "/home",
    "/reports/1",
    "/reports/1/findings",
    "/reports/1/recommendations",
    "/reports/1/recommendations/add_index-3f2a9c1b7d10?tool=alembic",
    "/reports/1/recommendations/eager_load-12ab34cd56ef",
    "/reports/1/queries",
    "/reports/1/queries/aaaaaaaaaaaaaaaa",
    "/reports/1/queries/aaaaaaaaaaaaaaaa/plan",
    "/reports/1/n-plus-one",
    "/reports/1/tables/public/orders",
    "/reports/1/declined",
    "/reports/1/exports",
    "/rules/missing-index",
]

# Every text's contrast with what is painted behind it (WCAG 2.2, 1.4.3), below its threshold.
CONTRAST = """() => {
  const rgb = c => c.match(/[\\d.]+/g).map(Number);
  const lum = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] > 0) return c; } return [255, 255, 255]; };
  const poor = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, text = walker.currentNode.data.trim();
    if (!text || !element.checkVisibility() || element.closest("script, style, svg, option")) continue;
    const style = getComputedStyle(element), a = lum(rgb(style.color)), b = lum(behind(element));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) poor.add(`${ratio.toFixed(2)} ${element.tagName}.${element.className}: ${text}`);
  }
  return [...poor];
}"""

# Controls without a name, images without a text, tables without caption or heads, ids twice, lists with strangers.
NAMELESS = """() => {
  const bad = [];
  const name = e => e.getAttribute("aria-label") || e.textContent.trim() || (e.labels && e.labels.length
    && [...e.labels].map(l => l.textContent.trim()).join(" "));
  for (const e of document.querySelectorAll("a[href], button, summary, input:not([type=hidden]), select, textarea"))
    if (!name(e)) bad.push("no name: " + e.outerHTML.slice(0, 120));
  for (const e of document.querySelectorAll("svg, img"))
    if (e.getAttribute("aria-hidden") !== "true" && !e.getAttribute("aria-label") && !e.getAttribute("alt"))
      bad.push("no text: " + e.outerHTML.slice(0, 120));
  for (const t of document.querySelectorAll("table")) {
    if (!t.caption) bad.push("no caption: " + t.innerText.slice(0, 60));
    for (const th of t.querySelectorAll("th")) if (!th.scope) bad.push("no scope: " + th.innerText);
  }
  for (const l of document.querySelectorAll("ul, ol")) for (const c of l.children)
    if (c.tagName !== "LI") bad.push(`${c.tagName} in a list`);
  const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) bad.push("twice: " + id);
  for (const e of document.querySelectorAll("[role=progressbar], progress"))
    if (!name(e)) bad.push("no name: progress");
  const levels = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map(h => +h.tagName[1]);
  if (levels[0] !== 1 || levels.filter(l => l === 1).length !== 1) bad.push("headings: " + levels);
  levels.forEach((l, i) => { if (i && l > levels[i - 1] + 1) bad.push(`h${levels[i - 1]} then h${l}`); });
  if (!document.documentElement.lang || !document.title || !document.querySelector("main")) bad.push("frame");
  return bad;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def address(serve: Callable[[FastAPI], str], shop: Report) -> str:
    """A server that scans, with one report."""
    return serve(create_app(store=MemoryReports([shop]), scan=lambda url, progress: shop))


def opened(browser: Browser, url: str, **options: Any) -> tuple[Page, list[str]]:
    """The page, and a list that fills with what goes wrong and what is fetched from elsewhere."""
    page = browser.new_page(**options)
    page.set_default_timeout(20_000)
    problems: list[str] = []
    host = re.match(r"\w+://[^/]*", url)
    assert host is not None
    ours = (host[0], "data:")

    def asked(request: Request) -> None:
        if not request.url.startswith(ours):
            problems.append(request.url)

    def said(message: ConsoleMessage) -> None:
        problems.append(message.text)

    page.on("request", asked)
    page.on("console", said)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(url)
    return page, problems


def examined(page: Page) -> list[str]:
    """What is wrong with the page for somebody who sees little, nothing, or on a small screen, in both schemes."""
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    found: list[str] = page.evaluate(NAMELESS)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found += page.evaluate(CONTRAST)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("it scrolls sideways")
    return found


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_accessible_and_needs_nothing_from_elsewhere(browser: Browser, address: str, path: str) -> None:
    page, problems = opened(browser, address + path, viewport=SMALL)
    assert examined(page) == []
    assert problems == []
    page.close()


def test_the_file_is_accessible_and_needs_nothing(browser: Browser, shop: Report, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(html.render(shop), encoding="utf-8")
    page, problems = opened(browser, file.as_uri(), viewport=SMALL)
    assert examined(page) == []
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).borderRadius") != "0px", "no style"
    assert problems == []
    page.close()


def test_the_file_opens_its_details_without_javascript(browser: Browser, shop: Report, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(html.render(shop), encoding="utf-8")
    page, _ = opened(browser, file.as_uri(), java_script_enabled=False)
    page.get_by_text("What applying it costs: locks, size, time, writes, undo").first.click()
    assert page.get_by_text("SHARE UPDATE EXCLUSIVE").first.is_visible()
    page.close()


def test_the_keyboard_reaches_the_content_first(browser: Browser, address: str) -> None:
    page, _ = opened(browser, f"{address}/reports/1")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.wait_for_url("**#main")
    page.close()


def test_a_scan_is_watched_live_and_leads_to_its_report(
    browser: Browser, serve: Callable[[FastAPI], str], shop: Report, gate: Any
) -> None:
    page, problems = opened(browser, serve(create_app(store=MemoryReports([shop]), scan=gate)) + "/home")
    page.get_by_label("Its URL").fill("postgresql://app:pw@staging/shop")
    page.get_by_role("button", name="Add and scan").click()
    page.get_by_text("Reading the catalog").last.wait_for()
    page.get_by_text("4 of 8 tables").last.wait_for()
    gate.open.set()
    page.get_by_role("heading", name="4 problems and 1 minor one on 3 tables").wait_for()
    assert page.url.endswith("/reports/2")
    assert problems == []
    page.close()


def test_without_javascript_the_scan_page_reloads_itself(
    browser: Browser, serve: Callable[[FastAPI], str], shop: Report, gate: Any
) -> None:
    page, _ = opened(
        browser, serve(create_app(store=MemoryReports([shop]), scan=gate)) + "/home", java_script_enabled=False
    )
    page.get_by_label("Its URL").fill("postgresql://app:pw@staging/shop")
    page.get_by_role("button", name="Add and scan").click()
    page.get_by_text("Reading the catalog").last.wait_for()
    gate.open.set()
    page.get_by_role("link", name="Read the report").click()
    page.get_by_role("heading", name="4 problems and 1 minor one on 3 tables").wait_for()
    page.close()


def test_a_stub_is_copied_with_a_click(browser: Browser, address: str) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{address}/reports/1/recommendations/add_index-3f2a9c1b7d10?tool=sql")
    page.get_by_role("button", name="Copy").first.click()
    page.get_by_role("button", name="Copied").wait_for()
    assert "CREATE INDEX CONCURRENTLY" in page.evaluate("navigator.clipboard.readText()")
    context.close()
