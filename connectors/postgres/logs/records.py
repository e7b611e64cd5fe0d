"""The records of a log: what every format yields, and what each record says.

A format is a DuckDB relation over a piece of the raw file with the columns of :data:`RECORD_COLUMNS`. ``classified``
puts beside them what the message means: its kind, duration, portal and text. Message texts are those of
PostgreSQL 13 to 18 (``src/backend/tcop/postgres.c``, ``contrib/auto_explain``) under ``lc_messages = C``.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.postgres.logs.literals import comments, skeleton, without_comments

RECORD_COLUMNS: Mapping[str, str] = {
    "logged": "TIMESTAMP",  # as printed; `zone` says in which zone
    "zone": "VARCHAR",
    "user": "VARCHAR",
    "database": "VARCHAR",
    "application": "VARCHAR",
    "client": "VARCHAR",  # host:port
    "session": "VARCHAR",
    "line": "BIGINT",  # gapless order inside the session; NULL: the order of the file
    "severity": "VARCHAR",
    "code": "VARCHAR",  # SQLSTATE
    "message": "VARCHAR",
    "detail": "VARCHAR",
    "context": "VARCHAR",
    "statement": "VARCHAR",
    "query_id": "VARCHAR",
}
"""The columns that a format's relation has, in order."""

NOTHING = "SELECT " + ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in RECORD_COLUMNS.items()) + " LIMIT 0"
"""SQL: a relation of a log without records."""

# What a record is, one letter each:
#   S statement with its duration           s statement logged at its start
#   X execution (extended) with duration    x execution logged at its start
#   F fetch from a portal, with duration    f fetch logged at its start
#   P parse  B bind (extended, with duration)
#   D a duration without text               A a plan of auto_explain
#   E an error with its statement           O anything else    ? no record of the log
EVENTS = "SXFsxfE"
"""Kinds that are one execution each. Not an SQL list: DuckDB turns a long IN into a join, which loses the order."""

STARTS = "'s', 'x', 'f'"
"""Kinds logged before the statement ran."""

_KIND = """
CASE WHEN ended > 0 THEN
       CASE WHEN starts_with(tail, 'statement: ') THEN 'S'
            WHEN starts_with(tail, 'bind ') THEN 'B'
            WHEN tail = 'execute fetc' AND substr(message, ended + 5, 19) = 'execute fetch from ' THEN 'F'
            WHEN starts_with(tail, 'execute ') THEN 'X'
            WHEN starts_with(tail, 'parse ') THEN 'P'
            WHEN tail = '' THEN 'D'
            WHEN starts_with(tail, 'plan:') THEN 'A'
            WHEN tail = 'fastpath fun' THEN 'S'
            ELSE 'O' END
     WHEN starts_with(message, 'statement: ') THEN 's'
     WHEN starts_with(message, 'execute fetch from ') THEN 'f'
     WHEN starts_with(message, 'execute ') THEN 'x'
     WHEN severity IN ('ERROR', 'FATAL', 'PANIC') AND statement <> '' THEN 'E'
     WHEN severity IS NULL THEN '?'
     ELSE 'O' END
"""
"""SQL: the kind of a record. ``tail`` is the twelve signs after its duration: DuckDB holds so many without memory of
their own."""

_SAID = """
CASE WHEN kind IN ('S', 'X', 'F') THEN
          substr(message, ended + 5 + CASE WHEN starts_with(tail, 'statement: ') THEN 11
                                           ELSE instr(substr(message, ended + 5, 120), ': ') + 1 END)
     WHEN kind IN ('s', 'x', 'f') THEN substr(message, instr(message, ': ') + 2)
     WHEN kind IN ('E', 'O') THEN statement
     WHEN kind = 'A' THEN substr(message, ended + 10) END
"""

_COMMENTED = r"""
CASE WHEN NOT event THEN 0
     WHEN contains(said, '/*') THEN
          CASE WHEN regexp_matches(said, '\*/[ ;\n\t]*\z') AND NOT contains(said, '--')
                    AND NOT contains(substr(said, instr(said, '/*') + 2), '/*') THEN 1 ELSE 2 END
     WHEN contains(said, '--') THEN 2 ELSE 0 END
"""
"""0: no comment; 1: one at the end, as sqlcommenter writes; 2: anything else, to be cut by tokens."""

_LOOSE_ENDS = " OR ".join(
    f"{test}(uncommented, {end})"
    for test, ends in (("ends_with", ("';'", "' '", r"E'\n'", r"E'\t'")), ("starts_with", ("' '", r"E'\n'", r"E'\t'")))
    for end in ends
)

HEAD = "upper(left(body, 5))"
"""SQL: enough of a statement to tell those that say something about others: BEGIN, COMMIT, FETCH, EXECUTE, …"""


_SELDOM = ("severity", "message", "detail", "context", "statement")


def trimmed(text: str) -> str:
    """SQL: a statement without the blanks and semicolons around it."""
    return f"trim({text}, E' ;\\n\\r\\t')"


def classified(relation: str) -> str:
    """SQL: the records of ``relation`` with what they say.

    ``kind``, ``ms``; ``command`` where the text does not tell it; ``body``: an execution's text without comments, the
    plan of auto_explain, or else the STATEMENT; ``comment``; ``head``: :data:`HEAD`; ``skeleton``: see
    :func:`literals.skeleton`.
    Parse and bind keep their duration only, ``message`` is for records that are no statement, ``context`` for plans.
    """
    kept = ", ".join(f'"{name}"' for name in RECORD_COLUMNS if name not in _SELDOM)
    return f"""
SELECT {kept}, kind, CASE WHEN kind IN ('F', 'f') THEN 'FETCH' END AS command,
       body, comment, ms, CASE WHEN event THEN {HEAD} END AS head,
       CASE WHEN event THEN {skeleton("body")} END AS skeleton,
       CASE WHEN kind NOT IN ('P', 'B', 'D') THEN detail END AS detail,
       CASE WHEN kind = 'O' THEN message WHEN kind = 'E' THEN left(message, 200) END AS message,
       CASE WHEN kind = 'A' THEN context END AS context, NULL::BIGINT AS row_count
FROM (SELECT *, CASE WHEN event AND ({_LOOSE_ENDS}) THEN {trimmed("uncommented")} ELSE uncommented END AS body
FROM (SELECT *, CASE commented WHEN 0 THEN said WHEN 1 THEN left(said, instr(said, '/*') - 1)
                     ELSE {without_comments("said")} END AS uncommented,
             CASE commented WHEN 0 THEN '' WHEN 1 THEN substr(said, instr(said, '/*'))
                  ELSE {comments("said")} END AS comment
FROM (SELECT *, {_COMMENTED} AS commented
FROM (SELECT *, {_SAID} AS said, contains('{EVENTS}', kind) AS event
FROM (SELECT *, {_KIND} AS kind, CASE WHEN ended > 0 THEN TRY_CAST(substr(message, 11, ended - 11) AS DOUBLE) END AS ms
FROM (SELECT *, CASE WHEN ended > 0 THEN substr(message, ended + 5, 12) END AS tail
FROM (SELECT *, CASE WHEN starts_with(message, 'duration: ') THEN instr(message, ' ms') ELSE 0 END AS ended
      FROM ({relation}))))))))
"""
