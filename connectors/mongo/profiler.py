"""``system.profile`` and the server's last log lines, as files that the log reader reads."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from bson import json_util
from pymongo.errors import PyMongoError

from advisor.errors import AdvisorError
from connectors.mongo.session import APPLICATION, CODEC, MAX_TIME_MS, Session, translated

MAX_DOCUMENTS = 500_000
RELAXED = json_util.JSONOptions(json_mode=json_util.JSONMode.RELAXED, tz_aware=True)


async def write_profile(session: Session, database: str, path: Path, since: datetime | None = None) -> int:
    """Write the profile's documents as JSON lines; returns how many. Raises what :func:`translated` makes of errors."""
    asked: dict[str, Any] = {"appName": {"$ne": APPLICATION}, "ns": {"$ne": f"{database}.system.profile"}}
    if since is not None:
        asked["ts"] = {"$gte": since}
    count = 0
    try:
        collection = session.of(database).get_collection("system.profile", codec_options=CODEC)
        with path.open("w", encoding="utf-8") as lines:
            async for document in (
                collection.find(asked, comment=APPLICATION, max_time_ms=MAX_TIME_MS)
                .sort("$natural", 1)
                .limit(MAX_DOCUMENTS)
            ):
                document.pop("execStats", None)
                lines.write(json_util.dumps(document, json_options=RELAXED) + "\n")
                count += 1
    except PyMongoError as error:
        raise translated(error) from error
    return count


async def write_recent_log(session: Session, path: Path) -> int:
    """Write the slow lines among the last thousand that the server keeps in memory; returns how many."""
    try:
        answer = await session.command("admin", "getLog", "global")
    except AdvisorError:
        return 0
    slow = [line for line in answer.get("log", ()) if '"id":51803' in line and _is_json(line)]
    await asyncio.to_thread(path.write_text, "".join(f"{line}\n" for line in slow), encoding="utf-8")
    return len(slow)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
