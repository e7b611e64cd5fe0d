"""A user's own ``--schema dump.sql``: loaded into a shadow, and read back as a Catalog."""

from __future__ import annotations

import asyncio
from pathlib import Path

from advisor.errors import CaptureError
from advisor.model.catalog import Catalog
from connectors.postgres.catalog import read_catalog
from connectors.postgres.shadow.cluster import Cluster
from connectors.postgres.shadow.servers import ServerChoice, choose_server, extensions_of, installed_servers


def load_schema(path: Path) -> Catalog:
    """Return the catalog that ``pg_dump``'s text describes, sizes and statistics as far as the dump has them.

    Raises :class:`CaptureError` when there is no table in it, and :class:`~advisor.errors.PlannerUnavailable` when
    the embedded PostgreSQL cannot be had.
    """
    choice = choose_server(0, extensions_of(path.read_text(encoding="utf-8")), installed_servers())
    return asyncio.run(_load(path, choice))


async def _load(path: Path, choice: ServerChoice) -> Catalog:
    cluster = Cluster([path], choice, {}, ("public",))
    try:
        await cluster.open(1)
        catalog = await read_catalog(cluster.databases[0].asking)
    finally:
        await cluster.close()
    if not catalog.tables:
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in cluster.left_out[:3])
        raise CaptureError(
            f"{path} defines no table{f' ({reasons})' if reasons else ''}; pass the output of pg_dump --schema-only."
        )
    return catalog
