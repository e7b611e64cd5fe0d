"""Amazon CloudWatch's copies of RDS and Aurora logs as JSON: what ``aws logs get-log-events`` and ``filter-log-events``
print (``{"events": [{"message": …}]}``), and subscriptions (``{"logEvents": […]}``). A message is a stderr record.
"""

from __future__ import annotations

import re

from connectors.postgres.logs.envelope import json_lines, of_objects, one_line
from connectors.postgres.logs.format import Piece

_ENTRY = re.compile(rb'"(?:events|logEvents)"\s?:\s?\[')


def _looks(head: bytes) -> float:
    return 0.95 if _ENTRY.search(head) and re.search(rb'"message"\s?:\s?"', head) else 0.0


def _unwrap(piece: Piece) -> str:
    entries = "STRUCT(message VARCHAR)[]"
    objects = json_lines(piece, {"events": entries, "logEvents": entries})
    return f"""
    SELECT {one_line("e.message")} AS l
    FROM (SELECT unnest(coalesce(events, "logEvents")) AS e FROM {objects}) WHERE e.message IS NOT NULL"""


FORMAT = of_objects("cloudwatch", _looks, _unwrap)
