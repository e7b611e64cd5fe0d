"""Find N+1 bursts, write loops and repeated queries in the order of events alone.

The search is SQL over DuckDB (the ``*.sql`` files, run in the order of :func:`find_bursts`); Python sees shapes and
(parent, child) pairs, never single events. The rule and its figures: ``n_plus_one.md``, section 2 of the research.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from importlib.resources import files
from typing import Any

import duckdb

from advisor.model.catalog import Catalog
from advisor.model.shape import QueryShape
from advisor.model.workload import Burst, Suppressed
from advisor.ports import Options, Progress, Step, silent
from advisor.workload.bursts.by_position import by_position
from advisor.workload.bursts.facts import ShapeFacts, facts_of
from advisor.workload.bursts.inferred import inferred_catalog
from advisor.workload.bursts.link import Link
from advisor.workload.bursts.links import links
from advisor.workload.bursts.tenants import with_tenants
from advisor.workload.bursts.told import Told, burst_of, fanout_of, suppressed_of, told
from advisor.workload.bursts.verdicts import PATTERNS

PARENTS = ("parents", "nested", "nested", "nested")
"""SQL files that find the parents of a round of links; ``nested`` once a level below the first."""

ALL_IT_DOES = 0.75
"""A burst that most executions of its statement are in is reported even when seen in fewer than ``min_units`` units: a
log may hold one request. The others run in a row by chance."""
SURE_IN_ONE_UNIT = 50
"""A burst of this many executions is reported even when seen in fewer than ``min_units`` units (research, 2.5)."""
SURE_IN_A_RUN = 20
"""So many lookups in one unit are enough where next to nothing comes between them (as in the labelled MongoDB log)."""

EVENTS_AT_ONCE = 2_000_000
"""Events that are put in order at once: DuckDB's window functions need all their rows in memory; 4 M take 500 MB."""

READS_AT_ONCE = 500_000
"""Reads of pools that are compared with one another at once: four joins by time over them take 400 MB."""

_EVENTS = """CREATE OR REPLACE TEMP TABLE burst_event (
    seq BIGINT, stream UBIGINT, pool UBIGINT, route VARCHAR, role VARCHAR, shape INTEGER, started BIGINT, ended BIGINT,
    spent DOUBLE, rows BIGINT, elements INTEGER, params UBIGINT, keyed UBIGINT, conflict BOOLEAN, client_timed BOOLEAN,
    inside BOOLEAN, gap DOUBLE, pos BIGINT, chunk_no BIGINT, unit_no BIGINT, chunk UBIGINT, unit UBIGINT, kind TINYINT)
"""
"""Times in microseconds."""

Row = Mapping[str, Any]


def find_bursts(
    database: duckdb.DuckDBPyConnection,
    shapes: Mapping[str, QueryShape],
    catalog: Catalog | None,
    options: Options,
    progress: Progress = silent,
) -> tuple[tuple[Burst, ...], tuple[Suppressed, ...]]:
    """Search the table ``event`` (EVENT_COLUMNS, fingerprint, elements, seq) for repetition inside units of work.

    ``shapes`` maps fingerprints to shapes; events of unknown fingerprints only bound units. Returns bursts, most time
    saved first, and what looked like one and is none. The temporary tables ``burst_*`` stay in ``database``.
    """
    catalog = with_tenants(catalog) if catalog else inferred_catalog(shapes.values())
    facts = [facts_of(shapes[name], catalog) for name in sorted(shapes)]
    _declare_shapes(database, facts, options)
    _number_events(database, progress)
    _run(database, "groups")
    repeated = {row["shape"] for row in _rows(database, "SELECT DISTINCT shape FROM burst_group WHERE role = 'read'")}
    often = _rows(
        database,
        "SELECT shape FROM burst_event WHERE role = 'read' GROUP BY shape HAVING count(*) >= $n",
        {"n": options.min_executions},
    )
    children = [facts[number] for number in sorted(repeated | {row["shape"] for row in often})]
    parents = [shape for shape in facts if shape.reads and not shape.aggregated]
    found = links(children, parents, catalog)
    _declare_links(database, facts, found)
    for step in PARENTS:
        _run(database, step)
    found += _links_by_position(database, facts, catalog, {(link.child, link.parent) for link in found})
    _run(database, "verdict")
    _search_pools(database)
    return _results(database, facts, _best(found, facts), options)


def _best(found: Iterable[Link], facts: Sequence[ShapeFacts]) -> dict[tuple[str, str], Link]:
    """Of several links between two shapes the best proven; of those the one of the table that the parent lists."""
    listed = {shape.shape.fingerprint: shape.tables[0] for shape in facts if shape.tables}
    best: dict[tuple[str, str], Link] = {}
    for link in sorted(found, key=lambda link: (-link.rank, link.parent_table == listed[link.parent])):
        best[link.child, link.parent] = link
    return best


def _number_events(database: duckdb.DuckDBPyConnection, progress: Progress) -> None:
    """Events in their units of work. What is still open where one part of the file ends is cut in two."""
    database.execute(_EVENTS)
    (count,) = database.execute("SELECT coalesce(max(seq) + 1, 0) FROM event").fetchone() or (0,)
    for first in range(0, count, EVENTS_AT_ONCE):
        progress(Step("Searching for repetition", first, count, "events"))
        database.execute(f"SET VARIABLE first_seq = {first}; SET VARIABLE next_seq = {first + EVENTS_AT_ONCE}")
        _run(database, "events")
        _run(database, "units")
    _run(database, "traces")


def _links_by_position(
    database: duckdb.DuckDBPyConnection,
    facts: Sequence[ShapeFacts],
    catalog: Catalog | None,
    known: Set[tuple[str, str]],
) -> list[Link]:
    """A second round for what neither keys nor names (``known``) explain."""
    _run(database, "positions")
    pairs = [(facts[row["child"]], facts[row["parent"]]) for row in _rows(database, "FROM burst_position")]
    places = [link for child, parent in pairs for link in by_position(child, parent, catalog)]
    found = [link for link in places if (link.child, link.parent) not in known]
    if found:
        _add_links(database, facts, found, 2)
        for step in PARENTS:
            _run(database, step)
    return found


def _search_pools(database: duckdb.DuckDBPyConnection) -> None:
    """Bursts across the sessions of a pool. What is open where one part of its reads ends is cut in two."""
    database.execute(f"SET VARIABLE reads_at_once = {READS_AT_ONCE}")
    _run(database, "pool_events")
    (parts,) = database.execute("SELECT coalesce(max(part) + 1, 0) FROM burst_pooled").fetchone() or (0,)
    for part in range(parts):
        database.execute(f"SET VARIABLE part = {part}")
        _run(database, "pool_steps")
    _run(database, "pool_pace")
    for part in range(parts):
        database.execute(f"SET VARIABLE part = {part}")
        _run(database, "pool_near")
    _run(database, "pool_verdict")


def _declare_shapes(database: duckdb.DuckDBPyConnection, facts: Sequence[ShapeFacts], options: Options) -> None:
    tables = {table: number for number, table in enumerate(sorted({t for shape in facts for t in shape.tables}))}
    database.execute(
        "CREATE OR REPLACE TEMP TABLE burst_option AS SELECT $n::INTEGER AS min_executions",
        {"n": options.min_executions},
    )
    database.execute(
        "CREATE OR REPLACE TEMP TABLE burst_shape (id INTEGER, fingerprint VARCHAR, reads BOOLEAN, writes BOOLEAN,"
        " inserts BOOLEAN, written INTEGER, target INTEGER, single BOOLEAN, locking BOOLEAN, listed BOOLEAN,"
        " elements INTEGER, pages BOOLEAN, pages_by_offset BOOLEAN, keyed BOOLEAN, document BOOLEAN)"
    )
    rows = [
        (
            number,
            shape.shape.fingerprint,
            shape.reads,
            shape.writes,
            shape.shape.command.upper() == "INSERT",
            tables.get(shape.shape.written) if shape.shape.written else None,
            tables[shape.tables[0]] if shape.tables else None,
            shape.single,
            shape.shape.locking,
            shape.listed,
            shape.elements,
            shape.pages,
            shape.offset,
            bool(shape.keys),
            shape.shape.text.startswith("{"),
        )
        for number, shape in enumerate(facts)
    ]
    _insert(database, "burst_shape", rows)


def _declare_links(database: duckdb.DuckDBPyConnection, facts: Sequence[ShapeFacts], found: Iterable[Link]) -> None:
    database.execute(
        "CREATE OR REPLACE TEMP TABLE burst_link"
        " (child INTEGER, parent INTEGER, rank INTEGER, round INTEGER, listed BOOLEAN)"
    )
    _add_links(database, facts, found, 1)


def _add_links(
    database: duckdb.DuckDBPyConnection, facts: Sequence[ShapeFacts], found: Iterable[Link], round_: int
) -> None:
    number = {shape.shape.fingerprint: index for index, shape in enumerate(facts)}
    rows = [
        (child, parent, link.rank, round_, link.parent_table == facts[parent].tables[0])
        for link in found
        for child, parent in [(number[link.child], number[link.parent])]
    ]
    _insert(database, "burst_link", rows)


def _insert(database: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert through one VALUES list: a thousand shapes, not a million events."""
    for start in range(0, len(rows), 500):
        chunk = rows[start : start + 500]
        marks = ", ".join("(" + ", ".join("?" for _ in row) + ")" for row in chunk)
        database.execute(f"INSERT INTO {table} VALUES {marks}", [value for row in chunk for value in row])


def _run(database: duckdb.DuckDBPyConnection, step: str) -> None:
    database.execute(files("advisor.workload.bursts").joinpath(f"{step}.sql").read_text(encoding="utf-8"))


def _rows(database: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
    cursor = database.execute(query, parameters) if parameters else database.execute(query)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _results(
    database: duckdb.DuckDBPyConnection,
    facts: Sequence[ShapeFacts],
    found: Mapping[tuple[str, str], Link],
    options: Options,
) -> tuple[tuple[Burst, ...], tuple[Suppressed, ...]]:
    names = [shape.shape.fingerprint for shape in facts]
    bursts: list[Burst] = []
    suppressed: list[Suppressed] = []
    results = _rows(database, "SELECT * FROM burst_result ORDER BY verdict, shape, parent")
    kept = [row for row in results if row["verdict"] in PATTERNS and _seen_enough(row, options)]
    lines = told(database, kept)
    for row in results:
        child = facts[row["shape"]]
        if row not in kept:
            suppressed.append(suppressed_of(row, child, options))
            continue
        parent = names[row["parent"]] if row["parent"] is not None else ""
        link = found.get((child.shape.fingerprint, parent))
        bursts.append(burst_of(row, child, link, lines.get((row["shape"], row["parent"]), Told())))
    loops = {burst.child: burst for burst in bursts if burst.pattern == "parentless-loop"}
    known = {burst.child for burst in bursts} - loops.keys()
    for row in _rows(database, "SELECT * FROM burst_fanout ORDER BY child, parent"):
        child, link = facts[row["child"]], found[names[row["child"]], names[row["parent"]]]
        if (name := child.shape.fingerprint) in known:
            continue
        answer = fanout_of(row, child, link, options, database)
        if isinstance(answer, Burst):
            # In its own sessions the loop had no parent.
            bursts = [burst for burst in bursts if burst is not loops.get(name)] + [answer]
        else:
            suppressed.append(answer)
    suppressed.extend(_poolers(database))
    return _with_siblings(bursts), tuple(sorted(suppressed, key=lambda s: (s.pattern, s.child, s.reason)))


def _seen_enough(row: Row, options: Options) -> bool:
    """In a transaction or a trace nothing repeats by chance. Several parents of one statement are counted together, for
    the one that it has most often."""
    units = row["units_of_all"] if row["main"] else row["units"]
    return bool(
        row["bounded"]
        or units >= options.min_units
        or (row["main"] and row["share"] >= ALL_IT_DOES)
        or row["per_unit_max"] >= SURE_IN_ONE_UNIT
        or row["exact"]
        or (row["verdict"] == "parentless-loop" and row["tight"] >= SURE_IN_A_RUN)
    )


def _with_siblings(bursts: Iterable[Burst]) -> tuple[Burst, ...]:
    """Name the other children of each parent, so that A B C A B C is one finding with two relations."""
    children: dict[str, set[str]] = {}
    for burst in bursts:
        if burst.parent:
            children.setdefault(burst.parent, set()).add(burst.child)
    named = [
        replace(burst, siblings=tuple(sorted(children.get(burst.parent, set()) - {burst.child}))) for burst in bursts
    ]
    return tuple(sorted(named, key=lambda b: (-(b.saved_ms or 0.0), b.pattern, b.parent, b.child)))


def _poolers(database: duckdb.DuckDBPyConnection) -> list[Suppressed]:
    """Say what a transaction pooler hides: statements of several clients follow one another on one session."""
    shared = _rows(
        database,
        """SELECT count(*) AS sessions, coalesce(sum(events), 0) AS events FROM (
               SELECT session, count(*) AS events FROM event
               WHERE application IS NOT NULL AND application NOT IN ('', '[unknown]')
               GROUP BY session HAVING count(DISTINCT application) > 1)""",
    )[0]
    if not shared["sessions"]:
        return []
    reason = (
        f"{shared['sessions']} sessions served several applications in turn: a pooler in transaction mode (PgBouncer). "
        "Outside explicit transactions nobody can tell from the log which statements belong to one request; "
        "add sqlcommenter's route or traceparent comments to the application's statements."
    )
    return [Suppressed("", "transaction-pooler", reason, shared["events"])]
