"""Tags in statement comments, as DuckDB SQL.

Read are sqlcommenter (``/*key='value',…*/``, percent-encoded, Google's specification 1.0; Django, SQLAlchemy,
Rails, OpenTelemetry) and the older marginalia form (``/*application:shop,controller:orders*/``).
"""

from __future__ import annotations

from connectors.postgres.logs.literals import literal

_QUOTED = r"([\w.%\-]+)\s*=\s*'((?:[^'\\]|\\.)*)'"
_MARGINALIA = r"([A-Za-z_][\w.]*):([^,*]*)"
_AS_SPECIFIED = r"/\*[\w.\-]+='[^'\\\x1f]*'(?:,[\w.\-]+='[^'\\\x1f]*')*\*/"
_BETWEEN = "chr(31)"

_NAMES, _VALUES = "list_slice(tag_parts, 1, -1, 2)", "list_slice(tag_parts, 2, -1, 2)"
TAGS = f"""
CASE WHEN len(tag_parts) > 0 THEN
     CASE WHEN list_unique({_NAMES}) = len({_NAMES}) THEN map_from_entries(list_zip({_NAMES}, {_VALUES}))
          ELSE map_from_entries(list_filter(list_zip({_NAMES}, {_VALUES}),
                                            lambda p, i: list_position({_NAMES}, p[1]) = i)) END END
"""
"""SQL: the MAP of the column ``tag_parts``, the first of a repeated key kept; NULL without tags."""


def parts(comment: str) -> str:
    """SQL: the tags in the expression ``comment`` as a list, name and value by turns, escapes undone.

    A comment just as sqlcommenter writes it is cut at its quotes; any other is searched for what looks like tags.
    """
    cut = f"replace(replace(substr({comment}, 3, length({comment}) - 5), '=''', {_BETWEEN}), ''',', {_BETWEEN})"
    return (
        f"CASE WHEN {comment} = '' THEN NULL"
        f" WHEN regexp_full_match({comment}, {literal(_AS_SPECIFIED)}) AND NOT contains({comment}, '%1')"
        f" THEN string_split({_decoded(cut)}, {_BETWEEN})"
        f" WHEN contains({comment}, '=''') THEN {_searched(comment, _QUOTED)}"
        f" ELSE {_searched(comment, _MARGINALIA)} END"
    )


def _searched(comment: str, pattern: str) -> str:
    found = [f"regexp_extract_all({comment}, {literal(pattern)}, {group})" for group in (1, 2)]
    value = _decoded("replace(p[2], '\\''', '''')")
    return f"flatten(list_transform(list_zip({', '.join(found)}), lambda p: [p[1], {value}]))"


def _decoded(text: str) -> str:
    """SQL: the expression ``text`` without percent escapes; as it is where they make no text."""
    return f"CASE WHEN contains({text}, '%') THEN coalesce(TRY(url_decode({text})), {text}) ELSE {text} END"
