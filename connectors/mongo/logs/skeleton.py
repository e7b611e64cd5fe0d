"""A command's skeleton: equal for commands whose canonical texts are equal, made by regular expressions in DuckDB.

It is only a key to group by: one example of each group is then written canonically by :mod:`connectors.mongo.commands`.
It must therefore never be coarser than the canonical text; being finer costs only a little time. Steps that few
commands need stand behind a ``contains``, which is twenty times as cheap as a regular expression.
"""

from __future__ import annotations

from connectors.mongo.commands import MAX_SCANS_TO_EXPLODE

_STRING = r'"(?:[^"\\]|\\.)*"'
_RARE = "binary|timestamp|symbol|code|minKey|maxKey|undefined|numberInt|numberDouble|numberDecimal"


def _wrapped(types: str) -> str:
    """One BSON value in extended JSON."""
    return r'\{"\$(' + types + r')":(?:"[^"]*"|-?[\d.]+|true|\{[^{}]*\})\}'


_MARK = r"(?:S|N|-?[01]|true|false|null|@\w+)"
_NAMES = (
    "from|localField|foreignField|as|connectFromField|connectToField|coll|into|path|locale|key|newRoot|field|"
    "includeArrayIndex|distanceField|unit|db"
)

STEPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    # A pattern that begins with plain characters is searched for them: hence one step for each of the usual types.
    *((_wrapped(name), r"@\1", (f'{{"${name}"',)) for name in ("date", "oid", "uuid", "numberLong")),
    (_wrapped(_RARE), r"@\1", tuple(f'{{"${name}"' for name in _RARE.split("|"))),
    # Regular expressions: seekable or not, and their options.
    (r'"(\$regex|pattern)":"\^\w(?:[^"|\\]|\\\\[^|"])*"', r'"\1":A', ('"$regex', "$regularExpression")),
    (r'"(\$regex|pattern)":' + _STRING, r'"\1":R', ('"$regex', "$regularExpression")),
    (r'"(\$?options)":"([a-z]*)"', r'"\1":<\2>', ('options":',)),
    # Names and field paths.
    (r'^\{"(\w+)":"([^"\\]*)"', r'{"\1":<\2>', ()),
    (rf'"({_NAMES})":"([^"\\]*)"', r'"\1":<\2>', ('"pipeline":', '"collation":', '"key":')),
    (r'([:\[,])"(\$[^"\\]*)"', r"\1<\2>", (':"$', '["$')),
    # Values.
    (":" + _STRING, ":S", ()),
    (rf"([\[,]){_STRING}([\],])", r"\1S\2", ('["', ',"')),
    (rf"([\[,]){_STRING}([\],])", r"\1S\2", ('["', 'S,"')),
    (r":-?(?:[2-9]|\d[\d.])[\d.eE+-]*", ":N", ()),
    (r"([\[,])-?(?:[2-9]|\d[\d.])[\d.eE+-]*", r"\1N", ("[",)),
    (rf"([\[,]){_MARK}(?:,{_MARK}){{{MAX_SCANS_TO_EXPLODE},}}\]", r"\1*,*,*]", ("S,S,S,S,S", "N,N,N,N,N", "@")),
    (rf"\[{_MARK}(?:,{_MARK})+\]", "[*,*]", ("[",)),
)

SESSION = r',"(?:lsid|\$clusterTime|txnNumber)":(?:-?\d+|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})'
"""What drivers add to each command for the session; no application names a field so."""


def stripped(column: str) -> str:
    """The SQL expression of a command without its session's parts and its comment."""
    plain = f"regexp_replace({column}, '{_quoted(SESSION)}', '', 'g')"
    without = f"""replace({plain}, '"comment":"' || comment || '"', '')"""
    return f"CASE WHEN comment IS NULL THEN {plain} ELSE {without} END"


def layers(source: str, column: str) -> str:
    """A query over ``source`` whose ``column`` has become the skeleton, one projection a step, each row once."""
    for pattern, replacement, marks in STEPS:
        changed = f"regexp_replace({column}, '{_quoted(pattern)}', '{_quoted(replacement)}', 'g')"
        if marks:
            told = " OR ".join(f"contains({column}, '{_quoted(mark)}')" for mark in marks)
            changed = f"CASE WHEN {told} THEN {changed} ELSE {column} END"
        source = f"(SELECT * REPLACE ({changed} AS {column}) FROM {source})"
    return source


def _quoted(text: str) -> str:
    return text.replace("'", "''")
