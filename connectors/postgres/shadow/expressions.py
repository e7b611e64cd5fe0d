"""Statistics for the expressions of hypothetical indexes, from those of the column below: ANALYZE has not seen them.

Without any the planner takes an equality to match one row in 200 (``DEFAULT_NUM_DISTINCT``), which makes an index on
``lower(email)`` look useless. With a real index the next ANALYZE collects what is derived here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_IDENTIFIER = re.compile(r'[a-z_][\w$]*\Z|"(?:[^"]|"")+"\Z', re.IGNORECASE)
_CAST = re.compile(r'(?P<inner>.+?)::(?P<type>[\w". ]+?)(?:\(\d+(?:,\d+)?\))?\Z', re.DOTALL)
# Functions of one argument whose results are about as many as their arguments.
_FAITHFUL = re.compile(
    r"(?:lower|upper|btrim|trim|md5|reverse|unaccent|f_unaccent|abs|sha256|initcap)\((?P<inner>.*)\)\Z", re.DOTALL
)
_TRUNCATED = re.compile(
    r"date_trunc\('(?P<unit>\w+)'(?:::text)?, (?P<inner>.*?)(?:, '[^']*'(?:::text)?)?\)\Z", re.DOTALL
)
_TIME_ZONE = re.compile(
    r"timezone\('[^']*'(?:::text)?, (?P<inner>.*)\)\Z|(?P<left>.*) AT TIME ZONE '[^']*'(?:::text)?\Z", re.DOTALL
)
_SECONDS = {
    "minute": 60.0,
    "hour": 3_600.0,
    "day": 86_400.0,
    "week": 604_800.0,
    "month": 2_629_746.0,
    "quarter": 7_889_238.0,
    "year": 31_556_952.0,
}

_EXPRESSIONS = """
SELECT i.indexrelid, a.attnum, i.indrelid, a.attlen, pg_get_indexdef(i.indexrelid, a.attnum, true) AS expression
FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indexrelid
WHERE i.indexrelid = ANY ($1::oid[]) AND i.indkey[a.attnum - 1] = 0
    AND NOT EXISTS (SELECT 1 FROM pg_statistic s WHERE (s.starelid, s.staattnum) = (i.indexrelid, a.attnum))
ORDER BY 1, 2
"""

# The histogram's bounds span the column's time; a column without one is left to the planner's default.
_DERIVE = """
INSERT INTO pg_statistic
SELECT $1::oid, $2::int2, false, s.stanullfrac, CASE WHEN $3::int2 > 0 THEN $3::int2::int ELSE s.stawidth END,
    CASE WHEN $6::float8 IS NULL THEN s.stadistinct
        ELSE greatest(1, least(span.seconds / $6::float8, CASE WHEN s.stadistinct > 0 THEN s.stadistinct
            ELSE -s.stadistinct * greatest(c.reltuples, 1) END))::real END,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM pg_statistic s JOIN pg_attribute a ON (a.attrelid, a.attnum) = (s.starelid, s.staattnum)
JOIN pg_class c ON c.oid = s.starelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (SELECT extract(epoch FROM max(b::timestamp) - min(b::timestamp)) AS seconds
    FROM pg_stats p, unnest(p.histogram_bounds::text::text[]) b
    WHERE (p.schemaname, p.tablename, p.attname, p.inherited) = (n.nspname, c.relname, a.attname, false)
        AND $6::float8 IS NOT NULL) span ON true
WHERE s.starelid = $4::oid AND NOT s.stainherit AND quote_ident(a.attname) = $5
    AND ($6::float8 IS NULL OR (a.atttypid IN ('timestamp'::regtype, 'timestamptz'::regtype) AND span.seconds > 0))
"""


@dataclass(frozen=True, slots=True)
class Source:
    """The column that an expression is made of; ``seconds``: how coarse it makes a point in time."""

    column: str
    seconds: float | None = None


def source_of(expression: str) -> Source | None:
    """Tell which column's statistics an expression has, where that can be known.

    >>> source_of("lower((email)::text)"), source_of("date_trunc('day'::text, created_at)")
    (Source(column='email', seconds=None), Source(column='created_at', seconds=86400.0))
    >>> source_of("(data ->> 'a'::text)") is None
    True
    """
    seconds: float | None = None
    inner = expression.strip()
    while not _IDENTIFIER.match(inner):
        if inner.startswith("(") and _closes_at_end(inner):
            inner = inner[1:-1].strip()
        elif match := _FAITHFUL.match(inner):
            inner = match["inner"]
        elif match := _TRUNCATED.match(inner):
            if match["unit"] not in _SECONDS:
                return None
            seconds, inner = max(seconds or 0.0, _SECONDS[match["unit"]]), match["inner"]
        elif match := _TIME_ZONE.match(inner):
            inner = match["inner"] or match["left"]
        elif match := _CAST.match(inner):
            if match["type"] == "date":
                seconds = max(seconds or 0.0, _SECONDS["day"])
            inner = match["inner"]
        else:
            return None
    return Source(inner, seconds)


async def derive_statistics(connection: Any, indexes: Sequence[int]) -> None:
    """Give the expressions of these indexes the statistics of their columns; ``connection`` is a superuser's."""
    for row in await connection.fetch(_EXPRESSIONS, indexes):
        if source := source_of(row["expression"]):
            await connection.execute(
                _DERIVE,
                *(row["indexrelid"], row["attnum"], row["attlen"], row["indrelid"], source.column, source.seconds),
            )


def _closes_at_end(text: str) -> bool:
    """Whether the parenthesis that opens ``text`` is closed by its last character."""
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if not depth:
            return position == len(text) - 1
    return False
