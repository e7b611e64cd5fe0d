"""Scans from the browser: progress as events and without JavaScript, results kept, failures in one sentence."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
from fastapi import FastAPI

from advisor.model.report import Report
from web.app import create_app
from web.memory import MemoryReports

Browse = Callable[[FastAPI], httpx.Client]
URL = "postgresql://app:pw@staging/shop"


def begin(client: httpx.Client, url: str = URL) -> str:
    answer = client.post("/targets", data={"url": url, "name": "Shop"}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def awaited(client: httpx.Client, scan: str, state: str) -> dict[str, Any]:
    for _ in range(500):
        found: dict[str, Any] = client.get(f"{scan}.json").json()["scan"]
        if found.get("state", "running") == state:
            return found
        time.sleep(0.01)
    raise AssertionError(f"not {state}: {found}")


def test_a_scan_shows_its_steps_and_ends_in_a_report(client: httpx.Client, gate: Any, store: MemoryReports) -> None:
    scan = begin(client)
    page = client.get(scan).text
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in page
    gate.open.set()
    done = awaited(client, scan, "done")
    assert [step["title"] for step in done["steps"]] == ["Reading the catalog", "Asking the planner"]
    assert done["report"] == 2
    assert client.get("/reports/2").status_code == 200
    assert gate.urls == [URL]
    (target,) = store.targets()
    assert (target.name, target.url) == ("Shop", "postgresql://app@staging/shop")
    assert "The report is ready" in client.get(scan).text


def test_events_tell_the_progress_until_the_end(client: httpx.Client, gate: Any) -> None:
    scan = begin(client)
    gate.open.set()
    with client.stream("GET", f"{scan}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        told = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]
    assert told[-1]["state"] == "done"
    assert told[-1]["report"] == 2


def test_a_failure_is_one_sentence_and_can_be_tried_again(client: httpx.Client) -> None:
    failed = awaited(client, begin(client, "postgresql://app:pw@refused/shop"), "failed")
    assert failed["error"] == "The database refused postgresql://app:***@refused/shop; check the password."
    failed = awaited(client, begin(client, "postgresql://app:pw@broken/shop"), "failed")
    assert failed["error"] == "The scan broke off (RuntimeError); run `advisor scan` to see more."


def test_a_kept_target_is_scanned_again_with_its_password_asked(client: httpx.Client, gate: Any) -> None:
    gate.open.set()
    awaited(client, begin(client), "done")
    answer = client.post("/targets/1/scan", data={"password": "p@ss/word"}, follow_redirects=False)
    awaited(client, answer.headers["location"], "done")
    assert gate.urls[-1] == "postgresql://app:p%40ss%2Fword@staging/shop"
    assert client.post("/targets/77/scan").status_code == 422
    assert "postgresql://app@staging/shop" in client.get("/home").text
    client.post("/targets/1/remove")
    assert "postgresql://app@staging/shop" not in client.get("/home").text


def test_a_scan_can_be_cancelled_and_only_two_run_at_once(client: httpx.Client) -> None:
    first, second = begin(client), begin(client, "postgresql://other/db")
    third = client.post("/targets", data={"url": "postgresql://third/db"})
    assert third.status_code == 422
    assert "Two scans run already" in third.text
    for scan in (first, second):
        client.post(f"{scan}/cancel")
        assert awaited(client, scan, "failed")["error"] == "The scan was cancelled."


def test_a_server_of_finished_reports_does_not_scan(shop: Report, browse: Browse) -> None:
    with browse(create_app([shop])) as client:
        assert client.post("/targets", data={"url": URL}).status_code == 404
