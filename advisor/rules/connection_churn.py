"""A new connection for each request.

## What it finds

A user whose sessions end after less than a second, one and more of them every two seconds, by log_disconnections.

## Why it matters

PostgreSQL starts a process for each connection, which authenticates and fills its caches of catalog and plans anew
(manual, "How Connections Are Established"). That happens before the first statement, is in no statement's time, and
grows with the traffic.

## Example

    connection = psycopg.connect(url)  # in each request

## Instead

Keep connections: the driver's or ORM's pool (SQLAlchemy's QueuePool, Django's CONN_MAX_AGE or psycopg's pool, Rails'
pool), or PgBouncer between many short-lived processes and the server.

## When it is wrong

When these are health checks or cron jobs, or when the application is only ever called once in a while.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.finding import Confidence, Finding, Rule, Severity
from advisor.ports import Study

RULE = Rule.of(__name__, "Connections that live for a request", ("postgresql",), ("events",))

SHORT_S = 1.0
"""A pooled connection lives for minutes at least (SQLAlchemy and HikariCP keep theirs for half an hour and more)."""
PER_MINUTE, HIGH_PER_MINUTE = 30.0, 600.0
"""Fewer are health checks and jobs; ten a second are the traffic itself. Ordinal: no source gives a figure."""


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding a user and database."""
    minutes = max(study.workload.duration_s, 60.0) / 60
    for each in study.workload.sessions:
        rate = each.ended / minutes
        if each.median_s >= SHORT_S or rate < PER_MINUTE:
            continue
        yield Finding(
            rule=RULE.name,
            severity=Severity.HIGH if rate >= HIGH_PER_MINUTE else Severity.MEDIUM,
            confidence=Confidence.HIGH,
            message=(
                f"{each.user or 'A user'} opens {rate:,.0f} connections a minute to {each.database or 'the server'},"
                f" with a median life of {max(each.median_s * 1000, 1):,.0f} ms."
            ),
            count=each.ended,
            evidence={
                "sessions ended": each.ended,
                "a minute": round(rate, 1),
                "median life (ms)": round(each.median_s * 1000, 1),
            },
        )
