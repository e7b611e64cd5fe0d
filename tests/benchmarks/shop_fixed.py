"""What the exported migrations do to the time of the sample shop's statements, in the log of the same work after them.

Run: ``python -m tests.benchmarks.shop_fixed``. Prints the database's time before and after, and every statement whose
median grew by more than half. The bar: a tenth of the time, no such statement.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.acceptance.sample_shop import running
from tests.acceptance.test_shop_postgres_fixed import by_text, migrated

NOISE_MS = 1.0
"""What a statement's median may differ by between two runs for reasons of its own."""


def main() -> int:
    """Print the comparison; 1 when something misses the bar."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as shop:
        before, after = shop.report, migrated(shop, Path(folder))
    ratio = before.workload.total_ms / after.workload.total_ms
    print(f"{before.workload.total_ms:,.0f} ms before, {after.workload.total_ms:,.0f} ms after: {ratio:.1f} times")
    old, new = by_text(before), by_text(after)
    slower = 0
    for fingerprint in old.keys() & new.keys():
        was, now = old[fingerprint].stats.p50_ms or 0.0, new[fingerprint].stats.p50_ms or 0.0
        if now > 1.5 * was + NOISE_MS:
            slower += 1
            print(f"{was:.2f} ms became {now:.2f} ms: {new[fingerprint].shape.text}")
    print(f"{slower} of {len(old.keys() & new.keys())} statements slower")
    return int(ratio < 10 or slower > 0)


if __name__ == "__main__":
    sys.exit(main())
