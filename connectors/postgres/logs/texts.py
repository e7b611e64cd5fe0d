"""The different texts of a piece of a log, each judged once: many executions, few statements.

What an execution is known by here is its skeleton, or its text as it is where it has none (:func:`literals.skeleton`).
"""

from __future__ import annotations

import duckdb

from connectors.postgres.logs.literals import folded, is_doubtful, literal, without_values
from connectors.postgres.logs.records import EVENTS

_LIMIT = r"(?i)\b(limit|offset)\s+"
_SKIPPED = f"regexp_extract_all(replaced, {literal(_LIMIT + '([$][1-9][0-9]*)')}, 2)"
_VERB = "upper(regexp_extract(replaced, '[A-Za-z]+'))"
_COMMAND = r"""
CASE verb WHEN 'START' THEN 'BEGIN' WHEN 'END' THEN 'COMMIT' WHEN 'ABORT' THEN 'ROLLBACK'
          WHEN 'WITH' THEN coalesce(nullif(upper(regexp_extract(replaced,
               '(?i)\b(?:insert\s+into|update|delete\s+from|merge\s+into)\b')[:6]), ''), 'SELECT')
          ELSE nullif(verb, '') END
"""

KEY = "coalesce(skeleton, body)"
"""SQL: what an execution is known by; whether it is a skeleton must be equal too."""


def judge(database: duckdb.DuckDBPyConnection, records: str, texts: str) -> None:
    """Make the table ``texts``, a row for each different statement among the executions in ``records``.

    ``key``, ``raw`` (it is the text itself, no skeleton), ``text`` (canonical, without values), ``command``, ``valued``
    (a raw text that had values), ``limited`` (LIMIT or OFFSET takes a value) and ``cut_off`` (one that stands in the
    text), ``skipped1`` and ``skipped2`` (the beginnings of the parameters, ``$2 = ``, that LIMIT and OFFSET take).
    A skeleton in doubt is taken off its executions.
    """
    keys = f"""CREATE OR REPLACE TABLE {texts} AS
               SELECT {KEY} AS key, skeleton IS NULL AS raw FROM {records}
               WHERE contains('{EVENTS}', kind) AND body <> '' GROUP BY ALL"""
    database.execute(keys)
    doubtful = f"SELECT key FROM {texts} WHERE NOT raw AND {is_doubtful('key')}"
    if database.execute(f"{doubtful} LIMIT 1").fetchone():
        database.execute(f"UPDATE {records} SET skeleton = NULL WHERE skeleton IN ({doubtful})")
        database.execute(keys)
    database.execute(
        f"""CREATE OR REPLACE TABLE {texts} AS
            SELECT key, raw, {folded("replaced")} AS text, {_COMMAND} AS command, raw AND replaced <> key AS valued,
                   regexp_matches(replaced, {literal(_LIMIT + "[$]")}) AS limited,
                   regexp_matches(replaced, {literal(_LIMIT + "[$]0")}) AS cut_off,
                   {_SKIPPED}[1] || ' = ' AS skipped1, {_SKIPPED}[2] || ' = ' AS skipped2
            FROM (SELECT *, {_VERB} AS verb
                  FROM (SELECT *, CASE WHEN raw THEN {without_values("key")} ELSE key END AS replaced FROM {texts}))"""
    )


def judged(replaced: str) -> str:
    """SQL: of ``replaced``, a relation of texts without values and their codes, ``code``, ``text`` and ``command``."""
    return f"""
    SELECT code, {folded("replaced")} AS text, {_COMMAND} AS command FROM (SELECT *, {_VERB} AS verb FROM {replaced})"""


def without_limit(text: str) -> str:
    """SQL: the expression ``text`` without the values of LIMIT and OFFSET."""
    return f"regexp_replace({text}, {literal(_LIMIT + '[0-9]+')}, '', 'g')"


def without_parameter(bound: str, start: str) -> str:
    """SQL: the parameter list ``bound`` without the parameter that begins with ``start`` (NULL: all of it), up to the
    next one."""
    place = f"instr({bound}, {start})"
    return (
        f"CASE WHEN {start} IS NULL OR {place} = 0 THEN {bound} ELSE left({bound}, {place} - 1)"
        f" || regexp_extract(substr({bound}, {place} + 1), '(?s), [$].*') END"
    )
