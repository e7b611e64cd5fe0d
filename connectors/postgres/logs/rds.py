"""Amazon RDS and Aurora: stderr under the prefix that the service fixes (``%t:%r:%u@%d:[%p]:``; longer since 16)."""

from __future__ import annotations

import re

from connectors.postgres.logs import stderr
from connectors.postgres.logs.format import Format

_LINE = re.compile(
    rb"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{3})? \w+:[^@\n]{0,200}@[^:\n]{0,70}:\[\d+\]:", re.MULTILINE
)


def _looks(head: bytes) -> float:
    return 0.8 if _LINE.search(head) else 0.0


FORMAT = Format(
    name="rds",
    looks=_looks,
    border=stderr.border,
    prepare=stderr.prepare,
    setup=stderr.setup,
    settle=stderr.settle,
    relation=stderr.relation,
    plain=stderr.FORMAT.plain,
)
