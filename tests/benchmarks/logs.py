"""How fast logs become events, beside pgBadger and DuckDB's own count on the same file in the same run.

    python tests/benchmarks/logs.py                      # 1 M statements as csvlog, jsonlog, stderr; pgbadger -j 2
    python tests/benchmarks/logs.py --statements 4000000 --formats csv --without-pgbadger
    python tests/benchmarks/logs.py --gigabytes 10 --formats csv --without-pgbadger --sessions 10000000

Wall-clock seconds, and processor seconds in brackets, which tell more on a shared machine. Memory is the peak of the
reading process, a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from connectors.postgres.logs import read

PREFIX = "%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h "
WANTED = {"csv": (40, 3.0), "json": (25, None), "stderr": (25, None)}
BYTES_PER_STATEMENT = 614

ROWS = """
CREATE OR REPLACE VIEW said AS
WITH s AS (SELECT i, hash(i) AS h, i // {per_session} AS n FROM range({first}, {last}) r(i)),
     t AS (SELECT *, h % 100 AS k, (h >> 8) % 100000 AS id, ((h >> 16) % 1000)::BIGINT AS small, 1000 + n % 3000 AS pid,
                  printf('%x.%x', (1760000000 + n)::BIGINT, (1000 + n % 3000)::BIGINT) AS session,
                  strftime(TIMESTAMP '2026-01-01' + to_milliseconds(i // 3), '%Y-%m-%d %H:%M:%S.%g UTC') AS stamp,
                  round(((h >> 24) % 9000) / 1000.0 + 0.01, 3) AS ms FROM s),
     q AS (SELECT *, CASE
        WHEN k < 5 THEN ['BEGIN'] WHEN k < 10 THEN ['COMMIT']
        WHEN k < 25 THEN ['SELECT "shop_product"."id", "shop_product"."name", "shop_product"."price", '
            || '"shop_product"."category_id" FROM "shop_product" WHERE "shop_product"."id" = ' || id || ' LIMIT 21']
        WHEN k < 35 THEN ['SELECT "shop_order"."id", "shop_order"."customer_id", "shop_order"."created_at" FROM '
            || '"shop_order" WHERE ("shop_order"."customer_id" = ' || small || ' AND "shop_order"."status" = ''paid'') '
            || 'ORDER BY "shop_order"."created_at" DESC LIMIT 20 OFFSET ' || (small % 10 * 20)]
        WHEN k < 45 THEN ['UPDATE accounts SET balance = balance + ' || (small - 500) || ' WHERE aid = ' || id]
        WHEN k < 52 THEN ['SELECT c.name, count(*) FROM customer c JOIN orders o ON o.customer_id = c.id WHERE '
            || 'c.email = ''user' || id || '@example.org'' AND o.id IN (' || small || ', ' || id || ', 7, 9) '
            || 'GROUP BY c.name '
            || '/*route=''%2Forders'',controller=''orders'',traceparent=''00-' || md5(id::VARCHAR) || '-01''*/']
        WHEN k < 60 THEN ['INSERT INTO audit_log (who, what, at) VALUES (' || small || ', ''login from 10.0.0.'
            || (small % 255) || ''', now())']
        WHEN k < 75 THEN ['SELECT reviews.id, reviews.book_id, reviews.rating, reviews.body FROM reviews WHERE '
            || '$1::INTEGER = reviews.book_id', '$1 = ''' || id || '''']
        WHEN k < 90 THEN ['SELECT books.id, books.title, books.author_id FROM books WHERE books.author_id = '
            || '$1::INTEGER ORDER BY books.id  LIMIT $2::INTEGER', '$1 = ''' || small || ''', $2 = ''20''']
        ELSE ['INSERT INTO events (kind, payload) VALUES ($1, $2) RETURNING events.id',
              '$1 = ''click'', $2 = ''{{"a": ' || id || '}}'''] END AS v FROM t),
     p AS (SELECT *, unnest(CASE WHEN len(v) = 1 THEN [{{'part': 0, 'share': 1.0, 'what': 'statement'}}]
            ELSE [{{'part': 1, 'share': 0.05, 'what': 'parse <unnamed>'}},
                  {{'part': 2, 'share': 0.03, 'what': 'bind <unnamed>'}},
                  {{'part': 3, 'share': 1.0, 'what': 'execute <unnamed>'}}] END) AS u FROM q)
SELECT i, u.part AS part, pid, session, stamp, (i % {per_session}) * 4 + u.part + 1 AS line,
       'duration: ' || round(ms * u.share, 3) || ' ms  ' || u.what || ': ' || v[1] AS message,
       CASE WHEN u.part >= 2 THEN 'parameters: ' || v[2] END AS detail
FROM p
"""
LAYOUTS = {
    "csv": """SELECT stamp, 'app_user' AS "user", 'shop' AS db, pid, '10.0.0.5' AS host, session, line,
              'SELECT' AS tag, '2026-01-01 00:00:00 UTC', '3/' || i, 0, 'LOG', '00000', message, detail, NULL, NULL,
              NULL, NULL, NULL, NULL, NULL, 'shop-web' AS app, 'client backend' AS backend, NULL, 0 FROM said""",
    "json": """SELECT to_json({timestamp: stamp, "user": 'app_user', dbname: 'shop', pid: pid, remote_host: '10.0.0.5',
              session_id: session, line_num: line, ps: 'SELECT', session_start: '2026-01-01 00:00:00 UTC',
              vxid: '3/' || i, txid: 0, error_severity: 'LOG', message: message, detail: detail,
              application_name: 'shop-web', backend_type: 'client backend', query_id: 0}) FROM said""",
    "stderr": """SELECT h || 'LOG:  ' || message || CASE WHEN detail IS NULL THEN ''
              ELSE chr(10) || h || 'DETAIL:  ' || detail END
              FROM (SELECT *, stamp || ' [' || pid || ']: [' || line
                    || '-1] user=app_user,db=shop,app=shop-web,client=10.0.0.5 ' AS h FROM said)""",
}
CSV_QUOTES = """QUOTE '"', FORCE_QUOTE ("user", db, host, tag, message, detail, app, backend)"""
"""The columns that PostgreSQL always quotes (``src/backend/utils/error/csvlog.c``)."""

STEP = 1_000_000


def generate(folder: Path, kind: str, statements: int, sessions: int) -> Path:
    """Write a log of ``statements`` executions; a third of them take three lines (parse, bind, execute)."""
    target = folder / f"server.{kind}"
    quote = CSV_QUOTES if kind == "csv" else "QUOTE '', ESCAPE '', DELIMITER '\x01'"
    with duckdb.connect() as database, target.open("wb") as out:
        for first in range(0, statements, STEP):
            last = min(first + STEP, statements)
            per_session = max(1, statements // sessions)
            database.execute(ROWS.format(first=first, last=last, per_session=per_session))
            part = folder / "part"
            database.execute(f"COPY ({LAYOUTS[kind]} ORDER BY i, part) TO '{part}' (FORMAT csv, HEADER false, {quote})")
            with part.open("rb") as data:
                shutil.copyfileobj(data, out, 16 << 20)
            part.unlink()
    return target


def measured(log: Path) -> dict[str, float]:
    """Read ``log`` in a process of its own: events, seconds, processor seconds, peak megabytes."""
    done = subprocess.run([sys.executable, __file__, "--read", str(log)], check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def read_here(log: Path) -> None:
    started = time.perf_counter()
    prefix = PREFIX if log.suffix == ".stderr" else ""
    events = read([log], log.parent / "events.parquet", log_line_prefix=prefix).events
    wall = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"events": events, "s": wall, "cpu": used.ru_utime + used.ru_stime, "mb": peak_megabytes()}))


def peak_megabytes() -> float:
    """The peak of this program alone: ru_maxrss would start with that of the process that started it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))


def counted(log: Path) -> tuple[float, float]:
    """Seconds that DuckDB needs to count the rows of a csvlog."""
    columns = {f"c{i}": "VARCHAR" for i in range(26)}
    with duckdb.connect() as database:
        started, cpu = time.perf_counter(), time.process_time()
        database.execute(
            f"""SELECT count(*) FROM read_csv('{log}', columns = {columns}, header = false, auto_detect = false,
                delim = ',', quote = '"', escape = '"')"""
        ).fetchall()
        return time.perf_counter() - started, time.process_time() - cpu


def pgbadger(log: Path, kind: str) -> tuple[float, float]:
    """Seconds of ``pgbadger -j 2`` on the same file."""
    form = {"csv": "csv", "json": "jsonlog", "stderr": "stderr"}[kind]
    prefix = ["-p", PREFIX] if kind == "stderr" else []
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(
            ["pgbadger", "-q", "-j", "2", "-f", form, *prefix, "-o", f"{out}/out.html", str(log)],
            check=True,
            capture_output=True,
        )
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--statements", type=int, default=1_000_000)
    parser.add_argument("--gigabytes", type=float, default=0.0)
    parser.add_argument("--sessions", type=int, default=2_500)
    parser.add_argument("--formats", nargs="+", default=["csv", "json", "stderr"], choices=sorted(LAYOUTS))
    parser.add_argument("--without-pgbadger", action="store_true")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        read_here(given.read)
        return
    statements = int(given.gigabytes * 1e9 / BYTES_PER_STATEMENT) or given.statements
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for kind in given.formats:
            log = generate(Path(folder), kind, statements, given.sessions)
            ours = measured(log)
            print(
                f"{kind:7}{log.stat().st_size / 1e6:9.0f} MB {ours['events']:>10,.0f} executions"
                f"  advisor {ours['s']:7.2f} s ({ours['cpu']:.1f})  {ours['events'] / ours['s']:>10,.0f}/s"
                f"  peak {ours['mb']:.0f} MB"
            )
            times, counts = WANTED[kind]
            if counts:
                wall, cpu = counted(log)
                print(
                    f"        DuckDB's count {wall:.2f} s ({cpu:.1f}); ours {ours['s'] / wall:.1f}x, wanted {counts}x"
                )
            if not given.without_pgbadger and shutil.which("pgbadger"):
                wall, cpu = pgbadger(log, kind)
                print(f"        pgbadger -j 2 {wall:.1f} s ({cpu:.1f}); ours {wall / ours['s']:.0f}x, wanted {times}x")
            log.unlink()


if __name__ == "__main__":
    main()
