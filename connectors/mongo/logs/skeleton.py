"""A command's skeleton: equal for commands whose canonical texts are equal, made by regular expressions in DuckDB.

It is only a key to group by: one example of each group is then written canonically by :mod:`connectors.mongo.commands`.
It must therefore never be coarser than the canonical text; being finer costs only a little time.
"""

from __future__ import annotations

from connectors.mongo.commands import MAX_SCANS_TO_EXPLODE

_STRING = r'"(?:[^"\\]|\\.)*"'
_TYPES = (
    "oid|date|numberLong|numberInt|numberDouble|numberDecimal|uuid|binary|timestamp|symbol|code|minKey|maxKey|undefined"
)
_WRAPPED = r'\{"\$(' + _TYPES + ')":'
_MARK = r"(?:S|N|-?[01]|true|false|null|@\w+)"
_NAMES = (
    "from|localField|foreignField|as|connectFromField|connectToField|coll|into|path|locale|key|newRoot|field|"
    "includeArrayIndex|distanceField|unit|db"
)

STEPS: tuple[tuple[str, str], ...] = (
    # One BSON value in extended JSON.
    (_WRAPPED + r'(?:"[^"]*"|-?[\d.]+|true|\{[^{}]*\})\}', r"@\1"),
    # Regular expressions: seekable or not, and their options.
    (r'"(\$regex|pattern)":"\^\w(?:[^"|\\]|\\\\[^|"])*"', r'"\1":A'),
    (r'"(\$regex|pattern)":' + _STRING, r'"\1":R'),
    (r'"(\$?options)":"([a-z]*)"', r'"\1":<\2>'),
    # Names and field paths.
    (rf'"({_NAMES})":"([^"\\]*)"', r'"\1":<\2>'),
    (r'([:\[,])"(\$[^"\\]*)"', r"\1<\2>"),
    # Values.
    (":" + _STRING, ":S"),
    (rf"([\[,]){_STRING}([\],])", r"\1S\2"),
    (rf"([\[,]){_STRING}([\],])", r"\1S\2"),
    (r"([:\[,])-?(?:[2-9]|\d\d+|\d+\.\d+)(?:[\d.eE+-]*)", r"\1N"),
    (rf"([\[,]){_MARK}(?:,{_MARK}){{{MAX_SCANS_TO_EXPLODE},}}\]", r"\1*,*,*]"),
    (rf"\[{_MARK}(?:,{_MARK})+\]", "[*,*]"),
)


def skeleton(column: str) -> str:
    """The SQL expression that makes the skeleton of a text column."""
    for pattern, replacement in STEPS:
        column = f"regexp_replace({column}, '{_quoted(pattern)}', '{_quoted(replacement)}', 'g')"
    return column


def _quoted(text: str) -> str:
    return text.replace("'", "''")
