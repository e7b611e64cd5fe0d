"""One server run, logged as stderr, csvlog and jsonlog at once."""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psycopg
import pytest

from connectors.postgres.embedded import EmbeddedServer

PREFIX = "%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%r,session=%c,code=%e,qid=%Q "
DEBIAN = Path("/usr/lib/postgresql/15/bin")


@dataclass(frozen=True)
class ServerLogs:
    stderr: Path
    csv: Path
    json: Path


def _settings(**more: str) -> dict[str, str]:
    return {
        "logging_collector": "on",
        "log_destination": "stderr,csvlog,jsonlog",
        "log_filename": "postgresql.log",
        "log_line_prefix": PREFIX,
        "log_connections": "on",
        "log_disconnections": "on",
        "log_lock_waits": "on",
        "deadlock_timeout": "20ms",
        "log_temp_files": "0",
        "log_checkpoints": "on",
        "work_mem": "64kB",
        "compute_query_id": "on",
        "log_file_mode": "0644",
        **more,
    }


def _copied(written: Path, folder: Path, sessions: int) -> ServerLogs:
    """The three logs, once the collector has written the end of each of the sessions into all of them."""
    files = [written / f"postgresql.{end}" for end in ("log", "csv", "json")]
    for _ in range(200):
        if all(file.read_bytes().count(b"disconnection: ") >= sessions for file in files):
            break
        time.sleep(0.05)
    return ServerLogs(*(Path(shutil.copy(file, folder)) for file in files))


def _simple(url: str) -> None:
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor, application_name="shop web") as one:
        one.execute("CREATE TABLE book (id int PRIMARY KEY, title text, author_id int, note text)")
        one.execute("INSERT INTO book SELECT i, 'title ' || i, i % 7, 'it''s' FROM generate_series(1, 500) i")
        one.execute("INSERT INTO book VALUES (1001, 'a', 1, NULL), (1002, 'b', 2, NULL), (1003, 'c', 3, 'x')")
        for number in range(8):
            one.execute("SELECT * FROM book WHERE id = %s", (number,))
        one.execute('SELECT "book"."title"\nFROM\t"book"\n\nWHERE "book"."author_id" IN (1, 2, 3)  -- don\'t')
        one.execute("SELECT 'ünïcødé € 漢字', E'a\\'b', $body$it's$body$, -5, 1e-5, numeric(10, 2) '3.5'")
        one.execute("SELECT 1 /*route='%2Fbooks%2F%3Cid%3E',controller='books',traceparent='00-ab-cd-01'*/")
        one.execute("SELECT count(*) FROM book a, book b WHERE a.title < b.title ORDER BY 1 LIMIT 20 OFFSET 40")
        one.execute("SELECT md5(i::text) FROM generate_series(1, 20000) i ORDER BY 1")
        one.execute("PREPARE named (int) AS SELECT title FROM book WHERE id = $1")
        one.execute("EXECUTE named (7)")
        one.execute("SET statement_timeout = '30ms'")
        for wrong in ("SELECT 1 / 0", "SELECT * FROM\n  missing WHERE a = 'x'", "SELECT pg_sleep(5)"):
            with pytest.raises(psycopg.Error):
                one.execute(wrong)
        one.execute("SET statement_timeout = 0")
    with psycopg.connect(url, cursor_factory=psycopg.ClientCursor) as two:
        two.execute("UPDATE book SET note = 'y' WHERE id = 3")
        two.execute("SAVEPOINT s")
        two.execute("DELETE FROM book WHERE id = 4")
        two.execute("ROLLBACK TO SAVEPOINT s")
        two.commit()
        two.execute("DECLARE c CURSOR FOR SELECT id, title FROM book WHERE author_id = 3")
        two.execute("FETCH FORWARD 10 FROM c")
        two.execute("FETCH 10 IN c")
        two.execute("CLOSE c")
        two.rollback()


async def _extended(url: str) -> None:
    connection = await asyncpg.connect(url, server_settings={"application_name": "asyncpg"})
    for number in range(6):
        await connection.fetch("SELECT * FROM book WHERE $1::int = author_id ORDER BY id LIMIT $2", number % 3, 21)
    await connection.fetch("SELECT id FROM book WHERE id = ANY($1::int[]) AND note <> 'never'", [1, 2, 3])
    await connection.execute("UPDATE book SET note = $1 WHERE id = $2", "o'brien\n\ttab, $3 = 'x'", 5)
    await connection.execute("UPDATE book SET note = $1 WHERE id = $2", None, 6)
    async with connection.transaction():
        await connection.fetch("SELECT count(*) FROM book WHERE title = $1", "title 3")
        await connection.fetch("SELECT count(*) FROM book WHERE title = $1", "title 4")
    with pytest.raises(asyncpg.PostgresError):
        await connection.fetch("SELECT 1 / $1::int", 0)
    await connection.close()


@pytest.fixture(scope="session")
def workload_logs(tmp_path_factory: pytest.TempPathFactory) -> ServerLogs:
    """Every kind of statement once, under log_min_duration_statement = 0."""
    return _run(tmp_path_factory.mktemp("logs"), _settings(log_min_duration_statement="0"))


@pytest.fixture(scope="session")
def paired_logs(tmp_path_factory: pytest.TempPathFactory) -> ServerLogs:
    """The same work under log_statement = all and log_duration = on."""
    return _run(tmp_path_factory.mktemp("paired"), _settings(log_statement="all", log_duration="on"))


def _run(folder: Path, settings: dict[str, str]) -> ServerLogs:
    with EmbeddedServer(settings=settings, version=18) as server:
        _simple(server.url)
        asyncio.run(_extended(server.url))
        return _copied(server.data / "log", folder, sessions=3)


@pytest.fixture(scope="session")
def explained_logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ServerLogs]:
    """auto_explain's plans, as text and as JSON, nested statements included."""
    if not (DEBIAN / "postgres").exists():
        pytest.skip(f"auto_explain comes with PostgreSQL's contrib, which {DEBIAN} would hold")
    logs = {}
    for form in ("text", "json"):
        folder = tmp_path_factory.mktemp(f"explained_{form}")
        settings = _settings(
            log_min_duration_statement="0",
            shared_preload_libraries="auto_explain",
            **{
                "auto_explain.log_min_duration": "0",
                "auto_explain.log_nested_statements": "on",
                "auto_explain.log_analyze": "on",
                "auto_explain.log_format": form,
            },
        )
        with EmbeddedServer(settings=settings, binaries=DEBIAN) as server:
            with psycopg.connect(server.url, autocommit=True, cursor_factory=psycopg.ClientCursor) as one:
                one.execute("CREATE TABLE t AS SELECT i AS id, i % 10 AS k FROM generate_series(1, 1000) i")
                one.execute(
                    "CREATE FUNCTION f(n int) RETURNS bigint LANGUAGE plpgsql AS"
                    " 'BEGIN RETURN (SELECT count(*) FROM t WHERE k = n); END'"
                )
                one.execute("SELECT * FROM t WHERE id < 40")
                one.execute("SELECT f(3)")
            logs[form] = _copied(server.data / "log", folder, sessions=1)
    return logs
