"""The statement as the planner should see it."""

from __future__ import annotations

import math
import re

from advisor.model.workload import Query

PAGE_ROWS = 20
"""Rows assumed under a LIMIT parameter when the number of rows returned was not observed: a page of a list."""

_VALUE_TAKEN = re.compile(r"\$0(?!\d)")
_LIMIT = re.compile(r"\bLIMIT \$(\d+)(?: OFFSET \$(\d+))?(?= FOR \w[\w ]*$|$)", re.IGNORECASE)


def text_to_price(query: Query) -> str:
    """The statement with its values where the capture kept them, else its canonical text.

    In the canonical text the observed number of rows stands in for a LIMIT parameter, which the planner would take
    for a tenth of the result (``limit_tuples`` unknown, ``preprocess_limit``), and an OFFSET parameter goes.
    """
    sample = query.shape.sample
    if sample and not _VALUE_TAKEN.search(sample):
        return sample
    text = query.shape.text.rstrip("; \n")
    match = _LIMIT.search(text)
    if match is None:
        return text
    replaced = sorted(int(number) for number in match.groups() if number)
    if replaced[-1] != query.shape.parameters or replaced[0] != replaced[-1] - len(replaced) + 1:
        return text  # a gap among the parameters would leave one without a type
    rows = query.stats.rows
    fetched = math.ceil(rows / query.stats.calls) if rows and query.stats.calls else PAGE_ROWS
    return f"{text[: match.start()]}LIMIT {max(fetched, 1)}{text[match.end() :]}"
