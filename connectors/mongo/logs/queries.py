"""The queries beside this module."""

from __future__ import annotations

from importlib.resources import files


def query(name: str, **parts: str) -> str:
    """The text of ``NAME.sql``, its marks in braces replaced by ``parts``."""
    text = files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
    for mark, part in parts.items():
        text = text.replace("{" + mark + "}", part)
    return text
