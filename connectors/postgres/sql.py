"""The named statements of ``queries.sql``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

MARK = "query-advisor"
"""Stands in a comment inside every statement of ours, so that pg_stat_statements and logs can tell them apart."""

_BLOCK = re.compile(r"^-- name: (\w+)[^\n]*\n(.*?)(?=^-- name: |\Z)", re.DOTALL | re.MULTILINE)


@cache
def _blocks() -> dict[str, str]:
    text = Path(__file__).with_name("queries.sql").read_text(encoding="utf-8")
    return {name: body.strip().rstrip(";") for name, body in _BLOCK.findall(text)}


def query(name: str) -> str:
    """Return the statement called ``name`` with our mark in it. Raises ``KeyError`` for an unknown name."""
    return _blocks()[name].replace("SELECT", f"SELECT /* {MARK} */", 1)


def array(values: Iterable[object]) -> str:
    """Spell values as an array in PostgreSQL's input form.

    >>> print(array(["a", 'b"c', 7]))
    {"a","b\\"c","7"}
    """
    escaped = (str(value).replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in escaped) + "}"
