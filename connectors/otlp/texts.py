"""A span's statement without its values: placeholders of every driver as ``$n``, literals as ``$0``."""

from __future__ import annotations

import re

_PARTS = re.compile(
    r"""
    (?P<comment>--[^\n]*|/\*.*?\*/)
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<string>[eE]?'(?:[^'\\]|\\.|'')*'|\$(?P<tag>[A-Za-z_]*)\$.*?\$(?P=tag)\$)
  | (?P<parameter>\$\d+)
  | (?P<placeholder>%\(\w+\)s|%s|(?<![\w?@-])\?(?![|&?\w]))
  | (?P<number>(?<![\w$.])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?!\w))
    """,
    re.VERBOSE | re.DOTALL,
)


def without_values(text: str) -> str:
    """The statement with nothing in it that a user typed.

    >>> without_values("SELECT a FROM t WHERE b = 'x' AND c = %s AND d = 3 -- note")
    'SELECT a FROM t WHERE b = $0 AND c = $1 AND d = $0'
    """
    names: dict[str, int] = {}

    def replaced(match: re.Match[str]) -> str:
        kind = match.lastgroup
        if kind == "tag" or match["string"] is not None or match["number"] is not None:
            return "$0"
        if match["comment"] is not None:
            return ""
        if match["placeholder"] is not None:
            found = match["placeholder"]
            key = found if found.startswith("%(") else f"{found}{len(names)}"
            return f"${names.setdefault(key, len(names) + 1)}"
        return match.group()

    return " ".join(_PARTS.sub(replaced, text).split())
