"""The choice alone, on published cost tables: what ``choose`` reaches within storage budgets, and how fast.

Run: ``python -m tests.benchmarks.selection FILE [MB ...]`` where FILE is a ``cophy_ampl_data_*.txt`` of the Hasso
Plattner Institute's index_selection_evaluation (folder ``benchmark_results``). The exact optima for its three tables,
in percent of the cost without indexes: TPC-H 500 MB 97.33, 2000 MB 81.28, 10000 MB 67.63; TPC-DS 500 MB 88.18,
2000 MB 80.59, 10000 MB 74.78; JOB 250 MB 86.53, 2000 MB 53.20, 8000 MB 28.54.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

from advisor.recommend.cost_table import CostTable
from advisor.recommend.selection import choose

MEGABYTE = 1_000_000
BUDGETS = (250, 500, 1000, 2000, 2500, 5000, 8000, 10_000)


def read(path: Path) -> CostTable:
    """Read sizes (``param a``), index sets (``set combi[n]``) and costs (query, set, cost; set 0 is none)."""
    sizes: dict[str, float] = {}
    sets: dict[str, tuple[str, ...]] = {"0": ()}
    rows: list[tuple[str, tuple[str, ...], float]] = []
    queries: set[str] = set()
    for line in path.read_text().splitlines():
        if match := re.match(r"set QUERIES := ([\d ]+)", line):
            queries.update(match[1].split())
        elif match := re.match(r"set combi\[(\d+)\]\s*:=([\d ]*)", line):
            sets[match[1]] = tuple(match[2].split())
        elif match := re.match(r"(\d+) (\d+) ([\d.]+);?$", line):
            rows.append((match[1], sets[match[2]], float(match[3])))
        elif match := re.match(r"(\d+) (\d+)", line):
            sizes[match[1]] = float(match[2])
    return CostTable.of([row for row in rows if row[0] in queries], sizes)


def main() -> None:
    """Print one line a budget."""
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    table = read(Path(sys.argv[1]))
    print(f"{len(table.base)} queries, {len(table.sizes)} indexes, {sum(map(len, table.sets.values())):,} priced sets")
    for budget in [int(word) for word in sys.argv[2:]] or BUDGETS:
        started = time.perf_counter()
        selection = choose(table, budget * MEGABYTE)
        print(
            f"{budget:6} MB {selection.relative:8.2%}  at least {selection.bound / selection.before:8.2%}  "
            f"{len(selection.chosen):3} indexes  {time.perf_counter() - started:6.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
