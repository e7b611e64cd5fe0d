"""How good is the index advice for queries drawn by chance? Some hundreds of probes a seed, by kind.

    python -m tests.benchmarks.mongo_oracle_random SEED [--each 8] [--kind eq-sort …] [--label] [--misses]

The probes are those of ``mongo_index_random``; for each the model of the server's scans (``mongo_index_model``) tells
the effort of every index over up to four of its fields, and the least of them is its label. ``--label`` finds the
labels alone, without asking the advisor; they are kept in the folder for temporary files, by seed. Good: at most 1.2 x
the least effort (+ 20), as in the recorded oracle's ``score.py``.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from tests.benchmarks.mongo_index_probe import Key, Probe
from tests.benchmarks.mongo_index_random import probes
from tests.benchmarks.mongo_oracle_unseen import command_of, extended, judged_by, least

Label = tuple[float, list[Key]]


def asked(probe: Probe) -> str:
    """The probe as text, by which its label is found again."""
    return json.dumps([probe.collection, command_of(probe), probe.limit], default=extended)


def labels(made: dict[str, Probe], kept: Path) -> dict[str, Label]:
    """The least effort of each probe and the index set that has it; found ones are added to ``kept``."""
    known: dict[str, Any] = {}
    if kept.exists():
        known = dict(map(json.loads, kept.read_text(encoding="utf-8").splitlines()))
    with kept.open("a", encoding="utf-8") as lines:
        for probe in sorted(made.values(), key=lambda probe: probe.collection):
            if (text := asked(probe)) not in known:
                known[text] = least(probe)
                lines.write(json.dumps([text, known[text]]) + "\n")
                lines.flush()
    found = {name: known[asked(probe)] for name, probe in made.items()}
    return {name: (effort, [tuple((f, w) for f, w in key) for key in keys]) for name, (effort, keys) in found.items()}


def main() -> int:
    """Print each kind's figure and the misses; the exit status says whether 95 % are good and none is not picked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("seed", type=int)
    parser.add_argument("--each", type=int, default=8, help="probes of each kind")
    parser.add_argument("--kind", nargs="*", default=[], help="only these kinds")
    parser.add_argument("--label", action="store_true", help="find the labels alone")
    parser.add_argument("--misses", action="store_true", help="print each probe that is not good")
    given = parser.parse_args()
    gc.disable()  # the entries of indexes are millions of tuples, none of them in a circle
    made = {name: probe for name, probe in probes(given.seed, given.each).items()
            if not given.kind or name.rpartition("-")[0] in given.kind}  # fmt: skip
    known = labels(made, Path(tempfile.gettempdir()) / f"mongo_oracle_random_{given.seed}.jsonl")
    if given.label:
        return 0
    counts: dict[str, Counter[str]] = {}
    for name, probe in sorted(made.items(), key=lambda pair: pair[1].collection):
        verdict, told = judged_by(probe, *known[name])
        counts.setdefault(name.rpartition("-")[0], Counter())[verdict] += 1
        if given.misses and verdict != "good":
            print(f"{name:18} {verdict:10} {told}\n    {asked(probe)[:400]}", flush=True)
    for kind, found in sorted(counts.items()):
        print(
            f"{kind:16} {found['good']:>3} of {found.total():>3}  {dict(sorted((found - Counter(good=9**9)).items()))}"
        )
    total = sum(counts.values(), Counter())
    good = total["good"] / total.total()
    print(f"{total['good']} of {total.total()} good ({good:.1%}), {total['not picked']} not picked")
    return 0 if good >= 0.95 and not total["not picked"] else 1


if __name__ == "__main__":
    sys.exit(main())
