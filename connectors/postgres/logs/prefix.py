"""``log_line_prefix`` as a pattern, given or found by looking (documentation, section 20.8.3, table 20.3).

Patterns are written for RE2 (DuckDB) and read the same in Python's ``re``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
_ZONE = r"(?P<zone>[A-Za-z]{1,6}|[+-]\d\d(?::?\d\d)?)"
_ESCAPES = {
    "a": ("application", ""),
    "u": ("user", ""),
    "d": ("database", ""),
    "r": ("remote", r"(?:\[local\]|\[unknown\]|[\w.:%/-]+(?:\(\d+\))?)?"),
    "h": ("remote", r"(?:\[local\]|\[unknown\]|[\w.:%/-]+)?"),
    "L": ("", r"[\w.:%/-]*"),
    "b": ("", ""),
    "p": ("pid", r"\d+"),
    "P": ("", r"\d*"),
    "t": ("stamp", rf"{_TIME}"),
    "m": ("stamp", rf"{_TIME}\.\d{{3}}"),
    "n": ("epoch", r"\d+(?:\.\d+)?"),
    "i": ("", ""),
    "e": ("code", r"[0-9A-Z]{5}"),
    "c": ("session", r"[0-9a-f]+\.[0-9a-f]+"),
    "l": ("line", r"\d+"),
    "s": ("", rf"{_TIME} [A-Za-z+\-0-9]{{1,6}}"),
    "v": ("", r"(?:-?\d+/\d+)?"),
    "x": ("", r"\d+"),
    "Q": ("query_id", r"-?\d+"),
}
SEVERITIES = "DEBUG[1-5]?|ERROR|FATAL|INFO|LOG|NOTICE|PANIC|WARNING"
SECONDARY = "BACKTRACE|CONTEXT|DETAIL|HINT|LOCATION|QUERY|STATEMENT"
FIELDS = (
    "stamp",
    "zone",
    "epoch",
    "user",
    "database",
    "application",
    "remote",
    "pid",
    "session",
    "line",
    "code",
    "query_id",
)

KNOWN = (
    "%m [%p] ",  # PostgreSQL's default
    "%m [%p] %q%u@%d ",  # Debian, Ubuntu
    "%t:%r:%u@%d:[%p]:",  # Amazon RDS, Aurora
    "%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:",  # Amazon RDS since 16
    "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",  # recommended by pgBadger
    "%t [%p]: user=%u,db=%d,app=%a,client=%h ",
    "%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
    "%m [%p]: [%l-1] db=%d,user=%u ",
    "%m [%p]: [%l-1] db=%d,user=%u,host=%h ",  # Google Cloud SQL
    "%m [%p]: [%l-1] user=%u,db=%d ",
    "%m [%p] user=%u,db=%d,app=%a,client=%h ",
    "%m [%p]: db=%d,user=%u,app=%a,client=%h ",
    "%m [%p] user=%u,db=%d ",
    "%m [%p] [queryid=%Q] %u@%d ",
    "%m [%p] %q[user=%u,db=%d,app=%a] ",
    "%m [%p] %q%u@%d/%a ",
    "%m [%p] %u@%d ",
    "%m [%p] %q%a %u@%d ",
    "%m [%c-%l] %q%u@%d %a %r ",
    "%m [%p-%l] %q%u@%d ",  # PostgreSQL on Red Hat, pgpool examples
    "%m-%c-%l-%u-%d-",
    "%t-%c-",  # Azure
    "%t-%c-%u-%d-",
    "%m %u %d [%p] ",
    "%m %p %u %d %r %c %l %a ",
    "%m %c %u %d %r ",
    "%t %u@%d [%p] ",
    "%m [%p] %e ",  # what is left of Heroku Postgres' lines
    "%m [%p]: ",
    "%m ",
    "[%p] ",
    "< %m >",  # Red Hat until 9.6
    "<%t>",
)


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prefix as patterns: ``strict`` ends a name at the next literal sign, ``loose`` takes names as they come.

    ``front`` matches its beginning, as far as it changes from line to line (time, line number), with at most four
    groups, which RE2 finds in one pass; ``fixed`` counts the signs in it outside of groups. ``rest`` matches what comes
    after, which many lines share.
    """

    text: str
    strict: str
    loose: str
    fields: tuple[str, ...]
    front: str = ""
    fixed: int = 0
    rest: str = ""


def compiled(prefix: str) -> Prefix:
    """The patterns of a ``log_line_prefix``, both up to and with ``LOG:  `` and the like."""
    found: list[str] = []
    tail = rf"(?P<severity>{SEVERITIES}|{SECONDARY}):  "
    strict = _pattern(prefix, found, strict=True)
    loose = _pattern(prefix, [], strict=False)
    front, rest = _split(prefix)
    pattern = _pattern(front, [], strict=True)
    return Prefix(
        prefix,
        f"^{strict}{tail}",
        f"^{loose}{tail}",
        tuple(found),
        f"^{pattern}" if front else "",
        len(re.sub("%.", "", front)) + len(re.findall("%[tm]", front)),  # a time and its zone have a blank between them
        f"^{_pattern(rest, [], strict=True)}{tail}",
    )


def _split(prefix: str) -> tuple[str, str]:
    """The ``front`` and the ``rest`` of a prefix, see :class:`Prefix`."""
    found = re.match(r"[^%]*%[tm](?:[^%]*(?:%p[^%]+)?%l)?|[^%]*%n(?:[^%]*(?:%p[^%]+)?%l)?", prefix)
    end = found.end() if found else 0
    return prefix[:end], prefix[end:]


def _pattern(prefix: str, found: list[str], strict: bool) -> str:
    pieces: list[str] = []
    optional = 0
    parts = re.findall(r"%-?\d*[a-zA-Z%]|[^%]+|%", prefix)
    for number, part in enumerate(parts):
        following = parts[number + 1] if number + 1 < len(parts) else " "
        if part == "%%":
            pieces.append("%")
        elif part.startswith("%") and part.endswith("q"):
            pieces.append("(?:")
            optional += 1
        elif part.startswith("%") and part[-1] in _ESCAPES:
            pieces.append(_escape(part, following, found, strict))
        else:
            pieces.append(re.escape(part))
    return "".join(pieces) + ")?" * optional


def _escape(part: str, following: str, found: list[str], strict: bool) -> str:
    name, pattern = _ESCAPES[part[-1]]
    if not pattern:
        end = following[0]
        pattern = f"[^{re.escape(end)}\\n]*" if strict and end != "%" else ".*?"
    if name and name not in found:
        found.append(name)
        pattern = f"(?P<{name}>{pattern})"
        if name == "stamp":
            found.append("zone")
            pattern += f" {_ZONE}"
    elif part[-1] in "tm":
        pattern += r" (?:[A-Za-z]{1,6}|[+-]\d\d(?::?\d\d)?)"
    return rf"\s*{pattern}\s*?" if any(sign.isdigit() for sign in part) else pattern


def inferred(head: str) -> Prefix | None:
    """The known prefix that most lines of ``head`` have, of equals the one that tells most; ``None`` when none fits."""
    lines = [line for line in head.split("\n")[:2000] if line and not line[0].isspace()]
    best: tuple[int, int, int] = (0, 0, 0)
    chosen: Prefix | None = None
    for order, text in enumerate(KNOWN):
        prefix = compiled(text)
        pattern = re.compile(prefix.strict)
        matches = sum(1 for line in lines if pattern.match(line))
        rank = (matches, len(prefix.fields), -order)
        if matches and rank > best:
            best, chosen = rank, prefix
    return chosen
