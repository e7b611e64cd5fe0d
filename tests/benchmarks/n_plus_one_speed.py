"""How long a million events are searched for bursts: ``python tests/benchmarks/n_plus_one_speed.py [events]``.

A busy application: 40 sessions, requests of one list with two children for each of its rows, and single look-ups
between them. Two threads and the digest's memory limit. Target: under 5 s on two cores.
"""

from __future__ import annotations

import sys
import time

import duckdb

from advisor.model.catalog import Catalog, Column, ForeignKey, Table, TableName
from advisor.model.workload import EVENT_COLUMNS
from advisor.ports import Options
from advisor.shape.sql import shape_of
from advisor.workload import bursts

TEXTS = {
    "list": "SELECT id, title, author_id FROM books LIMIT $1",
    "author": "SELECT id, name FROM authors WHERE id = $1",
    "reviews": "SELECT id, stars FROM reviews WHERE book_id = $1",
    "user": "SELECT id FROM users WHERE email = $1",
}
LENGTH = 50


def catalog() -> Catalog:
    def table(name: str, *columns: str) -> Table:
        return Table(TableName("public", name), tuple(Column(c, "int") for c in ("id", *columns)), primary_key=("id",))

    def key(name: str, column: str, referenced: str) -> ForeignKey:
        tables = TableName("public", name), TableName("public", referenced)
        return ForeignKey(f"{name}_{column}_fkey", tables[0], (column,), tables[1], ("id",))

    return Catalog(
        (
            table("books", "author_id", "title"),
            table("authors", "name"),
            table("reviews", "book_id"),
            table("users", "email"),
        ),
        (key("books", "author_id", "authors"), key("reviews", "book_id", "books")),
    )


def main(events: int) -> None:
    known = catalog()
    shapes = {name: shape_of(text, known) for name, text in TEXTS.items()}
    with duckdb.connect(config={"threads": 2, "memory_limit": "600MB"}) as database:
        _fill(database, {name: shape.fingerprint for name, shape in shapes.items()}, events // LENGTH)
        if "--steps" in sys.argv:
            _trace_steps()
        started, spent = time.perf_counter(), time.process_time()
        found, _ = bursts.find_bursts(database, {s.fingerprint: s for s in shapes.values()}, known, Options())
        seconds, cpu = time.perf_counter() - started, time.process_time() - spent
    executions = sum(burst.executions for burst in found)
    print(f"{events:,} events: {seconds:.2f} s ({cpu:.2f} s of CPU on two threads)")
    print(f"{len(found)} bursts, {executions:,} executions")


def _fill(database: duckdb.DuckDBPyConnection, prints: dict[str, str], requests: int) -> None:
    columns = ", ".join(f'"{name}" {kind}' for name, kind in EVENT_COLUMNS.items())
    database.execute(f"CREATE TABLE event ({columns}, fingerprint VARCHAR, elements INTEGER, seq BIGINT)")
    cases = " ".join(f"WHEN '{name}' THEN '{value}'" for name, value in prints.items())
    texts = " ".join(f"WHEN '{name}' THEN '{value}'" for name, value in TEXTS.items())
    kind = (
        f"CASE WHEN i = 0 THEN 'begin' WHEN i = {LENGTH - 1} THEN 'commit' WHEN i = 1 THEN 'user'"
        " WHEN i = 2 THEN 'list'"
        " WHEN i % 2 = 0 THEN 'author' ELSE 'reviews' END"
    )
    database.execute(
        f"""INSERT INTO event
            SELECT 'log.csv', 'shop', 'app', 'web', '10.0.0.1:' || u % 40, 's' || u % 40, u * {LENGTH} + i, NULL,
                   moment, moment + INTERVAL 300 microsecond, 0.3, NULL,
                   CASE kind WHEN 'begin' THEN 'BEGIN' WHEN 'commit' THEN 'COMMIT' ELSE 'SELECT' END,
                   CASE kind {texts} ELSE upper(kind) END,
                   CASE WHEN i > 0 THEN md5((u * i)::VARCHAR) END, CASE WHEN i > 0 THEN md5((u * i)::VARCHAR) END,
                   MAP {{}}, NULL, NULL, CASE kind {cases} END, 0, u * {LENGTH} + i
            FROM (SELECT u, i, {kind} AS kind,
                         TIMESTAMPTZ '2026-01-01' + INTERVAL (u * 60 + i) millisecond AS moment
                  FROM range({requests}) AS r(u), range({LENGTH}) AS s(i))"""
    )


def _trace_steps() -> None:
    run = bursts._run

    def traced(database: duckdb.DuckDBPyConnection, step: str) -> None:
        started, spent = time.perf_counter(), time.process_time()
        run(database, step)
        print(f"  {step}: {time.perf_counter() - started:.2f} s, {time.process_time() - spent:.2f} s of CPU")

    bursts._run = traced


if __name__ == "__main__":
    main(int(next((a for a in sys.argv[1:] if a.isdigit()), "1000000")))
