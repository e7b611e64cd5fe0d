"""A probe of every kind of index: the advised set against the best that an expert wrote by hand, really built.

Run: ``python -m tests.benchmarks.probe [--planner shadow|hypopg|auto]`` (needs the machine's PostgreSQL with contrib).
Prints, for each query of ``data/probe.sql``, planner's cost and measured time without indexes, with the expert's and
with the advised, and the two ratios of the totals. Every emitted statement is executed as it stands.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from advisor.model.capture import Capture
from advisor.model.recommendation import AddIndex, Declined, Recommendation
from advisor.model.workload import Query, QueryStats, StatsSource, Workload
from advisor.ports import CaptureRequest, Options, Study
from advisor.recommend.add_index import recommend
from advisor.shape.sql import shape_of
from connectors import connect
from connectors.postgres.estimators import estimator
from tests.benchmarks.machine_postgres import server

HERE = Path(__file__).parent / "data"
RUNS = 3


@dataclass
class Probe:
    """One query, the expert's indexes for it, and (cost, milliseconds) by state."""

    name: str
    expert: tuple[str, ...]
    text: str
    seen: dict[str, tuple[float, float]] = field(default_factory=dict)


def probes() -> list[Probe]:
    """The queries of ``probe.sql``."""
    found = re.findall(r"^-- ([^|\n]+) \| ([^\n]+)\n(.+?);\n", (HERE / "probe.sql").read_text() + "\n", re.M | re.S)
    return [
        Probe(name, tuple(part.strip() for part in indexes.split(";")), " ".join(text.split()))
        for name, indexes, text in found
        if not name.startswith("name")
    ]


def measure(connection: psycopg.Connection[Any], probe: Probe, state: str) -> None:
    """Note the plan's cost, and the median time of really running it; writes are taken back."""
    times: list[float] = []
    cost = 0.0
    for _ in range(RUNS):
        with connection.transaction(force_rollback=True):
            [(plan,)] = connection.execute("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + probe.text).fetchall()
        times.append(plan[0]["Execution Time"])
        cost = plan[0]["Plan"]["Total Cost"]
    probe.seen[state] = (cost, statistics.median(times))


async def captured(dsn: str, folder: Path) -> Capture:
    """A capture with values, as `advisor capture --keep-values` takes it."""
    connector = await connect(dsn)
    try:
        return await connector.capture(CaptureRequest(folder, keep_values=True, explain=False))
    finally:
        await connector.close()


def advice(dsn: str, found: list[Probe], kind: str) -> tuple[list[Recommendation], list[Declined]]:
    """What the advisor says of the probe's queries, each run once and timed."""
    with tempfile.TemporaryDirectory() as folder:
        capture = asyncio.run(captured(dsn, Path(folder)))
        queries = [
            Query(
                shape_of(probe.text, capture.catalog),
                QueryStats(StatsSource.EVENTS, 1, probe.seen["none"][1], probe.seen["none"][1], rows=1),
            )
            for probe in found
        ]
        workload = Workload(tuple(queries), duration_s=60.0, total_ms=sum(q.stats.total_ms for q in queries))
        planner = estimator(capture, dsn, kind)
        try:
            started = time.perf_counter()
            answers = list(recommend(Study(capture, workload, planner, Options(min_improvement=0.05)), ()))
            print(f"advised in {time.perf_counter() - started:.1f} s by {planner.planner}")
        finally:
            planner.close()
    advised = [answer for answer in answers if isinstance(answer, Recommendation)]
    return advised, [answer for answer in answers if isinstance(answer, Declined)]


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--planner", default="shadow", choices=["shadow", "hypopg", "auto"])
    arguments.add_argument("--data", type=Path, default=Path("/tmp/advisor-probe"), help="where data stay between runs")
    arguments.add_argument("--declined", action="store_true", help="print what was declined and why")
    chosen = arguments.parse_args()
    found = probes()
    with (
        server(keep=chosen.data, max_parallel_workers_per_gather="0", shared_buffers="1GB", work_mem="32MB") as dsn,
        psycopg.connect(dsn, autocommit=True) as connection,
    ):
        load(connection)
        for probe in found:
            measure(connection, probe, "none")
        advised, declined = advice(dsn, found, chosen.planner)
        if chosen.declined:
            for refused in declined:
                print(f"  declined {refused.candidate}: {refused.reason}")
        names = []
        for one in advised:
            connection.execute(one.statement)
            assert isinstance(one.action, AddIndex)
            names.append(one.action.index.name)
            print(f"  {one.statement}")
        state(connection, found, "advised", names)
        experts = sorted({index for probe in found for index in probe.expert})
        for number, index in enumerate(experts):
            table, _, rest = index.partition(" ")
            connection.execute(f"CREATE INDEX expert_{number} ON {table} {parenthesised(rest)}")
        state(connection, found, "expert", [f"expert_{number}" for number in range(len(experts))])
        show(found, len(names), len(experts))


def parenthesised(rest: str) -> str:
    """``(lower(email))`` as CREATE INDEX wants it: an expression in parentheses of its own is always right."""
    match = re.fullmatch(r"(USING \w+ )?\((\w+\(.*\))\)(.*)", rest)
    return f"{match[1] or ''}(({match[2]})){match[3]}" if match else rest


def load(connection: psycopg.Connection[Any]) -> None:
    """Create and fill the tables, once; remove what an earlier run left."""
    if connection.execute("SELECT to_regclass('documents')").fetchone() == (None,):
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        connection.execute("CREATE EXTENSION IF NOT EXISTS hypopg")
        connection.execute((HERE / "probe_schema.sql").read_text())
    rows = connection.execute(
        "SELECT indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid "
        "WHERE NOT indisprimary AND c.relnamespace = 'public'::regnamespace"
    ).fetchall()
    for (name,) in rows:
        connection.execute(f"DROP INDEX {name}")
    connection.execute("VACUUM ANALYZE")


def state(connection: psycopg.Connection[Any], found: list[Probe], name: str, indexes: list[str]) -> None:
    """Measure every query with ``indexes`` built, then drop them."""
    connection.execute("VACUUM ANALYZE")
    for probe in found:
        measure(connection, probe, name)
    for index in indexes:
        connection.execute(f"DROP INDEX {index}")


def show(found: list[Probe], advised: int, experts: int) -> None:
    """Print costs and times by query, and the totals' ratios."""
    print(f"\n{'':34}{'cost':>36}{'milliseconds':>30}")
    print(f"{'query':34}" + f"{'none':>12}{'expert':>12}{'advised':>12}" + f"{'none':>10}{'expert':>10}{'advised':>10}")
    for probe in found:
        costs = "".join(f"{probe.seen[name][0]:12,.0f}" for name in ("none", "expert", "advised"))
        times = "".join(f"{probe.seen[name][1]:10,.2f}" for name in ("none", "expert", "advised"))
        flag = " <" if probe.seen["advised"][0] > 1.2 * probe.seen["expert"][0] else ""
        print(f"{probe.name:34}{costs}{times}{flag}")
    totals = {name: [sum(p.seen[name][k] for p in found) for k in (0, 1)] for name in ("none", "expert", "advised")}
    print(
        f"{'total':34}"
        + "".join(f"{totals[name][0]:12,.0f}" for name in totals)
        + "".join(f"{totals[name][1]:10,.1f}" for name in totals)
    )
    print(
        f"{len(found)} queries; expert {experts} indexes, advised {advised}; advised / expert: "
        f"cost {totals['advised'][0] / totals['expert'][0]:.2f}, time {totals['advised'][1] / totals['expert'][1]:.2f}"
    )


if __name__ == "__main__":
    main()
