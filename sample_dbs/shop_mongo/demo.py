"""What ``advisor demo --mongo`` looks at: a live server where one is named, else the recording in the package."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).with_name("recorded")


@contextmanager
def source(
    url: str | None, say: Callable[[str], None], scale: float = 1.0
) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """(sources, how to read them) for the advisor.

    With a URL the shop is loaded there and used first; the profiler, which tells of it, is set back at the end. Raises
    :class:`~advisor.errors.AdvisorError` when the server cannot be used.
    """
    if not url:
        say("No MongoDB was named: showing the recording of a real server (5.0 line) that the package carries")
        yield [str(RECORDED / "shop.log.gz")], {"schema": RECORDED / "catalog.json"}
        return
    from pymongo.errors import PyMongoError

    from connectors.mongo.session import open_session, translated
    from sample_dbs.shop_mongo.workload import load_and_run, set_profiler

    say("Loading the shop and running its workload")

    async def used() -> int:
        await (await open_session(url)).close()  # which says in one sentence what is wrong with a URL
        return await load_and_run(url, scale)

    try:
        before = asyncio.run(used())
    except PyMongoError as error:
        raise translated(error) from error
    try:
        yield [url], {}
    finally:
        asyncio.run(set_profiler(url, before))
