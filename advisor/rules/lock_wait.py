"""Statements that stand still because another transaction holds what they need.

## What it finds

Statements that waited for a lock for deadlock_timeout (a second by default) or longer, and deadlocks, as the log tells
them with log_lock_waits on.

## Why it matters

A waiting statement costs no CPU and shows in no plan, but its user waits, its connection is taken, and what comes after
it in the lock's queue waits too. No index cures it.

## Example

    BEGIN;
    UPDATE stock SET reserved = reserved + 1 WHERE product_id = 42;  -- then a call to a payment provider, 3 s
    COMMIT;

## Instead

Hold locks as briefly as possible: slow calls before BEGIN or after COMMIT, the contended row last. Take several rows in
one order everywhere (by key), which rules deadlocks out. A queue of jobs: FOR UPDATE SKIP LOCKED. A counter that all
increment: insert rows and sum them. DDL: lock_timeout and another try, so that it does not stop the queue behind it.

## When it is wrong

When the waiting is wanted: an advisory lock that makes jobs take turns, a migration in a window made for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.finding import Confidence, EvidenceValue, Finding, Rule
from advisor.model.workload import LockWait
from advisor.ports import Study
from advisor.rules import _load

RULE = Rule.of(__name__, "Waiting for locks", ("postgresql",), ("events",))

_HELD = {"row": "for rows that other transactions had locked", "table": "for locks on tables"}


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding a statement and kind of lock."""
    for wait in study.workload.lock_waits:
        yield _finding(study, wait)


def _finding(study: Study, wait: LockWait) -> Finding:
    query = study.workload.by_fingerprint.get(wait.shape)
    command = wait.text.split(None, 1)[0].upper() if wait.text else "A statement"
    tables = query.shape.tables if query else ()
    where = f" on {tables[0].name}" if tables else ""
    said = []
    if wait.waits:
        held = _HELD.get(wait.lock, f"for a lock ({wait.lock or 'of unknown kind'})")
        times = "once" if wait.waits == 1 else f"{wait.waits:,} times"
        longest = "" if wait.waits == 1 else f", {wait.longest_ms / 1000:,.1f} s at the longest"
        said.append(f"waited {times} {held}, {wait.waited_ms / 1000:,.1f} s{' in all' if longest else ''}{longest}")
    if wait.deadlocks:
        said.append(f"was ended by {wait.deadlocks:,} deadlock{'s' if wait.deadlocks > 1 else ''}")
    told: dict[str, EvidenceValue] = {
        "waits": wait.waits,
        "waited (ms)": round(wait.waited_ms, 1),
        "longest wait (ms)": round(wait.longest_ms, 1),
        "waited for": wait.lock or "unknown",
        "deadlocks": wait.deadlocks,
    }
    if wait.text:
        told["statement"] = wait.text
    return Finding(
        rule=RULE.name,
        severity=_load.severity(study, wait.waited_ms),
        confidence=Confidence.HIGH,
        message=f"{command}{where} {' and '.join(said)}.",
        tables=tables[:1],
        shapes=(wait.shape,) if wait.shape else (),
        count=wait.waits + wait.deadlocks,
        evidence=told,
        location=query.call_sites[0] if query and query.call_sites else None,
    )
