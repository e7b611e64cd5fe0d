"""What a single test or request repeats: counted in the process, statement by statement claimed by one finding.

The order of claims is that of the in-process detectors (research page, 6): lazy loads first, then loads of columns,
then what is left and repeats from the same line.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from advisor.record.events import Recorded
from advisor.record.hooks_sqlalchemy import EAGER

LAZY, COLUMNS, LOOP, IDENTICAL = "lazy load", "column load", "query in a loop", "repeated query"
WRITES = "write in a loop"
FEWEST_WRITES = 5
"""Below it the writes of one line are taken for a test's own data, made object by object."""
RULES = {IDENTICAL: "repeated-identical-query", WRITES: "row-by-row-write"}
"""The advisor's rule of a kind, where it is not ``n-plus-one-burst``."""
BORDERS = frozenset(["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"])


@dataclass(frozen=True, slots=True)
class Repeat:
    """One thing repeated. ``key`` leaves out line and count, so that a baseline survives edits."""

    kind: str
    relation: str
    file: str
    line: int
    function: str
    count: int
    text: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """(kind, relation, file, function)."""
        return self.kind, self.relation, self.file, self.function

    @property
    def hint(self) -> str:
        """What to write instead."""
        if self.kind == LAZY:
            many = self.relation.endswith("[]")
            return f".options({'selectinload' if many else 'joinedload'}({self.relation.removesuffix('[]')}))"
        if self.kind == COLUMNS:
            return "undefer() the column, or expire_on_commit=False if the objects outlive a commit"
        if self.kind == WRITES:
            return "one statement for all rows: add_all, bulk_create, bulk_update, executemany"
        if self.kind == IDENTICAL:
            return "ask once before the loop and keep the answer"
        return "one statement for all keys: selectinload, prefetch_related or select_related, or WHERE key = ANY(keys)"

    def __str__(self) -> str:
        what = self.relation.removesuffix("[]") or _shortened(self.text)
        return f"{self.file}:{self.line} ({self.function}): {self.kind}, {self.count} times {what}\n    {self.hint}"


def statements(events: Iterable[Recorded]) -> list[Recorded]:
    """Without the borders of transactions."""
    return [event for event in events if event.text.split(None, 1)[0].upper().rstrip(";") not in BORDERS]


def repeats(events: Sequence[Recorded], threshold: int = 2) -> list[Repeat]:
    """What is repeated at least ``threshold`` times (writes: five times at least), in the order of the files."""
    groups: dict[tuple[str, str, str, str, int], list[Recorded]] = {}
    for event in statements(events):
        if event.relation == EAGER or event.error or event.ignored:
            continue
        groups.setdefault(_claim(event), []).append(event)
    fewest = {WRITES: max(threshold, FEWEST_WRITES)}
    enough = {key: found for key, found in groups.items() if len(found) >= fewest.get(key[0], threshold)}
    scattered = _scattered(groups.keys() - enough.keys(), groups)
    enough |= {key: found for key, found in scattered.items() if len(found) >= threshold}
    return sorted(
        (_repeat(key[0], key[1], found) for key, found in enough.items()),
        key=lambda repeat: (repeat.file, repeat.line, repeat.kind, repeat.relation, repeat.text),
    )


def _claim(event: Recorded) -> tuple[str, str, str, str, int]:
    """The finding that a statement belongs to: (kind, relation or text, file, function, line)."""
    if event.relation:
        kind = COLUMNS if event.relation.endswith(".*") else LAZY
        return kind, event.relation, event.file, event.function, 0
    kind = LOOP if _reads(event.text) else WRITES
    return kind, event.text, event.file, event.function, event.line


def _scattered(
    keys: Iterable[tuple[str, str, str, str, int]], groups: Mapping[tuple[str, str, str, str, int], list[Recorded]]
) -> dict[tuple[str, str, str, str, int], list[Recorded]]:
    """One relation that several functions load, once each: told together."""
    found: dict[tuple[str, str, str, str, int], list[Recorded]] = {}
    for key in sorted(keys):
        if key[0] in (LAZY, COLUMNS):
            found.setdefault((*key[:2], "", "", 0), []).extend(groups[key])
    return found


def _repeat(kind: str, relation: str, found: Sequence[Recorded]) -> Repeat:
    first = found[0]
    if kind in (LOOP, WRITES):
        relation = ""
        if kind == LOOP and len({event.parameters for event in found}) == 1:
            kind = IDENTICAL
    line = Counter(event.line for event in found).most_common(1)[0][0]
    return Repeat(kind, relation, first.file, line, first.function, len(found), first.text)


def _reads(text: str) -> bool:
    return text.lstrip(" (\n\t")[:6].upper() in ("SELECT", "WITH A", "VALUES") or text.lstrip()[:5].upper() == "WITH "


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else line[:119] + "…"


def read_baseline(path: Path) -> set[tuple[str, str, str, str]]:
    """The keys that are known and allowed; none when the file is missing."""
    if not path.exists():
        return set()
    return {(e["kind"], e["relation"], e["file"], e["function"]) for e in json.loads(path.read_text(encoding="utf-8"))}


def write_baseline(path: Path, found: Iterable[Repeat]) -> None:
    """Write the keys of ``found``, sorted."""
    names = ("kind", "relation", "file", "function")
    keys = [dict(zip(names, key, strict=True)) for key in sorted({repeat.key for repeat in found})]
    path.write_text(json.dumps(keys, indent=1) + "\n", encoding="utf-8")


def sarif(found: Iterable[Repeat]) -> str:
    """SARIF 2.1.0 with one result for each distinct key and line."""
    results = [
        {
            "ruleId": RULES.get(repeat.kind, "n-plus-one-burst"),
            "level": "warning",
            "message": {"text": str(repeat)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": repeat.file.replace("\\", "/")},
                        "region": {"startLine": max(repeat.line, 1)},
                    }
                }
            ],
        }
        for repeat in dict.fromkeys(found)
    ]
    rules = [{"id": name} for name in ("n-plus-one-burst", *sorted(RULES.values()))]
    run = {"tool": {"driver": {"name": "query-advisor", "rules": rules}}, "results": results}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=1)
