"""Measures what the ideal indexes are worth: the workload before and after ideal_fix.sql on an embedded server.

From a shell: ``python -m sample_dbs.shop_postgres.measure [SCALE]`` prints build and workload seconds and the
database's own milliseconds, which are the durations in the server's log.
"""

import csv
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from connectors.postgres.embedded import EmbeddedServer
from sample_dbs.shop_postgres.build import HERE, build
from sample_dbs.shop_postgres.workload import run

LOG_SETTINGS = {
    "logging_collector": "on",
    "log_destination": "csvlog",
    "log_directory": "shoplog",
    "log_filename": "shop.log",
    "log_rotation_age": "0",
    "log_rotation_size": "0",
    "log_min_duration_statement": "0",
    "log_lock_waits": "on",
}
APPLICATION, MESSAGE, DETAIL, SESSION = 22, 13, 14, 5  # columns of a csvlog line
TIMED = re.compile(r"duration: ([\d.]+) ms  (parse|bind|execute|statement)[^:]*: (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LoggedStatement:
    """One line of the log: a statement with its comment, the phase that took ``ms``, and the parameters as logged."""

    session: str
    application: str
    phase: str
    ms: float
    text: str
    parameters: str


@contextmanager
def logged_server(folder: Path | None = None, version: int = 18) -> Iterator[tuple[str, Path]]:
    """An embedded PostgreSQL that logs every statement: its URL and its csvlog file. Stopped at the end.

    Its data stay in ``folder``; without one they are temporary.
    """
    with EmbeddedServer(folder, version, LOG_SETTINGS) as server:
        yield server.url, server.data / "shoplog" / "shop.csv"


def application_statements(log: Path, offset: int = 0) -> Iterator[LoggedStatement]:
    """The application's statements in the csvlog from a byte ``offset`` on, in the order of the log."""
    with log.open(encoding="utf-8", newline="") as file:
        file.seek(offset)
        for line in csv.reader(file):
            timed = TIMED.match(line[MESSAGE])
            application = line[APPLICATION]
            if timed and application.startswith("shop-") and application not in ("shop-build", "shop-reset"):
                phase, text = timed[2], timed[3]
                yield LoggedStatement(line[SESSION], application, phase, float(timed[1]), text, line[DETAIL])


def database_ms(log: Path, offset: int = 0) -> float:
    """Milliseconds that the server spent on the application's statements."""
    return sum(statement.ms for statement in application_statements(log, offset))


def apply_ideal_fix(url: str) -> None:
    """Adds the indexes of ideal_fix.sql to a built shop."""
    with psycopg.connect(url, autocommit=True, application_name="shop-build") as connection:
        connection.execute((HERE / "ideal_fix.sql").read_bytes())


def main(arguments: list[str]) -> None:
    """Builds, runs, fixes and runs again at SCALE (1.0)."""
    scale = float(arguments[0]) if arguments else 1.0
    with logged_server() as (url, log):
        print(f"built in {build(url, scale, fresh=True).seconds:.1f} s")
        spent = []
        for when in ("before", "after"):
            offset, begun = log.stat().st_size, time.perf_counter()
            summary = run(url)
            time.sleep(1)  # the collector writes a little later
            spent.append(database_ms(log, offset))
            seconds = time.perf_counter() - begun - 1
            print(f"{when}: {summary.statements} statements in {seconds:.1f} s, database {spent[-1]:.0f} ms")
            if when == "before":
                apply_ideal_fix(url)
        print(f"database time falls {spent[0] / spent[1]:.1f} times")


if __name__ == "__main__":
    main(sys.argv[1:])
