"""Prisma: include (reference of Prisma Client, "include" and relation queries)."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.model.recommendation import CodeChange
from advisor.recommend._relations import Fetch

TITLE = "Prisma"


def change(fetches: Sequence[Fetch], parent: str) -> CodeChange | None:
    """``findMany`` of ``parent`` before and after; relation fields' names are guesses."""
    if any(fetch.kind in ("first", "columns") for fetch in fetches):
        return None
    model = parent[:1].lower() + parent[1:]
    calls = "\n".join(f"  await prisma.{_model(fetch)}.{_call(fetch)};" for fetch in fetches)
    return CodeChange(
        tool="prisma",
        title=TITLE,
        before=f"const rows = await prisma.{model}.findMany();\nfor (const row of rows) {{\n{calls}\n}}",
        after=f"const rows = await prisma.{model}.findMany({{ include: {{ {_include(fetches)} }} }});",
        guessed=True,
        note="findUnique calls of one tick are batched by Prisma itself; findMany and awaited loops are not.",
        language="typescript",
    )


def _model(fetch: Fetch) -> str:
    return fetch.name.target[:1].lower() + fetch.name.target[1:]


def _call(fetch: Fetch) -> str:
    if fetch.kind == "count":
        return "count({ where: { … } })"
    return "findMany({ where: { … } })" if fetch.to_many else "findFirst({ where: { … } })"


def _include(fetches: Sequence[Fetch]) -> str:
    parts = []
    for fetch in fetches:
        if fetch.kind == "count":
            parts.append(f"_count: {{ select: {{ {fetch.name.attribute}: true }} }}")
        elif fetch.children:
            parts.append(f"{fetch.name.attribute}: {{ include: {{ {_include(fetch.children)} }} }}")
        else:
            parts.append(f"{fetch.name.attribute}: true")
    return ", ".join(parts)
