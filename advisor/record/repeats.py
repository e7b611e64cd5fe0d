"""What a single test or request repeats: counted in the process, statement by statement claimed by one finding.

The order of claims is that of the in-process detectors (research page, 6): lazy loads first, then loads of columns,
then what is left and repeats from the same line.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from advisor.record.events import Recorded
from advisor.record.hooks_sqlalchemy import EAGER

LAZY, COLUMNS, LOOP, IDENTICAL = "lazy load", "column load", "query in a loop", "repeated query"
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
    """What is repeated at least ``threshold`` times, in the order of the files."""
    groups: dict[tuple[str, str, str, str, int], list[Recorded]] = {}
    for event in statements(events):
        if event.relation == EAGER or event.error:
            continue
        if event.relation.endswith(".*"):
            key = (COLUMNS, event.relation, event.file, event.function, 0)
        elif event.relation:
            key = (LAZY, event.relation, event.file, event.function, 0)
        elif _reads(event.text):
            key = (LOOP, event.text, event.file, event.function, event.line)
        else:
            continue
        groups.setdefault(key, []).append(event)
    return sorted(
        (_repeat(key[0], key[1], found) for key, found in groups.items() if len(found) >= threshold),
        key=lambda repeat: (repeat.file, repeat.line, repeat.kind, repeat.relation),
    )


def _repeat(kind: str, relation: str, found: Sequence[Recorded]) -> Repeat:
    first = found[0]
    if kind == LOOP:
        kind = IDENTICAL if len({event.parameters for event in found}) == 1 else LOOP
        relation = ""
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
            "ruleId": "n-plus-one-burst" if repeat.kind != IDENTICAL else "repeated-identical-query",
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
    rules = [{"id": name} for name in ("n-plus-one-burst", "repeated-identical-query")]
    run = {"tool": {"driver": {"name": "query-advisor", "rules": rules}}, "results": results}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=1)
