"""Builds the shop on a server of its own, runs the application's workload, and leaves the server's log of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from sample_dbs.shop_postgres import workload
from sample_dbs.shop_postgres.build import Built, build
from sample_dbs.shop_postgres.workload import Summary

DATABASE = "shop"
SERVER_SETTINGS = {
    "logging_collector": "on",
    "log_destination": "csvlog",
    "log_directory": "log",
    "log_filename": "shop.log",
    "log_rotation_age": "0",
    "log_rotation_size": "0",
    "log_file_mode": "0640",
    "log_temp_files": "0",
    "shared_buffers": "256MB",
    "max_connections": "60",
}
"""What the server must be started with. Statements are logged only while the workload runs."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A workload that ran: the log files that hold it, and what the build and the run took."""

    logs: tuple[Path, ...]
    built: Built
    summary: Summary


def record(
    superuser_url: str,
    shop_url: str,
    data: Path,
    scale: float = 1.0,
    comments: bool = True,
    progress: Callable[[str, float], None] | None = None,
) -> Recording:
    """Create, build and use the shop on a server that this process owns.

    ``superuser_url`` names another database of it, ``shop_url`` the shop's; ``data`` is the server's data directory;
    ``progress`` gets a step's name and the share that is done (0 to 1).
    """
    report = progress or (lambda step, share: None)
    with psycopg.connect(superuser_url, autocommit=True, application_name="shop-build") as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
        if known is None:
            connection.execute(f"CREATE DATABASE {DATABASE}".encode())
        built = build(shop_url, scale, lambda step, share: report(f"Building the sample shop: {step}", share))
        report("Running the shop's application", 0.0)
        with psycopg.connect(shop_url, autocommit=True, application_name="shop-build") as shop:
            shop.execute("SELECT pg_stat_reset()")
        logs = tuple(sorted((data / "log").glob("shop.csv")))
        for path in logs:
            path.write_bytes(b"")
        connection.execute("ALTER SYSTEM SET log_min_duration_statement = 0")
        connection.execute("SELECT pg_reload_conf()")
        try:
            summary = workload.run(shop_url, scale=scale, comments=comments)
        finally:
            connection.execute("ALTER SYSTEM RESET log_min_duration_statement")
            connection.execute("SELECT pg_reload_conf()")
    return Recording(tuple(sorted((data / "log").glob("shop.csv"))), built, summary)
