"""What a senior DBA would write beside an index: the problem, its cause, the remedy, the risks, the proof."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.model.catalog import Catalog, Index, Table
from advisor.model.ddl import create_index, drop_index, qualified
from advisor.model.plan import Access, Plan
from advisor.model.recommendation import ShapeBenefit
from advisor.model.workload import Query, Workload
from advisor.recommend._figures import megabytes, milliseconds
from advisor.recommend._foreign_keys import PREFIX
from advisor.recommend._naming import listed
from advisor.recommend._weights import hot_share, loses_hot, upkeep_ms
from advisor.recommend.candidates import label

SHOWN = 3
MAX_TEXT = 160


def shortened(text: str) -> str:
    """One line of at most :data:`MAX_TEXT` characters."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"


def title(index: Index, benefit: Sequence[ShapeBenefit], catalog: Catalog) -> str:
    """The recommendation in one line."""
    count = len(benefit)
    serves = (
        "a foreign key's check" if all(_is_check(shape) for shape in benefit) else _count(count, "query", "queries")
    )
    method = {"gin": "GIN ", "gist": "GiST ", "brin": "BRIN "}.get(index.method, "")
    which = "partial " if index.predicate else ""
    verb = "speeds up" if count else "serves"
    place, keys = catalog.short_name(index.table), ", ".join(column.sql for column in index.columns)
    return f"Add {'an' if not which + method else 'a'} {which}{method}index on {place} ({keys}): {verb} {serves}"


def _is_check(shape: ShapeBenefit) -> bool:
    return shape.fingerprint.startswith(PREFIX)


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def problem(queries: Sequence[Query], table: Table, before: Sequence[Plan | None], workload: Workload) -> str:
    """What hurts: each query with its calls, time, share of the workload, and what the plan does to the table."""
    sentences = []
    for query, plan in list(zip(queries, before, strict=True))[:SHOWN]:
        sentences.append(
            f"{_burden(query, workload)}: `{shortened(query.shape.text)}`. {_reading(plan, table)}".strip()
        )
    if len(queries) > SHOWN:
        rest = queries[SHOWN:]
        time = sum(query.stats.total_ms for query in rest)
        more = _count(len(rest), "further query is", "further queries are")
        sentences.append(f"{more} slowed down the same way ({milliseconds(time)}).")
    return " ".join(sentences)


def _burden(query: Query, workload: Workload) -> str:
    stats = query.stats
    if query.shape.fingerprint.startswith(PREFIX):
        return (
            f"{_count(stats.calls, 'change', 'changes')} of referenced rows made PostgreSQL look for rows that still "
            f"point to them (constraint {query.shape.fingerprint.rpartition('.')[2]})"
        )
    if not stats.total_ms:
        return f"Run {_count(stats.calls, 'time', 'times')}"
    share = f", {stats.total_ms / workload.total_ms:.1%} of all database time" if workload.total_ms else ""
    return (
        f"Run {_count(stats.calls, 'time', 'times')}, {milliseconds(stats.mean_ms)} each, "
        f"{milliseconds(stats.total_ms)} in total{share}"
    )


def _reading(plan: Plan | None, table: Table) -> str:
    if plan is None:
        return ""
    for node in plan.scans():
        if node.table is None or node.table.name != table.name.name:
            continue
        if node.access is Access.SEQUENTIAL and table.assumed:
            return f"It reads all of {table.name}, however large that is."
        if node.access is Access.SEQUENTIAL:
            return (
                f"It reads all {table.rows:,.0f} rows of {table.name} "
                f"({megabytes(table.pages * 8192)}) to keep about {node.rows:,.0f}."
            )
        if node.index:
            return f"It reads {table.name} through {node.index}, which fits only part of the condition{_sorted(plan)}."
    return ""


def _sorted(plan: Plan) -> str:
    return " and sorts afterwards" if any("Sort" in node.kind for node in plan.nodes()) else ""


def root_cause(index: Index, queries: Sequence[Query], table: Table) -> str:
    """Why it is slow, and where in the code it comes from when that is known."""
    asked = listed(dict.fromkeys(index.keys))
    leading = [existing.name for existing in table.indexes if existing.valid and existing.keys[0] == index.keys[0]]
    if leading:
        reason = (
            f"No index of {table.name} holds {asked} in this order ({listed(leading)} begins alike but stops short)."
        )
    else:
        reason = f"No index of {table.name} begins with {index.keys[0]}."
    sites = dict.fromkeys(str(site) for query in queries for site in query.call_sites)
    places = f" The statements come from {listed(list(sites)[:SHOWN])}." if sites else ""
    return reason + places


def solution(index: Index, planner: str, *, proven: bool, refusal: str = "", assumed: bool = False) -> str:
    """What to build and why in this form; ``assumed``: no size was known."""
    parts = [f"Build {label(index)}."]
    if len(index.columns) > 1:
        parts.append(
            f"{index.columns[0].key} comes first: entries that match it lie together, "
            "and the following keys narrow or order them."
        )
    if index.include:
        ride = "rides" if len(index.include) == 1 else "ride"
        parts.append(f"{listed(index.include)} {ride} along, so that the query is answered without visiting the table.")
    if index.predicate:
        parts.append(f"Only rows with {index.predicate} are kept: every execution asks for just these.")
    if index.method != "btree":
        parts.append(_METHODS.get(index.method, ""))
    if any(column.opclass.endswith("pattern_ops") for column in index.columns):
        parts.append("The pattern operator class lets LIKE 'prefix%' use it under any collation.")
    why = f"{planner} could not build it ({refusal})" if refusal else "No planner was available"
    how = f"{planner} chose it when asked" if proven else f"{why}, so this rests on a rule of thumb"
    if assumed:
        how = f"{planner} chose it over assumed sizes, since the dump tells none: try it in a copy first"
    return " ".join([*parts, f"{how}."])


_METHODS = {
    "gin": "GIN keeps one entry for each element, key or trigram inside the value, which a B-tree cannot.",
    "gist": "GiST is the access method that knows overlap, containment and distance of this type.",
    "brin": "Rows lie in this column's order, so a summary of block ranges, a few pages in size, is enough.",
}


def risks(
    index: Index, writers: Sequence[Query], table: Table, catalog: Catalog, slower: Sequence[ShapeBenefit]
) -> tuple[str, ...]:
    """What gets worse, in figures, and what is not known."""
    found: list[str] = []
    if table.assumed:
        found.append("How large the table is was not known: on a small one the index is of no use.")
    elif unknown := without_statistics(index, table):
        found.append(
            f"No statistics of {listed(unknown)} could be read, so the planner guessed how many rows match: "
            "verify with an account that may SELECT them, or after ANALYZE."
        )
    for query in writers:
        if not (cost := upkeep_ms(query, index, catalog)):
            continue
        text = (
            f"`{shortened(query.shape.text)[:80]}` pays about {milliseconds(cost)} more ({query.stats.calls:,} calls)"
        )
        if query.shape.command == "UPDATE" and loses_hot(query, index, table) and hot_share(query, table) > 0:
            text += (
                f"; it assigns an indexed column, so {hot_share(query, table):.0%} of its updates lose HOT "
                "and write every index of the table"
            )
        found.append(text + ".")
    found.extend(
        f"The plan of {shape.fingerprint} becomes dearer: cost {shape.cost_before:,.0f} -> {shape.cost_after:,.0f}."
        for shape in slower
    )
    if any(column.opclass == "gin_trgm_ops" for column in index.columns):
        found.append(
            "If the pattern always begins with plain characters ('abc%'), a B-tree with text_pattern_ops does the same "
            "and is several times smaller and cheaper to write."
        )
    if len(index.columns) > 3:
        found.append("More than three key columns: check that each of them is needed once the index is in use.")
    found.append("The planner's cost is not time: caching and concurrency decide how much of the gain is seen.")
    return tuple(found)


def without_statistics(index: Index, table: Table) -> list[str]:
    """The key columns of which the capture has no statistics, of a table that has rows."""
    columns = [table.by_column.get(name) for name in index.keys]
    return [column.name for column in columns if column is not None and column.stats is None and table.rows > 0]


def verification(index: Index) -> tuple[str, ...]:
    """Statements to run once it is built."""
    schema, name = index.table.schema.replace("'", "''"), index.name.replace("'", "''")
    analyze = f"ANALYZE {index.table.sql};  -- the planner knows nothing of an expression's values before"
    return (
        *([analyze] if any(column.expression for column in index.columns) else []),
        f"SELECT indisvalid, pg_size_pretty(pg_relation_size(indexrelid)) FROM pg_index "
        f"WHERE indexrelid = '{qualified(index)}'::regclass;",
        f"SELECT idx_scan FROM pg_stat_user_indexes WHERE schemaname = '{schema}' AND indexrelname = '{name}';",
    )


def acceptance(index: Index, benefit: Sequence[ShapeBenefit], queries: Sequence[Query]) -> tuple[str, ...]:
    """When the change counts as done."""
    done = [f"{index.name} exists and is valid (indisvalid = true)."]
    by_print = {query.shape.fingerprint: query for query in queries}
    for shape in benefit[:SHOWN]:
        query = by_print.get(shape.fingerprint)
        if query is None or _is_check(shape) or not query.stats.mean_ms or not shape.cost_before:
            continue
        target = query.stats.mean_ms * max(shape.cost_after / shape.cost_before, 0.0)
        done.append(
            f"`{shortened(query.shape.text)[:80]}` uses it, and its mean time falls from "
            f"{milliseconds(query.stats.mean_ms)} to about {milliseconds(max(target * 2, 0.05))} or less."
        )
    done.append(
        f"idx_scan of {index.name} grows within a day of normal use; if it stays 0, take it back: {undo(index)};"
    )
    return tuple(done)


def undo(index: Index) -> str:
    """The statement that takes it back."""
    return drop_index(index)


def statement(index: Index, table: Table) -> str:
    """CREATE INDEX as it runs on the inspected database; a partitioned table takes no CONCURRENTLY."""
    return create_index(index, concurrently=table.kind != "partitioned table")
