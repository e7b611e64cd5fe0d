"""A command's skeleton: equal for commands whose canonical texts are equal, made by regular expressions in DuckDB.

It is only a key to group by: one example of each group is then written canonically by :mod:`connectors.mongo.commands`.
It must therefore never be coarser than the canonical text; being finer costs only a little time. Steps that few
commands need stand behind a ``contains``, which is ten times as cheap as a regular expression where it looks for a rare
first character (``$``, a letter) and not for a quote or a colon.
"""

from __future__ import annotations

from connectors.mongo.commands import MAX_SCANS_TO_EXPLODE

_STRING = r'"(?:[^"\\]|\\.)*"'
_TYPES = (
    "date|oid|uuid|numberLong|binary|timestamp|symbol|code|minKey|maxKey|undefined|numberInt|numberDouble|numberDecimal"
)
_WRAPPED = r'\{"\$(?:' + _TYPES + r')":(?:S|N|-?[01]|true|\{[^{}]*\})\}'
"""One BSON value in extended JSON, after what it holds has become a mark."""
_ALIKE = ("S", "N", _WRAPPED)
"""Marks that may be several in a list; of different ones the order would count."""
_NAMES = (
    "from|localField|foreignField|as|connectFromField|connectToField|coll|into|path|locale|key|newRoot|field|"
    r"includeArrayIndex|distanceField|unit|db|\$type"
)
Replacement = tuple[str, str]

STEPS: tuple[tuple[tuple[str, ...], tuple[Replacement, ...]], ...] = (
    # Regular expressions: seekable or not, and their options.
    (
        ("$regex", "$regularExpression"),
        (
            (r'"(\$regex|pattern)":"(\^[^\x00-\x7F][^"\\]*)"', r'"\1":<\2>'),
            (r'"(\$regex|pattern)":"\^\w(?:[^"|\\]|\\[bfnrt/]|\\\\[^|"])*"', r'"\1":A'),
            (r'"(\$regex|pattern)":' + _STRING, r'"\1":R'),
            (r'"(\$?options)":"([a-z]*)"', r'"\1":<\2>'),
        ),
    ),
    # Names and field paths; the collection's own stands in the namespace.
    (
        ('pipeline":', 'collation":', 'distinct":', '$type":'),
        ((rf'"({_NAMES})":"([^"\\]*)"', r'"\1":<\2>'), (r'"\$type":(\d+)', r'"$type":<\1>')),
    ),
    (("$",), ((r'([:\[,])"(\$[^"\\]*)"', r"\1<\2>"),)),
    # Values; an array's neighbours share a comma, hence twice.
    ((), ((":" + _STRING, ":S"),)),
    ((), ((r":-?(?:[2-9]|\d[\d.])[\d.eE+-]*", ":N"),)),
    (
        ("[",),
        (
            (rf"([\[,]){_STRING}([\],])", r"\1S\2"),
            (rf"([\[,]){_STRING}([\],])", r"\1S\2"),
            (r"([\[,])-?(?:[2-9]|\d[\d.])[\d.eE+-]*", r"\1N"),
            *((rf"\[({mark})(?:,{mark}){{{MAX_SCANS_TO_EXPLODE},}}\]", r"[\1,*,*]") for mark in _ALIKE),
            *((rf"\[({mark})(?:,{mark})+\]", r"[\1,*]") for mark in _ALIKE),
        ),
    ),
)
"""Each step: what a command holds that needs it (nothing: each does), and what it replaces, one after the other."""


def layers(source: str, column: str) -> str:
    """A query over ``source`` whose ``column`` has become the skeleton, one projection a step, each row once."""
    for marks, replacements in STEPS:
        changed = column
        for pattern, replacement in replacements:
            changed = f"regexp_replace({changed}, '{_quoted(pattern)}', '{_quoted(replacement)}', 'g')"
        if marks:
            told = " OR ".join(f"contains({column}, '{_quoted(mark)}')" for mark in marks)
            changed = f"CASE WHEN {told} THEN {changed} ELSE {column} END"
        source = f"(SELECT * REPLACE ({changed} AS {column}) FROM {source})"
    return source


def _quoted(text: str) -> str:
    return text.replace("'", "''")
