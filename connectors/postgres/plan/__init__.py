"""EXPLAIN's output, in every form that people paste it, as Plans. Pure: text in, nouns out.

Forms: JSON, YAML, XML and text, of PostgreSQL 13 to 18, with or without ANALYZE, BUFFERS, VERBOSE, SETTINGS; as psql,
pgAdmin, a log with auto_explain or a chat window leave them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from advisor.errors import SourceError
from advisor.model.plan import Plan
from connectors.postgres.plan import documents, text
from connectors.postgres.plan.build import build
from connectors.postgres.plan.paste import unwrapped

__all__ = ["build", "parse_plan"]

NO_PLAN = "This is no execution plan of PostgreSQL; paste the whole output of EXPLAIN (text, JSON, YAML or XML)."


def parse_plan(pasted: str, *, keep_values: bool = False) -> list[Plan]:
    """Read every plan in ``pasted``, in order; literals become ``$0`` unless ``keep_values``.

    Raises :class:`SourceError` with one sentence when there is none, or when one is cut off.
    """
    clean = unwrapped(pasted)
    try:
        return [build(document, keep_values=keep_values) for document in _documents(clean)]
    except RecursionError as error:
        raise SourceError("The plan is nested too deeply to be one of PostgreSQL's.") from error


def _documents(clean: str) -> Iterator[Mapping[str, Any]]:
    readers = {"json": documents.read_json, "xml": documents.read_xml, "yaml": documents.read_yaml, "text": text.read}
    form = _form(clean)
    found = list(readers[form](clean))
    if not found:
        raise SourceError(NO_PLAN)
    yield from found


def _form(clean: str) -> str:
    if "<Node-Type>" in clean:
        return "xml"
    if '"Node Type"' in clean and ("{" in clean or "[" in clean):
        return "json"
    if "Node Type:" in clean:
        return "yaml"
    return "text"
