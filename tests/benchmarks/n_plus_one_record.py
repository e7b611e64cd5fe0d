"""Record the labelled corpus of N+1 bursts and look-alikes: ``python tests/benchmarks/n_plus_one_record.py [app …]``.

Runs the applications of tests/cases/n_plus_one/apps on a real PostgreSQL (embedded) that logs as csvlog, and writes
``<app>.parquet`` (events, values taken out), ``<app>.json`` (labels) and ``catalog.json`` beside them. With
``--held-out`` those of tests/cases/n_plus_one/held_out, with ``--third`` and ``--fourth`` those of the folders of that
name, each with a schema and a catalog of its own; ``--labels`` only writes what the applications' authors expect,
before anything ran. The held-out applications need peewee, tortoise-orm, psycopg2-binary, psycopg-pool and graphql-core
(pip), Ruby's activerecord and pg, and PgBouncer; those of the later corpora say what they need.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

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
HELD_OUT = {
    "clinic_peewee": "",
    "fleet_tortoise": "",
    "forum_rails": "",
    "museum_sqlalchemy": "psycopg2",
    "ledger_psycopg": "",
    "graph_asyncpg": "",
    "parcels_pooled": "",
}
THIRD = {
    "erp_eclipselink": "",
    "forum_node": "",
    "hospital_django": "",
    "meters_psycopg": "",
    "sky_sqlalchemy": "",
    "tienda_doctrine": "",
    "verein_sequel": "",
}
FOURTH = {
    "airline_async": "",
    "cinema_sqlalchemy": "psycopg",
    "hotel_node": "",
    "kitchen_asyncpg": "",
    "payroll_psycopg2": "",
    "school_django": "",
}
FOLDERS = {"--held-out": ("held_out", HELD_OUT), "--third": ("third", THIRD), "--fourth": ("fourth", FOURTH)}
SETTINGS = {
    "logging_collector": "on",
    "log_destination": "csvlog",
    "log_directory": "log",
    "log_filename": "corpus.log",
    "log_rotation_size": "0",
    "log_min_duration_statement": "0",
    "max_connections": "80",
}


def main(arguments: list[str]) -> None:
    name, apps = next((FOLDERS[option] for option in FOLDERS if option in arguments), ("", APPS))
    folder = CASES / name
    sys.path[:0] = [str(CASES / "apps"), str(CASES / "held_out" / "apps"), str(folder / "apps")]
    for app in [name for name in arguments if not name.startswith("--")] or list(apps):
        module = importlib.import_module(app)
        _write_labels(folder / f"{app}.json", [*module.POSITIVE, *module.NEGATIVE])
        if "--labels" not in arguments:
            schema = folder / "apps" / (f"{app}.sql" if name else "schema.sql")
            _record(module, app, apps[app], schema, folder, f"{app}.catalog.json" if name else "catalog.json")


def _write_labels(path: Path, cases: list[Any]) -> None:
    labels = [
        {"case": case.name, "row": case.row, "expected": [asdict(expected) for expected in case.expected]}
        for case in cases
    ]
    path.write_text(json.dumps(labels, indent=1) + "\n", encoding="utf-8")


def _record(module: Any, app: str, driver: str, schema: Path, folder: Path, catalog_name: str) -> None:
    """On a server of its own: each log holds one application, as a team would find it."""
    settings = SETTINGS | getattr(module, "SETTINGS", {})
    with EmbeddedServer(version=getattr(module, "VERSION", 16), settings=settings) as server:
        url = server.url_of("shop")
        asyncio.run(_prepare(server.url_of("postgres"), url, schema.read_text(encoding="utf-8")))
        cases = list(module.record(server.url_of("shop", driver), f"{app}/"))
        catalog = asyncio.run(_catalog(url))
        time.sleep(0.5)
        raw = Path(server.data / "events.parquet")
        ending = {"csvlog": "csv", "jsonlog": "json"}.get(settings["log_destination"], "log")
        logs = sorted((server.data / "log").glob(f"*.{ending}"))
        read(logs, raw, log_line_prefix=settings.get("log_line_prefix", ""))
        _keep(raw, folder / f"{app}.parquet", app)
    known = json.dumps(encode(catalog), separators=(",", ":")) + "\n"
    (folder / catalog_name).write_text(known, encoding="utf-8")
    print(f"{app}: {len(cases)} cases, {(folder / f'{app}.parquet').stat().st_size // 1024} KiB")


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
