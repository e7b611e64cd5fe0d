"""How fast logs become events, beside pgBadger and DuckDB's own count on the same file in the same run.

    python tests/benchmarks/logs.py                      # 1 M statements as csvlog, jsonlog, stderr; pgbadger -j 2
    python tests/benchmarks/logs.py --growth --gigabytes 10 --sessions 10000000     # memory, and time by size
    python tests/benchmarks/logs.py --formats csv --without-pgbadger --folder /tmp/logs     # keeps the logs made

Wall-clock seconds, and processor seconds in brackets, which tell more on a shared machine. Memory is the peak of the
reading process, a process of its own. ``--growth`` also runs ``advisor.workload.digest`` over what was read, and shows
the time for each event at a sixteenth, a quarter and all of the statements (1, 4 and 16 M at 10 GB).
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
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb

from advisor import workload
from advisor.model.capture import Capture, Server
from connectors.postgres.logs import read

PREFIX = "%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h "
WANTED = {"csv": (40, 3.0), "json": (25, None), "stderr": (25, None)}
BYTES_PER_STATEMENT = 620

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


def generated(folder: Path, kind: str, statements: int, sessions: int) -> Path:
    """The log of this kind in ``folder``, made unless it is there (``--folder`` keeps it from run to run)."""
    log = folder / f"server.{kind}"
    return log if log.exists() else generate(folder, kind, statements, sessions)


def measured(log: Path, *, digest: bool = False) -> dict[str, float]:
    """Read ``log`` (and digest it) in a process of its own: events, seconds, processor seconds, peak megabytes."""
    command = [sys.executable, __file__, "--digest" if digest else "--read", str(log)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def read_here(log: Path) -> None:
    prefix = PREFIX if log.suffix == ".stderr" else ""
    with watched() as figures:
        figures["events"] = read([log], log.parent / "events.parquet", log_line_prefix=prefix).events


def digest_here(log: Path) -> None:
    """Digest the events that reading ``log`` left beside it."""
    capture = Capture(log.parent, Server("postgresql"))
    with watched() as figures:
        figures["events"] = sum(query.stats.calls for query in workload.digest(capture).queries)


@contextmanager
def watched() -> Iterator[dict[str, float]]:
    """Print as JSON what is put into the dictionary, with what it took."""
    figures: dict[str, float] = {}
    started = time.perf_counter()
    yield figures
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures |= {"s": time.perf_counter() - started, "cpu": used.ru_utime + used.ru_stime, "mb": peak_megabytes()}
    print(json.dumps(figures))


def peak_megabytes() -> float:
    """The peak of this program alone: ru_maxrss would start with that of the process that started it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))


def counted(log: Path) -> tuple[float, float]:
    """Seconds that DuckDB needs to count the records of a csvlog, with the options under which it counts them right."""
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


def row(*cells: object) -> None:
    print(
        "".join(f"{cell!s:>{width}}" for cell, width in zip(cells, (22, 8, 12, 18, 11, 8, 18), strict=False)),
        flush=True,
    )


def peers(folder: Path, kinds: Sequence[str], statements: int, sessions: int, with_pgbadger: bool) -> None:
    """Our reading beside pgBadger's and DuckDB's count on the same file."""
    row("", "MB", "executions", "s (cpu)", "per s", "peak MB", "we are")
    for kind in kinds:
        log = generated(folder, kind, statements, sessions)
        size = f"{log.stat().st_size / 1e6:.0f}"
        ours = measured(log)
        events, took = ours["events"], f"{ours['s']:.1f} ({ours['cpu']:.1f})"
        row(f"{kind}: advisor", size, f"{events:.0f}", took, f"{events / ours['s']:.0f}", f"{ours['mb']:.0f}")
        times, counts = WANTED[kind]
        if counts:
            wall, cpu = counted(log)
            against = f"{ours['s'] / wall:.1f}x (<= {counts:.0f}x)"
            row("DuckDB's count", size, "", f"{wall:.1f} ({cpu:.1f})", "", "", against)
        if with_pgbadger and shutil.which("pgbadger"):
            wall, cpu = pgbadger(log, kind)
            against = f"{wall / ours['s']:.0f}x (>= {times}x)"
            row("pgbadger -j 2", size, f"{events:.0f}", f"{wall:.1f} ({cpu:.1f})", f"{events / wall:.0f}", "", against)


def growth(folder: Path, statements: int, sessions: int) -> None:
    """Reading and digesting a csvlog, its first quarter and its first sixteenth: microseconds for each event."""
    log = generated(folder, "csv", statements, sessions)
    row("", "MB", "executions", "s (cpu)", "us each", "peak MB", "us each, cpu")
    for share in (16, 4, 1):
        part = log if share == 1 else beginning(log, folder / f"{share}.csv", log.stat().st_size // share)
        for what in ("read", "digest"):
            took = measured(part, digest=what == "digest")
            each, each_cpu = (f"{took[of] / took['events'] * 1e6:.1f}" for of in ("s", "cpu"))
            size, spent = f"{part.stat().st_size / 1e6:.0f}", f"{took['s']:.1f} ({took['cpu']:.1f})"
            row(what, size, f"{took['events']:.0f}", spent, each, f"{took['mb']:.0f}", each_cpu)


def beginning(log: Path, target: Path, size: int) -> Path:
    """The records in the first ``size`` bytes of a csvlog whose records are lines."""
    with log.open("rb") as whole, target.open("wb") as out:
        while size > 0:
            block = whole.readline() if size < 1 << 20 else whole.read(1 << 20)
            out.write(block)
            size -= len(block)
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--statements", type=int, default=1_000_000)
    parser.add_argument("--gigabytes", type=float, default=0.0, help="of csvlog, in place of --statements")
    parser.add_argument("--sessions", type=int, default=2_500)
    parser.add_argument("--formats", nargs="+", default=["csv", "json", "stderr"], choices=sorted(LAYOUTS))
    parser.add_argument("--without-pgbadger", action="store_true")
    parser.add_argument("--growth", action="store_true", help="reading and digest of a sixteenth, a quarter and all")
    parser.add_argument("--folder", type=Path, help="where the logs are, and stay, once they are made")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--digest", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        read_here(given.read)
    elif given.digest:
        digest_here(given.digest)
    else:
        compare(given)


def compare(given: argparse.Namespace) -> None:
    """Print the table that was asked for."""
    statements = int(given.gigabytes * 1e9 / BYTES_PER_STATEMENT) or given.statements
    with ExitStack() as stack:
        folder = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        if given.growth:
            growth(folder, statements, given.sessions)
        else:
            peers(folder, given.formats, statements, given.sessions, not given.without_pgbadger)


if __name__ == "__main__":
    main()
