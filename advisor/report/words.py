"""Figures as people read them. Nothing here knows the locale: the same report is the same bytes everywhere."""

from __future__ import annotations

from datetime import datetime

from advisor.model.impact import Estimate
from advisor.model.recommendation import Benefit, Method

KINDS = {
    "add_index": "Add index",
    "drop_index": "Drop index",
    "rebuild_index": "Rebuild index",
    "eager_load": "Load eagerly",
    "rewrite_query": "Rewrite query",
    "configure": "Configure",
}
"""A recommendation's kind, as a heading."""

_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")


def size(amount: float) -> str:
    """Bytes in units of 1024, as PostgreSQL counts them.

    >>> size(0), size(94371840), size(-1536)
    ('0 B', '90 MB', '-1.5 kB')
    """
    value, unit = abs(amount), 0
    while value >= 1024 and unit < len(_BYTE_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{'-' if amount < 0 else ''}{_rounded(value)} {_BYTE_UNITS[unit]}"


def duration(milliseconds: float) -> str:
    """A span of time in the unit that suits it.

    >>> duration(0.04), duration(34.6), duration(1_500), duration(90_000), duration(7.2e6)
    ('0.04 ms', '35 ms', '1.5 s', '1.5 min', '2 h')
    """
    for limit, factor, unit in ((1_000, 1, "ms"), (60_000, 1_000, "s"), (3_600_000, 60_000, "min")):
        if abs(milliseconds) < limit:
            return f"{_rounded(milliseconds / factor)} {unit}"
    if abs(milliseconds) < 172_800_000:
        return f"{_rounded(milliseconds / 3_600_000)} h"
    return f"{_rounded(milliseconds / 86_400_000)} days"


def count(number: float) -> str:
    """A whole number with thousands parted.

    >>> count(1234567)
    '1,234,567'
    """
    return f"{number:,.0f}"


def plural(number: float, one: str, many: str = "") -> str:
    """A count with its noun.

    >>> plural(1, "query", "queries"), plural(3, "table")
    ('1 query', '3 tables')
    """
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def percent(share: float) -> str:
    """A share of one as a percentage; what is neither none nor all is never shown as such.

    >>> percent(0.413), percent(0.0004), percent(0.9996), percent(1)
    ('41%', '<1%', '>99%', '100%')
    """
    if 0 < share < 0.01:
        return "<1%"
    if 0.99 < share < 1:
        return ">99%"
    return f"{share * 100:.0f}%"


def moment(when: datetime | None) -> str:
    """Date and minute, in the zone that it carries."""
    return f"{when:%Y-%m-%d %H:%M %Z}".strip() if when else "an unknown time"


def estimate(figure: Estimate) -> str:
    """A figure with its range: ``90 MB (86 MB to 104 MB)``.

    >>> estimate(Estimate(90.0, "s", 30.0, 150.0))
    '1.5 min (30 s to 2.5 min)'
    """
    shown = _in_unit(figure.value, figure.unit)
    if figure.low is None or figure.high is None:
        return shown
    low, high = _in_unit(figure.low, figure.unit), _in_unit(figure.high, figure.unit)
    return shown if low == high else f"{shown} ({low} to {high})"


def _in_unit(value: float, unit: str) -> str:
    base, slash, per = unit.partition("/")
    if base == "bytes":
        shown = size(value)
    elif base in ("s", "ms"):
        shown = duration(value * (1_000 if base == "s" else 1))
    else:
        shown = f"{_rounded(value)} {base}"
    return f"{shown} per {per}" if slash else shown


def cost_change(before: float, after: float) -> str:
    """How a planner's cost changes: a percentage, or a factor where that says more.

    >>> cost_change(1000, 3), cost_change(100, 60), cost_change(100, 120)
    ('333x less', '-40%', '+20%')
    """
    if after > 0 and before / after >= 10:
        return f"{_rounded(before / after)}x less"
    change = (after - before) / before * 100 if before else 0.0
    return f"{change:+.0f}%"


def sureness(benefit: Benefit) -> str:
    """How the benefit is known, in words."""
    by = f" by {benefit.planner}" if benefit.planner else ""
    return {
        Method.MEASURED: "measured on a real build" + (f", foretold{by}" if by else ""),
        Method.PLANNER: f"proven{by}" if by else "proven by the planner",
        Method.ESTIMATED: "estimated, not proven by a planner",
    }[benefit.method]


def one_line(text: str, limit: int = 0) -> str:
    """White space as single blanks, cut with an ellipsis at ``limit`` characters (0: never)."""
    flat = " ".join(text.split())
    return flat if not limit or len(flat) <= limit else flat[: limit - 1].rstrip() + "…"


def _rounded(value: float) -> str:
    if value == 0 or abs(value) >= 9.95:
        return f"{value:,.0f}"
    digits = 1 if abs(value) >= 1 else 2
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
