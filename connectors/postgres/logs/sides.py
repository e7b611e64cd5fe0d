"""What a log tells beside statements, as small Parquet files beside the events: connections, lock waits, temporary
files, checkpoints. Message texts as PostgreSQL 13 to 18 write them."""

from __future__ import annotations

from pathlib import Path

import duckdb

from advisor.captures import quoted
from connectors.postgres.logs.literals import folded, without_comments, without_values

_WHO = 'make_timestamptz(epoch_us(logged)) AS "at", session, "user", database, application, client'
_SECONDS = (
    "TRY_CAST(regexp_extract(message, 'session time: (\\d+):(\\d+):([0-9.]+)', 1) AS DOUBLE) * 3600"
    " + TRY_CAST(regexp_extract(message, 'session time: (\\d+):(\\d+):([0-9.]+)', 2) AS DOUBLE) * 60"
    " + TRY_CAST(regexp_extract(message, 'session time: (\\d+):(\\d+):([0-9.]+)', 3) AS DOUBLE)"
)
_MESSAGES = " OR ".join(
    f"starts_with(message, '{start}')"
    for start in (
        *("connection ", "disconnection: ", "process ", "deadlock detected", "temporary file: "),
        *("checkpoint complete", "restartpoint complete"),
    )
)

TABLES = {
    "connections": f"""
        SELECT {_WHO},
               CASE WHEN starts_with(message, 'disc') THEN 'closed'
                    WHEN starts_with(message, 'connection authorized') THEN 'authorized' ELSE 'received' END AS event,
               {_SECONDS} AS seconds
        FROM other WHERE (starts_with(message, 'connection received')
             OR starts_with(message, 'connection authorized') OR starts_with(message, 'disconnection: '))""",
    "lock_waits": f"""
        SELECT {_WHO}, CASE WHEN contains(message, ' still waiting ') THEN 'waiting'
                            WHEN contains(message, ' acquired ') THEN 'acquired'
                            WHEN starts_with(message, 'deadlock detected') THEN 'deadlock' ELSE 'other' END AS event,
               regexp_extract(message, '(?:waiting for|acquired) (\\w+) on (.*?) after', 1) AS mode,
               regexp_extract(message, '(?:waiting for|acquired) (\\w+) on (.*?) after', 2) AS target,
               TRY_CAST(regexp_extract(message, 'after ([0-9.]+) ms', 1) AS DOUBLE) AS waited_ms,
               CASE WHEN starts_with(message, 'process ') THEN detail END AS holders, text
        FROM other WHERE (starts_with(message, 'process ') AND contains(message, ' ms')
             OR starts_with(message, 'deadlock detected'))""",
    "temporary_files": f"""
        SELECT {_WHO}, TRY_CAST(regexp_extract(message, 'size (\\d+)', 1) AS BIGINT) AS bytes, text
        FROM other WHERE starts_with(message, 'temporary file: ')""",
    "checkpoints": """
        SELECT make_timestamptz(epoch_us(logged)) AS "at",
               CASE WHEN starts_with(message, 'restartpoint') THEN 'restartpoint' ELSE 'checkpoint' END AS kind,
               TRY_CAST(regexp_extract(message, 'wrote (\\d+) buffers', 1) AS BIGINT) AS buffers,
               TRY_CAST(regexp_extract(message, 'write=([0-9.]+) s', 1) AS DOUBLE) AS write_s,
               TRY_CAST(regexp_extract(message, 'sync=([0-9.]+) s', 1) AS DOUBLE) AS sync_s,
               TRY_CAST(regexp_extract(message, 'total=([0-9.]+) s', 1) AS DOUBLE) AS total_s
        FROM other WHERE (starts_with(message, 'checkpoint complete')
             OR starts_with(message, 'restartpoint complete'))""",
}
"""The side tables: name -> SQL over a piece's records. Texts have no values."""


def collect(database: duckdb.DuckDBPyConnection, table: str, logged: str) -> int:
    """Add what the records of ``table`` tell and return how many there were; ``logged``: SQL for their time in UTC."""
    row = database.execute(
        f"""CREATE OR REPLACE TABLE other AS
            SELECT r.* EXCLUDE (logged, body), {logged} AS logged, coalesce(body, '') AS statement
            FROM {table} r WHERE kind IN ('O', 'E') AND ({_MESSAGES})"""
    ).fetchone()
    if not row or not row[0]:
        return 0
    plain = f"SELECT *, {without_comments('statement')} AS plain FROM other"
    replaced = f"SELECT *, {without_values('plain')} AS replaced FROM ({plain})"
    database.execute(
        f"CREATE OR REPLACE TABLE other AS SELECT *, nullif({folded('replaced')}, '') AS text FROM ({replaced})"
    )
    for name, select in TABLES.items():
        database.execute(f"CREATE TABLE IF NOT EXISTS {name} AS {select} LIMIT 0")
        database.execute(f"INSERT INTO {name} {select}")
    return int(row[0])


def write(database: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, Path]:
    """Write the tables that have rows as ``log_<name>.parquet`` into ``folder``."""
    written = {}
    for name in TABLES:
        known = database.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [name]).fetchone()
        row = database.execute(f"SELECT count(*) FROM {name}").fetchone() if known else None
        if row and row[0]:
            written[name] = folder / f"log_{name}.parquet"
            database.execute(f"COPY {name} TO '{quoted(written[name])}' (FORMAT parquet, COMPRESSION zstd)")
    return written
