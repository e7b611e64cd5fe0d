"""What the recorder costs a request of 20 queries: ``python tests/benchmarks/n_plus_one_recorder.py``.

SQLAlchemy (psycopg) on a local PostgreSQL, requests with and without the recorder in turn; CPU time and wall clock, the
median and the fastest tenth, which other work on the machine disturbs least. Target: under 5 % of the request.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from advisor.record import Recorder
from connectors.postgres.embedded import EmbeddedServer

QUERIES, REQUESTS = 20, 300


def main() -> None:
    with EmbeddedServer(version=16) as server:
        url = server.url_of("postgres", "psycopg")
        engines = {name: create_engine(url) for name in ("without", "with")}
        recorder = Recorder(root=Path.cwd()).sqlalchemy(engines["with"])
        wall: dict[str, list[float]] = {"without": [], "with": []}
        cpu: dict[str, list[float]] = {"without": [], "with": []}
        for _ in range(REQUESTS):
            for name, engine in engines.items():
                started, spent = time.perf_counter(), time.process_time()
                if name == "with":
                    with recorder.unit("/request"):
                        _request(engine)
                else:
                    _request(engine)
                wall[name].append(time.perf_counter() - started)
                cpu[name].append(time.process_time() - spent)
        for engine in engines.values():
            engine.dispose()
    for part, figure in (("median", statistics.median), ("fastest tenth", _fastest_tenth)):
        base = figure(wall["without"])
        for kind, times in (("wall clock", wall), ("CPU", cpu)):
            less, more = figure(times["without"]), figure(times["with"])
            told = f"{less * 1000:.2f} -> {more * 1000:.2f} ms, {(more - less) / base:+.1%} of the request"
            print(f"{part}, {kind}: {told}")
    print(f"{len(recorder.events)} events, {recorder.failures} failures")


def _fastest_tenth(times: list[float]) -> float:
    return statistics.quantiles(times, n=10)[0]


def _request(engine: Engine) -> None:
    with Session(engine) as session:
        for number in range(QUERIES):
            session.execute(
                text("SELECT n, n::text FROM generate_series(1, 20) AS g (n) WHERE n > :n"), {"n": number}
            ).all()


if __name__ == "__main__":
    main()
