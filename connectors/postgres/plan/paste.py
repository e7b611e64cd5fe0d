"""Takes off what terminals, clients, chats and logs put around EXPLAIN's output."""

from __future__ import annotations

import re

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_RULE = re.compile(r"[-+|=\s─│┌┐└┘├┤┬┴┼═║╒╕╘╛╞╡]+\Z")
_FOOTER = re.compile(r"\(\d+ rows?\)\Z|Time: [\d.,]+ ms\b.*\Z")
_LOGGED = re.compile(r".*duration: (?P<ms>[\d.]+) ms\s+plan:\s*")
_FENCE = re.compile(r"```\w*\Z")


def unwrapped(pasted: str) -> str:
    """Return the bare output of EXPLAIN, its indentation kept.

    Known wrappings: byte order marks, colours, psql's borders, headings, ``+`` continuations and footers, a client's
    quotes round each line, mail's ``>``, Markdown's fences, and the line prefix of auto_explain.
    """
    text = _ANSI.sub("", pasted.lstrip("\ufeff")).replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ")
    lines = [line.expandtabs(8).rstrip() for line in text.split("\n")]
    lines = _unquoted(_without_prefix(lines, ">"))
    lines = [line for line in map(_without_border, lines) if not _decoration(line)]
    return "\n".join(_continued([_LOGGED.sub("", line) if "plan:" in line else line for line in lines]))


def _without_prefix(lines: list[str], prefix: str) -> list[str]:
    filled = [line for line in lines if line]
    if filled and all(line.startswith(prefix) for line in filled):
        return [line[1:].removeprefix(" ") if line else line for line in lines]
    return lines


def _unquoted(lines: list[str]) -> list[str]:
    """Clients that copy cells as CSV put quotes round each line and double those inside."""
    filled = [line for line in lines if line.strip()]
    if sum(map(_quoted, filled)) < max(1, len(filled) - 1):
        return lines
    return [line.strip()[1:-1].replace('""', '"') if _quoted(line) else line for line in lines]


def _quoted(line: str) -> bool:
    line = line.strip()
    return len(line) > 1 and line[0] == line[-1] == '"'


def _without_border(line: str) -> str:
    stripped = line.strip()
    if len(stripped) > 1 and stripped[0] in "|│║" and stripped[-1] in "|│║":
        return stripped[1:-1].removeprefix(" ").rstrip()
    return line


def _decoration(line: str) -> bool:
    stripped = line.strip()
    if not stripped:
        return False
    heading = stripped.strip("|│ ").upper() in ("QUERY PLAN", '"QUERY PLAN"')
    # A JSON, YAML or text plan has no line of dashes and bars alone; a lone "-" opens a YAML item.
    rule = len(stripped) > 1 and _RULE.match(stripped) is not None and not stripped.startswith("->")
    return heading or rule or bool(_FOOTER.match(stripped) or _FENCE.match(stripped))


def _continued(lines: list[str]) -> list[str]:
    """psql ends each line of a cell but the last with ``+``."""
    filled = [line for line in lines if line.strip()]
    if sum(line.endswith("+") for line in filled) * 2 <= len(filled):
        return lines
    return [line[:-1].rstrip() if line.endswith("+") else line for line in lines]
