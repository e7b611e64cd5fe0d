"""What a senior DBA would write beside a MongoDB index: the problem, its cause, the remedy, preconditions, proof."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from advisor.model.catalog import Index, Table
from advisor.model.mongosh import collection, key_document, script
from advisor.model.workload import Query, Workload
from advisor.recommend._esr import Wish
from advisor.shape.mql_effort import Effort, effort_of
from advisor.shape.mql_indexes import hint_of

SHOWN = 3
MAX_TEXT = 200
MAX_INDEXES = 64
"""Indexes that a collection may have (manual, "MongoDB Limits and Thresholds")."""
MANY_INDEXES = 20
"""Above this every write pays more than most reads win (MongoDB's own guidance for agents: generally not more)."""


def keys(index: Index) -> str:
    """``{status: 1, created_at: -1}``."""
    return script(key_document(index))


def shortened(text: str) -> str:
    """One line."""
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def problem(queries: Sequence[Query], workload: Workload) -> str:
    """What hurts: calls, time, what is examined for what is returned."""
    sentences = [f"{_burden(query, workload)}: {examined(effort_of(query))} `{shortened(query.shape.text)}`"
                 for query in queries[:SHOWN]]  # fmt: skip
    if len(queries) > SHOWN:
        sentences.append(f"{len(queries) - SHOWN} more queries gain too")
    return ". ".join(sentences) + "."


def _burden(query: Query, workload: Workload) -> str:
    share = f", {query.stats.total_ms / workload.total_ms:.0%} of all time" if workload.total_ms else ""
    return f"{query.stats.calls:,} calls took {query.stats.total_ms:,.0f} ms{share}"


def examined(effort: Effort | None) -> str:
    """What one call examines and returns."""
    if effort is None:
        return "what it examines was not recorded:"
    way = "a collection scan" if effort.collection_scan else "an index scan"
    returned = "" if effort.returned is None else f" for {effort.returned:,.1f} returned"
    sort = ", and sorts them in memory" if effort.sorted_in_memory else ""
    return f"{way} examines {effort.examined:,.0f} keys or documents{returned}{sort}:"


def root_cause(index: Index, wishes: Sequence[Wish], table: Table | None) -> str:
    """Why it hurts."""
    fields = ", ".join(sorted({name for wish in wishes for name in wish.equal})) or index.keys[0]
    sorts = any(wish.sorts for wish in wishes)
    foreign = any(wish.foreign for wish in wishes)
    what = "the joined field" if foreign else f"the fields {fields} together" if "," in fields else fields
    told = f"No index of {index.table.name} begins with {what}"
    if table is not None and table.indexes:
        names = ", ".join(i.name + (" (hidden)" if i.options.get("hidden") == "true" else "") for i in table.indexes)
        told += f" (there are {names})"
    return told + (", in the order in which the query sorts." if sorts else ".")


def solution(index: Index, wishes: Sequence[Wish]) -> str:
    """The remedy and why its keys stand in this order."""
    equal = [name for name in index.keys if any(name in wish.equal for wish in wishes)]
    sort = [name for name in index.keys if any(wish.sorts and name in dict(wish.ordered) for wish in wishes)]
    covered = sorted({name for wish in wishes for name in wish.covering if name in index.keys})
    rest = [name for name in index.keys if name not in {*equal, *sort, *covered}]
    parts = []
    if equal:
        parts.append(f"{', '.join(equal)} first, because they are compared for equality")
    if sort:
        parts.append(f"{', '.join(sort)} in the order of the sort, so that nothing is sorted in memory")
    if rest:
        parts.append(f"{', '.join(rest)} last, because a range or a negation ends what the keys after it can narrow")
    if covered:
        parts.append(f"{', '.join(covered)} so that the index answers alone and no document is fetched")
    if index.options.get("sparse") == "true":
        parts.append("sparse, because the queries ask for documents that have the field")
    return f"Create {keys(index)} on {index.table.name}: " + "; ".join(parts) + "."


def risks(index: Index, table: Table | None, wishes: Sequence[Wish]) -> Iterator[str]:
    """What to know before it is applied: preconditions first."""
    if len(index.columns) > 1:
        known = sorted({name for wish in wishes for name in wish.arrays})
        if known:
            yield f"{', '.join(known)} holds arrays: no other field of this index may hold one in a document (171)."
        else:
            yield (
                "Precondition: at most one of these fields holds an array in any document; "
                "two make the build and later inserts fail (CannotIndexParallelArrays, 171)."
            )
    tested = sorted({name for wish in wishes for name in wish.tested} & set(index.keys))
    if tested:
        yield (
            f"The regular expression on {', '.join(tested)} is tested on keys instead of documents, it does not seek: "
            "a normalised copy of the field, compared for equality, or a text index would."
        )
    if index.options.get("collation"):
        yield "It serves queries of this collation only; others on the same fields do not use it for strings."
    if index.options.get("sparse") == "true":
        yield "A sparse index does not hold documents without the field: counts and sorts over all documents ignore it."
    if table is None:
        yield "No catalog was given: see first that no such index, hidden or not, is there already."
    elif len(table.indexes) >= MANY_INDEXES:
        yield f"{table.name.name} has {len(table.indexes)} indexes already (limit {MAX_INDEXES}): drop some first."
    writes = table.usage.updates if table else None
    told = f" ({writes:,} writes counted so far)" if writes else ""
    yield f"Every insert and delete, and every update of these fields, maintains one more index{told}."


def hints(queries: Sequence[Query]) -> Iterator[str]:
    """Queries that insist on an index by a hint use no other."""
    for hint in sorted({str(found) for query in queries if (found := hint_of(query.shape))}):
        yield f"A query insists on {hint} by a hint: take it out of the code, or the new index is not used."


def verification(index: Index, queries: Sequence[Query]) -> Iterator[str]:
    """How to see that it works."""
    place = collection(index.table)
    yield f"{place}.getIndexes() lists {index.name}."
    if queries:
        yield (
            "Explain one of the queries with verbosity queryPlanner: the winning plan has IXSCAN with indexName "
            f"{index.name}; `{shortened(queries[0].shape.text)}`"
        )
    yield f"{place}.aggregate([{{$indexStats: {{}}}}]) counts uses of {index.name} on every member."


def acceptance(queries: Sequence[Query], wishes: Sequence[Wish]) -> Iterator[str]:
    """When it may be called a success."""
    for query in queries[:SHOWN]:
        sort = any(wish.sorts for wish in wishes if wish.fingerprint == query.shape.fingerprint)
        found = effort_of(query)
        goal = "keys and documents examined are of the order of the documents returned"
        now = f" (now {found.examined:,.0f} for {found.returned:,.1f})" if found and found.returned is not None else ""
        yield f"For `{shortened(query.shape.text)}` {goal}{now}" + (", without a SORT stage." if sort else ".")
