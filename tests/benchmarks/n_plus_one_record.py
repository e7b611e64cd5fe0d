"""Record the labelled corpus of N+1 bursts and look-alikes: ``python tests/benchmarks/n_plus_one_record.py [app …]``.

Runs the applications of tests/cases/n_plus_one/apps on a real PostgreSQL (embedded) that logs as csvlog, and writes
``<app>.parquet`` (events, values taken out), ``<app>.json`` (labels) and ``catalog.json`` beside them.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import asyncpg
import duckdb

from advisor.model.codec import encode
from connectors.postgres.catalog import read_catalog
from connectors.postgres.embedded import EmbeddedServer
from connectors.postgres.logs import read

CASES = Path(__file__).parents[1] / "cases" / "n_plus_one"
APPS = {
    "sqlalchemy_sync": "psycopg",
    "sqlalchemy_async": "asyncpg",
    "django_orm": "",
    "asyncpg_raw": "",
    "node_orms": "",
}
SETTINGS = {
    "logging_collector": "on",
    "log_destination": "csvlog",
    "log_directory": "log",
    "log_filename": "corpus.log",
    "log_rotation_size": "0",
    "log_min_duration_statement": "0",
    "max_connections": "80",
}


def main(wanted: list[str]) -> None:
    sys.path.insert(0, str(CASES / "apps"))
    for app in wanted or list(APPS):
        # A server an app: each log holds one application, as a team would find it.
        with EmbeddedServer(version=16, settings=SETTINGS) as server:
            asyncio.run(
                _prepare(
                    server.url_of("postgres"),
                    server.url_of("shop"),
                    (CASES / "apps" / "schema.sql").read_text(encoding="utf-8"),
                )
            )
            module = importlib.import_module(app)
            labels = [
                {
                    "case": case.name,
                    "row": case.row,
                    "expected": [asdict(expected) for expected in case.expected],
                }
                for case in module.record(server.url_of("shop", APPS[app]), f"{app}/")
            ]
            catalog = asyncio.run(_catalog(server.url_of("shop")))
            time.sleep(0.5)
            logs = sorted((server.data / "log").glob("*.csv"))
            raw = Path(server.data / "events.parquet")
            read(logs, raw)
            _keep(raw, CASES / f"{app}.parquet", app)
        (CASES / f"{app}.json").write_text(json.dumps(labels, indent=1) + "\n", encoding="utf-8")
        (CASES / "catalog.json").write_text(json.dumps(encode(catalog), separators=(",", ":")) + "\n", encoding="utf-8")
        print(f"{app}: {len(labels)} cases, {(CASES / f'{app}.parquet').stat().st_size // 1024} KiB")


async def _prepare(admin: str, url: str, schema: str) -> None:
    connection = await asyncpg.connect(admin)
    await connection.execute("CREATE DATABASE shop")
    await connection.close()
    connection = await asyncpg.connect(url)
    await connection.execute(schema)
    await connection.close()


async def _catalog(url: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await read_catalog(connection)
    finally:
        await connection.close()


def _keep(raw: Path, target: Path, app: str) -> None:
    """Only the cases' own events, with no name of this machine."""
    with duckdb.connect() as database:
        database.execute(
            f"""COPY (SELECT * REPLACE ('{app}.csv' AS source, 'app' AS "user", '[local]' AS client)
                      FROM '{raw}' WHERE application LIKE '{app}/%')
                TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19)"""
        )


if __name__ == "__main__":
    main(sys.argv[1:])
