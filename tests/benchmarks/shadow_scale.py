"""A large schema without any server: 300 tables, 2 TB in all, 2,000 query shapes, from a generated capture alone.

Run: ``python -m tests.benchmarks.shadow_scale [--tables 300] [--shapes 2000] [--engine]``. Printed: seconds to start,
what-if calls a second, calls in all; with ``--engine`` the whole index engine, candidates and selection included.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from advisor.model.capture import Capture, Server
from advisor.model.catalog import Index, IndexColumn, TableName
from advisor.model.recommendation import WhatIf
from advisor.model.workload import Query, QueryStats, StatsSource, Workload
from advisor.ports import Options, Study
from connectors.postgres.shadow import ShadowPlanner, load_schema

TYPES = ("integer", "bigint", "text", "timestamptz", "numeric(12,2)", "boolean", "uuid", "date")
WIDTHS = {
    "integer": 4,
    "bigint": 8,
    "text": 24,
    "timestamptz": 8,
    "numeric(12,2)": 6,
    "boolean": 1,
    "uuid": 16,
    "date": 4,
}


def main() -> None:
    work()
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"processor time: servers {spent.ru_utime + spent.ru_stime:.0f} s, this process {own_seconds():.0f} s")


def work() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tables", type=int, default=300)
    arguments.add_argument("--shapes", type=int, default=2_000)
    arguments.add_argument("--backends", type=int)
    arguments.add_argument("--engine", action="store_true", help="run the whole index engine too")
    chosen = arguments.parse_args()
    dice = random.Random(5)
    tables = [columns(dice) for _ in range(chosen.tables)]
    shapes = [shape(dice, tables) for _ in range(chosen.shapes)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "schema.sql").write_text("\n".join(schema(tables)))
        (folder / "statistics.sql").write_text("\n".join(statistics(dice, tables)))
        (folder / "both.sql").write_text((folder / "schema.sql").read_text() + (folder / "statistics.sql").read_text())
        capture = Capture(folder, Server("postgresql", version_number=180_004))
        started = time.perf_counter()
        with ShadowPlanner(capture, backends=chosen.backends) as planner:
            print(f"start: {time.perf_counter() - started:.1f} s, {len(planner.left_out)} objects left out")
            ask(planner, shapes)
            print(f"processor time so far, this process: {own_seconds():.0f} s")
            if chosen.engine:
                engine(
                    planner, replace(capture, catalog=load_schema(folder / "both.sql")), [text for text, _ in shapes]
                )


def own_seconds() -> float:
    """Processor time of this process, for machines that are busy with other things."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


def ask(planner: ShadowPlanner, shapes: list[tuple[str, list[Index]]]) -> None:
    """Every shape as it is, with each of its candidates, and with all of them."""
    questions = [WhatIf("", text) for text, _ in shapes]
    questions += [WhatIf("", text, frozenset({index})) for text, indexes in shapes for index in indexes]
    questions += [WhatIf("", text, frozenset(indexes)) for text, indexes in shapes]
    candidates = {index for _, indexes in shapes for index in indexes}
    started = time.perf_counter()
    costs = planner.costs(questions)
    seconds = time.perf_counter() - started
    failed = sorted({cost.error for cost in costs if cost.error})
    print(
        f"asked: {len(questions)} questions about {len(shapes)} shapes and {len(candidates)} indexes in "
        f"{seconds:.1f} s, {planner.calls} planner calls, {planner.calls / seconds:.0f} calls/s; failed: {failed[:3]}"
    )
    started = time.perf_counter()
    planner.sizes(sorted(candidates, key=str))
    print(f"sizes: {time.perf_counter() - started:.1f} s")


def engine(planner: ShadowPlanner, capture: Capture, texts: list[str]) -> None:
    from advisor.recommend._engine import advise
    from advisor.shape.sql import shape_of

    started, calls = time.perf_counter(), planner.calls
    stats = QueryStats(StatsSource.STATEMENTS, 1_000, 60_000.0, 60.0)
    workload = Workload(tuple(Query(shape_of(text, capture.catalog), stats) for text in texts), duration_s=3_600.0)
    parsed = time.perf_counter() - started
    advice = advise(Study(capture, workload, planner, Options()))
    print(
        f"engine: {time.perf_counter() - started:.1f} s (parsing {parsed:.1f} s), "
        f"{planner.calls - calls} further calls, "
        f"{len(advice.chosen)} indexes chosen"
    )


def columns(dice: random.Random) -> list[str]:
    return ["bigint", "bigint", *(dice.choice(TYPES) for _ in range(dice.randint(4, 12)))]


def schema(tables: list[list[str]]) -> Iterator[str]:
    for number, kinds in enumerate(tables):
        body = ", ".join(f"c{position} {kind} NOT NULL" for position, kind in enumerate(kinds))
        yield f"CREATE TABLE public.table_{number} ({body});"
        yield f"ALTER TABLE ONLY public.table_{number} ADD CONSTRAINT table_{number}_pkey PRIMARY KEY (c0);"
        yield f"CREATE INDEX table_{number}_c2 ON public.table_{number} USING btree (c2);"


def statistics(dice: random.Random, tables: list[list[str]]) -> Iterator[str]:
    for number, kinds in enumerate(tables):
        rows = int(10 ** dice.uniform(3, 9))
        pages = max(1, rows * (28 + sum(WIDTHS[kind] for kind in kinds)) // 8000)
        yield (
            f"SELECT pg_catalog.pg_restore_relation_stats('schemaname', 'public', 'relname', 'table_{number}', "
            f"'relpages', '{pages}'::integer, 'reltuples', '{rows}'::real, 'relallvisible', '{pages}'::integer);"
        )
        for position, kind in enumerate(kinds):
            distinct = -1 if position == 0 else 2 if kind == "boolean" else -(10 ** dice.uniform(-4, 0))
            yield (
                f"SELECT pg_catalog.pg_restore_attribute_stats('schemaname', 'public', 'relname', 'table_{number}', "
                f"'attname', 'c{position}', 'inherited', 'f'::boolean, 'null_frac', '0'::real, 'avg_width', "
                f"'{WIDTHS[kind]}'::integer, 'n_distinct', '{distinct}'::real, 'correlation', '0.1'::real);"
            )


def shape(dice: random.Random, tables: list[list[str]]) -> tuple[str, list[Index]]:
    """A statement over one to three tables with one to three conditions each, and the indexes that could help it."""
    chosen = dice.sample(range(len(tables)), dice.choice((1, 1, 1, 2, 3)))
    conditions, indexes, parameter = [], [], 0
    for place, number in enumerate(chosen):
        table = TableName("public", f"table_{number}")
        keys = dice.sample(range(2, len(tables[number])), dice.randint(1, 3))
        for key in keys:
            parameter += 1
            conditions.append(f"t{place}.c{key} = ${parameter}")
        for order in {tuple(keys), tuple(reversed(keys)), (keys[0],)}:
            indexes.append(Index(table, tuple(IndexColumn(f"c{key}") for key in order)))
        if place:
            conditions.append(f"t{place}.c1 = t{place - 1}.c0")
            indexes.append(Index(table, (IndexColumn("c1"),)))
    sources = ", ".join(f"table_{number} t{place}" for place, number in enumerate(chosen))
    tail = dice.choice(("", "", f" ORDER BY t0.c{len(tables[chosen[0]]) - 1} LIMIT 20"))
    return f"SELECT t0.* FROM {sources} WHERE {' AND '.join(conditions)}{tail}", indexes


if __name__ == "__main__":
    main()
