"""README's tables of rules and tools come from the modules. ADVISOR_UPDATE=1 writes them anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from advisor.registry import with_attribute

README = Path(__file__).parents[2] / "README.md"


def rules() -> str:
    lines = ["| rule | databases | what it finds |", "|---|---|---|"]
    for name, module in with_attribute("advisor.rules", "RULE").items():
        lines.append(f"| `{name}` | {', '.join(module.RULE.databases)} | {module.RULE.title} |")
    return "\n".join(lines)


def tools() -> str:
    lines = ["| tool | what it writes |", "|---|---|"]
    for name, module in with_attribute("advisor.export", "TOOL").items():
        lines.append(f"| `{name}` | {(module.__doc__ or '').strip().splitlines()[0]} |")
    return "\n".join(lines)


@pytest.mark.parametrize(("block", "table"), [("rules", rules), ("tools", tools)])
def test_table_is_current(block: str, table) -> None:  # type: ignore[no-untyped-def]
    text = README.read_text(encoding="utf-8")
    current = re.sub(rf"(<!-- {block} -->\n).*?(<!-- /{block} -->)", rf"\g<1>{table()}\n\g<2>", text, flags=re.DOTALL)
    if os.environ.get("ADVISOR_UPDATE"):
        README.write_text(current, encoding="utf-8")
    assert text == current or os.environ.get("ADVISOR_UPDATE"), "run the tests with ADVISOR_UPDATE=1"
