"""Lines of a mongod log read in a second: ``python tests/benchmarks/mongo_log_speed.py [COPIES]``.

The recorded shop's log (2,726 lines, slow lines nearly all) is written COPIES times (default 100), its cursors renamed.
"""

from __future__ import annotations

import gzip
import re
import sys
import tempfile
import time
from pathlib import Path

from connectors.mongo.logs import read

LOG = Path(__file__).parents[1] / "cases" / "mongo" / "recorded" / "shop" / "mongod.log.gz"


def main(copies: int) -> None:
    """Print lines a second by the clock, and processor time a line."""
    with gzip.open(LOG) as stream:
        text = stream.read()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mongod.log"
        with path.open("wb") as out:
            for number in range(copies):
                mark = b"%06d" % (100_000 + number)
                out.write(re.sub(rb'("cursorid"|"getMore"):\d{6}', rb"\1:" + mark, text))
        began, used = time.perf_counter(), time.process_time()
        reading = read([path], Path(folder) / "events.parquet")
        passed, worked = time.perf_counter() - began, time.process_time() - used
    print(
        f"{reading.lines:,} lines, {reading.events:,} events in {passed:.1f} s: {reading.lines / passed:,.0f} lines/s; "
    )
    print(f"{worked / reading.lines * 1e6:.1f} µs of processor a line")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
