"""A bloated index on a real server: found, and as small afterwards as was said."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from advisor.impact.postgres import migration_impact
from advisor.model.capture import Capture, Server
from advisor.model.catalog import Catalog, TableName
from advisor.model.recommendation import Recommendation
from advisor.model.workload import Workload
from advisor.ports import Study
from advisor.recommend import rebuild_index
from advisor.rules import bloated_index
from connectors.postgres.catalog import read_catalog

BLOATED = (
    "CREATE TABLE visit AS SELECT n::bigint AS id, (random() * 1e9)::bigint AS token FROM generate_series(1, 400000) n",
    "CREATE INDEX visit_token ON visit (token)",
    "DELETE FROM visit WHERE id % 10 <> 0 AND id < 350000",
    "CREATE INDEX visit_id ON visit (id)",
    "VACUUM ANALYZE visit",
)
SIZE = "SELECT pg_relation_size('visit_token')"


def test_a_bloated_index_is_rebuilt_to_the_size_told(
    embedded: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bloated_index, "WORTH_BYTES", 2**20)
    asyncio.run(check(embedded.url, tmp_path))


async def check(url: str, folder: Path) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in BLOATED:
            await connection.execute(statement)
        before = await connection.fetchval(SIZE)
        advice = advised(await read_catalog(connection), folder)
        await connection.execute(advice.statement)
        saved = before - await connection.fetchval(SIZE)
        size = advice.migration_impact.size
        assert size is not None
        assert -size.value == pytest.approx(saved, rel=0.15)
    finally:
        await connection.execute("DROP TABLE IF EXISTS visit")
        await connection.close()


def advised(catalog: Catalog, folder: Path) -> Recommendation:
    study = Study(Capture(folder, Server("postgresql", "18.4", 180_004), catalog), Workload(), impact=migration_impact)
    visit = TableName("public", "visit")
    found = [finding for finding in bloated_index.find(study) if finding.tables == (visit,)]
    assert [finding.index for finding in found] == ["visit_token"]
    [advice] = rebuild_index.recommend(study, found)
    assert isinstance(advice, Recommendation)
    return advice
