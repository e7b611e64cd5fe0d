"""The report as one HTML file: nothing is fetched, nothing needs JavaScript, it prints, and it carries its own JSON."""

from __future__ import annotations

import base64
import hashlib
import json

from markupsafe import Markup

from advisor.model.report import Report
from advisor.report.json import contract
from advisor.report.overview import overview
from advisor.report.pages import environment, stylesheet

MEDIA_TYPE = "text/html"
MAX_QUERIES = 200
"""Queries shown with text and plan, most total time first; the JSON has them all while it stays small."""
MAX_PLANS = 60
"""Plans drawn for queries (those of recommendations are always drawn): a plan takes about 4 kB of the 2 MB."""
MAX_DETAILED = 40
"""Remedies shown with causes, plans and the whole impact note (about 12 kB each); the rest with statement and cost."""
MAX_EMBEDDED = 700_000
"""Bytes of JSON that are embedded; above it the file names report.json instead."""


def render(report: Report) -> str:
    """A self-contained page, under 2 MB for 200 queries."""
    style = stylesheet()
    embedded = json.dumps(contract(report), sort_keys=True, ensure_ascii=False, allow_nan=False)
    # In a script element only "<" could end the data; JSON may spell it otherwise.
    data = embedded.replace("<", "\\u003c") if len(embedded.encode()) <= MAX_EMBEDDED else ""
    page = (
        environment()
        .get_template("report.html")
        .render(
            report=report,
            summary=overview(report),
            style=Markup(style),  # noqa: S704 - our own file
            style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
            data=Markup(data),  # noqa: S704 - escaped above
            queries=report.workload.queries[:MAX_QUERIES],
            max_plans=MAX_PLANS,
            max_detailed=MAX_DETAILED,
        )
    )
    return page + "\n"
