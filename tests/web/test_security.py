"""Who may ask, from where, and what never shows."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI

from advisor.model.report import Report
from web.app import create_app
from web.memory import MemoryReports

Browse = Callable[[FastAPI], httpx.Client]


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io"])
def test_other_host_names_are_refused(pages: httpx.Client, host: str) -> None:
    assert pages.get("/reports/1", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080"])
def test_loopback_names_are_answered(pages: httpx.Client, host: str) -> None:
    assert pages.get("/reports/1", headers={"host": host}).status_code == 200


def test_a_host_may_be_added_with_or_without_its_port(shop: Report, browse: Browse) -> None:
    with browse(create_app([shop], hosts=["advisor.corp:8080"])) as client:
        assert client.get("/reports/1", headers={"host": "advisor.corp"}).status_code == 200
        assert client.get("/reports/1", headers={"host": "advisor.corp:443"}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "same-origin"}, 303),
        ({"origin": "itself"}, 303),
        ({}, 303),
    ],
)
def test_requests_forged_by_other_sites_are_refused(client: httpx.Client, headers: dict[str, str], status: int) -> None:
    if headers.get("origin") == "itself":
        headers = {"origin": str(client.base_url).rstrip("/")}
    answer = client.post("/targets/1/remove", headers=headers, follow_redirects=False)
    assert answer.status_code == status


def test_a_large_form_is_refused(client: httpx.Client) -> None:
    assert client.post("/targets", data={"url": "x" * 100_000}).status_code == 413


@pytest.mark.parametrize("path", ["/", "/reports/1", "/nope", "/static/style.css", "/reports/1.json"])
def test_every_answer_carries_the_security_headers(pages: httpx.Client, path: str) -> None:
    headers = pages.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_with_a_token_nothing_shows_before_the_login(shop: Report, browse: Browse) -> None:
    with browse(create_app([shop], token="once")) as client:
        assert client.get("/reports/1", follow_redirects=False).headers["location"] == "/login"
        assert client.get("/reports/1.json").status_code == 401
        assert client.get("/healthz").text == "ok\n"
        assert client.get("/login?token=wrong").status_code == 401
        assert client.get("/login?token=once").status_code == 200
        assert "4 problems" in client.get("/reports/1").text
        cookie = client.cookies.get("advisor_session")
        client.cookies.clear()
        assert client.get("/login?token=once").status_code == 401, "the token works once"
        client.cookies.set("advisor_session", cookie or "")
        client.post("/logout")
        client.cookies.set("advisor_session", cookie or "")
        assert client.get("/reports/1.json").status_code == 401


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(shop: Report, browse: Browse) -> None:
    with browse(create_app([shop], token="once")) as client:
        cookie = client.get("/login?token=once", follow_redirects=False).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.parametrize("url", ["postgresql://app:s3cret@refused/shop", "postgresql://app:s3cret@broken/shop"])
def test_a_password_shows_nowhere(client: httpx.Client, store: MemoryReports, url: str) -> None:
    page = client.post("/targets", data={"url": url})
    scan = page.url.path
    pages = [page.text, client.get("/home").text, client.get("/home.json").text]
    for _ in range(100):
        if client.get(f"{scan}.json").json()["scan"].get("state") == "failed":
            break
    pages += [client.get(scan).text, client.get(f"{scan}.json").text, client.get(f"{scan}/events").text]
    assert all("s3cret" not in text for text in pages)
    assert all("s3cret" not in target.url for target in store.targets())


@pytest.mark.parametrize("url", ["http://u:s3cret@x", "nonsense", "postgres//x", "//[", "mysql://u:s3cret@h/d"])
def test_a_wrong_url_is_one_sentence(client: httpx.Client, url: str) -> None:
    page = client.post("/targets", data={"url": url})
    assert page.status_code == 422
    assert "is not a database URL; it must start with one of" in page.text
    assert "s3cret" not in page.text
