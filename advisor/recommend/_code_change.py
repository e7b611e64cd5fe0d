"""What recommendations of code share: which ORM wrote the statements, what the change costs, and how it is checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from advisor.model.catalog import Catalog, TableName
from advisor.model.finding import Confidence
from advisor.model.impact import MigrationImpact
from advisor.model.recommendation import Benefit, CodeChange, Method, Recommendation, RewriteQuery
from advisor.model.shape import QueryShape
from advisor.model.workload import Burst, CallSite, Workload
from advisor.ports import Study
from advisor.recommend._naming import identifier, listed

BASIS = (
    "Time between the statements' ends, less the batch that replaces them: its slowest member plus a quarter of the "
    "server time of all, and one round trip a batch. Application work in between counts as saved: an upper bound."
)


def orm_of(texts: Iterable[str], tags: Iterable[str] = ()) -> str:
    """The ORM that wrote the statements, by its way of quoting and naming; empty when it is not clear.

    Django and Rails quote every identifier, Rails selects ``"books".*`` and Prisma names the schema; SQLAlchemy quotes
    only where it must, qualifies every column and casts parameters (asyncpg, psycopg 3). Seen in logs of each.
    """
    joined = "\n".join(texts)
    if re.search(r'SELECT "\w+"\."\w+"\."\w+"', joined):
        return "prisma"
    if re.search(r'SELECT\s+(DISTINCT )?"\w+"\.\*', joined):
        return "rails"
    if re.search(r'SELECT\s+.*"\w+"\."\w+"', joined):
        return "django"
    return "sqlalchemy" if re.search(r"SELECT\s+\w+\.\w+(, \w+\.\w+)*\s+FROM", joined) else ""


def benefit(bursts: Sequence[Burst], workload: Workload, before: float, after: float) -> Benefit:
    """The saving of all of ``bursts`` together, scaled to a day."""
    return Benefit(
        method=Method.ESTIMATED,
        planner="order of events",
        ms_saved_per_day=workload.per_day(sum(burst.saved_ms or 0.0 for burst in bursts)),
        ms_saved_low=workload.per_day(sum(burst.saved_low_ms or 0.0 for burst in bursts)),
        ms_saved_high=workload.per_day(sum(burst.saved_high_ms or 0.0 for burst in bursts)),
        queries_before=before,
        queries_after=after,
        basis=BASIS,
    )


def confidence(bursts: Sequence[Burst]) -> Confidence:
    """The least sure of them decides."""
    least = min(burst.confidence for burst in bursts)
    return Confidence.HIGH if least >= 0.8 else Confidence.MEDIUM if least >= 0.6 else Confidence.LOW


def place(bursts: Iterable[Burst]) -> CallSite | None:
    """Where the loop stands, else where the parent is read."""
    found = list(bursts)
    return next((s for b in found for s in b.call_sites), None) or next(
        (s for b in found for s in b.parent_call_sites), None
    )


def places(bursts: Iterable[Burst]) -> str:
    """A sentence that names the places in the code and the routes; empty when nothing told them."""
    found = list(bursts)
    sites = list(dict.fromkeys(str(site) for burst in found for site in burst.call_sites))
    parents = [str(site) for burst in found for site in burst.parent_call_sites]
    routes = list(dict.fromkeys(route for burst in found for route in burst.routes))
    sentences = []
    if sites:
        sentences.append(f"The loop stands at {listed(sites[:3])}.")
    if parents and parents[0] not in sites:
        sentences.append(f"The list is read at {parents[0]}.")
    if routes:
        sentences.append(f"Seen on {listed(routes[:3])}.")
    return " ".join(sentences)


def unindexed(bursts: Iterable[Burst], catalog: Catalog) -> list[str]:
    """Key columns of children that no index begins with: one statement for all keys would scan once, not never."""
    found = []
    for burst in bursts:
        table: TableName | None = burst.link_table or burst.child_table
        known = catalog.by_name.get(table) if table else None
        if known is None or not burst.child_columns:
            continue
        keys = set(burst.child_columns)
        if not any(index.valid and set(index.keys[: len(keys)]) == keys for index in known.indexes):
            found.append(f"{known.name.name} ({', '.join(burst.child_columns)})")
    return list(dict.fromkeys(found))


def code_impact(summary: str, missing: Sequence[str], caveats: Sequence[str]) -> MigrationImpact:
    """The note for a change of code: no lock, no build; memory, and the index that it still needs."""
    needed = [
        f"{column} has no index: the one statement still scans the table once; add the index too." for column in missing
    ]
    return MigrationImpact(
        summary=summary,
        preflight=tuple(needed),
        caveats=tuple(caveats),
        rollback=("Revert the commit; the database is not changed.",),
        failure="Nothing in the database can be left half done.",
        monitor=("Statements per request and the time of the route, before and after the release.",),
    )


def rewrites(study: Study, pattern: str) -> Iterator[tuple[Burst, QueryShape]]:
    """The bursts of a pattern in PostgreSQL, each with the shape that repeats."""
    if study.capture.server.product != "postgresql":
        return
    for burst in study.workload.bursts:
        query = study.workload.by_fingerprint.get(burst.child)
        if burst.pattern == pattern and query is not None:
            yield burst, query.shape


@dataclass(frozen=True, kw_only=True)
class Rewrite:
    """What a remedy for one repeated statement says; ``repeats`` follows "runs n times a request" in the problem.

    ``after``: statements a unit of work that are left; ``statement``: the code or SQL to take.
    """

    title: str
    statement: str
    changes: tuple[CodeChange, ...]
    after: float
    repeats: str
    root_cause: str
    solution: str
    caveat: str
    risk: str
    acceptance: str
    verification: str = "Count the statements of a unit of work before and after."
    missing: tuple[str, ...] = ()


def recommendation(study: Study, burst: Burst, shape: QueryShape, rewrite: Rewrite) -> Recommendation:
    """The recommendation of a change of code for one burst without a relation."""
    text = " ".join(shape.text.split())
    return Recommendation(
        id=identifier("rewrite_query", str(burst.child_table or ""), burst.child),
        title=rewrite.title,
        action=RewriteQuery(text, rewrite.statement, rewrite.changes),
        statement=rewrite.statement,
        tables=(burst.child_table,) if burst.child_table else (),
        problem=f"`{text}` runs {burst.per_unit:g} times a {burst.unit_kind.value}{rewrite.repeats} "
        f"({burst.executions} executions in {burst.units}). {places([burst])}".strip(),
        root_cause=rewrite.root_cause,
        solution=rewrite.solution,
        benefit=benefit([burst], study.workload, burst.per_unit, rewrite.after),
        migration_impact=code_impact(
            "A change of code: no lock, no build, nothing to migrate.", rewrite.missing, (rewrite.caveat,)
        ),
        risks=(rewrite.risk,),
        verification=(rewrite.verification,),
        acceptance=(rewrite.acceptance,),
        shapes=(burst.child,),
        rules=(burst.pattern,),
        confidence=confidence([burst]),
        location=place([burst]),
    )
