"""EXPLAIN's output, in every form that people paste it, as Plans. Pure: text in, nouns out."""

from __future__ import annotations

import json

from advisor.errors import SourceError
from advisor.model.plan import Plan
from connectors.postgres.plan.build import build


def parse_plan(text: str, *, keep_values: bool = False) -> list[Plan]:
    """Read JSON for now."""
    try:
        return [build(document, keep_values=keep_values) for document in json.loads(text)]
    except ValueError as error:
        raise SourceError("This is no execution plan; paste the whole output of EXPLAIN.") from error
