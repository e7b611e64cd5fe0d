"""The digest's time and memory by the number of events: ``python -m tests.benchmarks.digest [millions …]``.

Prints, for each size, seconds of processor time for the statistics (bursts left out, which have a benchmark of their
own), per million events, and the peak of resident memory. Each size runs in a process of its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from advisor import captures, workload
from advisor.captures import quoted
from advisor.model.capture import Capture, Server

# A web application: 1,000 shapes, 40 tables, sessions of 1,000 statements, parameters that hardly repeat.
EVENTS = """
COPY (
    SELECT
        'log' AS source, 'shop' AS database, 'app' AS "user", 'web' AS application, '10.0.0.1' AS client,
        's' || (i // 1000) AS session, (i % 1000)::BIGINT AS line, NULL::VARCHAR AS unit,
        TIMESTAMPTZ '2026-01-01' + INTERVAL (i * 3) MILLISECOND AS started_at,
        TIMESTAMPTZ '2026-01-01' + INTERVAL (i * 3 + 1) MILLISECOND AS ended_at,
        (hash(i) % 10000) / 1000.0 AS duration_ms, (hash(i + 1) % 50)::BIGINT AS "rows", 'SELECT' AS command,
        'SELECT a, b FROM table_' || (hash(i // 7) % 40) || ' WHERE id = $1 AND c' || (hash(i) % 25) || ' > $0' AS text,
        md5(i::VARCHAR) AS params_digest, md5(i::VARCHAR) AS params_distinct_key,
        MAP {{'route': '/r' || (hash(i) % 30)}} AS tags, NULL::VARCHAR AS error_code, NULL::VARCHAR AS server_query_id
    FROM range({events}) AS t(i)
) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
"""


def measure(events: int) -> None:
    """Digest one capture of so many events and print what it took."""
    with tempfile.TemporaryDirectory() as folder:
        capture = Capture(Path(folder), Server("postgresql", "16.4", 160004))
        with duckdb.connect() as database:
            database.execute(EVENTS.format(events=events, path=quoted(capture.events)))
        captures.save(capture)
        setattr(workload, "find_bursts", lambda *_: ((), ()))  # noqa: B010 - what is left out is not its interface
        before, started = time.process_time(), time.perf_counter()
        found = workload.digest(capture)
        spent, waited = time.process_time() - before, time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{events / 1e6:8.1f} M events  {len(found.queries):6,} shapes  {spent:8.2f} s processor  {waited:8.2f} s"
        f"  {spent / (events / 1e6):6.2f} s a million  {peak:8.0f} MB"
    )


def main() -> None:
    """Run every size in its own process, so that peaks are its own."""
    if sys.argv[1:2] == ["--one"]:
        measure(round(float(sys.argv[2]) * 1e6))
        return
    for size in sys.argv[1:] or ["1", "4", "16"]:
        subprocess.run([sys.executable, "-m", "tests.benchmarks.digest", "--one", size], check=True)


if __name__ == "__main__":
    main()
