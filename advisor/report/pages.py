"""Jinja2 for the standalone report and for the web pages: the same macros, the same words, everything escaped."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path

from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

from advisor import __version__
from advisor.report import words
from advisor.report.overview import decision_line, gain, share_of_time
from advisor.report.plans import plan_rows, plan_text

TEMPLATES = Path(__file__).parent / "templates"
COLOURED = frozenset(
    {"k", "kd", "kn", "kc", "kr", "kt", "ow", "s", "s1", "s2", "sd"}
    | {"gi", "gd", "mi", "mf", "nv", "nb", "c", "c1", "cm"}
)
"""Pygments' short token names that style.css has a colour for."""
LONGEST_TEXT = 4_000
"""Characters of one statement on a page; a generated IN list must not fill it."""


def environment(*loaders: BaseLoader) -> Environment:
    """An environment whose templates come from ``loaders`` first, then from this package."""
    made = Environment(
        loader=ChoiceLoader([*loaders, PackageLoader("advisor.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in (
        "size",
        "duration",
        "count",
        "plural",
        "percent",
        "moment",
        "estimate",
        "sureness",
        "one_line",
    ):
        made.filters[name] = getattr(words, name)
    made.filters["code"] = code
    made.filters["prose"] = prose
    made.globals.update(
        KINDS=words.KINDS,
        advisor_version=__version__,
        cost_change=words.cost_change,
        decision_line=decision_line,
        gain=gain,
        plan_rows=plan_rows,
        plan_text=plan_text,
        share_of_time=share_of_time,
        sparkline=sparkline,
    )
    return made


def stylesheet() -> str:
    """The one style sheet of report and pages."""
    return (TEMPLATES / "style.css").read_text(encoding="utf-8")


def code(text: str, language: str = "sql") -> Markup:
    """``text`` highlighted, cut at :data:`LONGEST_TEXT` characters. Unknown languages stay plain."""
    shown = text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + " …"
    parts = []
    for kind, content in _lexer(language).get_tokens(shown):
        name = STANDARD_TYPES.get(kind, "")
        piece = escape(content, quote=False)
        # What the style sheet does not colour needs no element: it would double the page.
        parts.append(f'<span class="{name}">{piece}</span>' if name in COLOURED else piece)
    return Markup("".join(parts).rstrip("\n"))  # noqa: S704 - every piece was escaped


def prose(text: str) -> Markup:
    """Text with what stands between backticks as code."""
    parts = [escape(part, quote=False) for part in text.split("`")]
    if len(parts) % 2 == 0:  # a backtick without its partner
        parts[-2:] = ["`".join(parts[-2:])]
    marked = [f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts)]
    return Markup("".join(marked))  # noqa: S704 - every part was escaped


@cache
def _lexer(language: str) -> Lexer:
    known = {"sql": "postgres", "note": "text", "mongosh": "javascript"}
    try:
        found: Lexer = get_lexer_by_name(known.get(language, language), stripnl=False)
    except ClassNotFound:
        found = get_lexer_by_name("text")
    return found


def sparkline(values: Sequence[float], width: int = 240, height: int = 40) -> str:
    """The points of an SVG polyline that shows ``values`` from zero up; "" for fewer than three, which show nothing."""
    if len(values) < 3:
        return ""
    top = max(values) or 1.0
    step = width / (len(values) - 1)
    return " ".join(f"{i * step:.1f},{height - 2 - v / top * (height - 4):.1f}" for i, v in enumerate(values))
