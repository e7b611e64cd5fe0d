"""The lines below a node in EXPLAIN's text form, under the names that the JSON form gives them."""

from __future__ import annotations

import re
from typing import Any

_PAIR = re.compile(
    r"(?P<name>Sort Method|Disk Usage|Disk|Memory Usage|Memory|Batches|Buckets|Peak Memory|Average Memory"
    r"|Maximum Storage|Storage|Hits|Misses|Evictions|Overflows|Full-sort Groups|Pre-sorted Groups):\s*"
    r"(?P<value>[a-z][a-z -]*[a-z]|[A-Z][a-z]+\b|\d+)(?:kB)?(?:\s*\(originally (?P<original>\d+)\))?"
)
_COUNT = re.compile(r"(?P<name>[a-z]+)=(?P<value>[\d.]+)")
_WORKER = re.compile(r"Worker \d+\Z")
_MEASURES = frozenset([
    "Sort Method", "Batches", "Buckets", "Storage", "Hits", "Full-sort Groups", "Pre-sorted Groups", "Memory Usage",
])  # fmt: skip
_LISTS = frozenset(["Sort Key", "Group Key", "Presorted Key", "Output"])


def properties(name: str, value: str) -> dict[str, Any]:
    """Turn ``name: value`` into one or more properties of the JSON form.

    >>> properties("Sort Method", "external merge  Disk: 34280kB")
    {'Sort Method': 'external merge', 'Sort Space Type': 'Disk', 'Sort Space Used': '34280'}
    """
    if name == "Buffers":
        return _buffers(value)
    if name == "Heap Blocks":
        return {f"{part['name'].title()} Heap Blocks": part["value"] for part in _COUNT.finditer(value)}
    if name in _MEASURES:
        return _measures(f"{name}: {value}")
    if _WORKER.match(name):
        return {"Workers": [_measures(value)]}
    if name in _LISTS:
        return {name: split(value)}
    return {name: value}


def _buffers(value: str) -> dict[str, Any]:
    """``shared hit=1 read=2, temp read=3 written=4``."""
    found: dict[str, Any] = {}
    for part in value.split(","):
        kind = part.strip().partition(" ")[0].title()
        for count in _COUNT.finditer(part):
            found[f"{kind} {count['name'].title()} Blocks"] = count["value"]
    return found


def _measures(line: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    hashed = "Buckets" in line
    for part in _PAIR.finditer(line):
        name, value = part["name"], part["value"]
        if name in ("Disk", "Memory"):
            found |= {"Sort Space Type": name, "Sort Space Used": value}
        elif name in ("Batches", "Buckets"):
            prefix = "Hash" if hashed else "HashAgg"
            found[f"{prefix} {name}"] = value
            if part["original"]:
                found[f"Original {prefix} {name}"] = part["original"]
        elif name == "Memory Usage":
            found["Peak Memory Usage"] = value
        else:
            found[name] = value
    return found


def split(keys: str) -> list[str]:
    """Split at the commas that stand outside parentheses, brackets and quotes.

    >>> split("a DESC, f(b, c), 'x,y'::text")
    ['a DESC', 'f(b, c)', "'x,y'::text"]
    """
    parts, depth, quote, start = [], 0, "", 0
    for position, char in enumerate(keys):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(keys[start:position].strip())
            start = position + 1
    return [*parts, keys[start:].strip()]
