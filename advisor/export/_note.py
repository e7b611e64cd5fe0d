"""What no migration tool runs, as a note in Markdown: changes of code, of settings, and what a tool refused."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from advisor.model.recommendation import CodeChange, EagerLoad, MigrationStub, Recommendation, RewriteQuery


def note(recommendation: Recommendation, tool: str, refusal: str = "") -> MigrationStub:
    """The recommendation as ``notes/<slug>.md``; ``refusal`` says why ``tool`` did not take it."""
    path = f"notes/{recommendation.slug}.md"
    text = "\n".join(_lines(recommendation, refusal)) + "\n"
    return MigrationStub(tool, recommendation.id, ((path, text),), "Apply it by hand; no migration tool runs it.")


def _lines(recommendation: Recommendation, refusal: str) -> Iterator[str]:
    yield f"# {recommendation.title}\n"
    if refusal:
        yield f"{refusal}\n"
    yield f"{recommendation.problem}\n"
    yield f"{recommendation.solution}\n"
    if recommendation.location:
        yield f"Where: `{recommendation.location}`\n"
    changes: tuple[CodeChange, ...] = ()
    match recommendation.action:
        case EagerLoad(changes=changes):
            pass
        case RewriteQuery(before=before, after=after, changes=changes):
            if not changes:
                yield from _diff(before, after)
        case _:
            yield from _fenced(recommendation.statement, _language(recommendation.statement))
    for change in changes:
        yield f"## {change.title}\n"
        yield from _diff(change.before, change.after)
        if change.guard:
            yield "So that it does not come back:\n"
            yield from _fenced(change.guard, change.language)
        if change.guessed:
            yield "Names were guessed from the schema; take your models' own.\n"
        if change.note:
            yield f"{change.note}\n"
    yield f"Cost: {recommendation.migration_impact.summary}\n"
    if recommendation.migration_impact.rollback:
        yield "Undo:\n"
        rollback = "\n".join(recommendation.migration_impact.rollback)
        yield from _fenced(rollback, _language(rollback))


def _language(statement: str) -> str:
    return "js" if statement.startswith("db.") else "sql"


def _diff(before: str, after: str) -> Iterator[str]:
    old, new = before.splitlines(), after.splitlines()
    compared = list(difflib.unified_diff(old, new, lineterm="", n=len(old) + len(new)))
    yield from _fenced("\n".join(compared[3:] or old), "diff")


def _fenced(text: str, language: str) -> Iterator[str]:
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}{language}\n{text}\n{fence}\n"
