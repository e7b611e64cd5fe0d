"""Figures as a person says them."""

from __future__ import annotations


def milliseconds(amount: float) -> str:
    """A duration as a person says it.

    >>> milliseconds(0.234), milliseconds(5_300), milliseconds(7_200_000)
    ('0.23 ms', '5.3 s', '2.0 h')
    """
    if abs(amount) < 1_000:
        return f"{amount:.2g} ms" if abs(amount) < 10 else f"{amount:.0f} ms"
    if abs(amount) < 120_000:
        return f"{amount / 1_000:.1f} s"
    if abs(amount) < 7_200_000:
        return f"{amount / 60_000:.1f} min"
    return f"{amount / 3_600_000:.1f} h"


def megabytes(size: float) -> str:
    """A size as a person says it.

    >>> megabytes(16_384), megabytes(90_000_000)
    ('16 kB', '86 MB')
    """
    if size < 1_048_576:
        return f"{size / 1024:.0f} kB"
    if size < 10_737_418_240:
        return f"{size / 1_048_576:.1f} MB" if size < 10_485_760 else f"{size / 1_048_576:.0f} MB"
    return f"{size / 1_073_741_824:.1f} GB"
