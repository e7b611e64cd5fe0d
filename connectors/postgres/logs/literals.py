"""Statement text without its values, as DuckDB SQL: the textual level of normalisation, for millions of events.

Every literal becomes ``$0``, which PostgreSQL never writes itself; parameters ``$1``, ``$2``, … stay. A list of
literals keeps one element or two, since one against many tells a lazy load from a batched one; further rows of a
VALUES list go. What falls together only by grammar (casts, whitespace, aliases) is left to ``advisor.shape``.

Most texts take the fast path, one RE2 pass without captures (:func:`skeleton`); whether it read a text rightly shows
in what it leaves, of which there are few. Texts that need a lexer (escapes, comments, dollar quotes, quoted
identifiers with blanks) take the exact path: they are cut into tokens, and tokens are replaced.
Lexical rules: PostgreSQL documentation, section 4.1.
"""

from __future__ import annotations

_NUMBER = r"\d(?:[eE][+-]|[\w.])*"
_STRING = r"(?:\b[eEbBxXnN]|\b[uU]&)?'(?:[^']|'')*'"
_FAST = rf"{_STRING}|(?:\B\.)?\b{_NUMBER}"
_WITH_PARAMETERS = rf"(\$\d+)|{_FAST}"
_MODIFIED = (  # modifiers belong to the type: numeric(10, 2) is no value
    r"(?i:\b(?:numeric|decimal|dec|varchar|varying|char|character|bpchar|bit|varbit|float|timestamp|timestamptz|time"
    r"|timetz|interval)\s?\(\s?{0}(?:\s?,\s?{0})?\s?\))"
)
_TYPE = _MODIFIED.format(r"\d+")
_TOKEN = (
    r"(?s)--[^\n]*|/\*(?:[^*]|\*+[^*/])*\*+/"  # comments (a nested one ends at the first end; rare in practice)
    r'|(?:[uU]&)?"(?:[^"]|"")*"'
    r"|[eE]'(?:[^'\\]|\\.|'')*(?:'|\\?$)|(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*'"
    r"|\$\$.*?\$\$"
    rf"|{_TYPE}"
    r"|[A-Za-z_\x{80}-\x{10FFFF}][\w$\x{80}-\x{10FFFF}]*"
    rf"|\$\d+|\.?{_NUMBER}|\s+"
    r"|'.*|\$\$.*|/\*.*|."  # what a cut-off statement leaves open is a value, or a comment, to its end
)
_PLAIN = r"[^\"'\\$/\-]"
_SIMPLE = (  # all of a text that one pass of _FAST reads rightly; what does not match is read by tokens
    rf"(?s)(?:{_PLAIN}+|\"[A-Za-z_][\w.$]*\"|'[^'\\]*'|\$\d|/\s|-{_PLAIN})*"
)
_READ_RIGHTLY = r"(?s)(?:[^\"'$/\\\-]+|\"[A-Za-z_][\w.]*\"|/?\$0|/[^*\"'$/\\\-]|-\$0|-[^\"'$/\\\-])*"
_TYPED = ("::", "CAST", "cast", "CREATE", "create", "ALTER", "alter")
_WORD_AND_DIGIT = r"[\x{80}-\x{10FFFF}]\d"  # RE2's \b knows ASCII words only
_DOLLAR_TAG = r"\$[A-Za-z_]\w*\$"
_NEGATIVE = r"([=<>(,+*/%] ?|(?i:\b(?:AND|OR|BETWEEN|THEN|ELSE|SELECT|RETURNING|OFFSET)\s))-\s?\$0"
_LIST = r"(?i)(\bIN\s*\(|\bARRAY\s*\[)\s*(\$0(?:::[\w ]+)?)(?:\s*,\s*\$0(?:::[\w ]+)?)+\s*([\])])"
_ROW = r"\((?:\$0|NULL|DEFAULT|TRUE|FALSE|::\w+|[\s,])*\)"
_ROWS = rf"(?i)(\bVALUES\s*{_ROW})(?:\s*,\s*{_ROW})+"


def literal(text: str) -> str:
    """``text`` as a string literal of DuckDB's SQL."""
    return "'" + text.replace("'", "''") + "'"


def is_hard(text: str) -> str:
    """The SQL condition under which the expression ``text`` needs the exact path.

    CASE rather than OR: DuckDB evaluates both sides of an OR for every row.
    """
    typed = " OR ".join(f"contains({text}, '{word}')" for word in _TYPED)
    return (
        f"CASE WHEN NOT regexp_full_match({text}, {literal(_SIMPLE)}) THEN true"
        f" WHEN strlen({text}) <> length({text}) AND regexp_matches({text}, {literal(_WORD_AND_DIGIT)}) THEN true"
        f" WHEN {typed} THEN regexp_matches({text}, {literal(_TYPE)}) ELSE false END"
    )


def skeleton(text: str) -> str:
    """SQL: the expression ``text`` (comments gone already) after the fast path. NULL when a sign tells that it is too
    simple for it: a dollar (parameters, dollar quotes), or a backslash beside an escape string."""
    escaped = f"contains({text}, '\\') AND (contains({text}, 'E''') OR contains({text}, 'e'''))"
    return (
        f"CASE WHEN contains({text}, '$') THEN NULL WHEN {escaped} THEN NULL"
        f" ELSE regexp_replace({text}, {literal(_FAST)}, '$0', 'g') END"
    )


def is_doubtful(skeleton: str) -> str:
    """The SQL condition under which the fast path may have misread the text that left ``skeleton``.

    Misreading begins at a quoted name, at a comment, at an open quote, or at a letter that is none for RE2, and what is
    before it was read rightly: its sign is there still.
    """
    seen = _WORD_AND_DIGIT.replace(r"\d", r"\$0") + "|" + _MODIFIED.format(r"\$0")
    return (
        f"CASE WHEN NOT regexp_full_match({skeleton}, {literal(_READ_RIGHTLY)}) THEN true"
        f" ELSE regexp_matches({skeleton}, {literal(seen)}) END"
    )


def tokens(text: str) -> str:
    """SQL: the list of tokens of the expression ``text``, dollar quotes with a tag taken for plain ones."""
    tag = f"regexp_extract({text}, {literal(_DOLLAR_TAG)})"
    plain = f"CASE WHEN {tag} = '' THEN {text} ELSE replace({text}, {tag}, '$$') END"
    return f"regexp_extract_all({plain}, {literal(_TOKEN)})"


def without_comments(text: str) -> str:
    """SQL: the expression ``text`` without comments, exactly."""
    return (
        f"array_to_string(list_filter({tokens(text)}, lambda t: NOT starts_with(t, '--')"
        " AND NOT starts_with(t, '/*')), '')"
    )


def comments(text: str) -> str:
    """SQL: every block comment of the expression ``text``, joined."""
    return f"array_to_string(list_filter({tokens(text)}, lambda t: starts_with(t, '/*')), ',')"


def without_values(text: str) -> str:
    """SQL: the expression ``text`` (comments gone already) with its literals replaced and its lists cut."""
    exact = (
        f"array_to_string(list_transform({tokens(text)}, lambda t: CASE"
        " WHEN regexp_matches(t, '^(?:\\.?\\d|[eEbBxXnN]?''|[uU]&''|\\$\\$)') THEN '$0' ELSE t END), '')"
    )
    return (
        f"CASE WHEN {is_hard(text)} THEN {exact}"
        f" WHEN contains({text}, '$') THEN"
        f" regexp_replace(regexp_replace({text}, {literal(_WITH_PARAMETERS)}, '\\1$0', 'g'),"
        r" '(\$\d+)\$0', '\1', 'g')"
        f" ELSE regexp_replace({text}, {literal(_FAST)}, '$0', 'g') END"
    )


def folded(text: str) -> str:
    """SQL: signs, lists and VALUES rows of replaced literals in the column ``text`` folded together."""
    signs = (
        f"CASE WHEN contains({text}, '-$0') OR contains({text}, '- $0')"
        f" THEN regexp_replace({text}, {literal(_NEGATIVE)}, '\\1$0', 'g') ELSE {text} END"
    )
    lists = f"regexp_replace({signs}, {literal(_LIST)}, '\\1\\2, \\2\\3', 'g')"
    rows = f"contains({text}, '$0),') OR contains({text}, '),(') OR contains({text}, '), (')"
    many = (
        f"contains({text}, ',$0') OR contains({text}, ', $0') OR contains({text}, '$0::') OR contains({text}, '$0 ,')"
    )
    return (
        f"CASE WHEN {rows} THEN regexp_replace({lists}, {literal(_ROWS)}, '\\1', 'g')"
        f" WHEN {many} THEN {lists} ELSE {signs} END"
    )
