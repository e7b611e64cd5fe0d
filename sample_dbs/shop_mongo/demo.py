"""What ``advisor demo --mongo`` looks at: a live server where one is named, else the recording in the package."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).with_name("recorded")


def source(url: str | None, say: Callable[[str], None]) -> tuple[list[str], dict[str, Any]]:
    """(sources, how to read them) for the advisor; with a URL the shop is loaded there and used first."""
    if url:
        from sample_dbs.shop_mongo.workload import load_and_run

        say("Loading the shop and running its workload")
        asyncio.run(load_and_run(url))
        return [url], {}
    say("No MongoDB was named: showing the recording of a real server (5.0 line) that the package carries")
    return [str(RECORDED / "shop.log.gz")], {"schema": RECORDED / "catalog.json"}
