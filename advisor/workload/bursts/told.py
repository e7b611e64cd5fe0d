"""Turn rows of the burst search into Bursts with their evidence: lines of the log, routes, places in the code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import duckdb

from advisor.model.shape import QueryShape
from advisor.model.workload import Burst, CallSite, EvidenceLine, Relation, Suppressed, UnitKind
from advisor.ports import Options
from advisor.workload.bursts.facts import ShapeFacts
from advisor.workload.bursts.link import BY_COUNT, BY_FOREIGN_KEY, BY_NAME, BY_POSITION, Link
from advisor.workload.bursts.verdicts import REASONS

UNIT_KINDS = (UnitKind.TRACE, UnitKind.TRANSACTION, UnitKind.SESSION)
CONFIDENCE_OF_RANK = {BY_FOREIGN_KEY: 0.95, BY_NAME: 0.75, BY_POSITION: 0.65}
CONFIDENCE_OF_PATTERN = {"row-by-row-write": 0.9, "repeated-identical-query": 0.7, "parentless-loop": 0.6}
"""Shares of right answers that a reader may expect; ordinal, checked against the corpus by tests/benchmarks."""

MOST_PLACES = 5

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_T = TypeVar("_T")

_FILE = (
    "coalesce(e.tags['code_filepath'], e.tags['code.file.path'], e.tags['code.filepath'], e.tags['source_location'])"
)
_LINE = "coalesce(e.tags['code_lineno'], e.tags['code.line.number'], e.tags['code.lineno'])"
_FUNCTION = "coalesce(e.tags['code_function'], e.tags['code.function.name'], e.tags['code.function'], '')"
_ROUTE = (
    "coalesce(e.tags['route'], e.tags['http.route'], e.tags['controller'] || coalesce('#' || e.tags['action'], ''))"
)

_EVIDENCE = """
WITH wanted AS (
    SELECT shape, parent, example_unit, example_anchor FROM burst_result
    WHERE verdict IN ('n-plus-one', 'parentless-loop', 'repeated-identical-query', 'row-by-row-write')
),
child AS (
    SELECT w.shape, w.parent, m.seq,
           row_number() OVER (PARTITION BY w.shape, w.parent ORDER BY m.pos) AS number
    FROM wanted AS w JOIN burst_member AS m ON m.unit = w.example_unit AND m.shape = w.shape
),
line AS (
    SELECT shape, parent, example_anchor AS seq, 0 AS number FROM wanted WHERE example_anchor IS NOT NULL
    UNION ALL SELECT * FROM child WHERE number <= 3
)
SELECT l.shape, l.parent, e.source, e.session, e.line, epoch_us(e.started_at), e.text
FROM line AS l JOIN event AS e ON e.seq = l.seq
ORDER BY l.shape, l.parent, l.number
"""

_PLACES = f"""
WITH place AS (
    SELECT v.shape, v.parent, m.seq, false AS of_parent
    FROM burst_verdict AS v JOIN burst_member AS m ON m.unit = v.unit AND m.shape = v.shape
    UNION ALL
    SELECT shape, parent, anchor_seq, true FROM burst_verdict WHERE anchor_seq IS NOT NULL
)
SELECT p.shape, p.parent, p.of_parent, {_ROUTE} AS route, {_FILE} AS file, try_cast({_LINE} AS INTEGER) AS line,
       {_FUNCTION} AS function, count(*) AS n
FROM place AS p JOIN event AS e ON e.seq = p.seq
WHERE cardinality(e.tags) > 0
GROUP BY ALL
ORDER BY n DESC, route, file, line, function
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What the events of one burst tell beside their order."""

    evidence: tuple[EvidenceLine, ...] = ()
    routes: tuple[str, ...] = ()
    call_sites: tuple[CallSite, ...] = ()
    parent_call_sites: tuple[CallSite, ...] = ()


def told(database: duckdb.DuckDBPyConnection, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[int, int | None], Told]:
    """Evidence lines (the parent and three children), routes and call sites, by (child, parent)."""
    if not rows:
        return {}
    lines: dict[tuple[int, int | None], list[EvidenceLine]] = {}
    for shape, parent, *line in database.execute(_EVIDENCE).fetchall():
        lines.setdefault((shape, parent), []).append(_line(*line))
    routes: dict[tuple[int, int | None], list[str]] = {}
    sites: dict[tuple[int, int | None, bool], list[CallSite]] = {}
    for shape, parent, of_parent, route, file, line, function, _ in database.execute(_PLACES).fetchall():
        if route:
            _add(routes.setdefault((shape, parent), []), route)
        if file:
            _add(sites.setdefault((shape, parent, of_parent), []), _site(file, line, function))
    return {
        (row["shape"], row["parent"]): Told(
            tuple(lines.get((row["shape"], row["parent"]), ())),
            tuple(routes.get((row["shape"], row["parent"]), ())),
            tuple(sites.get((row["shape"], row["parent"], False), ())),
            tuple(sites.get((row["shape"], row["parent"], True), ())),
        )
        for row in rows
    }


def _line(source: Any, session: Any, line: Any, started_us: Any, text: Any) -> EvidenceLine:
    # DuckDB's own conversion of TIMESTAMPTZ needs pytz.
    started = None if started_us is None else _EPOCH + timedelta(microseconds=started_us)
    return EvidenceLine(source or "", session or "", line or 0, started, text or "")


def _site(file: str, line: int | None, function: str) -> CallSite:
    """A place; Rails' ``source_location`` carries the line in the same tag (``app/models/a.rb:12:in 'b'``)."""
    if line is None and ":" in file:
        path, _, rest = file.partition(":")
        number, _, name = rest.partition(":in ")
        if number.isdigit():
            return CallSite(path, int(number), function or name.strip("'`"))
    return CallSite(file, line, function)


def _add(items: list[_T], item: _T) -> None:
    if item not in items and len(items) < MOST_PLACES:
        items.append(item)


def burst_of(row: Mapping[str, Any], child: ShapeFacts, link: Link | None, seen: Told) -> Burst:
    """One row of ``burst_result`` as a Burst."""
    pattern = row["verdict"]
    kind = UNIT_KINDS[row["kind"]]
    confidence = CONFIDENCE_OF_PATTERN.get(pattern, 0.7)
    if link is not None:
        confidence = CONFIDENCE_OF_RANK.get(link.rank, 0.7)
    if kind is UnitKind.SESSION or not row["within"]:
        confidence -= 0.1
    return Burst(
        child=child.shape.fingerprint,
        parent=link.parent if link else "",
        relation=link.relation if link else Relation.UNKNOWN,
        units=row["units"],
        executions=row["executions"],
        per_unit=row["per_unit"],
        per_unit_max=row["per_unit_max"],
        unit_kind=kind,
        distinct_ratio=row["distinct_ratio"],
        saved_ms=row["saved_ms"],
        saved_low_ms=row["saved_low_ms"],
        saved_high_ms=row["saved_high_ms"],
        server_ms=row["server_ms"],
        nested_in=link.parent if link and row["nested"] else "",
        pattern=pattern,
        confidence=round(confidence, 2),
        routes=seen.routes,
        call_sites=seen.call_sites,
        parent_call_sites=seen.parent_call_sites,
        evidence=seen.evidence,
        notes=tuple(_notes(row, child, link)),
        **_ends(child.shape, link),
    )


def fanout_of(
    row: Mapping[str, Any], child: ShapeFacts, link: Link, options: Options, database: duckdb.DuckDBPyConnection
) -> Burst | Suppressed:
    """One row of ``burst_fanout``: children spread over sessions, or traffic that only looks like it."""
    name = child.shape.fingerprint
    if not row["accepted"]:
        reason = (
            f"{row['n']} executions for {row['parents']} of a possible parent, as dense before it as after it: "
            + REASONS["traffic"]
        )
        return Suppressed(name, "n-plus-one", reason, row["n"])
    anchor = database.execute(
        "SELECT source, session, line, epoch_us(started_at), text FROM event WHERE seq = $seq",
        {"seq": row["example_anchor"]},
    ).fetchall()
    return Burst(
        child=name,
        parent=link.parent,
        relation=link.relation,
        units=row["parents"],
        executions=row["n"],
        per_unit=row["per_unit"],
        per_unit_max=row["per_unit_max"],
        unit_kind=UnitKind.CLUSTER,
        distinct_ratio=row["distinct_ratio"],
        saved_ms=row["saved_ms"],
        saved_low_ms=row["saved_ms"] / 2,
        saved_high_ms=row["saved_ms"],
        server_ms=row["server_ms"],
        confidence=round(CONFIDENCE_OF_RANK.get(link.rank, 0.7) - 0.2, 2),
        evidence=tuple(_line(*line) for line in anchor),
        notes=(
            f"The executions are spread over up to {row['streams']} sessions; they are counted together because "
            f"{row['n']} of them follow {row['parents']} executions of the parent.",
        ),
        **_ends(child.shape, link),
    )


def suppressed_of(row: Mapping[str, Any], child: ShapeFacts, options: Options) -> Suppressed:
    """A repetition that is none of the patterns, or was seen too seldom."""
    verdict = row["verdict"]
    reason = REASONS.get(verdict) or _too_seldom(row["units"], options)
    pattern = "row-by-row-write" if child.writes else "n-plus-one"
    return Suppressed(child.shape.fingerprint, pattern, reason, row["executions"])


def _too_seldom(units: int, options: Options) -> str:
    return f"seen in {units} unit(s) of work; reported from {options.min_units} on, or from 50 executions in one."


def _ends(shape: QueryShape, link: Link | None) -> dict[str, Any]:
    if link is None:
        return {"child_table": shape.written or (shape.tables[0] if shape.tables else None)}
    return {
        "child_table": link.child_table,
        "child_columns": link.child_columns,
        "parent_table": link.parent_table,
        "parent_columns": link.parent_columns,
        "link_table": link.through,
        "linked_by": link.linked_by,
    }


def _notes(row: Mapping[str, Any], child: ShapeFacts, link: Link | None) -> list[str]:
    notes = []
    if link and link.alternatives:
        columns = ", ".join([",".join(link.parent_columns), *link.alternatives])
        notes.append(f"The statement is the same for several foreign keys of {link.parent_table}: {columns}.")
    if link and link.rank != BY_FOREIGN_KEY:
        proof = {BY_POSITION: "from the order of statements", BY_COUNT: "from the counts"}.get(link.rank, "from names")
        notes.append(f"No foreign key tells the relation; it is concluded {proof}: {link.linked_by}.")
    if child.aggregated:
        notes.append("The child counts or sums: one grouped statement replaces it, not a preload of rows.")
    elif child.limited and child.shape.blocks and any(block.sort for block in child.shape.blocks):
        notes.append("The child takes the first rows of each parent (ORDER BY ... LIMIT): a lateral join or a window.")
    if row["elements"] == 1:
        notes.append("Each execution carries a list of exactly one key: a preload that runs once per object.")
    if row["streams"] > 1:
        notes.append(
            f"Up to {row['streams']} sessions ran it in parallel; the saving counts the time covered, not the sum."
        )
    if not row["within"]:
        notes.append("The parent was read in the transaction before.")
    return notes
