"""Why a candidate was not chosen, in plain words with figures."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.catalog import Index, TableName
from advisor.model.recommendation import Candidate, Declined
from advisor.ports import Options
from advisor.recommend._engine import UNSURE, Advice
from advisor.recommend._figures import megabytes, milliseconds
from advisor.recommend.candidates import label

UNUSED_SHOWN = 8
"""Candidates of one table that no plan used are named up to this number, and counted beyond it."""


def declined(advice: Advice, options: Options) -> Iterator[Declined]:
    """Yield one Declined for each candidate that was priced and not chosen."""
    chosen = set(advice.chosen)
    idle: dict[TableName, list[Candidate]] = {}
    for candidate in advice.candidates:
        if candidate.index in chosen:
            continue
        if label(candidate.index) not in advice.names:
            idle.setdefault(candidate.index.table, []).append(candidate)
            continue
        yield _declined(candidate, why_not(advice, candidate.index, options))
    for table, candidates in sorted(idle.items()):
        yield from _idle(advice, table, candidates)


def _idle(advice: Advice, table: TableName, candidates: list[Candidate]) -> Iterator[Declined]:
    refused = [candidate for candidate in candidates if candidate.index in advice.pricer.refused]
    for candidate in refused:
        yield _declined(candidate, f"the planner could not build it: {advice.pricer.refused[candidate.index]}")
    candidates = [candidate for candidate in candidates if candidate not in refused]
    for candidate in candidates[:UNUSED_SHOWN]:
        queries = len(candidate.shapes)
        whose = "the one query that it was made for" if queries == 1 else f"any of its {queries} queries"
        yield _declined(candidate, f"the planner ({advice.planner}) would not use it for {whose}")
    if rest := candidates[UNUSED_SHOWN:]:
        shapes = tuple(sorted({shape for candidate in rest for shape in candidate.shapes}))
        reason = f"the planner ({advice.planner}) would not use them for any query"
        yield Declined(f"{len(rest)} more column orders on {table}", reason, tables=(table,), shapes=shapes)


def _declined(candidate: Candidate, reason: str) -> Declined:
    return Declined(label(candidate.index), reason, tables=(candidate.index.table,), shapes=candidate.shapes)


def why_not(advice: Advice, index: Index, options: Options) -> str:
    """The strongest reason why ``index``, which some plan would use, is not among the chosen."""
    key, table = label(index), advice.table
    size = table.sizes[key]
    if options.budget_bytes is not None and size > options.budget_bytes:
        return f"it would take {megabytes(size)}, more than the whole budget of {megabytes(options.budget_bytes)}"
    if index in advice.refused:
        return (
            f"keeping it up would slow writes by {milliseconds(advice.upkeep(index))} over the window, "
            f"beyond --max-regression {options.max_regression:.0%}, and it gives back too little for that"
        )
    alone = table.saving(key, frozenset())
    if (best := _best_relative(advice, key)) < options.min_improvement:
        return f"it saves {best:.1%} of a query at most, below --min-improvement {options.min_improvement:.0%}"
    if best < UNSURE and _only_guessed(advice, key):
        return (
            f"it saves {best:.0%} of a query at most, and that only by the planner's guess for a range whose bounds "
            "are unknown; capture with --keep-values to know better"
        )
    everything = frozenset(advice.selection.chosen)
    if alone <= 0:
        share = advice.standing_share(index)
        kept = advice.upkeep(index)
        return (
            f"it saves {_amount(advice, alone + table.charges.get(key, 0.0))} over the window, less than "
            + (f"the {milliseconds(kept)} that writes would pay for it plus " if kept else "")
            + f"{share:.2%} of the workload's cost, which any such index must earn"
        )
    if (more := table.saving(key, everything)) <= 0:
        return _beaten(advice, key, alone)
    limits = _limits(options)
    return (
        f"it would save {_amount(advice, more)} more over the window, but {limits} is spent on indexes that save more"
    )


def _only_guessed(advice: Advice, key: str) -> bool:
    return set(advice.table.served(key)) <= advice.unsure


def _limits(options: Options) -> str:
    if options.max_indexes is not None:
        return f"--max-indexes {options.max_indexes}"
    if options.max_per_table is not None:
        return f"--max-per-table {options.max_per_table}"
    if options.budget_bytes is not None:
        return f"the budget of {megabytes(options.budget_bytes)}"
    return f"less than --min-improvement {options.min_improvement:.0%} of any query is left for it: the room"


def _beaten(advice: Advice, key: str, alone: float) -> str:
    table = advice.table
    served = table.served(key)
    gain: dict[str, float] = {}
    for query in served:
        best = min(
            (used for used in table.sets[query] if used <= frozenset(advice.selection.chosen)),
            key=lambda used: (table.sets[query][used], sorted(used)),
            default=frozenset(),
        )
        for other in best:
            gain[other] = gain.get(other, 0.0) + table.weight(query)
    if not gain:
        return f"alone it would save {_amount(advice, alone)} over the window, the chosen ones together leave nothing"
    winner = min(gain, key=lambda other: (-gain[other], other))
    others = len(set(table.served(winner)) - set(served))
    also = f", which also serves {others} other {'query' if others == 1 else 'queries'}" if others else ""
    return f"lost to {winner}{also}; beside it this one saves nothing more"


def _best_relative(advice: Advice, key: str) -> float:
    """The largest part of any one query's cost that an index set holding ``key`` saves over the set without it."""
    best = 0.0
    for query in advice.table.served(key):
        base, sets = advice.table.base[query], advice.table.sets[query]
        for used, cost in sets.items():
            if key in used:
                without = min([base, *(c for other, c in sets.items() if other <= used - {key})])
                best = max(best, (without - cost) / without if without > 0 else 0.0)
    return best


def _amount(advice: Advice, weighted: float) -> str:
    if advice.calibration.median is None:
        return f"{weighted / max(advice.selection.before, 1e-9):.1%} of the planner's cost"
    return milliseconds(weighted)
