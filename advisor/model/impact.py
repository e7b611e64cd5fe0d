"""What applying a recommendation costs: locks, size, time, writes. Never bare "impact"."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Provenance(StrEnum):
    """Where a number comes from."""

    MEASURED = "measured"
    ESTIMATED = "estimated"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its range and provenance. ``unit``: "bytes", "s", "ms", "bytes/insert", "bytes/day", …"""

    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    provenance: Provenance = Provenance.ESTIMATED
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that one statement takes: its mode, on what, whom it blocks, and for how long."""

    statement: str
    mode: str
    target: str
    blocks: str
    duration: str


@dataclass(frozen=True, slots=True)
class MigrationImpact:
    """The note a DBA wants before approving; fields in reading order."""

    summary: str
    locks: tuple[Lock, ...] = ()
    waits_for: tuple[str, ...] = ()
    preflight: tuple[str, ...] = ()
    size: Estimate | None = None
    build_time: Estimate | None = None
    wal: Estimate | None = None
    temporary_disk: Estimate | None = None
    write_cost: tuple[tuple[str, Estimate], ...] = ()
    overlaps: tuple[str, ...] = ()
    statistics_trust: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    rollback: tuple[str, ...] = ()
    failure: str = ""
    monitor: tuple[str, ...] = ()
    reversible: bool = True
