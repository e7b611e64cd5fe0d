"""Google Cloud SQL: Cloud Logging's entries as JSON, one a line or one array (``gcloud logging read --format json``).

``textPayload`` is the stderr line, without the time where the instance leaves it to the entry.
"""

from __future__ import annotations

import re

from connectors.postgres.logs.envelope import json_lines, of_objects, one_line
from connectors.postgres.logs.format import Piece

_ENTRY = re.compile(rb'"textPayload":\s?"')


def _looks(head: bytes) -> float:
    return 0.9 if _ENTRY.search(head) and re.search(rb'"timestamp":\s?"', head) else 0.0


def _unwrap(piece: Piece) -> str:
    objects = json_lines(piece, {"textPayload": "VARCHAR", "timestamp": "VARCHAR"})
    zeros = "CASE WHEN contains(timestamp, '.') THEN '000' ELSE '.000' END"
    time = f"left(replace(replace(timestamp, 'T', ' '), 'Z', '') || {zeros}, 23)"
    return f"""
    SELECT CASE WHEN regexp_matches(t, '^\\d{{4}}-\\d\\d-\\d\\d ') THEN t ELSE {time} || ' UTC ' || t END AS l
    FROM (SELECT {one_line("textPayload")} AS t, timestamp FROM {objects} WHERE textPayload IS NOT NULL)"""


FORMAT = of_objects("cloudsql", _looks, _unwrap)
