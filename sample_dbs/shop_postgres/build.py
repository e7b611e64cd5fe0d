"""Builds the shop in a database: schema, rows, keys and indexes, statistics. A second call reuses what is there.

From a shell: ``python -m sample_dbs.shop_postgres.build postgresql://… [scale]``.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

HERE = Path(__file__).parent
SQL_FILES = ("schema.sql", "seed.sql", "constraints.sql")
# Children before parents: the order in which rows are deleted and tables dropped.
TABLES = (
    "jobs", "audit_events", "inventory_movements", "carts", "reviews", "shipments", "payments", "order_items", "orders",
    "coupons", "product_tags", "tags", "product_images", "products", "categories", "sessions", "addresses", "customers",
    "warehouses", "settings", "countries",
)  # fmt: skip
WORK_MEM_KB = 1024  # planted: too small for the report that sorts; scaled with the rows, so small builds spill too
LOCK_KEY = 7_190_021  # one build at a time in a server

Progress = Callable[[str, float], None]
"""Called with a step's name and the share of the whole that is done, 0 to 1."""


class SampleError(Exception):
    """The sample database cannot be built here."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a build left: whether it was there already, the seconds that the call took, and the rows of each table."""

    reused: bool
    seconds: float
    scale: float
    rows: dict[str, int]


def build(url: str, scale: float = 1.0, progress: Progress | None = None, fresh: bool = False) -> Built:
    """Makes the shop in the database at ``url`` (a libpq URL); ``scale`` 1.0 has 1.0 M order lines, 0.05 a twentieth.

    What is built already is kept as it is, indexes added since included, unless ``fresh``. Drops and remakes an older
    or interrupted build of its own; refuses a database in which its table names belong to somebody else.
    """
    begun = time.perf_counter()
    report = progress or (lambda step, share: None)
    with psycopg.connect(url, autocommit=True, application_name="shop-build") as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK_KEY,))
        rows = _rows_of_current_build(connection, scale)
        if rows is not None and not fresh:
            report("already built", 1.0)
            return Built(True, time.perf_counter() - begun, scale, rows)
        _clear(connection)
        steps = list(_steps())
        _configure(connection, scale)
        for done, (step, statements) in enumerate(steps):
            report(step, done / (len(steps) + 1))
            connection.execute(statements)
        report("statistics", len(steps) / (len(steps) + 1))
        rows = _finish(connection, scale)
        report("built", 1.0)
    return Built(False, time.perf_counter() - begun, scale, rows)


def reset_workload_writes(url: str) -> None:
    """Removes what earlier workload runs wrote and rewinds the identity columns: the next run does the same again."""
    with psycopg.connect(url, application_name="shop-reset") as connection:
        _log_nothing(connection)
        rows = last_identifiers(connection)
        for table in TABLES:
            if table == "order_items":
                connection.execute("DELETE FROM order_items WHERE order_id > %s", (rows["orders"],))
            elif rows.get(table):
                connection.execute(f"DELETE FROM {table} WHERE id > %s".encode(), (rows[table],))
                connection.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", (table, rows[table]))
        connection.execute("UPDATE coupons SET redeemed = 0 WHERE redeemed <> 0")


def last_identifiers(connection: psycopg.Connection[tuple[object, ...]]) -> dict[str, int]:
    """The highest seeded id of each table that has one, as the build wrote it down."""
    found = connection.execute("SELECT last_ids::text FROM sample_meta.build WHERE ready").fetchone()
    if found is None:
        raise SampleError("The sample database is not built; run python -m sample_dbs.shop_postgres.build URL first.")
    return {str(table): int(last) for table, last in json.loads(str(found[0])).items()}


def _steps() -> Iterator[tuple[str, bytes]]:
    """The build's steps as (name, statements), from the ``-- step:`` lines of the SQL files."""
    for name in SQL_FILES:
        for part in (HERE / name).read_text(encoding="utf-8").split("-- step: ")[1:]:
            step, statements = part.split("\n", 1)
            yield step, statements.encode()


def _digest() -> str:
    """Names the build: another text of the SQL files or of this module makes another one."""
    parts = [(HERE / name).read_bytes() for name in (*SQL_FILES, "build.py")]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _rows_of_current_build(connection: psycopg.Connection[tuple[object, ...]], scale: float) -> dict[str, int] | None:
    """Rows of each table when this very build is complete, else None."""
    if connection.execute("SELECT to_regclass('sample_meta.build')::text").fetchone() == (None,):
        return None
    found = connection.execute(
        "SELECT rows::text FROM sample_meta.build WHERE ready AND digest = %s AND scale = %s", (_digest(), scale)
    ).fetchone()
    return None if found is None else {str(table): int(n) for table, n in json.loads(str(found[0])).items()}


def _clear(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Drops an earlier build of ours and writes down that a new one has begun."""
    ours = connection.execute("SELECT to_regclass('sample_meta.build')::text").fetchone() != (None,)
    taken = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename = ANY(%s)", (list(TABLES),)
    ).fetchall()
    if taken and not ours:
        names = ", ".join(sorted(str(row[0]) for row in taken))
        raise SampleError(f"This database has tables that the sample would replace ({names}); name an empty database.")
    dropped = ", ".join(TABLES)
    connection.execute(f"DROP TABLE IF EXISTS {dropped}".encode())
    connection.execute(
        "DROP SCHEMA IF EXISTS sample_meta CASCADE; CREATE SCHEMA sample_meta;"
        "CREATE TABLE sample_meta.build (digest text, scale float8, ready boolean, rows jsonb, last_ids jsonb)"
    )


def _configure(connection: psycopg.Connection[tuple[object, ...]], scale: float) -> None:
    """The loading session's settings, and those that the database keeps.

    Kept: the planted work_mem; no JIT and no parallel scans, as is usual for a database of many short requests; no wait
    for the disk at commit. Plans and shares of time are then the same on any number of cores and any disk.
    """
    _log_nothing(connection)
    connection.execute("SELECT set_config('shop.scale', %s, false)", (str(scale),))
    connection.execute("SET search_path TO public")
    connection.execute("SET work_mem TO '192MB'; SET maintenance_work_mem TO '192MB'")
    connection.execute("SET synchronous_commit TO off; SET TimeZone TO 'UTC'; SET jit TO off")
    database = '"' + connection.info.dbname.replace('"', '""') + '"'
    kept = {
        "work_mem": f"'{max(64, round(WORK_MEM_KB * scale))}kB'",
        "jit": "off",
        "max_parallel_workers_per_gather": "0",
        "synchronous_commit": "off",
    }
    for setting, value in kept.items():
        connection.execute(f"ALTER DATABASE {database} SET {setting} TO {value}".encode())


def _log_nothing(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Keeps housekeeping out of the server's log where the role may say so, for the log is to show the application."""
    if _is_superuser(connection):
        connection.execute("SET log_min_duration_statement TO -1; SET log_statement TO 'none'; SET log_duration TO off")


def _finish(connection: psycopg.Connection[tuple[object, ...]], scale: float) -> dict[str, int]:
    """Continues the identity columns, gathers statistics, zeroes the usage counters; returns the rows of each table."""
    rows: dict[str, int] = {}
    last_ids: dict[str, int] = {}
    for table in TABLES:
        connection.execute(f"VACUUM (ANALYZE) {table}".encode())
        counted = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
        rows[table] = int(str(counted[0])) if counted else 0
        has_id = connection.execute("SELECT to_regclass(%s)::text", (f"{table}_id_seq",)).fetchone() != (None,)
        if has_id:
            last = connection.execute(f"SELECT setval('{table}_id_seq', max(id)) FROM {table}".encode()).fetchone()
            last_ids[table] = int(str(last[0])) if last else 0
    connection.execute(
        "INSERT INTO sample_meta.build VALUES (%s, %s, true, %s, %s)",
        (_digest(), scale, json.dumps(rows), json.dumps(last_ids)),
    )
    _zero_usage_counters(connection)
    if _is_superuser(connection):
        connection.execute("CHECKPOINT")
    return rows


def _zero_usage_counters(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Forgets the scans that the build itself made, so that index usage counts the application only."""
    if _is_superuser(connection):
        connection.execute(
            "SELECT pg_stat_reset_single_table_counters(indexrelid) FROM pg_stat_user_indexes"
            " WHERE schemaname = 'public'"
        )


def _is_superuser(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    return connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (True,)


def main(arguments: list[str]) -> None:
    """Builds the shop at the URL given, with the scale given (1.0)."""
    if len(arguments) not in (1, 2):
        sys.exit("Usage: python -m sample_dbs.shop_postgres.build URL [SCALE]")
    built = build(
        arguments[0],
        float(arguments[1]) if len(arguments) > 1 else 1.0,
        lambda step, share: print(f"{share:4.0%} {step}", flush=True),
    )
    print(json.dumps({"reused": built.reused, "seconds": round(built.seconds, 1), "rows": built.rows}))


if __name__ == "__main__":
    main(sys.argv[1:])
