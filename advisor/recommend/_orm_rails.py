"""Rails: includes (guide "Active Record Query Interface", section on eager loading)."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.model.recommendation import CodeChange
from advisor.recommend._relations import Fetch

TITLE = "Rails (Active Record)"


def change(fetches: Sequence[Fetch], parent: str) -> CodeChange | None:
    """The relation of ``parent`` before and after; names follow Rails' conventions, so they are guesses."""
    rows = [fetch for fetch in fetches if fetch.kind == "rows"]
    if not rows:
        return None
    variable = parent.lower()
    used = "; ".join(f"{variable}.{fetch.name.attribute}" for fetch in rows)
    return CodeChange(
        tool="rails",
        title=TITLE,
        before=f"{parent}.all.each {{ |{variable}| {used} }}",
        after=f"{parent}.includes({', '.join(_symbol(fetch) for fetch in rows)}).each {{ |{variable}| {used} }}",
        guard="strict_loading on the relation or the model",
        guessed=True,
        note="preload forces separate statements, eager_load forces a join; counts: counter_cache or group.count.",
        language="ruby",
    )


def _symbol(fetch: Fetch) -> str:
    below = [child for child in fetch.children if child.kind == "rows"]
    if not below:
        return f":{fetch.name.attribute}"
    inner = ", ".join(_symbol(child) for child in below)
    return f"{fetch.name.attribute}: {inner if len(below) == 1 else f'[{inner}]'}"
