"""Writing one document writes hundreds of keys into an index.

## What it finds

Writes that put at least 500 keys into indexes for one document (the log's and the profiler's `keysInserted`), which
only an index over a large array does: every element of the array is a key of its own.

## Why it matters

The write waits for all of the keys, and each of them is read and written in the cache, journal and on every member. An
array that grows without bound makes each of its documents dearer to write than the one before, up to 16 MB.

## Example

    db.posts.createIndex({"comments.author": 1})
    db.posts.insertOne({comments: [ /* 2,000 of them */ ]})      // keysInserted: 2001

## Instead

Keep the elements as documents of their own, with the parent's key; or index only what is asked for, a bounded part:

    db.comments.createIndex({post: 1, author: 1})

## When it is wrong

When such documents are few and written once, and queries for single elements need the index.
"""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.catalog import Table
from advisor.model.finding import Confidence, Finding, Rule
from advisor.ports import Study
from advisor.rules import _load

MANY = 500
"""Keys for one document; a collection with twenty plain indexes, which is many, has twenty."""

RULE = Rule.of(__name__, "Hundreds of index keys for one document", ("mongodb",), ("plans",))


def find(study: Study) -> Iterator[Finding]:
    """Yield one finding for each."""
    for query in study.workload.queries:
        written = int(query.plan.root.attributes.get("most keys written", "0")) if query.plan is not None else 0
        if written < MANY or query.shape.written is None:
            continue
        name = query.shape.written
        over = _over_arrays(study.catalog.find(name.name, name.schema))
        told = f" ({', '.join(over)} {'is' if len(over) == 1 else 'are'} over arrays)" if over else ""
        yield Finding(
            rule=RULE.name,
            severity=_load.severity(study, query.stats.total_ms),
            confidence=Confidence.HIGH,
            message=f"One document of {name.name} takes {written:,} index keys to write: an index is over a large "
            f"array{told}.",
            tables=(name,),
            shapes=(query.shape.fingerprint,),
            count=query.stats.calls,
            evidence={**_load.evidence(study, [query]), "keys written for a document": written},
            location=next(iter(query.call_sites), None),
        )


def _over_arrays(table: Table | None) -> list[str]:
    """The indexes that a sample of the documents has shown to be over arrays."""
    if table is None:
        return []
    arrays = {column.name for column in table.columns if "array" in column.type.split("|")}
    return [
        index.name
        for index in table.indexes
        if any(key == path or key.startswith(f"{path}.") for key in index.keys for path in arrays)
    ]
