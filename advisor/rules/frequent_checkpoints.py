"""Checkpoints that come because the WAL is full, not because it is time.

## What it finds

Checkpoints that follow one another much faster than checkpoint_timeout, by log_checkpoints.

## Why it matters

Each checkpoint writes all changed pages at once, and the first change of a page after it writes the whole page to the
WAL (full_page_writes): the more checkpoints, the more WAL, which brings the next one sooner (manual, "WAL
Configuration"). Writes slow down in waves.

## Example

    max_wal_size = 1GB, filled every 40 s by a nightly import

## Instead

Raise max_wal_size until checkpoints come by checkpoint_timeout (compare WAL written between two of them), with the disk
to hold it and the time that recovery after a crash may take in mind; checkpoint_completion_target = 0.9.

## When it is wrong

When the window holds one bulk load that will not come again, or when checkpoints were asked for by hand (backups).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from advisor.model.finding import Confidence, EvidenceValue, Finding, Rule, Severity
from advisor.ports import Study

RULE = Rule.of(__name__, "Checkpoints forced by WAL", ("postgresql",), ("events",))

DEFAULT_TIMEOUT_S = 300.0
"""PostgreSQL's default of checkpoint_timeout (manual, 20.5.2)."""
TOO_SOON = 0.5
"""A share of checkpoint_timeout: timed checkpoints start a whole one apart."""
WARNING_S = 30.0
"""checkpoint_warning's default: PostgreSQL itself complains below it (manual, 20.5.2)."""
ENOUGH = 4
"""Checkpoints below which a restart or a backup explains them."""

_TIME = re.compile(r"(\d+)\s*(ms|s|min|h|d)?\Z")
_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}


def find(study: Study) -> Iterator[Finding]:
    """Yield at most one finding."""
    settings = study.capture.server.settings
    seen = study.workload.checkpoints
    timeout = _seconds(settings.get("checkpoint_timeout", ""))
    if seen is None or seen.completed < ENOUGH or seen.every_s >= TOO_SOON * timeout:
        return
    told: dict[str, EvidenceValue] = {
        "checkpoints": seen.completed,
        "median time between two (s)": round(seen.every_s, 1),
        "checkpoint_timeout (s)": timeout,
        "buffers written": seen.buffers,
    }
    if limit := settings.get("max_wal_size"):
        told["max_wal_size"] = limit
    yield Finding(
        rule=RULE.name,
        severity=Severity.HIGH if seen.every_s < WARNING_S else Severity.MEDIUM,
        confidence=Confidence.MEDIUM,
        message=(
            f"Checkpoints come every {max(seen.every_s, 1):,.0f} s where checkpoint_timeout asks for {timeout:,.0f} s:"
            " max_wal_size is too small for what is written."
        ),
        count=seen.completed,
        evidence=told,
    )


def _seconds(setting: str) -> float:
    match = _TIME.match(setting.strip())
    return int(match.group(1)) * _UNITS[match.group(2)] if match else DEFAULT_TIMEOUT_S
