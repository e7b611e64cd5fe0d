"""A scan's live progress: server-sent events, or a page that reloads itself where there is no JavaScript."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from advisor.model.codec import encode
from web.contexts import ScanPage
from web.rendering import TheScans, page
from web.scans import Watched

ROUTER = APIRouter()
INTERVAL_S = 0.25
"""Progress is told at most so often; what lies between two looks is not missed, since a look shows all steps."""


def scan_of(scans: TheScans, scan_id: str) -> Watched:
    """The scan that the path names; 404 when this server does not know it."""
    watched = scans.get(scan_id)
    if watched is None:
        raise HTTPException(404, "There is no such scan; a restart of the server forgets those under way.")
    return watched


TheScan = Annotated[Watched, Depends(scan_of)]


@page(ROUTER, "/scans/{scan_id}", "scan.html")
def scan(watched: TheScan) -> ScanPage:
    """One scan's progress."""
    return ScanPage(watched)


@ROUTER.get("/scans/{scan_id}/events", response_class=EventSourceResponse)
async def events(request: Request, scans: TheScans, watched: TheScan) -> AsyncIterator[ServerSentEvent]:
    """The scan as it stands, told again whenever it changes, until it ends."""
    told = -1
    while not await request.is_disconnected():
        now = scans.get(watched.id)
        if now is None:
            return
        if now.version != told:
            told = now.version
            yield ServerSentEvent(data=_plain(now), id=str(told))
        if now.state != "running":
            return
        await asyncio.sleep(INTERVAL_S)


@ROUTER.post("/scans/{scan_id}/cancel")
def cancel(scans: TheScans, watched: TheScan) -> Response:
    """End the scan at its next step."""
    scans.cancel(watched.id)
    return RedirectResponse(f"/scans/{watched.id}", 303)


def _plain(watched: Watched) -> dict[str, Any]:
    encoded: dict[str, Any] = encode(watched)
    return {"state": watched.state, "report": watched.report, "error": watched.error, "steps": encoded.get("steps", [])}
