"""auto_explain's plans: which execution they belong to, its row count, and the plans themselves, one a statement.

The message is ``duration: … ms  plan:`` and then EXPLAIN's output with ``Query Text`` first, as text or JSON
(``contrib/auto_explain``). It comes before the statement's own duration line. A nested statement has a CONTEXT.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import duckdb

from advisor.errors import AdvisorError
from advisor.model.plan import Plan
from connectors.postgres.logs.literals import comments, folded, literal, without_comments, without_values
from connectors.postgres.logs.records import EVENTS, HEAD, trimmed
from connectors.postgres.plan import parse_plan

KEPT = 2_000
"""Statements whose slowest plan is kept."""

_TEXT = r"(?s)^\s*Query Text: (.*?)\n(?:Query (?:Parameters|Identifier): [^\n]*\n)*[A-Z][^\n]*\((?:cost=|actual )"
_QUERY = f"""
CASE WHEN starts_with(ltrim(body, E' \\n\\t'), '{{') THEN json_extract_string(TRY_CAST(body AS JSON), '$."Query Text"')
     ELSE regexp_extract(body, {literal(_TEXT)}, 1) END
"""
_ROWS = """
TRY_CAST(TRY_CAST(coalesce(
    nullif(regexp_extract(body, '"Actual Rows": ([0-9.]+)', 1), ''),
    nullif(regexp_extract(body, '\\(actual (?:time=\\S+ )?rows=([0-9.]+)', 1), '')) AS DOUBLE) AS BIGINT)
"""


def create(database: duckdb.DuckDBPyConnection) -> None:
    """Make the table that collects plans."""
    database.execute("CREATE TABLE plan (text VARCHAR, ms DOUBLE, body VARCHAR)")


def resolve_plans(database: duckdb.DuckDBPyConnection, table: str, base: int, last: bool) -> None:
    """Collect the plans in ``table`` (slowest of each statement), give executions their row counts, and make
    executions of the plans whose statement is not logged by itself. Unless this is the ``last`` piece, a plan that ends
    its session's part gets the kind ``a``: its statement may come in the next piece."""
    line = f"coalesce(line, {base} + rowid)"
    database.execute(
        f"""CREATE OR REPLACE TABLE explained AS
            SELECT * EXCLUDE (said), {trimmed(without_comments("said"))} AS query, {comments("said")} AS comment
            FROM (SELECT rowid AS rid, hash(session) AS s, {line} AS line_, {_QUERY} AS said, {_ROWS} AS row_count,
                         coalesce(context, '') <> '' AS nested
                  FROM {table} WHERE kind = 'A')"""
    )
    executions = f"""
        (SELECT rowid AS rid, hash(session) AS s, {line} AS line_, body
         FROM {table} WHERE contains('{EVENTS}', kind))"""
    database.execute(
        f"""CREATE OR REPLACE TABLE covered AS
            SELECT e.rid, e.row_count,
                   CASE WHEN n.body = e.query THEN n.rid WHEN p.body = e.query THEN p.rid END AS event,
                   NOT e.nested AND n.rid IS NULL AND e.line_ = max(e.line_) OVER (PARTITION BY e.s) AS at_end
            FROM explained e ASOF LEFT JOIN {executions} n ON e.s = n.s AND e.line_ <= n.line_
            ASOF LEFT JOIN {executions} p ON e.s = p.s AND e.line_ >= p.line_"""
    )
    database.execute(
        f"""INSERT INTO plan
            SELECT {folded("replaced")}, ms, body
            FROM (SELECT {without_values("query")} AS replaced, t.ms, t.body
                  FROM explained e JOIN {table} t ON t.rowid = e.rid
                  WHERE query <> ''
                  QUALIFY row_number() OVER (PARTITION BY query ORDER BY t.ms DESC, e.rid) = 1)"""
    )
    database.execute(
        f"""CREATE OR REPLACE TABLE plan AS FROM plan
            QUALIFY row_number() OVER (PARTITION BY text ORDER BY ms DESC, body) = 1
            ORDER BY ms DESC, text LIMIT {KEPT}"""
    )
    database.execute(
        f"""UPDATE {table} SET row_count = c.row_count
            FROM (SELECT event, max(row_count) AS row_count FROM covered WHERE event IS NOT NULL GROUP BY event) c
            WHERE {table}.rowid = c.event"""
    )
    if not last:
        database.execute(
            f"""UPDATE {table} SET kind = 'a'
                WHERE rowid IN (SELECT rid FROM covered WHERE at_end AND event IS NULL)"""
        )
    database.execute(
        f"""UPDATE {table} SET kind = 'S', body = e.query, comment = e.comment, skeleton = NULL,
                   row_count = e.row_count, head = {HEAD.replace("body", "e.query")}
            FROM explained e JOIN covered c USING (rid)
            WHERE {table}.rowid = e.rid AND {table}.kind = 'A' AND NOT e.nested AND c.event IS NULL AND e.query <> ''"""
    )


def plans(database: duckdb.DuckDBPyConnection, keep_values: bool) -> Iterator[Plan]:
    """The plans collected, slowest first; one that cannot be read is left out."""
    for text, body in database.execute("SELECT text, body FROM plan ORDER BY ms DESC, text").fetchall():
        try:
            parsed = parse_plan(body)
        except AdvisorError:
            continue
        for plan in parsed:
            yield replace(plan, text=text, planner="auto_explain", generic=False, raw=plan.raw if keep_values else "")
