"""What the data-free planner needs of the target, taken by catalog SELECTs alone: ``schema.sql``, ``statistics.sql``.

``pg_dump`` is not used: it locks every table and wants to read their data.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.postgres.shadow.extract.schema import schema_script
from connectors.postgres.shadow.extract.statistics import relation_sizes, statistics_script


async def extract(connection: Any, folder: Path, keep_values: bool = False) -> None:
    """Write ``schema.sql`` and ``statistics.sql`` of the database behind an asyncpg ``connection`` into ``folder``.

    Reads catalogs only, in one read-only snapshot, and leaves the session's search path as it was. Values of rows
    (most common values, histograms) are written only with ``keep_values``; frequencies, counts and widths always.
    Raises ``asyncpg.PostgresError`` when the catalogs cannot be read.
    """
    relations = await relation_sizes(connection)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        # Names come out qualified, whatever the role's search path.
        await connection.execute("SELECT set_config('search_path', '', true)")
        schema = await schema_script(connection)
        statistics = await statistics_script(connection, relations, keep_values)
    await asyncio.to_thread(_write, folder, {"schema.sql": schema, "statistics.sql": statistics})


def _write(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
