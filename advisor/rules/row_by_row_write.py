"""Rows written one statement at a time.

## What it finds

The same INSERT, UPDATE or DELETE executed many times in one transaction or turn of a session, each waiting for the
answer of the one before. Statements sent together (executemany in a pipeline, COPY, many rows in one VALUES) are not
meant.

## Why it matters

A round trip a row: loading 10,000 rows at half a millisecond each takes five seconds in which nothing is computed.

## Example

    INSERT INTO readings (sensor, value) VALUES (1, 20.5);
    INSERT INTO readings (sensor, value) VALUES (2, 19.0);   -- ... ten thousand times

## Instead

Send them together: `session.add_all` or `insert(T), [rows]` (SQLAlchemy), `bulk_create` and `bulk_update` (Django),
`insert_all` (Rails), `createMany` (Prisma), `executemany` or COPY with the driver, or

    INSERT INTO readings (sensor, value) SELECT * FROM unnest($1::int[], $2::float8[]);

## When it is wrong

When each write must be seen, confirmed or retried by itself, or when the next one depends on what it returned.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.finding import Finding, Rule
from advisor.ports import Study
from advisor.rules import _bursts

RULE = Rule.of(__name__, "One write statement for each row", ("postgresql", "mongodb"), ("events",))


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding a shape."""
    for burst in _bursts.of_pattern(study, "row-by-row-write"):
        query = study.workload.by_fingerprint.get(burst.child)
        command = query.shape.command.upper() if query else "A write"
        table = f" on {burst.child_table.name}" if burst.child_table else ""
        said = f"{command}{table} runs once for each row, {burst.per_unit:g} times a {burst.unit_kind.value}"
        yield _bursts.finding(study, RULE.name, burst, said)
