"""Migration stubs: one file here is one migration tool.

A tool's module has ``TOOL`` and ``export(change, migration, options) -> MigrationStub``; it may raise
:class:`~advisor.errors.ExportError` for what it cannot express, which then becomes a note with the plain statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePath

from advisor.errors import ExportError
from advisor.export._change import ExportOptions, IndexChange, Migration, Tool, revision_of
from advisor.export._note import note
from advisor.model.recommendation import MigrationStub, Recommendation
from advisor.registry import with_attribute

__all__ = ["ExportOptions", "IndexChange", "Migration", "Tool", "stubs", "tools"]


def tools(product: str = "postgresql") -> tuple[Tool, ...]:
    """The migration tools that speak to ``product``, by name."""
    found = [module.TOOL for module in with_attribute("advisor.export", "TOOL").values()]
    return tuple(tool for tool in found if product in tool.databases)


def stubs(
    recommendations: Sequence[Recommendation],
    tool: str,
    *,
    at: datetime | None = None,
    options: ExportOptions | None = None,
) -> list[MigrationStub]:
    """Write each recommendation as files of ``tool``, in the given order, one migration an index.

    ``at`` dates the migrations (the first exactly, each following one a minute later, or more where one has over
    sixty files), so that the same report gives the same files. What is no index (code, settings) becomes a note in
    Markdown. Raises :class:`~advisor.errors.ExportError` for an unknown tool.
    """
    module = with_attribute("advisor.export", "TOOL").get(tool)
    if module is None:
        raise ExportError(f"There is no migration tool {tool!r}; choose one of {', '.join(_names())}.")
    options = options or ExportOptions()
    written, previous = [], options.down_revision
    follows = previous
    moment = (at or datetime(2000, 1, 1, tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
    for recommendation in recommendations:
        change = IndexChange.of(recommendation)
        migration = Migration(moment, recommendation.slug, revision_of(recommendation.id), previous, follows)
        if change is None:
            stub = note(recommendation, tool)
        else:
            try:
                stub = module.export(change, migration, options)
                previous, follows = migration.revision, PurePath(stub.files[0][0]).stem
            except ExportError as refusal:
                stub = note(recommendation, tool, str(refusal))
        written.append(replace(stub, recommendation=recommendation.id))
        moment += timedelta(seconds=max(60, len(stub.files)))
    return written


def _names() -> list[str]:
    return list(with_attribute("advisor.export", "TOOL"))
