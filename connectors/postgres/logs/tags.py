"""Tags in statement comments, as DuckDB SQL.

Read are sqlcommenter (``/*key='value',…*/``, percent-encoded, Google's specification 1.0; Django, SQLAlchemy,
Rails, OpenTelemetry) and the older marginalia form (``/*application:shop,controller:orders*/``).
"""

from __future__ import annotations

from connectors.postgres.logs.literals import literal

_QUOTED = r"([\w.%\-]+)\s*=\s*'((?:[^'\\]|\\.)*)'"
_MARGINALIA = r"([A-Za-z_][\w.]*):([^,*]*)"

MACRO = """\
CREATE OR REPLACE TEMP MACRO tags_of(pairs) AS
CASE WHEN len(pairs) > 0 THEN map_from_entries(list_filter(pairs, lambda p, i:
    list_position(list_transform(pairs, lambda q: q.k), p.k) = i)) END
"""
"""What :func:`tags` needs in the database: the MAP of a list of pairs, the first of a repeated key kept."""


def _pairs(comment: str, pattern: str) -> str:
    key = f"regexp_extract(p, {literal(pattern)}, 1)"
    value = f"regexp_extract(p, {literal(pattern)}, 2)"
    return (
        f"list_transform(regexp_extract_all({comment}, {literal(pattern)}), lambda p: "
        f"{{'k': url_decode({key}), 'v': url_decode(replace({value}, '\\''', ''''))}})"
    )


def tags(comment: str) -> str:
    """SQL: the MAP of tags in the expression ``comment``; NULL when there are none."""
    return (
        f"CASE WHEN {comment} = '' THEN NULL"
        f" WHEN contains({comment}, '=''') THEN tags_of({_pairs(comment, _QUOTED)})"
        f" ELSE tags_of({_pairs(comment, _MARGINALIA)}) END"
    )
