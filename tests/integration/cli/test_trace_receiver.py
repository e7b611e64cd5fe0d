"""``advisor serve --otlp FILE``: what the reader knows of a post is kept, what is none is refused."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

from advisor.cli.service import _receive_traces
from web.app import create_app
from web.memory import MemoryReports

SPAN = {"traceId": "ab" * 16, "attributes": []}
SPANS = {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"spans": [SPAN]}]}]}


async def test_traces_are_kept_and_anything_else_is_refused(tmp_path: Path) -> None:
    app = create_app(store=MemoryReports())
    _receive_traces(app, tmp_path / "traces.jsonl")
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        kept = await client.post("/v1/traces", json=SPANS)
        refused = await client.post("/v1/traces", content=b"\xff", headers={"content-type": "application/json"})
    assert (kept.status_code, kept.json()) == (200, {})
    assert refused.status_code == 400
    assert json.loads((tmp_path / "traces.jsonl").read_text(encoding="utf-8")) == SPANS
