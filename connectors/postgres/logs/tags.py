"""Tags in statement comments, as DuckDB SQL.

Read are sqlcommenter (``/*key='value',…*/``, percent-encoded, Google's specification 1.0; Django, SQLAlchemy,
Rails, OpenTelemetry) and the older marginalia form (``/*application:shop,controller:orders*/``).
"""

from __future__ import annotations

from connectors.postgres.logs.literals import literal

_QUOTED = r"([\w.%\-]+)\s*=\s*'((?:[^'\\]|\\.)*)'"
_MARGINALIA = r"([A-Za-z_][\w.]*):([^,*]*)"

TAGS = """
CASE WHEN len(tag_names) > 0 THEN
     CASE WHEN len(list_distinct(tag_names)) = len(tag_names) THEN map(tag_names, tag_values)
          ELSE map_from_entries(list_filter(list_zip(tag_names, tag_values),
                                            lambda p, i: list_position(tag_names, p[1]) = i)) END END
"""
"""SQL: the MAP of the columns ``tag_names`` and ``tag_values``, the first of a repeated key kept; NULL without tags."""


def names(comment: str) -> str:
    """SQL: the names of the tags in the expression ``comment``."""
    return _extracted(comment, 1)


def values(comment: str) -> str:
    """SQL: the values of the tags, percent and backslash escapes undone."""
    decoded = f"list_transform({_extracted(comment, 2)}, lambda v: url_decode(replace(v, '\\''', '''')))"
    escaped = f"contains({comment}, '%') OR contains({comment}, '\\')"
    return f"CASE WHEN {comment} = '' THEN NULL WHEN {escaped} THEN {decoded} ELSE {_extracted(comment, 2)} END"


def _extracted(comment: str, group: int) -> str:
    return (
        f"CASE WHEN {comment} = '' THEN NULL"
        f" WHEN contains({comment}, '=''') THEN regexp_extract_all({comment}, {literal(_QUOTED)}, {group})"
        f" ELSE regexp_extract_all({comment}, {literal(_MARGINALIA)}, {group}) END"
    )
